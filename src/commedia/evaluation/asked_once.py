"""Networks and the pictures of many films to networks that are asked once about each: films share their shots."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from commedia.faces.crop import Crop
from commedia.faces.protocol import DetectorProtocol, EmbedderProtocol, RegressorProtocol
from commedia.structures import Face, FaceParams
from commedia.tracking.models import Models


def asked_once(models: Models, pictures: Iterable[np.ndarray]) -> Models:
    """Take models that remember what they said of these very arrays, which must live as long as they do."""
    # Pictures are told apart by where they are in memory; of others, whose place may be taken again, nothing is kept.
    answers = Answers(frozenset(id(picture) for picture in pictures))
    return replace(
        models,
        detector=_Detector(models.detector, answers, "detector"),
        tiled=models.tiled and _Detector(models.tiled, answers, "tiled"),
        regressor=_Regressor(models.regressor, answers),
        embedder=models.embedder and _Embedder(models.embedder, answers),
    )


@dataclass
class Answers:
    """What was said of which picture."""

    known: frozenset[int]
    said: dict[Hashable, Any] = field(default_factory=dict)

    def each(self, image: np.ndarray, keys: Sequence[Hashable], ask: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
        """Answers to these questions about a picture; `ask` is told the places of those that are new."""
        if id(image) not in self.known:
            return list(ask(list(range(len(keys)))))
        named = [(id(image), key) for key in keys]
        new = [place for place, name in enumerate(named) if name not in self.said]
        if new:
            self.said |= {named[place]: answer for place, answer in zip(new, ask(new), strict=True)}
        return [self.said[name] for name in named]


@dataclass(frozen=True)
class _Detector:
    inner: DetectorProtocol
    answers: Answers
    name: str

    def detect(self, image: np.ndarray) -> list[Face]:
        (found,) = self.answers.each(image, [self.name], lambda _: [self.inner.detect(image)])
        return list(found)


@dataclass(frozen=True)
class _Regressor:
    inner: RegressorProtocol
    answers: Answers

    def regress(self, image: np.ndarray, crops: list[Crop]) -> list[FaceParams]:
        keys = [("regressor", crop.center_px.tobytes(), crop.side_px, crop.roll) for crop in crops]
        return self.answers.each(image, keys, lambda new: self.inner.regress(image, [crops[place] for place in new]))


@dataclass(frozen=True)
class _Embedder:
    inner: EmbedderProtocol
    answers: Answers

    def embed(self, image: np.ndarray, landmarks_px: Sequence[np.ndarray]) -> np.ndarray:
        keys = [("embedder", points.tobytes()) for points in landmarks_px]
        ask = self.inner.embed
        return np.stack(self.answers.each(image, keys, lambda new: ask(image, [landmarks_px[place] for place in new])))
