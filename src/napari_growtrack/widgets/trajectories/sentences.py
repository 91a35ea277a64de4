"""What the Trajectories panel says of linking, correcting and files; free of Qt."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.progress import Progress
from ..session.sentences import count, duration

HOW = "Click trajectories in the picture, or here."
MEASURING = "Measuring motion..."
STOPPED = "Stopped; nothing was changed."
NONE_LEFT = "No trajectory would be left. To have none, remove the layer from the list of layers."

_FEW = 4


def linking_line(progress: Progress) -> str:
    """Say how far linking is."""
    left = f", {duration(progress.seconds_left)} left" if progress.fraction < 1 else ""
    return f"{progress.doing.capitalize()}{left}"


def opened_line(detections: int) -> str:
    """Say how much was opened."""
    return f"Opened: {count(detections, 'detection')}."


def taken_back_line(detections: int) -> str:
    """Say how much was taken back from an editor."""
    return f"Taken back: {count(detections, 'detection')}. Undo brings the others back."


def empty_line(name: str) -> str:
    """Say that a file holds nothing to show."""
    return f"{name} holds no trajectories."


# Correcting -----------------------------------------------------------------------------------------------------------


def deletion(particles: Sequence[int]) -> str:
    """Say which trajectories are deleted."""
    return f"delete {particles[0]}" if len(particles) == 1 else f"delete {len(particles):,} trajectories"


def splitting(particle: int, frame: int) -> str:
    """Say which trajectory is split, and where."""
    return f"split {particle} at frame {frame}"


def joining(particles: Sequence[int]) -> str:
    """Say which trajectories are joined; of many, the first."""
    return f"join {', '.join(map(str, particles[:_FEW]))}"


def corrected_line(what: str) -> str:
    """Say what was done, and how to take it back."""
    return f"{what.capitalize()}: done. Ctrl+Z undoes it."


def undone_line(what: str) -> str:
    """Say what was undone."""
    return f"Undone: {what}."


def redone_line(what: str) -> str:
    """Say what was done again."""
    return f"Done again: {what}."
