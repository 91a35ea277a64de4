"""What the Networks panel says was done with a network, is in the way, or is answered for a window; free of Qt."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import GrowtrackError
from ...core.networks.card import Card
from ...jobs.network_views import Maps

NOT_FOR_TRACKING = "This network tells classes of images apart. It does not locate particles, so it cannot track."

NO_IMAGE = "Open a film first; then move the cursor over it."
NOT_FLAT = "Maps follow the cursor over flat pictures only. Switch the viewer to two dimensions."

_FAR = 0.95


def unreadable_line(name: str, error: GrowtrackError | OSError) -> str:
    """Say why a network's card cannot be read."""
    return str(error) if isinstance(error, GrowtrackError) else f"{name} cannot be read: {error}."


def chosen_line(name: str) -> str:
    """Say which network is tracked with from now on."""
    return f"{name} is chosen in Track."


def delete_question(name: str, path: Path, chosen: bool) -> str:
    """Ask whether to delete a network; `chosen` where it is the one to track with."""
    text = f"Delete {name}, with {path}? This cannot be undone."
    return f"{text} It is the one chosen in Track." if chosen else text


def deleted_line(name: str) -> str:
    """Say which network is gone."""
    return f"{name} is deleted."


def kept_line(path: Path, error: OSError) -> str:
    """Say why a network could not be deleted."""
    return f"Cannot delete {path}: {error.strerror or error}."


def outside_line(image: str) -> str:
    """Say that the cursor is beside an image."""
    return f"The cursor is outside of {image}."


def answer_line(maps: Maps, card: Card) -> str:
    """Say what a stage answers for a window."""
    y, x = maps.centre
    stage, where = f"Stage {maps.stage} of {card.plan.stages}", f"Window at ({y:.1f}, {x:.1f})"
    if maps.distance * maps.zoom >= _FAR * card.recipe.schedule.reach:
        return f"{stage}: no particle within {card.recipe.schedule.reach / maps.zoom:.3g} px\n{where}"
    dy, dx = maps.offset
    return f"{stage}: particle {max(maps.distance, 0):.1f} px away, at ({dy:+.1f}, {dx:+.1f})\n{where}"
