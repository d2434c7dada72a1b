"""Torch to ONNX: BatchNorm folded away, metadata inside the file, a parity report, and the card beside it.

A graph that differs from its torch network by more than `TOLERANCE` is refused, not shipped. What ships is that graph
with its weights stored in 16 bit or 8 (`half_storage.py`), which may differ by what its line of the registry allows.
"""

import copy
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from commedia.errors import WeightsMismatch
from commedia.files import named_aside, sha256_of, write_file
from commedia.networks.backbones import ConvUnit, parameter_count
from commedia.networks.half_storage import stored_in_bytes, stored_in_half
from commedia.networks.registry import Network, config_to_json, kind_of, spec_of
from commedia.networks.weights import facts_of_weights, network_from_weights, save_weights

OPSET = 18
"""Old enough for every runtime of the last three years; nothing newer is used."""
TOLERANCE = 1e-3
"""Largest difference of an output number; rounding stays near 1e-5."""


class Parity(NamedTuple):
    """Largest difference between torch and ONNX for one output at one batch size, relative to its numbers above 1."""

    output: str
    batch: int
    difference: float


@dataclass(frozen=True)
class Card:
    """What a weights file is, written as `<name>.card.json`; how it came to be is added from the file itself."""

    name: str
    data: str
    """What it was trained on, in a sentence."""
    licence: str
    note: str = ""
    """What no field says, such as a run that no recipe describes."""


def export(
    weights: Path, out: Path, card: Card, *, batch: int | None = None, bits: Literal[8, 16] | None = None
) -> list[Parity]:
    """Write `<name>.onnx`, `<name>.safetensors` and `<name>.card.json` into `out`; returns the parity report.

    A network whose graph stores 8 bits a weight has no .safetensors: in 16 it would be twice as large as the graph.
    `bits` says how many it stores, in place of what its line in the registry says.

    `batch` fixes the graph's batch size; None leaves SFN's free and fixes MFN's at 1, where a fixed shape is faster.
    """
    network = network_from_weights(weights)
    facts = facts_of_weights(weights)
    fixed = batch if batch is not None else spec_of(network).batch
    bits = bits or spec_of(network).weight_bits
    path, saved = out / f"{card.name}.onnx", out / f"{card.name}.safetensors"
    batches = (fixed,) if fixed else (1, 3)
    with named_aside(path, ".onnx") as aside:
        write_onnx(network, aside, facts, batch=fixed)
        report = _checked(card.name, network, aside, batches, TOLERANCE)
        narrow = stored_in_bytes if bits == 8 else stored_in_half
        onnx.save(narrow(onnx.load(aside)), aside)
        _checked(card.name, network, aside, batches, spec_of(network).narrow_tolerance)
    files = [path]
    if bits == 16:
        save_weights(saved, network, facts, half=True)
        files.append(saved)
    _write_card(out / f"{card.name}.card.json", card, facts, network, files)
    return report


def _checked(name: str, network: Network, file: Path, batches: tuple[int, ...], allowed: float) -> list[Parity]:
    """Compare a file with its network, and refuse one that differs too much."""
    report = parity(network, file, batches=batches)
    worst = max(report, key=lambda row: row.difference)
    if not worst.difference <= allowed:
        raise WeightsMismatch(
            f"'{name}': ONNX differs from torch by {worst.difference:.2g} in {worst.output}, allowed {allowed}"
        )
    return report


def folded(network: Network) -> Network:
    """Copy a network with every BatchNorm multiplied into the convolution before it: the same function, less work."""
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, ConvUnit) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv, module.norm = fuse_conv_bn_eval(module.conv, module.norm), nn.Identity()
    return copied


def write_onnx(network: Network, path: Path, facts: dict[str, str], *, batch: int | None) -> None:
    """Write the graph with its metadata: network, recipe, head, anchors, input size."""
    spec = spec_of(network)
    example = spec.example(batch or 2, spec.input_size)
    dynamic = None if batch else {"pixels": {0: torch.export.Dim("batch", min=1, max=1024)}}
    plain = folded(network)
    with warnings.catch_warnings():
        # The exporter of torch 2.13 warns about its own use of torch.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.onnx.export(
            plain, (example,), input_names=["pixels"], output_names=list(spec.outputs), dynamic_shapes=dynamic,
            opset_version=OPSET, dynamo=True, verbose=False, optimize=True,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    config = json.loads(facts["config"]) if "config" in facts else config_to_json(network)
    metadata = {
        "network": kind_of(network),
        "recipe": facts.get("recipe", ""),
        "head_sha256": facts.get("head_sha256", ""),
        "anchors": json.dumps(config.get("anchors", [])),
        "input_size": str(spec.input_size),
    }
    graph = model.graph
    # torch notes where in whose folders each node was made: nobody's business, and a twentieth of the file.
    for noted in (model, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del noted.metadata_props[:]
    del graph.value_info[:]  # shapes in between, which every runtime infers
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)


@torch.no_grad()
def parity(network: Network, path: Path, *, batches: tuple[int, ...]) -> list[Parity]:
    """Run the unfolded torch network and the file on the same made-up pictures."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    spec = spec_of(network)
    report: list[Parity] = []
    for batch in batches:
        pixels = spec.example(batch, spec.input_size)
        truth = network.eval()(pixels)
        truth = (truth,) if isinstance(truth, Tensor) else truth
        answers = session.run(None, {"pixels": pixels.numpy()})
        for name, expected, answer in zip(spec.outputs, truth, answers, strict=True):
            largest = max(1.0, float(expected.abs().max()))
            report.append(Parity(name, batch, float(np.abs(expected.numpy() - answer).max()) / largest))
    return report


def _write_card(path: Path, card: Card, facts: dict[str, str], network: Network, files: Sequence[Path]) -> None:
    content = asdict(card) | {
        "head_sha256": facts.get("head_sha256", ""),
        "network": kind_of(network),
        "recipe": facts.get("recipe", ""),
        "stages": json.loads(facts.get("stages", "[]")),
        "metrics": {},
        "parameters": parameter_count(folded(network)),
        "files": {file.name: {"sha256": sha256_of(file), "bytes": file.stat().st_size} for file in files},
    }
    if not card.note:
        del content["note"]
    if "sources" in facts:
        content["sources"] = json.loads(facts["sources"])
    write_file(path, (json.dumps(content, indent=2) + "\n").encode())


def note_in_file(onnx_file: Path, key: str, text: str) -> None:
    """Keep a text in a network's metadata, in place of what it had there, and tell its card what the file is now."""
    model = onnx.load(onnx_file)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, kept | {key: text})
    with named_aside(onnx_file, ".onnx") as aside:
        onnx.save(model, aside)
    card = onnx_file.with_suffix(".card.json")
    if card.is_file():
        content = json.loads(card.read_text(encoding="utf-8"))
        content["files"][onnx_file.name] = {"sha256": sha256_of(onnx_file), "bytes": onnx_file.stat().st_size}
        write_file(card, (json.dumps(content, indent=2) + "\n").encode())
