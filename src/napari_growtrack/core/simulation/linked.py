"""What has compiled functions compiled anew when a file has changed that they call."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import numpy as np

_FILES = "backdrop", "chance", "codec", "drawing", "poisson", "render", "sensor", "shapes/base"


@cache
def linked() -> np.ndarray:
    """Return nothing, in a type that tells the sources of all that is compiled in this folder.

    numba compiles a cached function again when its own file has changed, or
    its arguments' types, but not when a file has changed that it calls. So
    functions that are kept take this along where they call those of other
    files, which are not kept by themselves.
    """
    files = (Path(__file__).parent / f"{name}.py" for name in _FILES)
    return np.empty(0, [(f"crc{zlib.crc32(b''.join(file.read_bytes() for file in files))}", "u1")])
