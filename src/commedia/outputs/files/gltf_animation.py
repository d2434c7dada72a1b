"""An animated GLB: a character's own file with one clip appended, its other bytes untouched.

Motion is spooled to disk while it arrives and laid out track by track at the end, so that memory does not grow with the
length of the take. Key times are the source's frame times, so the clips of several people stay in step.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from commedia.characters.bones import local_rotations, turned_nodes
from commedia.characters.character import Character
from commedia.files import AtomicFile, written_aside
from commedia.formats.timecode import timecode
from commedia.geometry.rotations import continuous_wxyz
from commedia.outputs.files.packing import Packed, header_of, pack
from commedia.outputs.files.row_spool import SpooledWriter
from commedia.structures import RigPose

CLIP_NAME = "commedia"


class ClipWriter(SpooledWriter):
    """Writes one person's GLB."""

    def __init__(
        self, character: Character, path: Path, rate: Fraction | None = None, start_day_s: Fraction | None = None
    ):
        """`rate` is only noted in the file, with the timecode of time 0; key times are the source's own."""
        super().__init__(path, len(character.rig.morph_names) + 12)
        self.character, self._extras = character, clip_extras(rate, start_day_s)

    def add(self, time_s: Fraction, pose: RigPose) -> None:
        """Take one pose. Of poses at one time (as glTF's 32-bit seconds tell time) the first is kept."""
        self._spool.add(time_s, np.concatenate([pose.weights, pose.head_wxyz, pose.left_eye_wxyz, pose.right_eye_wxyz]))

    def _write(self) -> None:
        packed = pack(self.character.document)
        tracks = _Tracks(self.character, packed, self._spool.count)
        if self._spool.count:
            tracks.declare(self._spool.time_span_s(), self._extras)
        if self._spool.count == 1:
            tracks.set_rest(next(self._spool.rows())[0])
        header = header_of(self.path, "a GLB", packed.tree, packed.length + tracks.length)
        with written_aside(self.path) as file:
            file.write(header)
            for chunk in packed.chunks:
                file.write(chunk)
            if self._spool.count:
                self._write_tracks(file, tracks)

    def _write_tracks(self, file: AtomicFile, tracks: "_Tracks") -> None:
        for rows in self._spool.rows():
            file.write(np.ascontiguousarray(rows[:, 0]).tobytes())
        for group in tracks.weight_groups:
            for rows in self._spool.rows():
                file.write(np.ascontiguousarray(rows[:, 1 + np.array(group)]).tobytes())
        for node in tracks.turned:
            last = None
            for rows in self._spool.rows():
                wxyz = continuous_wxyz(tracks.rotations(rows)[node], last)
                last = wxyz[-1]
                file.write(wxyz[:, [1, 2, 3, 0]].astype("<f4").tobytes())


class _Tracks:
    """The clip's accessors and channels: times, then weights by group of equal meshes, then rotations by node."""

    def __init__(self, character: Character, packed: Packed, count: int):
        self.character, self._packed, self._count = character, packed, count
        self.length = 0
        self.turned = turned_nodes(character)
        self.weight_groups: list[tuple[int, ...]] = []
        self._nodes_of_group: dict[tuple[int, ...], list[int]] = {}
        for node in character.node_order:
            mesh = character.nodes[node].mesh
            if mesh is not None and character.meshes[mesh].target_names:
                self._nodes_of_group.setdefault(tuple(character.meshes[mesh].rig_index.tolist()), []).append(node)
        self.weight_groups = list(self._nodes_of_group)

    def declare(self, time_span: tuple[float, float], extras: dict) -> None:
        """Add accessors, samplers and channels to the JSON, in the order in which the bytes will follow."""
        tree = self._packed.tree
        times = self._accessor("SCALAR", self._count, 4)
        tree["accessors"][times] |= {"min": [time_span[0]], "max": [time_span[1]]}
        samplers: list[dict] = []
        channels: list[dict] = []

        def add(output: int, nodes: list[int], path: str) -> None:
            samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
            channels.extend({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}} for node in nodes)

        for group in self.weight_groups:
            add(
                self._accessor("SCALAR", self._count * len(group), 4 * len(group), self._count),
                self._nodes_of_group[group],
                "weights",
            )
        for node in self.turned:
            _use_translation_rotation_scale(tree["nodes"][node], self.character.nodes[node])
            add(self._accessor("VEC4", self._count, 16), [node], "rotation")
        clip = {"name": CLIP_NAME, "channels": channels, "samplers": samplers, **extras}
        # First, because viewers play the first clip.
        tree["animations"] = [clip, *tree.get("animations", [])]

    def set_rest(self, row: np.ndarray) -> None:
        """Make a single pose the rest pose too, for viewers that do not play clips."""
        nodes, meshes = self._packed.tree["nodes"], self._packed.tree["meshes"]
        for group, group_nodes in self._nodes_of_group.items():
            weights = [float(row[1 + index]) for index in group]
            for node in group_nodes:
                meshes[nodes[node]["mesh"]]["weights"] = weights
                nodes[node].pop("weights", None)
        for node, wxyz in self.rotations(row[None]).items():
            nodes[node]["rotation"] = [float(value) for value in wxyz[0][[1, 2, 3, 0]]]

    def rotations(self, rows: np.ndarray) -> dict[int, np.ndarray]:
        """Local rotations (n, 4) of each turned node for spooled rows."""
        head, left, right = np.split(rows[:, -12:].astype(np.float64), 3, axis=1)
        return local_rotations(self.character, head, left, right)

    def _accessor(self, kind: str, count: int, bytes_each: int, elements: int | None = None) -> int:
        tree = self._packed.tree
        size = bytes_each * (count if elements is None else elements)
        view = {"buffer": 0, "byteOffset": self._packed.length + self.length, "byteLength": size}
        tree.setdefault("bufferViews", []).append(view)
        entry = {"bufferView": len(tree["bufferViews"]) - 1, "componentType": 5126, "count": count, "type": kind}
        tree.setdefault("accessors", []).append(entry)
        self.length += size
        tree["buffers"][0]["byteLength"] = self._packed.length + self.length
        return len(tree["accessors"]) - 1


def clip_extras(rate: Fraction | None, start_day_s: Fraction | None = None) -> dict:
    """What glTF has no field for and editors need: the exact frame rate, and the timecode of time 0."""
    if rate is None:
        return {}
    return {"extras": {"frameRate": str(rate), "startTimecode": timecode(Fraction(0), rate, start_day_s)}}


def _use_translation_rotation_scale(entry: dict, node) -> None:
    # glTF forbids animating a node that is placed by a matrix.
    if entry.pop("matrix", None) is not None:
        entry["translation"], entry["scale"] = node.translation.tolist(), node.scale.tolist()
        entry["rotation"] = node.wxyz[[1, 2, 3, 0]].tolist()
