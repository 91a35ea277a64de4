"""Hand a stage to other programs: as a Keras model or in the ONNX format."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

from ..errors import OutputError, SettingsError
from ..files import write_whole
from ..packages import command
from .network import GrownNetwork
from .plan import Stage

SUFFIXES = (".keras", ".h5", ".onnx")


def export(network: GrownNetwork, path: str | os.PathLike[str], stage: Stage | None = None) -> None:
    """Write one stage, the last by default, as a file that needs nothing of ours.

    The model takes normalised images ``(n, Y, X, channels)`` float32 of at least
    a window and answers as `GrownNetwork.answer` does.

    Parameters
    ----------
    network : GrownNetwork
    path : path
        The suffix says what is written: ``.keras`` or ``.h5`` for Keras,
        ``.onnx`` for any program that runs ONNX.
    stage : int, optional

    Raises
    ------
    SettingsError
        When there is no such stage, or the suffix is another.
    OutputError
        When the disk refuses, or what ONNX needs is not installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise SettingsError(f"Expected a file ending in {', '.join(SUFFIXES)}, got {path.name!r}.")
    model = network.to_keras(stage)
    with tempfile.TemporaryDirectory(prefix="growtrack-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the formats' own writers mutter
        draft = Path(folder) / f"model{path.suffix}"
        if path.suffix == ".onnx":
            _write_onnx(network, model, draft)
        else:
            model.save(draft)
        raw = draft.read_bytes()
    write_whole(path, lambda file: file.write(raw))


def _write_onnx(network: GrownNetwork, model: object, draft: Path) -> None:
    height, width = network.plan.shape
    model(np.zeros((1, height, width, network.plan.channels), np.float32))  # type: ignore[operator]
    try:
        model.export(draft, format="onnx", verbose=False)  # type: ignore[attr-defined]
    except Exception as error:  # the writer is another package, on another backend another one
        raise OutputError(
            f"ONNX cannot be written here ({str(error)[:200] or type(error).__name__}). Install what it needs with: "
            f"{command('tf2onnx')} and use Keras's TensorFlow backend, or export to .keras."
        ) from error
