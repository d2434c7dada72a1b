"""What many tests share: types that are checked, where the optional material is, and seeded randomness."""

import os
from pathlib import Path

# Before torch is loaded: pytest's workers share the cores, and a second thread in each waits for the other's.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from type_checks import check_types_of

check_types_of("commedia")

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Photographs, clips and characters that may not be committed; tests that need them skip without them."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the optional material in ../shared/data")
    return SHARED_DATA


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
