"""The bundled networks, grown by our own command from the recipes beside them."""

from __future__ import annotations

from pathlib import Path

DEFAULT = "vesicles"
"""The network that is taken where none is named."""

_FOLDER = Path(__file__).parent


def bundled() -> dict[str, Path]:
    """Return the bundled networks' files by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.growtrack"))}
