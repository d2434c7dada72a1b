"""What a card says of how weights came to be: each stage with its commit, settings, shards, seed, time and machine."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from commedia.files import sha256_of
from commedia.networks.registry import config_to_json
from commedia.networks.weights import facts_of_weights
from commedia.training.config import Stage


def stage_record(
    stage: Stage,
    network: nn.Module,
    shards: Sequence[Path],
    *,
    commit: str,
    seed: int,
    steps: int,
    minutes: float,
    init_from: Path | None,
) -> dict[str, Any]:
    """Say in plain values what a stage was; `shards` are all files it learnt from."""
    return {
        "name": stage.name,
        "commit": commit,
        "config": {"network": config_to_json(network), **asdict(stage)},
        "shards": {path.name: _sha256(path) for path in shards},
        "init_from": None if init_from is None else begun_from(init_from),
        "seed": seed,
        "steps": steps,
        "minutes": round(minutes, 2),
        "machine": machine(),
    }


def begun_from(weights: Path) -> dict[str, Any]:
    """Say which weights a training begins with and, as far as header or card tell, how they came to be."""
    known = _on_card(weights) if weights.suffix == ".onnx" else _in_header(weights)
    told = {key: [_in_short(record) for record in known.get(key, [])] for key in ("stages", "sources")}
    return {"name": weights.name, "sha256": _sha256(weights), **told}


def _in_header(weights: Path) -> dict[str, Any]:
    facts = facts_of_weights(weights)
    return {key: json.loads(facts[key]) for key in ("stages", "sources") if key in facts}


def _on_card(weights: Path) -> dict[str, Any]:
    """Read the card beside an .onnx file; a card of another file tells nothing."""
    try:
        card = json.loads(weights.with_suffix(".card.json").read_text(encoding="utf-8"))
        mine = card["files"][weights.name]["sha256"] == _sha256(weights)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(card) if mine else {}


def _in_short(record: dict[str, Any]) -> dict[str, Any]:
    """Leave settings and shards out of what a stage or a source says; those of old runs are on their own cards."""
    kept = {key: value for key, value in record.items() if key not in ("config", "shards")}
    return kept | {key: [_in_short(part) for part in kept[key]] for key in ("stages", "sources") if key in kept}


def stages_to_text(stages: Sequence[dict[str, Any]]) -> str:
    """Write records into one line, for the header of a weights file."""
    return json.dumps(list(stages), separators=(",", ":"))


def machine() -> str:
    """Name what computes."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()}, {torch.get_num_threads()} threads on {os.cpu_count()} cores"


@cache
def _sha256(path: Path) -> str:
    return sha256_of(path)
