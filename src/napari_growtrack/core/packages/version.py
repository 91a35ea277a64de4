"""The version of this package, as results carry it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Return the installed version, or ``unknown`` where the package runs uninstalled."""
    try:
        return version("napari-growtrack")
    except PackageNotFoundError:
        return "unknown"
