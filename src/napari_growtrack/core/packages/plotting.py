"""Matplotlib, to draw into files: what is wrong with its settings for windows is no reason not to."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

from ..errors import OutputError


def load_matplotlib() -> Any:
    """Return matplotlib; a wrong ``MPLBACKEND`` is passed over, since no figure here opens a window.

    Raises
    ------
    OutputError
        When its own settings cannot be read.
    """
    told = None if "matplotlib" in sys.modules else os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    except Exception as error:  # whatever a damaged file of settings brings
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise OutputError(
            f"matplotlib cannot be loaded ({reason}). Mend or remove its settings, a file named matplotlibrc in this "
            "folder, where MATPLOTLIBRC says, or in matplotlib's own folder of your home."
        ) from error
    finally:
        if told is not None:
            os.environ["MPLBACKEND"] = told
    if told:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = told
    return matplotlib
