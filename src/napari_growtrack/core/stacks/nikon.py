"""Films in Nikon's ND2 files, by the package nd2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StackError
from ..optional import require
from .axes import plane_of
from .stack import Stack, decoding, full_scale, refuse_kind

if TYPE_CHECKING:
    import nd2

ND2_SUFFIXES = (".nd2",)


class Nd2Stack(Stack):
    """Frames of an ND2 file, of one channel and one z plane, read from the disk one by one."""

    def __init__(self, path: Path, channel: int | None = None, z: int | None = None) -> None:
        require("nd2", path.name, StackError)
        import nd2

        with decoding(path.name):
            self._file = nd2.ND2File(path)
        try:
            with decoding(path.name):
                sizes = dict(self._file.sizes)
                _refuse_positions(sizes, path.name)
                self._plane = plane_of("".join(sizes), tuple(sizes.values()), path.name, channel, z)
                refuse_kind(self._file.dtype, path.name)
                super().__init__(path.name, self._plane.film, full_scale(self._file.dtype))
                self._channels = sizes.get("C", 0)
                self.pixel_size, self.frame_time = _scales(self._file)
        except StackError:
            self._file.close()
            raise

    def _read(self, number: int) -> Any:
        stored, channel = divmod(self._plane.page(number), max(self._channels, 1))  # all channels are stored together
        with decoding(f"frame {number} of {self.name}"):
            planes = self._file.read_frame(stored)
            return planes[channel] if self._channels else planes

    def _release(self) -> None:
        self._file.close()


def _refuse_positions(sizes: dict[str, int], name: str) -> None:
    if sizes.get("P", 1) > 1:
        raise StackError(f"{name} holds {sizes['P']} positions of the stage; expected one film. Save each on its own.")
    sizes.pop("P", None)


def _scales(file: nd2.ND2File) -> tuple[float | None, float | None]:
    """Return pixel size in micrometres and frame time in seconds, where the file tells them."""
    pixel = _pixel_size(file)
    for loop in file.experiment:
        if loop.type in ("TimeLoop", "NETimeLoop"):
            first: Any = loop.parameters.periods[0] if loop.type == "NETimeLoop" else loop.parameters
            between = first.periodDiff.avg or first.periodMs
            return pixel, between / 1e3 if between and between > 0 else None
    return pixel, None


def _pixel_size(file: nd2.ND2File) -> float | None:
    """Return the side of a pixel; the package says 1 where nobody has calibrated it."""
    channels = getattr(file.metadata, "channels", None)
    if not channels or not channels[0].volume.axesCalibrated[0]:
        return None
    return float(channels[0].volume.axesCalibration[0])
