"""A VRM animation (`.vrma`): one face's motion for any VRM avatar, in glTF with the extension `VRMC_vrm_animation`.

Holds no character. A skeleton in T-pose turns at neck and head; an expression's value is the x of its node's
translation; gaze is the rotation of one node, because the format forbids eye bones and the four look presets. Written
for a VRM, the file names exactly that avatar's expressions, by a table where one was chosen; otherwise the presets and,
as Perfect Sync spells them, all 52 blendshapes. Reference: vrm-c/vrm-specification, `VRMC_vrm_animation-1.0/README.md`.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from commedia.characters.bones import neck_and_head
from commedia.characters.character import Character
from commedia.characters.vrm import OVERRIDDEN, PRESETS_1, Expression
from commedia.conventions import EXPRESSION_COUNT, EXPRESSION_INDEX, EXPRESSION_NAMES, plain_morph
from commedia.face_model.model import Pivots, head_or_default
from commedia.files import AtomicFile, written_aside
from commedia.geometry.gaze import gaze_yaw_pitch
from commedia.geometry.rotations import canonical_wxyz, continuous_wxyz, wxyz_from_yaw_pitch_roll
from commedia.outputs.files.finite import require_finite_params
from commedia.outputs.files.gltf_animation import clip_extras
from commedia.outputs.files.packing import header_of
from commedia.outputs.files.row_spool import RowSpool, SpooledWriter
from commedia.retarget.equivalents import equivalents
from commedia.retarget.expressions import expression_maps
from commedia.retarget.mapping import MorphMap
from commedia.retarget.tables import load_expression_table
from commedia.structures import FaceParams

EXTENSION = "VRMC_vrm_animation"
CLIP_NAME = "commedia"
SKELETON: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    # Every bone that VRM requires, and a neck, as a grown-up of 1.7 m stands: name, parent, metres from the parent.
    ("hips", "", (0.0, 0.95, 0.0)),
    ("spine", "hips", (0.0, 0.1, 0.0)),
    ("neck", "spine", (0.0, 0.4, 0.0)),
    ("head", "neck", (0.0, 0.1, 0.0)),
    *(
        (side + bone, side + parent if parent[0].isupper() else parent, (x * sign, y, z))
        for side, sign in (("left", 1), ("right", -1))
        for bone, parent, (x, y, z) in (
            ("UpperArm", "spine", (0.17, 0.35, 0.0)),
            ("LowerArm", "UpperArm", (0.28, 0.0, 0.0)),
            ("Hand", "LowerArm", (0.25, 0.0, 0.0)),
            ("UpperLeg", "hips", (0.09, -0.05, 0.0)),
            ("LowerLeg", "UpperLeg", (0.0, -0.42, 0.0)),
            ("Foot", "LowerLeg", (0.0, -0.4, 0.0)),
        )
    ),
)
TURNED = ("neck", "head")
LOOK_AT = "lookAt"


@dataclass(frozen=True)
class Channels:
    """Which expressions a file animates, and how blendshapes make them."""

    names: tuple[str, ...]
    preset: tuple[bool, ...]
    from_blendshape: Float[np.ndarray, "x e"]
    gaze: bool
    """Whether the file says where to look; not where the avatar's own expressions turn the eyes already."""
    bias: Float[np.ndarray, " x"]
    clamp: Float[np.ndarray, "x 2"]

    def values(self, blendshapes: Float[np.ndarray, "e"]) -> Float[np.ndarray, " x"]:
        """What each expression is, 0 to 1."""
        return np.clip(self.from_blendshape @ blendshapes + self.bias, self.clamp[:, 0], self.clamp[:, 1])


