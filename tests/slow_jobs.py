"""Jobs for the tests of engines; the engine's process imports them too."""

import os
import time
import warnings
from dataclasses import dataclass

import numpy as np

from napari_growtrack.core.errors import GrowtrackWarning, SettingsError
from napari_growtrack.jobs.context import FilmFacts


@dataclass(frozen=True)
class Count:
    """Yield numbers, waiting between them; leave a file behind when it is left."""

    number: int
    seconds: float = 0.0
    left: str = ""

    def steps(self, context):
        try:
            for i in range(self.number):
                yield i
                time.sleep(self.seconds)
            return "counted"
        finally:
            if self.left:
                with open(self.left, "w") as file:
                    file.write("left")


@dataclass(frozen=True)
class Sums:
    """Yield the sum of each frame."""

    film: FilmFacts
    frames: tuple[int, ...]

    def steps(self, context):
        film = context.film(self.film, self.frames)
        for number in self.frames:
            yield number, float(film[number].sum())


@dataclass(frozen=True)
class Gated:
    """Wait without yielding until a file is there, wherever it is left; leave another one behind."""

    gate: str
    left: str

    def steps(self, context):
        try:
            yield "begun"
            self._wait()
            yield "open"
        finally:
            self._wait()  # it may have been left before it came to wait
            with open(self.left, "w") as file:
                file.write("left")

    def _wait(self):
        while not os.path.exists(self.gate):
            time.sleep(0.005)


@dataclass(frozen=True)
class Trouble:
    """Warn, print, and end in some way."""

    how: str

    def steps(self, context):
        print("what a library has to say")
        warnings.warn("dark", GrowtrackWarning, stacklevel=1)
        warnings.warn("old fashioned", DeprecationWarning, stacklevel=1)
        yield np.arange(3)
        if self.how == "refused":
            raise SettingsError("Expected another.")
        if self.how == "unforeseen":
            raise KeyError("odd")
        if self.how == "disk":
            raise OSError(28, "No space left on device")
        if self.how == "killed":
            os.kill(os.getpid(), 9)
        yield os.getpid()
