"""Where the shipped ONNX networks are, by name. Training weights (safetensors) are the business of `networks/`."""

from pathlib import Path

from commedia.errors import UnknownName

WEIGHTS_FOLDER = Path(__file__).resolve().parents[1] / "assets" / "weights"
DEFAULT_SFN = "sfn-desktop"
DEFAULT_MFN = "mfn-desktop"
DEFAULT_EMBEDDING = "embedding-desktop"
DEFAULT_PARSER = "parser-desktop"
DEFAULT_POINTS = "points-desktop"
DEFAULT_IDENTITY = ("identity-desktop", "identity-desktop-2")
"""What a face does, is the mean of both; who it is, says the last."""
_NO_FILE = "there is no such file, or it is not an .onnx file; "


def shipped_weights(folder: Path = WEIGHTS_FOLDER) -> list[str]:
    """List the names that `find_weights` knows."""
    return sorted(path.stem for path in folder.glob("*.onnx"))


def find_weights(name: str, folder: Path = WEIGHTS_FOLDER) -> Path:
    """Find a shipped network by name, or take a path to an .onnx file as it is.

    A wheel leaves out what only few want, but has its card.
    """
    if name.endswith(".onnx") and Path(name).is_file():
        return Path(name)
    path = folder / f"{name}.onnx"
    if not path.is_file():
        if (folder / f"{name}.card.json").is_file():
            raise UnknownName("weights", name, shipped_weights(folder), hint=_only_in_the_repository(path))
        a_file = name.endswith(".onnx") or Path(name).name != name
        raise UnknownName("weights", name, shipped_weights(folder), hint=_NO_FILE if a_file else "")
    return path


def _only_in_the_repository(path: Path) -> str:
    return f"'{path.name}' is in the repository, in src/commedia/assets/weights, and not in its wheel: name the file; "
