"""ONNX Runtime with our settings, and the check that a file is the network it is taken for."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import Float, UInt8

from commedia.errors import WeightsMismatch
from commedia.face_model.model import head_sha256

ERROR_SEVERITY = 3
"""Below this ONNX Runtime writes about graph details that no user can act on."""

DEFAULT_THREADS = 1
"""Networks this small gain little from a second thread (MFN 4.7 to 2.8 ms on two idle cores) and lose much where
decoding or drawing needs the other core (to 14 ms), because each layer waits for the slower thread."""


@dataclass(frozen=True)
class OnnxSession:
    """An open network, and what its file says about itself."""

    session: Any
    """`onnxruntime.InferenceSession`, or anything with its `run`."""
    input_name: str
    output_names: tuple[str, ...]
    input_size: int
    """Side of the square input in pixels."""
    metadata: dict[str, str]

    def run(self, pixels: Float[np.ndarray, "b 3 h w"]) -> dict[str, np.ndarray]:
        """Evaluate; outputs by name."""
        return dict(
            zip(self.output_names, self.session.run(list(self.output_names), {self.input_name: pixels}), strict=True)
        )


def open_session(
    path: Path,
    *,
    kind: str,
    outputs: tuple[str, ...],
    optional: tuple[str, ...] = (),
    threads: int = DEFAULT_THREADS,
    of_head: bool = True,
) -> OnnxSession:
    """Open an .onnx of this `kind`; all `outputs` must exist, `optional` ones may, and 0 `threads` are all cores.

    `of_head` says that its numbers are those of a head, which must then be the installed one.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERROR_SEVERITY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no public parent.
        raise WeightsMismatch(f"cannot read {path.name} as an ONNX network: {str(error).splitlines()[0]}") from error
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    found = tuple(output.name for output in session.get_outputs())
    check_metadata(path.name, metadata, found, kind=kind, outputs=outputs, of_head=of_head)
    pixels = session.get_inputs()[0]
    read = outputs + tuple(name for name in optional if name in found)
    return OnnxSession(session, pixels.name, read, input_size_of(path.name, metadata, pixels.shape), metadata)


def check_metadata(
    file_name: str,
    metadata: dict[str, str],
    found: tuple[str, ...],
    *,
    kind: str,
    outputs: tuple[str, ...],
    of_head: bool = True,
) -> None:
    """Refuse a file that says it is another network or made for another head, or that lacks an output."""
    said = metadata.get("network", "nothing").lower()
    if not said.startswith(kind):
        raise WeightsMismatch(f"{file_name} says it is '{said}', expected '{kind}'")
    if of_head and metadata.get("head_sha256", head_sha256()) != head_sha256():
        raise WeightsMismatch(f"{file_name} was trained for another head model than the one installed; both must match")
    missing = [name for name in outputs if name not in found]
    if missing:
        raise WeightsMismatch(f"{file_name} lacks the outputs {', '.join(missing)}; it has {', '.join(found)}")


def input_size_of(file_name: str, metadata: dict[str, str], shape: list[Any]) -> int:
    """Read the side of the square input from the metadata, else from the graph."""
    side = str(metadata.get("input_size", shape[-1]))
    if not side.isdecimal():
        raise WeightsMismatch(f"{file_name} does not say its input size; its metadata has '{side}'")
    return int(side)


def anchors_of(file_name: str, metadata: dict[str, str]) -> Float[np.ndarray, "a 2"]:
    """Read MFN's anchors (width and height in grid cells) from the metadata."""
    try:
        anchors = np.array(json.loads(metadata["anchors"]), dtype=np.float32)
    except (KeyError, ValueError) as error:
        raise WeightsMismatch(f"{file_name} does not carry readable anchors in its metadata") from error
    if anchors.ndim != 2 or anchors.shape[1] != 2:
        raise WeightsMismatch(f"{file_name} carries anchors of shape {anchors.shape}, expected pairs of width, height")
    return anchors


def pixels_from_images(images: UInt8[np.ndarray, "b h w 3"]) -> Float[np.ndarray, "b 3 h w"]:
    """Turn RGB bytes into what every network here reads: planes of floats in [0, 1]."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
    planes *= np.float32(1 / 255)
    return planes
