"""What the Simulate panel says of scenes, of films it makes and of matches; free of Qt."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..session.sentences import count, duration

NO_FILM = "Open a film to match first (File > Open)."
NO_CLICKS = (
    "No particle is clicked yet. Press Click particles, and click 3 to 10 of them in the film, or Match without clicks."
)
CLICK = "Click 3 to 10 particles; the match follows."
MATCHING = "Matching..."
FINDING = "Looking which network finds particles, and matching those..."
MATCHED = "Matched. Judge by the pictures, or move the sliders to mend it."
MAKING = "Making the film..."
STOPPED = "Stopped; no frame was kept."
STARTING = "Starting the simulator..."
WAITING = "The picture follows when the simulator is free."


# Scenes ---------------------------------------------------------------------------------------------------------------


def picture_words(particles: int, height: int, width: int, snr: float | None) -> str:
    """Return what a picture shows, a line each."""
    noise = [] if snr is None else [f"SNR {snr:.1f}"]
    return "\n".join([count(particles, "particle"), f"in {height} x {width} px", *noise])


def kind_words(number: int, total: int) -> str:
    """Return which kind of particle this is."""
    return f"Kind {number} of {total}"


def bystanders_line(kinds: int) -> str:
    """Say that there are others; empty where there are none."""
    return f"and {count(kinds, 'kind')} of bystanders, kept as they are" if kinds else ""


def saved_line(path: Path) -> str:
    """Say where a scene is saved."""
    return f"Saved {path}"


def used_line(scene: str) -> str:
    """Say what is grown on from now on."""
    return f"The Grow panel grows on {scene} now."


# Films ----------------------------------------------------------------------------------------------------------------


class FilmProgress(NamedTuple):
    """Frames that are made, and seconds the others will take."""

    done: int
    total: int
    seconds_left: float


def frame_line(progress: FilmProgress) -> str:
    """Say how far a film is."""
    return f"Frame {progress.done} of {progress.total}, {duration(progress.seconds_left)} left"


def made_line(frames: int, height: int, width: int, particles: int) -> str:
    """Say what was made."""
    return f"Made {count(frames, 'frame')} of {height} x {width} px with {count(particles, 'particle')}."


def vast_line(frames: int, shape: tuple[int, int], size: int, free: int) -> str:
    """Say that a film of so many bytes does not go with the memory that is free."""
    return (
        f"{count(frames, 'frame')} of {shape[0]} x {shape[1]} px take {_gigabytes(size)}, more than half of the "
        f"{_gigabytes(free)} of memory that are free. Make fewer frames, or smaller ones."
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


# Matches --------------------------------------------------------------------------------------------------------------


def residual_line(residual: float) -> str:
    """Say how well a scene fits."""
    return f"What the fits leave is {residual:.1f} times the noise; 1 is perfect."


def levels_line(unit: float, offset: float) -> str:
    """Say what a scene's numbers stand for in the film."""
    return f"An intensity of 1 in the scene stands for {unit:.4g} in the film, a level of 0 for {offset:.4g}."
