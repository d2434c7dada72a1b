"""Every file that has a place for them tells the exact rational rate, and all of them agree on when frames are."""

import json
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from livelink_table import read_livelink_csv
from rigs import params, small_builder

from commedia.formats.livelink_csv import LiveLinkCsvWriter
from commedia.pipeline import retarget

COUNT = 70


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_files_agree_on_rate_and_times(rate: Fraction, tmp_path: Path) -> None:
    writer = LiveLinkCsvWriter(tmp_path / "take.csv", rate)
    for index in range(COUNT):
        writer.add(index / rate, params(jawOpen=index / COUNT))
    writer.close()
    (tmp_path / "rig.glb").write_bytes(small_builder(("jawOpen", "tongueOut")).to_bytes())
    options = {"character": tmp_path / "rig.glb", "formats": ("glb", "vrma", "csv"), "preview": False, "rate": rate}
    retarget(tmp_path / "take.csv", tmp_path / "out", **options)
    frames = read_livelink_csv(tmp_path / "out" / "person-01.csv", rate).milliframes
    np.testing.assert_array_equal(frames, 1000 * np.arange(COUNT))
    for ending in ("glb", "vrma"):
        data = (tmp_path / "out" / f"person-01.{ending}").read_bytes()
        length = struct.unpack_from("<I", data, 12)[0]
        tree, binary = json.loads(data[20 : 20 + length]), data[28 + length :]
        clip = tree["animations"][0]
        assert clip["extras"] == {"frameRate": str(rate), "startTimecode": "00:00:00:00.000"}
        times = tree["accessors"][clip["samplers"][0]["input"]]
        view = tree["bufferViews"][times["bufferView"]]
        found = np.frombuffer(binary, "<f4", times["count"], view["byteOffset"])
        np.testing.assert_allclose(found * float(rate), frames / 1000, atol=1e-4)
