"""The painted head: machine code paints what the same loops paint in plain Python, and light is the harmonics'."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from commedia.render.shade import AMBIENT_OFFSET, directional_coefficients, irradiance
from commedia.synthetic import dressing, heads, painting_loops, shards, skin
from commedia.synthetic.appearance import Light
from commedia.synthetic.heads import draw_heads
from commedia.synthetic.performers import Performer, sample_performers, stream_rng
from commedia.synthetic.skin import WRINKLES, light_on

SIZE = 40


def performers() -> list[Performer]:
    """One with hair and glasses, one without hair."""
    drawn = sample_performers(stream_rng("train", 8), 40, name="t")
    return [next(p for p in drawn if p.glasses and p.hair), next(p for p in drawn if p.hair is None)]


def pictures() -> list[np.ndarray]:
    drawn = draw_heads(performers(), SIZE, np.full(2, SIZE * 0.7), np.zeros((2, 2)))
    background = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return [shards.paste(one.rgba, background) for one in drawn]


def test_machine_code_paints_what_plain_python_paints(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = pictures()
    for module in (dressing, heads, shards, skin):
        monkeypatch.setattr(module, "loop", lambda name: getattr(painting_loops, name))
    for one, plain in zip(compiled, pictures(), strict=True):
        assert one.std() > 20
        difference = np.abs(one.astype(int) - plain)
        assert difference.max() <= 12  # a point at the edge of a texel may fall on the other one
        assert (difference > 1).mean() < 0.003


def test_light_is_that_of_the_harmonics(rng: np.random.Generator) -> None:
    normal = rng.normal(size=(50, 3)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    for performer in sample_performers(rng, 6, name="t"):
        light = performer.light
        coefficients = torch.zeros(1, 3, 9)
        coefficients[0, :, 0] = torch.from_numpy(light.ambient) / 0.886227 - AMBIENT_OFFSET
        coefficients[0, :, 1] = -torch.from_numpy(light.sky) / 1.772454
        for direction, colour in zip(light.directions, light.colours, strict=True):
            coefficients += directional_coefficients(torch.from_numpy(direction), torch.from_numpy(colour))
        expected = irradiance(torch.from_numpy(normal), coefficients, torch.zeros(50, dtype=torch.int64))
        np.testing.assert_allclose(light_on(normal, light), expected.clamp_min(0.005).numpy(), atol=1e-5)


def test_a_lamp_lights_its_own_side(rng: np.random.Generator) -> None:
    sides = np.float32([[1, 0, 0], [-1, 0, 0]])
    nothing = np.zeros(3, np.float32)
    left, right = light_on(sides, Light(nothing, nothing, sides[:1], np.ones((1, 3), np.float32)))
    assert (left > 5 * right).all()


def test_the_loops_name_what_the_atlas_and_appearances_have() -> None:
    first = painting_loops.FOLDS
    assert painting_loops.MASKS[first : first + len(WRINKLES)] == list(WRINKLES)
    appearance = performers()[0].appearance
    assert set(painting_loops.COLOURS) == set(appearance.colours)
    assert {*painting_loops.SKIN_STRENGTHS, *painting_loops.HEAD_STRENGTHS} <= set(appearance.strengths)
    for number in ("LIPS", "SCALP", "BROW_ACROSS", "UNDER_EYE", "CHEEK", "OCCLUSION", "TOOTH_LOWER"):
        assert painting_loops.MASKS[getattr(painting_loops, number)] == number.lower()


def test_hair_over_skin_hides_it_wholly_or_mixes_with_it() -> None:
    person = next(p for p in performers() if p.hair)
    bright = replace(person.appearance, colours=person.appearance.colours | {"skin": np.ones(3, np.float32)})
    frames = [person, replace(person, appearance=bright)]
    dark, light = draw_heads(frames, 64, np.full(2, 40.0), np.zeros((2, 2)))
    same = (dark.rgba == light.rgba).all(-1) & (dark.rgba[..., 3] == 255)
    assert same.sum() > 100
    assert (~same).sum() > 100
