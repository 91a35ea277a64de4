"""What a network was grown on: windows of its scene, or how well it tells the classes of a dataset apart."""

from __future__ import annotations

import math

import numpy as np
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...core.networks.card import Card
from ...core.simulation import Scene
from ...jobs.network_views import SampleWindows
from ..session.card_facts import accuracy_rows, grown_on_line
from ..session.sentences import reason
from ..session.session import Session
from ..shared.labels import Note, Status
from ..shared.newest import Newest
from ..shared.pictures import CropStrip
from .numbers import NumberTable

_SAMPLES = 4


class GrownOn(QWidget):
    """Shows what a network was grown on; windows are simulated where they are to be seen.

    Attributes
    ----------
    note : Note
    windows : CropStrip
    accuracies : NumberTable
    told : Status
        What it is doing, or what is in the way.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: SampleWindows | None = None
        self._seen = False
        self.note, self.told = Note(), Status()
        self.windows = CropStrip()
        self.windows.setToolTip("Simulated windows around particles, each with grey values of its own.")
        self.accuracies = NumberTable()
        self.work = Newest(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.note, self.windows, self.accuracies, self.told):
            layout.addWidget(part)
        self.work.advanced.connect(self._show)
        self.work.failed.connect(lambda error: self.told.tell(reason(error), "error"))

    def show_card(self, card: Card) -> None:
        """Show what a card's network was grown on."""
        scene = card.recipe.scene
        self.work.abandon()
        self.windows.set_rows({})
        self.told.tell("")
        self.note.say(grown_on_line(card))
        self.accuracies.show_rows(("stage", "right", "of images"), accuracy_rows(card))
        self._job = None if scene is None else sample_windows(scene, card.plan.side, card.recipe.zoom)
        self.see(self._seen)

    def see(self, seen: bool) -> None:
        """Simulate windows where they are to be seen and are not there yet."""
        self._seen = seen
        if seen and self._job is not None:
            self.told.tell("Simulating windows...")
            self.work.ask(self._session.engines.simulating, self._job)

    def follow(self) -> None:
        """Go on with what was left; may be called twice."""
        self.see(self._seen)

    def leave(self) -> None:
        """Stop working; may be called twice."""
        if self.work.running:
            self.work.abandon()
            self.told.tell("")

    def _show(self, rows: dict[float, np.ndarray]) -> None:
        self._job = None
        self.told.tell("")
        self.windows.set_rows({f"SNR {snr:g}": [*map(_stretched, windows)] for snr, windows in rows.items()})


def _stretched(window: np.ndarray) -> np.ndarray:
    """Return a window (side, side) with grey values of its own, from 0 to 1."""
    low, high = np.percentile(window, (1, 99.5))
    return np.clip((window - low) / max(high - low, 1e-6), 0, 1)


def sample_windows(scene: Scene, side: int, zoom: float) -> SampleWindows:
    """Return the job that simulates windows at the least, a middle and the greatest SNR of a scene."""
    low, high = scene.snr.low, scene.snr.high
    snrs = (low,) if math.isclose(low, high) else (low, float(f"{math.sqrt(low * high):.2g}"), high)
    odd = max(round(side / zoom) // 2 * 2 + 1, 3)
    return SampleWindows(scene, odd, snrs, _SAMPLES)
