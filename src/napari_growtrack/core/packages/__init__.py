"""Packages that only some work needs, and the sentence that asks for one which is not there."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import GrowtrackError

EXTRAS = {
    "cryptography": "distributed",
    "distributed": "distributed",
    "geff": "formats",
    "imagecodecs": "formats",
    "laptrack": "benchmark",
    "nd2": "formats",
    "pyarrow": "formats",
    "tf2onnx": "onnx",
    "zarr": "formats",
}
"""The extra of pyproject.toml that brings each package."""


def is_here(package: str) -> bool:
    """Return whether an optional package is installed."""
    return find_spec(package) is not None


def command(package: str) -> str:
    """Return the command that installs an optional package.

    In double quotes: the shells of Windows take no others.
    """
    return f'pip install "napari-growtrack[{EXTRAS[package]}]"'


def require(package: str, what: str, error: type[GrowtrackError]) -> None:
    """Raise an error that says how to get a package, where it is not installed.

    Parameters
    ----------
    package : str
        One of `EXTRAS`.
    what : str
        What needs it, as the sentence begins.
    error : type
    """
    if not is_here(package):
        raise error(f"{what} needs the package {package}. Install it with: {command(package)}")
