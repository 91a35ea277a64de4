"""Films in Nikon's ND2 files, by the package nd2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StackError
from ..packages import require
from .axes import NOTHING_CHOSEN, Choice, plane_of, slices_sentence, squares
from .refusals import refuse_kind
from .stack import Stack, decoding, full_scale, warn
from .units import exposure_in, seconds

if TYPE_CHECKING:
    import nd2

ND2_SUFFIXES = (".nd2",)


class Nd2Stack(Stack):
    """Frames of an ND2 file, of one channel and one z plane, read from the disk one by one."""

    def __init__(self, path: Path, choice: Choice = NOTHING_CHOSEN) -> None:
        require("nd2", path.name, StackError)
        import nd2

        with decoding(path.name):
            self._file = nd2.ND2File(path)
        try:
            with decoding(path.name):
                self._look(path.name, choice)
        except BaseException:
            self._file.close()
            raise

    def _look(self, name: str, choice: Choice) -> None:
        sizes = dict(self._file.sizes)
        _refuse_positions(sizes, name)
        self._plane = plane_of("".join(sizes), tuple(sizes.values()), name, choice)
        refuse_kind(self._file.dtype, name)
        super().__init__(name, self._plane.film, full_scale(self._file.dtype))
        self._channels = sizes.get("C", 0)
        self.time_axis = "z" if self._plane.slices else None
        self.frame_time, self.exposure_time = _frame_time(self._file), _exposure(self._file)
        self.pixel_size, odd = squares(*_pixel_sides(self._file), name)
        for sentence in filter(None, (slices_sentence(name, self._plane, choice), odd)):
            warn(sentence)

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


def _frame_time(file: nd2.ND2File) -> float | None:
    """Return the frame time in seconds, as measured, or else as it was set."""
    for loop in file.experiment:
        if loop.type in ("TimeLoop", "NETimeLoop"):
            first: Any = loop.parameters.periods[0] if loop.type == "NETimeLoop" else loop.parameters
            return seconds(first.periodDiff.avg or first.periodMs, "ms")
    return None


def _exposure(file: nd2.ND2File) -> float | None:
    """Return for how many seconds the shutter was open, where all that the file says of it agrees."""
    return exposure_in("\n".join(str(text) for text in dict(file.text_info or {}).values()))


def _pixel_sides(file: nd2.ND2File) -> tuple[float | None, float | None]:
    """Return width and height of a pixel in micrometres; the package says 1 where nobody has calibrated it."""
    channels = getattr(file.metadata, "channels", None)
    if not channels or not channels[0].volume.axesCalibrated[0]:
        return None, None
    width, height = channels[0].volume.axesCalibration[:2]
    return float(width), float(height)
