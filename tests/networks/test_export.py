"""ONNX equals torch, carries its metadata, and folding BatchNorm changes nothing."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal

import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from commedia.networks.export import Card, export, folded, note_in_file
from commedia.networks.ours.embedding import Embedding
from commedia.networks.ours.mfn_base import MfnBase, MfnBaseConfig
from commedia.networks.paper1.mfn import Mfn, MfnConfig
from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.paper3.cpem import Cpem, CpemConfig
from commedia.networks.registry import Network, spec_of
from commedia.networks.weights import save_weights
from tests.networks.graphs import lived_in

SMALL_MFN = MfnBaseConfig(stem=8, widths=(8, 8, 16, 16), blocks=(1, 1, 1, 1))


def test_folding_keeps_the_function() -> None:
    network = lived_in(Sfn(SfnConfig(width_mult=0.25, norm=True)))
    plain = folded(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    pixels = torch.rand(2, 3, 128, 128)
    torch.testing.assert_close(torch.cat(list(plain(pixels)), 1), torch.cat(list(network(pixels)), 1))


@pytest.mark.parametrize(
    ("name", "build", "batch_sizes", "bits"),
    [
        ("sfn-test", lambda: Sfn(SfnConfig(width_mult=0.25, norm=True)), (1, 5), None),
        ("mfn-base-test", lambda: MfnBase(SMALL_MFN), (1,), None),
        ("mfn-test", lambda: Mfn(MfnConfig(width_mult=0.25, norm=True)), (1,), None),
        ("embedding-test", Embedding, (1, 3), None),
        ("sfn-cpem-test", lambda: Cpem(CpemConfig("resnet18", 0.125, 32)), (1, 3), 8),
    ],
)
def test_onnx_is_torch(
    name: str,
    build: Callable[[], Network],
    batch_sizes: tuple[int, ...],
    bits: Literal[8, 16] | None,
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    network = lived_in(build())
    save_weights(tmp_path / "w.safetensors", network, {"recipe": "r", "head_sha256": "abc"})
    report = export(tmp_path / "w.safetensors", tmp_path / "out", Card(name, "none", "CC0-1.0"), bits=bits)
    assert max(row.difference for row in report) < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert (facts["network"], facts["recipe"], facts["head_sha256"]) == (name.removesuffix("-test"), "r", "abc")
    if name.startswith("mfn"):
        assert json.loads(facts["anchors"]) == [list(anchor) for anchor in network.config.anchors]
    for batch in batch_sizes:
        pixels = torch.rand(batch, 3, int(facts["input_size"]), int(facts["input_size"]))
        assert len(session.run(None, {"pixels": pixels.numpy()})[0]) == batch
    card = json.loads((tmp_path / "out" / f"{name}.card.json").read_text())
    onnx_bytes = (tmp_path / "out" / f"{name}.onnx").read_bytes()
    assert card["files"][f"{name}.onnx"]["sha256"] == sha256(onnx_bytes).hexdigest()
    note_in_file(tmp_path / "out" / f"{name}.onnx", "said", "later")
    noted, again = ((tmp_path / "out" / f"{name}{end}").read_bytes() for end in (".onnx", ".card.json"))
    told = {f"{name}.onnx": {"sha256": sha256(noted).hexdigest(), "bytes": len(noted)}}
    assert json.loads(again) == card | {"files": card["files"] | told}
    assert b"later" in noted
    assert b"later" not in onnx_bytes
    stored = {onnx.TensorProto.FLOAT16: 16, onnx.TensorProto.INT8: 8}
    wide = bits or spec_of(network).weight_bits
    assert {stored.get(t.data_type, wide) for t in onnx.load_from_string(onnx_bytes).graph.initializer} == {wide}
    assert (tmp_path / "out" / f"{name}.safetensors").is_file() == (wide == 16)
