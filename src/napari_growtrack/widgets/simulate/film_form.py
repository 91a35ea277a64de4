"""How long and large a simulated film is, and how its particles move; and the film, made frame after frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from qtpy.QtWidgets import QCheckBox, QSpinBox, QWidget

from ...core.errors import SettingsError
from ...core.simulation import Motion, Scene
from ...engine import Runs
from ...jobs.simulation import SimulateFilm
from ..napari_io.samples import LayerData, film_layers
from ..shared.rows import Form, NumberBox
from .sentences import FilmProgress, vast_line

_MOST = 100_000


class FilmForm(QWidget):
    """How long and large a film is, and how its particles move."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = _whole(1, 30, "", "How many frames the film has.")
        self.rows, self.columns = (_whole(1, 251, "px", f"{side} of a frame.") for side in ("Height", "Width"))
        self.number = _whole(-1, -1, "", "How many particles the film shows; by density, they follow from the scene.")
        self.number.setSpecialValueText("by density")
        self.moving = QCheckBox("Particles move")
        self.diffusion = NumberBox(0, 1000, 0.1, "px²/frame", 2, "Diffusion coefficient; 0 is no Brownian motion.")
        drift = "How far all particles drift from one frame to the next, {}."
        self.down = NumberBox(-100, 100, 0.1, "px/frame", 2, drift.format("downwards (y)"))
        self.right = NumberBox(-100, 100, 0.1, "px/frame", 2, drift.format("to the right (x)"))
        self.seed = _whole(0, 0, "", "The same seed gives the same film.")
        self._lay_out()

    def _lay_out(self) -> None:
        self.diffusion.set_number(Motion().diffusion)
        self.moving.setToolTip("Otherwise particles are scattered anew in each frame.")
        self.moving.toggled.connect(self._let_move)
        self.moving.setChecked(True)
        form = Form(self)
        for label, part in self._parts().items():
            form.addRow(label, part)
        form.insertRow(4, self.moving)

    def _parts(self) -> dict[str, QWidget]:
        return {
            "Frames": self.frames,
            "Height": self.rows,
            "Width": self.columns,
            "Particles": self.number,
            "Diffusion": self.diffusion,
            "Drift down": self.down,
            "Drift right": self.right,
            "Seed": self.seed,
        }

    def _let_move(self, on: bool) -> None:
        for part in (self.diffusion, self.down, self.right):
            part.setEnabled(on)
        self.moving.setText("Particles move" if on else "Particles move (off: scattered anew in each frame)")

    def job(self, scene: Scene) -> SimulateFilm:
        """Return what an engine is to do.

        Raises
        ------
        SettingsError
            When the film would fill more than half of the free memory.
        """
        shape = self.rows.value(), self.columns.value()
        refuse_vast(self.frames.value(), shape)
        number = None if self.number.value() < 0 else self.number.value()
        drift = self.down.number(), self.right.number()
        motion = Motion(diffusion=self.diffusion.number(), drift=drift) if self.moving.isChecked() else None
        return SimulateFilm(scene, self.frames.value(), shape, self.seed.value(), number, motion)


def _whole(low: int, value: int, unit: str, about: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, _MOST)
    box.setValue(value)
    box.setSuffix(f" {unit}" if unit else "")
    box.setToolTip(about)
    return box


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
