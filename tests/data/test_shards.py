"""Shards: what goes in comes out, and a broken one is named and refused."""

import io
import json
import tarfile
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from commedia.data.sample import FaceSample, PictureSample, full_weight
from commedia.data.shards import read_encoded, read_shard, write_shard
from commedia.data.truth import DrawnTruth, truth_to_bytes
from commedia.errors import BadShard
from commedia.structures import Box, HeadPose
from tests.mirrored import mirrored_picture


def make_face(rng: np.random.Generator) -> FaceSample:
    wxyz = rng.normal(size=4).astype(np.float32)
    wxyz /= np.linalg.norm(wxyz) * np.sign(wxyz[0])
    return FaceSample(
        box=Box(3.0, 4.0, 40.5, 44.25),
        landmarks_px=rng.uniform(0, 48, (68, 2)).astype(np.float32),
        landmark_kind="synthetic",
        pose=HeadPose(wxyz, rng.uniform(0, 48, 2).astype(np.float32), 312.5),
        identity=rng.normal(size=50).astype(np.float32),
        expression=rng.uniform(0, 1, 52).astype(np.float32),
        expression_weight=full_weight(),
        identity_name="p1",
    )


def make_picture(rng: np.random.Generator, faces: int) -> PictureSample:
    image = np.repeat(np.linspace(20, 220, 64, dtype=np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    return PictureSample(image, tuple(make_face(rng) for _ in range(faces)), "test:1", "CC0-1.0", "synthetic")


def assert_same_face(first: FaceSample, second: FaceSample) -> None:
    for field in fields(FaceSample):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_allclose(a, b, atol=1e-3)
        elif isinstance(a, HeadPose):
            np.testing.assert_allclose(a.wxyz, b.wxyz, atol=1e-6)
            np.testing.assert_allclose(a.origin_px, b.origin_px, atol=1e-3)
            assert a.px_per_m == pytest.approx(b.px_per_m)
        else:
            assert a == b, field.name


def test_what_is_written_is_read(tmp_path: Path, rng: np.random.Generator) -> None:
    unknown = replace(make_face(rng), identity=None, expression=None, identity_name=None, landmark_kind="gold")
    samples = [make_picture(rng, 0), make_picture(rng, 3), replace(make_picture(rng, 0), faces=(unknown,))]
    path = tmp_path / "a.tar"
    assert write_shard(path, samples) == 3
    for sample, again in zip(samples, read_shard(path), strict=True):
        assert np.abs(sample.image.astype(int) - again.image).max() < 6
        assert (sample.source, sample.licence, sample.kind) == (again.source, again.licence, again.kind)
        for face, face_again in zip(sample.faces, again.faces, strict=True):
            assert_same_face(face, face_again)


def test_relabelling_keeps_the_pictures(tmp_path: Path, rng: np.random.Generator) -> None:
    first, second = tmp_path / "a.tar", tmp_path / "b.tar"
    write_shard(first, [make_picture(rng, 1), make_picture(rng, 2)])
    assert write_shard(second, (replace(picture, faces=picture.faces[:1]) for picture in read_encoded(first))) == 2
    for before, after in zip(read_encoded(first), read_encoded(second), strict=True):
        assert after.jpeg == before.jpeg
        assert after.size == before.size == (64, 48)
        assert len(after.faces) == 1


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.tar"
    write_shard(path, [make_picture(rng, 1)])
    before = path.read_bytes()

    def failing():
        yield make_picture(rng, 1)
        raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        write_shard(path, failing())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar"]


def rewrite(path: Path, change) -> None:
    """Apply `change(name, content) -> (name, content) | None` to every member."""
    with tarfile.open(path) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar]
    with tarfile.open(path, "w") as tar:
        for member in members:
            if (changed := change(*member)) is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                tar.addfile(info, io.BytesIO(changed[1]))


def edited(**changes):
    def change(name: str, content: bytes):
        if name.endswith(".json"):
            label = json.loads(content)
            target = label["faces"][0] if set(changes) & label["faces"][0].keys() else label
            target.update(changes)
            content = json.dumps(label).encode()
        return name, content

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda n, c: None if n.endswith(".json") else (n, c), "has no label"),
        (lambda n, c: None if n.endswith(".jpg") else (n, c), "where a .jpg was expected"),
        (lambda n, c: (n, c[:20]) if n.endswith(".json") else (n, c), "000000"),
        (lambda n, c: (n, b"not a picture") if n.endswith(".jpg") else (n, c), "cannot be decoded"),
        (edited(expression=[1.5] * 52), r"'expression' leaves \[0, 1\]"),
        (edited(expression=[0.5] * 51), r"shape \(51,\)"),
        (edited(landmarks_px=[[float("nan"), 1.0]] * 68), "not finite"),
        (edited(landmark_kind="guess"), "known: gold, fit"),
        (edited(wxyz=[2, 0, 0, 0]), "unit quaternion"),
        (edited(px_per_m=-3), "positive"),
        (edited(box=[5, 5, 5, 9]), "no area"),
        (edited(width=65), "label says 65x48"),
        (edited(mood="good"), r"unknown \['mood'\]"),
    ],
)
def test_a_broken_shard_is_refused_by_name(tmp_path: Path, rng: np.random.Generator, change, says: str) -> None:
    path = tmp_path / "broken.tar"
    write_shard(path, [make_picture(rng, 1)])
    rewrite(path, change)
    with pytest.raises(BadShard, match=says) as caught:
        list(read_shard(path))
    assert "broken.tar" in str(caught.value)


