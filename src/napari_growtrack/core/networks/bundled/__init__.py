"""The bundled networks, grown by our own command from the recipes beside them."""

from __future__ import annotations

from pathlib import Path

AUTO = "auto"
"""Instead of a network's name: the one that explains the film best; see `choose_network`."""

DEFAULT = "vesicles"
"""The network that is taken where nothing tells which."""

CHOSEN_FROM = ("spots", "vesicles", "beads", "general")
"""The networks that are tried on a film; `species` leaves out particles of a kind, which others would explain."""

SMALLEST = "spots"
"""The network that fits Gaussian spots."""

_FOLDER = Path(__file__).parent


def bundled() -> dict[str, Path]:
    """Return the bundled networks' files by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.growtrack"))}
