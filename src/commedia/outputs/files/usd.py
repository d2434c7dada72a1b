"""A person as USD: the character, and its motion as a SkelAnimation of blend shapes and joints. Needs the extra `usd`.

A second is `rate` time codes, so frame n of a steady source is time code n, and a source of variable rate has time
codes between. Metres, +y up. The exact rate and the timecode of time code 0 stand in the layer's custom data, under
`commedia`; USD itself has only a 64-bit float for the rate. Samples stay in memory until the file is written: about
4 bytes per morph and frame.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.bones import local_rotations, turned_nodes
from commedia.characters.character import Character
from commedia.errors import BadRate, OutputFailed, SinkClosed
from commedia.files import named_aside
from commedia.formats.timecode import timecode
from commedia.geometry.rotations import continuous_wxyz
from commedia.outputs.files.finite import require_finite_pose
from commedia.outputs.files.usd_materials import Textures, define_materials
from commedia.outputs.files.usd_rig import define_character, find_joints, identifier, load_usd
from commedia.structures import RigPose

KEYS_AT_ONCE = 256
"""Turned together: for one pose alone, finding the bones takes longer than turning them."""
EYES = ("left_eye_wxyz", "right_eye_wxyz")


class UsdWriter:
    """Writes one person's USD."""

    def __init__(self, path: Path, character: Character, rate: Fraction, start_day_s: Fraction | None = None):
        """Make the character; `rate` is the time codes of a second, `start_day_s` the timecode of time 0."""
        pxr = load_usd()
        if rate <= 0:
            raise BadRate(path, "USD", rate)
        self.path, self.rate, self.character = path, rate, character
        self._start_day_s = start_day_s
        self.paths: list[Path] = []
        """What was written, once closed: the USD, then the pictures it shows."""
        self._last_s: Fraction | None = None
        self._closed = False
        self._turned = turned_nodes(character)
        self._last_wxyz: dict[int, np.ndarray] = {}
        self._waiting: list[tuple[float, RigPose]] = []
        # Named as a binary layer, so that exporting it makes a binary file.
        self._layer = pxr.Sdf.Layer.CreateAnonymous("person.usdc")
        stage = pxr.Usd.Stage.Open(self._layer)
        self._stage = stage
        self._set_stage()
        root = f"/{identifier(character.name)}"
        stage.SetDefaultPrim(pxr.UsdSkel.Root.Define(stage, root).GetPrim())
        pxr.Usd.ModelAPI(stage.GetDefaultPrim()).SetKind(pxr.Kind.Tokens.component)
        joints = find_joints(character)
        animation = pxr.UsdSkel.Animation.Define(stage, f"{root}/Animation")
        self._textures = Textures(character, path)
        materials = define_materials(stage, f"{root}/Materials", character, self._textures.of_material)
        define_character(stage, root, character, joints, materials)
        animation.CreateBlendShapesAttr(list(character.rig.morph_names))
        self._weights = animation.CreateBlendShapeWeightsAttr()
        nodes = [character.nodes[node] for node in self._turned]
        animation.CreateJointsAttr([joints.tokens[joints.nodes.index(node)] for node in self._turned])
        animation.CreateTranslationsAttr([pxr.Gf.Vec3f(*node.translation.tolist()) for node in nodes])
        animation.CreateScalesAttr([pxr.Gf.Vec3h(*node.scale.tolist()) for node in nodes])
        self._rotations = animation.CreateRotationsAttr()

    def add(self, time_s: Fraction, pose: RigPose) -> None:
        """Take one key. Of keys at one time the first is kept."""
        if self._closed:
            raise SinkClosed(self.path)
        require_finite_pose(self.path, time_s, pose)
        if self._last_s is not None and time_s <= self._last_s:
            return
        if self._last_s is None:
            self._stage.SetStartTimeCode(float(time_s * self.rate))
        self._last_s = time_s
        self._waiting.append((float(time_s * self.rate), pose))
        if len(self._waiting) >= KEYS_AT_ONCE:
            self._set_samples()

    def close(self) -> None:
        """Write the file and give it its name."""
        if self._closed:
            return
        self._closed = True
        pxr = load_usd()
        if self._last_s is not None:
            self._set_samples()
            self._stage.SetEndTimeCode(float(self._last_s * self.rate))
        with named_aside(self.path, ".usdc") as aside:
            try:
                self._layer.Export(str(aside))
            except pxr.Tf.ErrorException as error:
                raise OutputFailed(f"cannot write {self.path}: USD says {error}") from error
            # While the layer has no name yet, so that it never names a picture that is not there.
            pictures = self._textures.write()
        self.paths = [self.path, *pictures]

    def discard(self) -> None:
        """Forget the motion."""
        self._closed = True

    def _set_samples(self) -> None:
        pxr = load_usd()
        if not self._waiting:
            return
        poses = [pose for _, pose in self._waiting]
        parts = (np.stack([getattr(pose, part) for pose in poses]) for part in ("head_wxyz", *EYES))
        turns = local_rotations(self.character, *parts)
        for node, wxyz in turns.items():
            turns[node] = continuous_wxyz(wxyz, self._last_wxyz.get(node))
            self._last_wxyz[node] = turns[node][-1]
        rotations = np.stack([turns[node] for node in self._turned], axis=1).tolist()
        for (code, pose), row in zip(self._waiting, rotations, strict=True):
            self._weights.Set(pxr.Vt.FloatArray.FromNumpy(pose.weights.astype(np.float32)), code)
            self._rotations.Set(pxr.Vt.QuatfArray([pxr.Gf.Quatf(*wxyz) for wxyz in row]), code)
        self._waiting.clear()

    def _set_stage(self) -> None:
        pxr = load_usd()
        pxr.UsdGeom.SetStageUpAxis(self._stage, pxr.UsdGeom.Tokens.y)
        pxr.UsdGeom.SetStageMetersPerUnit(self._stage, 1.0)
        self._stage.SetTimeCodesPerSecond(float(self.rate))
        self._stage.SetFramesPerSecond(float(self.rate))
        noted = {"frameRate": str(self.rate), "startTimecode": timecode(Fraction(0), self.rate, self._start_day_s)}
        self._layer.customLayerData = {"commedia": noted}