class VrmaWriter(SpooledWriter):
    """Writes one person's VRM animation."""

    def __init__(
        self,
        path: Path,
        character: Character | None = None,
        rate: Fraction | None = None,
        *,
        start_day_s: Fraction | None = None,
        table: MorphMap | None = None,
        pivots: Pivots | None = None,
    ):
        """Write for one avatar when `character` is a VRM, otherwise for all; `rate` and the timecode of time
        0, `start_day_s`, are only noted in the file.

        `table` is what the avatar plays by, where somebody chose it; `pivots` are the default head's where None.
        """
        self.channels, self._extras = expression_channels(character, table), clip_extras(rate, start_day_s)
        self._pivots = pivots or head_or_default(None).pivots
        super().__init__(path, len(self.channels.names) + 12)

    def add(self, time_s: Fraction, params: FaceParams) -> None:
        """Take one key. Of keys at one time (as glTF's 32-bit seconds tell time) the first is kept."""
        require_finite_params(self.path, time_s, params)
        blendshapes = np.clip(params.expression.astype(np.float64), 0, 1)
        values = self.channels.values(blendshapes)
        neck, head = neck_and_head(canonical_wxyz(params.pose.wxyz.astype(np.float64)))
        # The mean of both eyes: the format knows one direction of gaze.
        gaze = wxyz_from_yaw_pitch_roll(np.append(gaze_yaw_pitch(blendshapes).mean(axis=0), 0.0))
        self._spool.add(time_s, np.concatenate([values, neck, head, gaze]))

    def _write(self) -> None:
        tree, length = _tree(self.channels, self._spool, self._extras, self._pivots)
        header = header_of(self.path, "a VRM animation", tree, length)
        with written_aside(self.path) as file:
            file.write(header)
            for track in _tracks(self.channels):
                self._write_track(file, track)

    def _write_track(self, file: AtomicFile, track: "_Track") -> None:
        last = None
        for rows in self._spool.rows():
            values = rows[:, track.first : track.first + track.width]
            if track.path == "rotation":
                values = continuous_wxyz(values, last)
                last = values[-1]
                values = values[:, [1, 2, 3, 0]]
            elif track.path == "translation":
                values = np.concatenate([values, np.zeros((len(values), 2))], axis=1)
            file.write(np.ascontiguousarray(values, dtype="<f4").tobytes())


def expression_channels(character: Character | None, table: MorphMap | None = None) -> Channels:
    """Choose the expressions to animate; see the module."""
    chosen = None if character is None or table is None else equivalents(character, table)
    if chosen is not None:
        return _channels(chosen.expressions, chosen.value_from_blendshape, chosen.bias, chosen.clamp)
    _, own = (None, None) if character is None else expression_maps(character)
    if own is None:
        return _channels_for_all()
    return _channels(own.expressions, own.expression_from_blendshape, *_unbounded(len(own.expressions)))


def _channels(expressions: tuple[Expression, ...], matrix: np.ndarray, bias: np.ndarray, clamp: np.ndarray) -> Channels:
    rows = [
        row
        for row, one in enumerate(expressions)
        # A preset of the gaze may not be animated, and a custom expression may not have a preset's name.
        if (one.name not in OVERRIDDEN["look_at"] if one.preset else one.name not in PRESETS_1)
    ]
    looks = [index for name, index in EXPRESSION_INDEX.items() if name.startswith("eyeLook")]
    return Channels(
        tuple(expressions[row].name for row in rows),
        tuple(expressions[row].preset for row in rows),
        matrix[rows],
        not matrix[np.ix_(rows, looks)].any(),
        bias[rows],
        clamp[rows],
    )