def drawn_truth() -> DrawnTruth:
    return DrawnTruth(
        np.zeros(50, np.float32),
        np.ones(52, np.float32),
        np.zeros((52, 4, 8), np.float32),
        np.zeros(52, np.float32),
        np.array([1, 0, 0, 0], np.float32),
        np.array([3, 4, 100, np.inf], np.float32),
        {"noise_at": [1.0, 2.0]},
    )


def edited_truth(**changes) -> bytes:
    arrays = dict(np.load(io.BytesIO(truth_to_bytes(drawn_truth())))) | changes
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def png(value: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8), value, np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("ending", "content", "says"),
    [
        ("truth.npz", lambda whole: whole[: len(whole) // 2], "truth cannot be read"),
        ("truth.npz", lambda whole: b"", "truth cannot be read"),
        ("truth.npz", lambda whole: edited_truth(paint=np.frombuffer(b"{", np.uint8)), "truth cannot be read"),
        (
            "truth.npz",
            lambda whole: edited_truth(wxyz=np.zeros(3, np.float32)),
            r"wxyz of float32 \(3,\)",
        ),
        ("truth.npz", lambda whole: edited_truth(identity=np.full(50, np.nan, np.float32)), "not finite"),
        ("truth.npz", lambda whole: edited_truth(camera=np.zeros(4, np.float32)), "not finite"),
        ("truth.npz", lambda whole: edited_truth(paint=np.frombuffer(b"[1]", np.uint8)), "not an object"),
        ("parse.png", lambda whole: b"not a picture", "no picture of classes"),
        ("parse.png", lambda whole: png(10), "no picture of classes"),
    ],
)
def test_broken_truth_is_refused_by_name(tmp_path: Path, rng: np.random.Generator, ending, content, says: str) -> None:
    path = tmp_path / "broken.tar"
    parse = np.full((8, 8), 9, np.uint8)
    write_shard(path, [replace(make_picture(rng, 1), truth=drawn_truth(), parse=parse)])
    assert next(iter(read_shard(path))).truth.paint == {"noise_at": [1.0, 2.0]}
    rewrite(path, lambda name, whole: (name, content(whole)) if name.endswith(ending) else (name, whole))
    with pytest.raises(BadShard, match=says) as caught:
        list(read_shard(path))
    assert "broken.tar" in str(caught.value)


def test_a_shard_cut_short_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "cut.tar"
    write_shard(path, [make_picture(rng, 1) for _ in range(4)])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BadShard, match=r"cut\.tar"):
        list(read_encoded(path))


def test_mirroring_twice_changes_nothing(rng: np.random.Generator) -> None:
    signs = np.sign(rng.normal(size=50)).astype(np.float32)
    picture = make_picture(rng, 2)
    twice = mirrored_picture(mirrored_picture(picture, signs), signs)
    assert np.array_equal(picture.image, twice.image)
    for face, again in zip(picture.faces, twice.faces, strict=True):
        assert_same_face(face, again)
    once = mirrored_picture(picture, signs).faces[0]
    assert not np.allclose(once.expression, picture.faces[0].expression)
