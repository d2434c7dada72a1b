"""What a card says of the weights that a training begins with: how they came to be, without settings and shards."""

import json
from hashlib import sha256
from pathlib import Path

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