def _unbounded(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(count), np.tile([0.0, 1.0], (count, 1))


def _channels_for_all() -> Channels:
    table = load_expression_table("vrm")
    shown = {name: table.morphs.get(plain_morph(name)) for name in PRESETS_1}
    # One preset for both eyes would blink a second time, on top of one for each.
    unwanted = {*OVERRIDDEN["look_at"], *table.stand_ins}
    presets = {name: blendshapes for name, blendshapes in shown.items() if blendshapes and name not in unwanted}
    rows = np.zeros((len(presets), EXPRESSION_COUNT))
    for row, blendshapes in zip(rows, presets.values(), strict=True):
        row[[EXPRESSION_INDEX[blendshape] for blendshape in blendshapes]] = list(blendshapes.values())
    custom = [name[0].upper() + name[1:] for name in EXPRESSION_NAMES]
    preset = (True,) * len(presets) + (False,) * len(custom)
    matrix = np.concatenate([rows, np.eye(EXPRESSION_COUNT)])
    return Channels((*presets, *custom), preset, matrix, True, *_unbounded(len(matrix)))


@dataclass(frozen=True)
class _Track:
    """Where a node's track lies in the spooled rows."""

    path: str
    """`translation` of one number, `rotation` wxyz, or `time`."""
    node: int
    first: int
    width: int


def _tracks(channels: Channels) -> list[_Track]:
    after = len(SKELETON)
    tracks = [_Track("time", -1, 0, 1)]
    tracks += [_Track("translation", after + row, 1 + row, 1) for row in range(len(channels.names))]
    turned = [next(row for row, bone in enumerate(SKELETON) if bone[0] == name) for name in TURNED]
    turned += [after + len(channels.names)] if channels.gaze else []
    first = 1 + len(channels.names)
    return tracks + [_Track("rotation", node, first + 4 * place, 4) for place, node in enumerate(turned)]


def _tree(channels: Channels, spool: RowSpool, extras: dict, pivots: Pivots) -> tuple[dict, int]:
    """The glTF JSON, and the number of bytes of the tracks that follow in the order of `_tracks`."""
    nodes = _nodes(channels)
    children = {child for node in nodes for child in node.get("children", [])}
    tree: dict = {
        "asset": {"version": "2.0", "generator": "commedia"},
        "scene": 0,
        "scenes": [{"nodes": [index for index in range(len(nodes)) if index not in children]}],
        "nodes": nodes,
        "extensionsUsed": [EXTENSION],
        "extensions": {EXTENSION: _extension(channels, pivots)},
    }
    if not spool.count:
        return tree, 0
    tree |= {"bufferViews": [], "accessors": []}
    length = 0
    for track in _tracks(channels):
        kind, size = {"time": ("SCALAR", 4), "translation": ("VEC3", 12), "rotation": ("VEC4", 16)}[track.path]
        tree["bufferViews"].append({"buffer": 0, "byteOffset": length, "byteLength": size * spool.count})
        view = len(tree["bufferViews"]) - 1
        tree["accessors"].append({"bufferView": view, "componentType": 5126, "count": spool.count, "type": kind})
        length += size * spool.count
    first_s, last_s = spool.time_span_s()
    tree["accessors"][0] |= {"min": [first_s], "max": [last_s]}
    tree["buffers"] = [{"byteLength": length}]
    tree["animations"] = [_animation(channels, extras)]
    return tree, length


def _animation(channels: Channels, extras: dict) -> dict:
    moving = _tracks(channels)[1:]
    clip: dict = {
        "name": CLIP_NAME,
        "samplers": [{"input": 0, "output": 1 + row, "interpolation": "LINEAR"} for row in range(len(moving))],
        "channels": [
            {"sampler": row, "target": {"node": track.node, "path": track.path}} for row, track in enumerate(moving)
        ],
    }
    return clip | extras


def _nodes(channels: Channels) -> list[dict]:
    nodes: list[dict] = []
    for bone, _, place in SKELETON:
        children = [row for row, (_, parent, _) in enumerate(SKELETON) if parent == bone]
        nodes.append({"name": bone, "translation": list(place), **({"children": children} if children else {})})
    nodes += [{"name": name} for name in channels.names]
    return nodes + ([{"name": LOOK_AT}] if channels.gaze else [])


def _extension(channels: Channels, pivots: Pivots) -> dict:
    after = len(SKELETON)
    entries = {
        group: {
            name: {"node": after + row}
            for row, (name, preset) in enumerate(zip(channels.names, channels.preset, strict=True))
            if preset == (group == "preset")
        }
        for group in ("preset", "custom")
    }
    extension: dict = {
        "specVersion": "1.0",
        "humanoid": {"humanBones": {bone: {"node": row} for row, (bone, _, _) in enumerate(SKELETON)}},
        "expressions": {group: listed for group, listed in entries.items() if listed},
    }
    if channels.gaze:
        offset = (pivots.left_eye + pivots.right_eye) / 2 - pivots.head
        extension["lookAt"] = {
            "node": after + len(channels.names),
            "offsetFromHeadBone": [round(float(value), 6) for value in offset],
        }
    return extension
