"""The file of a grown network: one zip of JSON texts and plain arrays, which nothing in it can make run.

Loading rebuilds the network from its validated plan. Sizes are checked against that plan before anything is
unpacked, so a hostile file can at worst be refused.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import NetworkFileError, SettingsError, check_regular, cut, short
from ..files import write_whole
from ..growth.plan import Plan
from ..growth.position import GrowthPosition
from .card import Card, HistoryPoint

SCHEMA = 3
SUFFIX = ".growtrack"
_TEXT_LIMIT = 8 * 2**20
_HEADER_LIMIT = 4096
_LARGE = 64 * 2**20
_PACKED = 32
"""How much smaller a large network's file may be than its weights. What was learned packs to nine tenths; what packs to
a thousandth, as zeros do, only fills memory."""

_MOST_AXES = 8

_RECIPE = ("about", "plan", "scene", "schedule")
_OTHERS = ("calibration", "reports", "provenance")
_ABOUT = ("name", "about", "seed", "dataset", "zoom")

Weights = dict[str, np.ndarray]


def write_archive(
    path: str | os.PathLike[str],
    card: Card,
    weights: Weights,
    position: GrowthPosition | None = None,
    memory: Weights | None = None,
) -> None:
    """Write a network's card and weights, whole or not at all.

    A network that is still growing also has a position, and what its optimiser
    remembers.

    Raises
    ------
    OutputError
        When the disk refuses.
    """

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", json.dumps({"format": "growtrack", "schema": SCHEMA}))
            for part, text in _texts(card).items():
                archive.writestr(part, text)
            for name, array in weights.items():
                archive.writestr(f"weights/{name}.npy", _npy(array))
            if position is not None:
                archive.writestr("growing.json", position.to_json())
                for name, array in (memory or {}).items():
                    archive.writestr(f"growing/{name}.npy", _npy(array))

    write_whole(path, write)


def read_card(path: str | os.PathLike[str]) -> Card:
    """Read what a network is, without its weights.

    Raises
    ------
    NetworkFileError
        When the file is missing, truncated, foreign or newer than this program.
    """
    with _Archive(path) as archive:
        return archive.card()


def read_archive(path: str | os.PathLike[str]) -> tuple[Card, Weights]:
    """Read a network's card and weights.

    Raises
    ------
    NetworkFileError
        As `read_card`, and when a weight array is missing or is not what the
        plan says.
    """
    with _Archive(path) as archive:
        card = archive.card()
        return card, archive.weights(card.plan)


def read_growing(path: str | os.PathLike[str]) -> tuple[Card, Weights, GrowthPosition, Weights]:
    """Read a network that was left while it grew: card, weights, position, and what its optimiser remembers.

    Raises
    ------
    NetworkFileError
        As `read_archive`, and when the network has finished growing.
    """
    with _Archive(path) as archive:
        card = archive.card()
        return card, archive.weights(card.plan), archive.position(), archive.memory(card.plan)


def _texts(card: Card) -> dict[str, str]:
    recipe = card.recipe
    return {
        "about.json": json.dumps({name: getattr(recipe, name) for name in _ABOUT}, indent=2),
        "plan.json": recipe.plan.to_json(),
        "scene.json": recipe.scene.to_json() if recipe.scene else "null",
        "schedule.json": recipe.schedule.to_json(),
        "calibration.json": card.calibration.to_json(),
        "reports.json": json.dumps([report.model_dump() for report in card.reports], indent=2),
        "accuracies.json": json.dumps([accuracy.model_dump() for accuracy in card.accuracies], indent=2),
        "provenance.json": card.provenance.to_json(),
        "history.csv": _csv(card.history),
    }


def _csv(history: Sequence[HistoryPoint]) -> str:
    return "\n".join(["images,stage,loss", *(f"{p.images},{p.stage},{p.loss}" for p in history)]) + "\n"


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, "<f4", order="C"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


class _Archive:
    """An open network file; every failure becomes a sentence that names it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __enter__(self) -> _Archive:
        try:
            check_regular(self.path)
            self._zip = zipfile.ZipFile(self.path)
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror or error}", "Check the path.") from error
        except Exception as error:  # damaged zips fail in many ways
            raise self._refused(
                f"is not a grown network, or was cut short ({str(error)[:200]})",
                f"Expected a {SUFFIX} file as growtrack grow writes it; copy or download it again.",
            ) from error
        return self

    def __exit__(self, *_: Any) -> None:
        self._zip.close()

    def card(self) -> Card:
        """Read and check all the texts."""
        schema = self._json("schema.json")
        if not isinstance(schema, dict) or schema.get("format") != "growtrack":
            raise self._refused("is a zip file, but not a grown network", f"Choose a {SUFFIX} file.")
        if not isinstance(schema.get("schema"), int) or not 1 <= schema["schema"] <= SCHEMA:
            raise self._refused(
                f"has format {short(schema.get('schema'))}, this version reads 1 to {SCHEMA}",
                "Update napari-growtrack.",
            )
        parts = {part: self._json(f"{part}.json") for part in _RECIPE}
        others = {part: self._json(f"{part}.json") for part in _OTHERS}
        if schema["schema"] > 1:
            others["accuracies"] = self._json("accuracies.json")
        elif isinstance(parts["schedule"], dict) and parts["schedule"].get("normalisation") == "none":
            parts["schedule"]["normalisation"] = "unit"  # as it was called before
        history = csv.DictReader(self._text("history.csv").splitlines())
        try:
            about = parts.pop("about")
            return Card(recipe={**about, **parts}, **others, history=list(history))
        except (SettingsError, TypeError, csv.Error) as error:
            raise self._refused(f"describes no network ({error})", "Copy it again, or grow it anew.") from error

    def weights(self, plan: Plan) -> Weights:
        """Read all weight arrays that the plan has."""
        size, packed = 4 * sum(map(math.prod, plan.weight_shapes().values())), self._file_size()
        if size > max(_LARGE, _PACKED * packed):
            raise self._refused(
                f"holds {packed:,} bytes, and its plan asks for weights of {size:,}, far more than can be in it",
                "Do not use it.",
            )
        return {name: self._array(f"weights/{name}.npy", shape) for name, shape in plan.weight_shapes().items()}

    def position(self) -> GrowthPosition:
        """Read where growing was left."""
        if "growing.json" not in self._zip.namelist():
            raise self._refused("has finished growing", "Grow it further with growtrack grow --from.")
        try:
            return GrowthPosition.from_json(self._text("growing.json"))
        except SettingsError as error:
            raise self._refused(f"does not say where it was left ({error})", "Grow it anew.") from error

    def _file_size(self) -> int:
        try:
            return os.stat(self.path).st_size
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror or error}", "Check the path.") from error

    def memory(self, plan: Plan) -> Weights:
        """Read what an optimiser remembers: arrays of any shape, together no more than it has use for."""
        left = 4 * sum(map(math.prod, plan.weight_shapes().values())) * 5 + _TEXT_LIMIT
        found = {}
        for member in self._zip.namelist():
            if member.startswith("growing/") and member.endswith(".npy"):
                array = self._array(member, None, left)
                left -= array.nbytes
                found[member.removeprefix("growing/").removesuffix(".npy")] = array
        return found

    def _array(self, member: str, shape: tuple[int, ...] | None, limit: int = 0) -> np.ndarray:
        size = limit if shape is None else math.prod(shape) * 4
        buffer = io.BytesIO(self._bytes(member, size + _HEADER_LIMIT))
        try:
            np.lib.format.read_magic(buffer)
            found = np.lib.format.read_array_header_1_0(buffer, max_header_size=_HEADER_LIMIT)
        except Exception as error:  # numpy reads the header with Python's own parser
            raise self._refused(f"has a damaged part {cut(member, 80)}", "Copy it again.") from error
        if shape is None:
            is_array = len(found[0]) <= _MOST_AXES and all(0 < length <= limit for length in found[0])
            shape = found[0] if is_array else (-1,)
        if found != (shape, False, np.dtype("<f4")):
            raise self._refused(
                f"has {cut(str(found[2]), 60)} values of shape {cut(str(found[0]), 60)} in {cut(member, 80)}, "
                f"its plan says float32 {shape}",
                "Copy it again.",
            )
        raw = buffer.read()
        if len(raw) != math.prod(shape) * 4:
            raise self._refused(
                f"has a part {cut(member, 80)} of {len(raw)} bytes instead of {math.prod(shape) * 4}", "Copy it again."
            )
        array = np.frombuffer(raw, "<f4").reshape(shape)
        if not np.isfinite(array).all():
            raise self._refused(
                f"holds NaN or infinite weights in {cut(member, 80)}", "Copy it again, or grow it anew."
            )
        return array

    def _json(self, member: str) -> Any:
        text = self._text(member)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._refused(f"has a damaged part {cut(member, 80)}", "Copy it again.") from error

    def _text(self, member: str) -> str:
        raw = self._bytes(member, _TEXT_LIMIT)
        try:
            return raw.decode()
        except UnicodeError as error:
            raise self._refused(f"has a damaged part {cut(member, 80)}", "Copy it again.") from error

    def _bytes(self, member: str, limit: int) -> bytes:
        """Read one part, never more than a limit, whatever the file says of itself."""
        try:
            how = self._zip.getinfo(member).compress_type
            if how not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others are unpacked without a bound
                raise self._refused(f"has a part {cut(member, 80)} packed in a way that is not read", "Copy it again.")
            with self._zip.open(member) as part:
                raw = part.read(limit + 1)
        except NetworkFileError:
            raise
        except KeyError as error:
            raise self._refused(f"has no part {cut(member, 80)}", f"Choose a {SUFFIX} file.") from error
        except Exception as error:  # damaged zips fail in many ways: zlib, struct, EOF, encryption, unknown methods
            reason = cut(str(error), 200)
            raise self._refused(
                f"has a damaged part {cut(member, 80)} ({reason})", "Copy or download it again."
            ) from error
        if len(raw) > limit:
            raise self._refused(f"has a part {cut(member, 80)} larger than {limit} bytes", "Do not use it.")
        return raw

    def _refused(self, what: str, remedy: str) -> NetworkFileError:
        return NetworkFileError(f"{cut(self.path.name)} {what}. {remedy}")
