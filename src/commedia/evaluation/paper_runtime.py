"""Table `paper-runtime`: time (of this machine) against number of faces, and sizes of networks, beside section 5.5."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np
from jaxtyping import UInt8

from commedia.data.datasets.spec import MissingDataset
from commedia.errors import UnknownName, UnreadableMedia
from commedia.evaluation.entries import find_dataset, parse_variants, with_reasons
from commedia.evaluation.published import PAPER, published, variants
from commedia.evaluation.report import Cell, Table
from commedia.evaluation.settings import EvaluationSettings, Progress
from commedia.faces.crop import Crop
from commedia.faces.mfn import open_mfn
from commedia.faces.sfn import open_sfn
from commedia.faces.weights import find_weights

MOST_FACES = 20
TILE = 160
COLUMNS = 5
ROUNDS = 5
BYTES_WITH_ADAM = 12
"""Keras saves two slots of Adam with each 32-bit parameter: which fits the paper's sizes best."""


def paper_runtime(settings: EvaluationSettings, progress: Progress) -> list[Table]:
    """Time MFN, and MFN followed by SFN on each face, on mosaics of 1 to 20 faces; and weigh the files."""
    return with_reasons(_times(settings, progress), size_table(settings))


def mosaic(tiles: list[UInt8[np.ndarray, "t t 3"]]) -> tuple[UInt8[np.ndarray, "h w 3"], list[Crop]]:
    """Lay faces side by side on grey, always on the same size of picture, with a crop for each."""
    picture = np.full((-(-MOST_FACES // COLUMNS) * TILE, COLUMNS * TILE, 3), 128, dtype=np.uint8)
    crops = []
    for index, tile in enumerate(tiles):
        top, left = index // COLUMNS * TILE, index % COLUMNS * TILE
        picture[top : top + TILE, left : left + TILE] = tile
        crops.append(Crop(np.array([left + TILE / 2, top + TILE / 2], np.float32), 0.8 * TILE))
    return picture, crops


def _times(settings: EvaluationSettings, progress: Progress) -> Table:
    detector, regressor = open_mfn(settings.mfn, threads=1), open_sfn(settings.sfn, threads=1)
    tiles, origin = _tiles(settings.root)
    paper = {int(row.name): row.values for row in published("runtime").rows}
    rounds = min(ROUNDS, settings.limit or ROUNDS)
    rows: list[tuple[Cell, ...]] = []
    for count in range(1, MOST_FACES + 1):
        progress("faces", count - 1, MOST_FACES)
        picture, crops = mosaic(tiles[:count])
        found = len(detector.detect(picture))
        finding = _milliseconds(lambda image=picture: detector.detect(image), rounds)
        reading = _milliseconds(lambda image=picture, parts=crops: regressor.regress(image, parts), rounds)
        separate, joint = paper.get(count, (None, None))
        rows.append((count, separate, joint, finding + reading, finding, reading, found))
    heads = (
        *("faces", "paper, detector then SFN, ms", "paper, MFN, ms"),
        *("ours, MFN then SFN, ms", "ours, MFN, ms", "of it SFN, ms", "found by MFN"),
    )
    notes = (
        f"Paper: {PAPER}, section 5.5, on a Google Pixel 2; ours on the machine named below, one thread, so that only "
        "the growth with the number of faces compares.",
        f"Median of {rounds} runs, with resizing and decoding of the answer; {origin}.",
        "SFN reads all faces of a picture in one evaluation, the paper's face by face.",
    )
    return Table("paper-runtime", "Time against number of faces", heads, tuple(rows), notes)


def size_table(settings: EvaluationSettings) -> Table:
    """Parameters and megabytes of the files there are, beside the paper's megabytes."""
    rows: list[tuple[Cell, ...]] = [
        (f"paper: {row.name}", None, row.values[0], None, None, "published number") for row in published("sizes").rows
    ]
    given = parse_variants(settings.variants)
    asked = {f"ours, {Path(name).name}": name for name in (settings.sfn, settings.mfn)}
    asked |= {f"variant {name}": given.get(name, "") for name in variants()}
    for label, name in asked.items():
        if not name:
            recipe = variants()[label.removeprefix("variant ")].recipe
            reason = f"not measured: no network; 'commedia train {recipe}' makes it"
            rows.append((label, *(None,) * 4, reason))
            continue
        path = find_weights(name)
        count = parameter_count(path)
        file_mb = path.stat().st_size / 1e6
        if count is None:
            reason = "parameters not measured: no card beside the file, and the package 'onnx' is not installed"
            rows.append((label, None, file_mb, None, None, reason))
        else:
            rows.append((label, count, file_mb, 4 * count / 1e6, BYTES_WITH_ADAM * count / 2**20, ""))
    heads = ("network", "parameters", "file, MB", "MB at 32 bit", "MiB with Adam", "remark")
    notes = (
        f"Paper: {PAPER}, section 5.5. Its sizes fit files with the slots of Adam best; ours are given both ways.",
        "`commedia export --report` counts every network of the paper without a file.",
    )
    return Table("paper-runtime-sizes", "Sizes of networks", heads, tuple(rows), notes)


def parameter_count(path: Path) -> int | None:
    """Parameters of a network: what its card says, or else what its graph holds; None where neither can be read."""
    card = path.with_suffix(".card.json")
    if card.is_file():
        try:
            return int(json.loads(card.read_text(encoding="utf-8"))["parameters"])
        except (ValueError, KeyError, TypeError):
            pass  # a card of somebody else's making
    try:
        import onnx
    except ImportError:
        return None
    graph = onnx.load(str(path)).graph
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer if tensor.data_type in floats)


def _milliseconds(run: Callable[[], object], rounds: int) -> float:
    run()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        run()
        times.append(1000 * (perf_counter() - start))
    return median(times)


def _tiles(root: Path | None) -> tuple[list[UInt8[np.ndarray, "t t 3"]], str]:
    """Twenty square pictures of faces: of LFW where it is there, else drawn."""
    tiles: list[np.ndarray] = []
    try:
        for item in islice(find_dataset("lfw", root), MOST_FACES):
            image = item.picture.decoded()
            height, width = image.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            square = image[top : top + side, left : left + side]
            tiles.append(np.asarray(cv2.resize(square, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8))
    except (MissingDataset, UnreadableMedia, UnknownName):
        tiles = []
    if not tiles:
        return [drawn_face(seed) for seed in range(MOST_FACES)], "faces are drawn, because LFW is not under --root"
    return [tiles[index % len(tiles)] for index in range(MOST_FACES)], "faces are LFW's"


def drawn_face(seed: int) -> UInt8[np.ndarray, "t t 3"]:
    """Draw a simple face: enough to make MFN answer, too little to judge how well."""
    rng = np.random.default_rng(seed)
    tile = np.full((TILE, TILE, 3), rng.integers(60, 200, 3), dtype=np.uint8)
    skin = tuple(int(value) for value in np.array([200, 160, 130]) + rng.integers(-40, 40, 3))
    middle = TILE // 2
    cv2.ellipse(tile, (middle, middle), (44, 58), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.ellipse(tile, (middle + side * 18, middle - 14), (8, 4), 0, 0, 360, (245, 245, 245), -1, cv2.LINE_AA)
        cv2.circle(tile, (middle + side * 18, middle - 14), 3, (40, 30, 20), -1, cv2.LINE_AA)
        cv2.line(tile, (middle + side * 10, middle - 26), (middle + side * 28, middle - 26), (60, 40, 30), 3)
    cv2.line(tile, (middle, middle - 8), (middle - 5, middle + 14), (150, 110, 90), 2, cv2.LINE_AA)
    cv2.ellipse(tile, (middle, middle + 32), (16, 5), 0, 0, 360, (170, 70, 70), -1, cv2.LINE_AA)
    return tile
