"""What a card says of the weights that a training begins with: how they came to be, without settings and shards."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from commedia.networks.paper1.sfn import Sfn, SfnConfig
from commedia.networks.weights import save_weights
from commedia.training.provenance import begun_from

STAGE = {"name": "all", "commit": "abc", "config": {"loss": 1}, "shards": {"a.tar": "0"}, "init_from": None, "steps": 9}
IN_SHORT = {"name": "all", "commit": "abc", "init_from": None, "steps": 9}


def saved(path: Path, **facts: object) -> Path:
    save_weights(path, Sfn(SfnConfig(width_mult=0.25)), {key: json.dumps(value) for key, value in facts.items()})
    return path


def test_the_stages_of_weights_are_kept_in_short(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.safetensors", stages=[STAGE, STAGE])
    assert begun_from(file) == {
        "name": "w.safetensors",
        "sha256": sha256(file.read_bytes()).hexdigest(),
        "stages": [IN_SHORT, IN_SHORT],
        "sources": [],
    }


def test_so_are_those_of_each_source_of_a_mean(tmp_path: Path) -> None:
    source = {"name": "a.safetensors", "sha256": "1", "share": 0.6}
    file = saved(tmp_path / "w.safetensors", sources=[{**source, "stages": [STAGE]}])
    assert begun_from(file)["sources"] == [{**source, "stages": [IN_SHORT]}]


def test_weights_that_say_nothing_of_themselves_are_a_name_and_a_hash(tmp_path: Path) -> None:
    assert begun_from(saved(tmp_path / "w.safetensors"))["stages"] == []


def test_an_onnx_file_is_what_its_card_tells(tmp_path: Path) -> None:
    (file := tmp_path / "net.onnx").write_bytes(b"graph")
    bare = {"name": "net.onnx", "sha256": sha256(b"graph").hexdigest(), "stages": [], "sources": []}
    assert begun_from(file) == bare
    source = {"name": "a.safetensors", "sha256": "1", "share": 0.6}
    card = {"stages": [STAGE], "sources": [{**source, "stages": [STAGE]}], "note": "by hand"}
    card["files"] = {"net.onnx": {"sha256": bare["sha256"], "bytes": 5}}
    (tmp_path / "net.card.json").write_text(json.dumps(card))
    assert begun_from(file) == bare | {"stages": [IN_SHORT], "sources": [{**source, "stages": [IN_SHORT]}]}


@pytest.mark.parametrize(
    "card", ["{", "[]", "{}", '{"files": {"net.onnx": {"sha256": "2"}}, "stages": [{"name": "a"}]}']
)
def test_a_card_of_another_file_tells_nothing(card: str, tmp_path: Path) -> None:
    (file := tmp_path / "net.onnx").write_bytes(b"graph")
    (tmp_path / "net.card.json").write_text(card)
    assert begun_from(file)["stages"] == []
