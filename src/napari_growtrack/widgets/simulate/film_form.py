"""How long and large a simulated film is, and how its particles move; and the film, made frame after frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt
from qtpy.QtWidgets import QWidget

from ...core.errors import SettingsError
from ...core.settings import Settings
from ...core.simulation import Motion, Scene
from ...engine import Runs
from ...jobs.simulation import SimulateFilm
from ..napari_io.samples import LayerData, film_layers
from ..shared.forms import Fields
from ..shared.rows import Form
from .sentences import FilmProgress, vast_line

_MOST = 100_000


def _drift(where: str) -> Any:
    about = f"How far all particles drift from one frame to the next, {where}."
    return Field(
        0.0, ge=-100, le=100, description=about, json_schema_extra={"unit": "px/frame", "low": -100, "step": 0.1}
    )


def _lasting(about: str, none: str) -> Any:
    told: Any = {"unit": "frames", "low": 0, "high": 1e6, "step": 5, "decimals": 0, "none": none}
    return Field(None, ge=1, le=1e6, description=about, json_schema_extra=told)


class Asked(Settings):
    """How long and large a film is, and how its particles move, blink and bleach."""

    frames: PositiveInt = Field(30, description="How many frames the film has.", json_schema_extra={"high": _MOST})
    height: PositiveInt = Field(251, description="Height of a frame.", json_schema_extra={"unit": "px", "high": _MOST})
    width: PositiveInt = Field(251, description="Width of a frame.", json_schema_extra={"unit": "px", "high": _MOST})
    particles: NonNegativeInt | None = Field(
        None,
        description="How many particles the film shows; by density, they follow from the scene.",
        json_schema_extra={"low": -1, "high": _MOST, "none": "by density"},
    )
    moving: bool = Field(
        True,
        description="Otherwise particles are scattered anew in each frame.",
        json_schema_extra={"label": "Particles move"},
    )
    diffusion: NonNegativeFloat = Field(
        Motion().diffusion,
        description="Diffusion coefficient; 0 is no Brownian motion.",
        json_schema_extra={"unit": "px²/frame", "high": 1000, "step": 0.1},
    )
    drift_down: float = _drift("downwards (y)")
    drift_right: float = _drift("to the right (x)")
    frames_on: float | None = _lasting("How many frames a particle is on, on average, before it blinks.", "always")
    frames_off: float = Field(
        5,
        ge=1,
        le=1e6,
        description="How many frames it is off then, on average.",
        json_schema_extra={"unit": "frames", "decimals": 0},
    )
    bleaching: float | None = _lasting("After how many frames a particle is gone, on average.", "never")
    seed: NonNegativeInt = Field(0, description="The same seed gives the same film.", json_schema_extra={"high": _MOST})

    @property
    def motion(self) -> Motion | None:
        """How particles move, blink and bleach; None where they are scattered anew."""
        if not self.moving:
            return None
        blinking = None if self.frames_on is None else (self.frames_on, self.frames_off)
        drift = self.drift_down, self.drift_right
        return Motion(diffusion=self.diffusion, drift=drift, blinking=blinking, bleaching=self.bleaching)


class FilmForm(QWidget):
    """How long and large a film is, and how its particles move, blink and bleach."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = Fields(Asked)
        (
            self.frames,
            self.rows,
            self.columns,
            self.number,
            self.moving,
            self.diffusion,
            self.down,
            self.right,
            self.on,
            self.off,
            self.bleaching,
            self.seed,
        ) = (self._fields[name] for name in self._fields)
        self._fields.add_to(Form(self))
        self.off.setEnabled(False)
        self.on.valueChanged.connect(self._let_blink)
        self.moving.toggled.connect(self._let_move)

    def _let_move(self, on: bool) -> None:
        for part in (self.diffusion, self.down, self.right, self.on, self.bleaching):
            part.setEnabled(on)
        self._let_blink()
        self.moving.setText("Particles move" if on else "Particles move (off: scattered anew in each frame)")

    def _let_blink(self) -> None:
        self.off.setEnabled(self.moving.isChecked() and self.on.value() > self.on.minimum())

    def job(self, scene: Scene) -> SimulateFilm:
        """Return what an engine is to do.

        Raises
        ------
        SettingsError
            When the film would fill more than half of the free memory.
        """
        asked = self._fields.value()
        shape = asked.height, asked.width
        refuse_vast(asked.frames, shape)
        return SimulateFilm(scene, asked.frames, shape, asked.seed, asked.particles, asked.motion)


def refuse_vast(frames: int, shape: tuple[int, int]) -> None:
    """Refuse a film that would fill more than half of the free memory.

    Raises
    ------
    SettingsError
        With the film's size.
    """
    size, free = 4 * frames * shape[0] * shape[1], free_memory()
    if size > free / 2:
        raise SettingsError(vast_line(frames, shape, size, free))


def free_memory() -> int:
    """Return how many bytes of memory are free."""
    import psutil

    return int(psutil.virtual_memory().available)


# Films ----------------------------------------------------------------------------------------------------------------


_BLINK = 0.05


@dataclass(frozen=True, eq=False)
class Film:
    """A film that was made.

    Attributes
    ----------
    frames : ndarray (T, Y, X) float32
    truth : DataFrame
        ``frame, y, x, particle, radius, snr``.
    limits : (float, float)
        Its darkest and its brightest pixel.
    job : SimulateFilm
    """

    frames: np.ndarray
    truth: pd.DataFrame
    limits: tuple[float, float]
    job: SimulateFilm

    def layers(self) -> list[LayerData]:
        """Return an image layer and one of points, as samples have them."""
        scene = self.job.scene
        made = {"scene": scene.model_dump(mode="json"), "seed": self.job.seed}
        return film_layers(scene.name, self.frames, self.truth, made, contrast_limits=self.limits)


def make_film(engine: Runs, job: SimulateFilm) -> Iterator[FilmProgress | Film | None]:
    """Have a film made, frame after frame; yield how it goes, None as a sign of life, and at last the film."""
    frames = np.empty((job.frames, *job.shape), np.float32)
    truths: list[pd.DataFrame] = []
    low, high, began, told_at = np.inf, -np.inf, 0.0, 0.0
    for told in engine.run(job):
        now = time.monotonic()
        if told is None:
            yield None
            continue
        frames[len(truths)], truth = told
        began = began or now
        low, high = min(low, float(told[0].min())), max(high, float(told[0].max()))
        truths.append(truth)
        news = now - told_at > _BLINK
        told_at = now if news else told_at
        left = (now - began) / max(len(truths) - 1, 1) * (job.frames - len(truths))
        yield FilmProgress(len(truths), job.frames, left) if news else None
    yield Film(frames, pd.concat(truths, ignore_index=True), (low, high if high > low else low + 1), job)
