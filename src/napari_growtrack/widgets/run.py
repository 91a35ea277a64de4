"""What one run over an image brings, from its first frame to the sentence at its end; free of Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..core.detection import collect
from ..core.errors import GrowtrackError
from .layers import Detected
from .sentences import Kind, outcome_line, warning_line
from .session import Progress

if TYPE_CHECKING:
    from napari.layers import Image


class Run:
    """Collects frames, warnings and the error that ended it.

    Parameters
    ----------
    image : napari.layers.Image
    recipe : dict
        How it is tracked.
    total : int
        Frames to track.
    """

    def __init__(self, image: Image, recipe: dict[str, Any], total: int) -> None:
        self.image = image
        self.progress = Progress(0, total)
        self.warnings: list[str] = []
        self.error: Exception | None = None
        self._recipe = recipe
        self._frames: list[int] = []
        self._tables: list[pd.DataFrame] = []

    def take(self, progress: Progress) -> None:
        """Keep a frame's detections."""
        self.progress = progress
        if progress.frame is not None:
            self._frames.append(progress.frame)
            self._tables.append(progress.table)

    def detected(self) -> Detected:
        """Return all there is."""
        return Detected(collect(self._tables), self._frames, self._recipe)

    def outcome(self) -> tuple[str, Kind]:
        """Say how it ended."""
        line = outcome_line(sum(map(len, self._tables)), self.progress)
        if self.error is not None:
            kept = f"\n{line}" if self.progress.done else ""
            return f"{_reason(self.error)}{kept}", "error"
        if self.warnings:
            return f"{line}\n{warning_line(self.warnings)}", "warning"
        return line, "plain"


def _reason(error: Exception) -> str:
    if isinstance(error, GrowtrackError):
        return str(error)
    return f"Tracking stopped by an error that was not foreseen ({type(error).__name__}: {error}). Please report it."
