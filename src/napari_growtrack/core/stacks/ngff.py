"""Films as OME-Zarr (NGFF 0.4 and 0.5), or as a plain Zarr array, read chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import StackError
from ..optional import require
from .axes import micrometres, plane_of, seconds
from .stack import Stack, decoding, full_scale, refuse_kind

_LETTERS = "TCZYX"


class ZarrStack(Stack):
    """Frames of the full resolution of an OME-Zarr image."""

    def __init__(self, path: Path, channel: int | None = None, z: int | None = None) -> None:
        require("zarr", f"{path.name} is Zarr, which", StackError)
        with decoding(path.name):
            array, axes, scale = _opened(path)
        self._plane = plane_of("".join(axes), array.shape, path.name, channel, z)
        refuse_kind(array.dtype, path.name)
        super().__init__(path.name, self._plane.film, full_scale(array.dtype))
        self._array = array
        self.pixel_size = micrometres(*scale.get("X", (None, None)))
        self.frame_time = seconds(*scale.get("T", (None, None)))

    def _read(self, number: int) -> Any:
        with decoding(f"frame {number} of {self.name}"):
            return self._array[self._plane.at(number)]

    def _release(self) -> None:
        self._array = None


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr array or group."""
    return any((folder / name).exists() for name in (".zarray", ".zgroup", ".zattrs", "zarr.json"))


def _opened(path: Path) -> tuple[Any, list[str], dict[str, tuple[float, str | None]]]:
    """Return the array, a letter for each of its axes, and the scale and unit of each."""
    import zarr

    found: Any = zarr.open(path, mode="r")
    if isinstance(found, zarr.Array):
        if not 2 <= found.ndim <= len(_LETTERS):
            raise StackError(f"{path.name} has {found.ndim} axes; expected (T, Y, X) or (Y, X).")
        return found, list({2: "YX", 3: "TYX", 4: "TCYX", 5: _LETTERS}[found.ndim]), {}
    told: dict[str, Any] = dict(found.attrs)
    images = told.get("ome", told).get("multiscales")
    if not images:
        raise StackError(f"{path.name} is a Zarr group without an image. Choose the image inside it.")
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in images[0].get("axes", list("tczyx"))]
    full = images[0]["datasets"][0]
    scales = next((t["scale"] for t in full.get("coordinateTransformations", []) if t.get("type") == "scale"), None)
    letters = [axis["name"].upper() for axis in axes]
    scale = {} if scales is None else {a: (s, x.get("unit")) for a, s, x in zip(letters, scales, axes, strict=True)}
    return found[full["path"]], letters, scale
