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
    """Say in plain values what a stage was."""
    return {
        "name": stage.name,
        "commit": commit,
        "config": {"network": config_to_json(network), **asdict(stage)},
        "shards": {path.name: _sha256(path) for path in shards},
        "init_from": None if init_from is None else {"name": init_from.name, "sha256": _sha256(init_from)},
        "seed": seed,
        "steps": steps,
        "minutes": round(minutes, 2),
        "machine": machine(),
    }


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
