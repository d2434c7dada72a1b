"""What the tables of `commedia evaluate` are made with, and the shape of a function that makes one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commedia.errors import CommediaError, UnknownName
from commedia.evaluation.report import Table
from commedia.faces.weights import DEFAULT_EMBEDDING, DEFAULT_PARSER, find_weights


@dataclass(frozen=True)
class EvaluationSettings:
    """What every table may use; each takes what it needs."""

    output: Path
    """Where pictures and remembered predictions of a teacher go."""
    data: Path | None = None
    """Holds `faces/`, `groups/`, `clips/` and `models/`; for the tables that look at pictures of our own."""
    sfn: str = "sfn-desktop"
    mfn: str = "mfn-desktop"
    landmarker: Path | None = None
    """MediaPipe's face landmarker; None where `data/models` has none."""
    detector: Path | None = None
    """The RFB-640 detector."""
    shards: tuple[Path, ...] = ()
    smallest_face: float = 0.05
    """Least longer side of a reference face over the longer side of its picture."""
    limit: int | None = None
    """At most this many pictures or clips of each set, for a quick look."""
    files: tuple[Path, ...] = ()
    """Clips of one person for `clips`, pictures of one upright face for `rolls`."""
    teacher_cache: Path | None = None
    """Where predictions of MediaPipe are kept between runs; None is `teacher/` in the output folder."""
    root: Path | None = None
    """Holds published data sets, each in a folder of its name, or is one of them; for the tables of the paper."""
    variants: tuple[str, ...] = ()
    """`NAME=FILE` of networks that rows of the paper's tables ask for."""
    characters: tuple[Path, ...] = ()
    """Files of characters with ARKit's blendshapes."""
    causal: bool = False
    """Track clips as a stream."""
    once: bool = False
    """Read faces of pictures once, as streams do, instead of mirrored too."""
    parser: str = DEFAULT_PARSER

    @property
    def flip_average(self) -> bool:
        """Read every face mirrored too, as photographs and takes are."""
        return not self.once

    def file(self, *parts: str) -> Path:
        """A file of the data folder; fails with one sentence where there is none."""
        path = self.data.joinpath(*parts) if self.data is not None else None
        if path is None or not path.exists():
            found = "nothing was given" if path is None else f"there is no '{path}'"
            raise CommediaError(
                f"this table needs '{'/'.join(parts)}', and {found}; "
                "pass --data FOLDER, which holds faces/, groups/, clips/ and models/"
            )
        return path

    def teacher_folder(self) -> Path:
        """Where predictions of MediaPipe are kept."""
        return self.teacher_cache or self.output / "teacher"

    def landmarker_file(self) -> Path | None:
        """The landmarker given, or the one beside the data."""
        usual = self.data and self.data / "models" / "face_landmarker_v2_with_blendshapes.task"
        return self.landmarker or (usual if usual and usual.is_file() else None)

    def detector_file(self) -> Path:
        """The reference detector given, or the one beside the data."""
        return self.detector or self.file("models", "ultralight-rfb-640.onnx")

    def weights(self, table: str) -> list[Path]:
        """The files of the networks that a table is made with, those that exist."""
        variants = (text.partition("=")[2] for text in self.variants)
        both = (self.sfn, self.mfn, *variants)
        names = {
            "parser": (self.parser,),
            "embedding": (self.sfn, DEFAULT_EMBEDDING),
            "ids": (*both, DEFAULT_EMBEDDING),
        }.get(table, both)
        return [Path(name) if Path(name).is_file() else find_weights(name) for name in names if _exists(name)]


Progress = Callable[[str, int, int], None]
"""Called with what is being measured, how much is done, and how much there is."""

Benchmark = Callable[[EvaluationSettings, Progress], list[Table]]


def _exists(name: str) -> bool:
    if Path(name).is_file():
        return True
    try:
        find_weights(name)
    except UnknownName:
        return False
    return True
