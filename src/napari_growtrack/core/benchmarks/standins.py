"""Simulated pictures that stand in for data sets, so that every benchmark runs anywhere at smoke scale."""

from __future__ import annotations

import numpy as np

from ..datasets import Augmentation, Dataset, augment
from ..simulation import draw, named_scene, simulate_frame

Halves = tuple[Dataset, Dataset]

_LARGE = 56


def digits(train: int = 300, test: int = 100, seed: int = 0) -> Halves:
    """Draw written digits, 28 x 28 px, each a little turned, moved and leaned: a stand-in for MNIST."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, train + test)
    plain = np.stack([_glyph(digit) for digit in range(10)])[labels]
    varied = augment(plain, Augmentation(rotation=15, shift=0.08, shear=10, zoom=0.15, flip=False), rng)
    noisy = np.clip(varied[:, ::2, ::2] + rng.normal(0, 0.05, (len(labels), 28, 28, 1)), 0, 1)
    return _halves(noisy, labels, train, tuple("0123456789"), "drawn digits")


def _glyph(digit: int) -> np.ndarray:
    """Return a digit in white on black, (56, 56, 1) float32."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (_LARGE, _LARGE))
    font = ImageFont.load_default(44)
    ImageDraw.Draw(image).text((_LARGE / 2, _LARGE / 2), str(digit), 255, font, anchor="mm")
    return np.asarray(image, np.float32)[..., None] / 255


def pets(train: int = 60, test: int = 30, side: int = 75, seed: int = 0) -> Halves:
    """Draw coloured pictures of two kinds, round and long bodies on uneven ground: a stand-in for cats and dogs."""
    rng = np.random.default_rng(seed)
    number = train + test
    labels = rng.integers(0, 2, number)
    y, x = np.indices((side, side)) / side - 0.5
    angle = rng.uniform(0, np.pi, (number, 1, 1))
    place = rng.uniform(-0.2, 0.2, (2, number, 1, 1))
    along = (y - place[0]) * np.cos(angle) + (x - place[1]) * np.sin(angle)
    across = (x - place[1]) * np.cos(angle) - (y - place[0]) * np.sin(angle)
    stretch = np.where(labels, 3.0, 1.0)[:, None, None]
    body = np.exp(-((along / 0.1 / stretch) ** 2 + (across / 0.1) ** 2))[..., None]
    ground, coat = rng.uniform(0, 1, (2, number, 1, 1, 3))
    images = ground + (coat - ground) * body + rng.normal(0, 0.05, (number, side, side, 3))
    return _halves(np.clip(images, 0, 1), labels, train, ("round", "long"), "drawn bodies")


def _halves(images: np.ndarray, labels: np.ndarray, train: int, classes: tuple[str, ...], name: str) -> Halves:
    images = images.astype(np.float32)
    return (
        Dataset.of(images[:train], labels[:train], classes, f"{name}, train"),
        Dataset.of(images[train:], labels[train:], classes, f"{name}, test"),
    )


def trapped_film(frames: int, snr: float, seed: int = 0, side: int = 120) -> np.ndarray:
    """Simulate a bright bead in an optical trap, (T, Y, X) float32 from 0 to 1, near the middle of every frame."""
    rng = np.random.default_rng(seed)
    scene = named_scene("film").with_(snr=snr)
    scene = scene.with_(particles=[particle.with_(radius=(5, 6)) for particle in scene.particles])
    picture = draw(scene, (side, side), rng, number=1)
    middle = (side - 1) / 2
    places = middle + rng.normal(0, 5, (frames, 1, 2))
    return np.stack([simulate_frame(picture.moved_to(place), rng) for place in places])
