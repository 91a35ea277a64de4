"""Run a benchmark piece by piece: kept as it goes, taken up after a kill, written down at its end."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Generator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import OutputError, SettingsError
from ..figures.pictures import save
from ..files import write_bytes
from ..packages.version import package_version
from ..progress import Progress, changed
from .case import Bench, Case, Piece, Rows, Scale, Tables
from .sources import DATA, find

_PACKAGES = ("numpy", "scipy", "pandas", "keras", "tensorflow", "jax", "torch", "numba")


def iter_run(
    name: str,
    case: Case,
    scale: Scale = "laptop",
    folder: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
) -> Generator[Progress, None, str]:
    """Run a benchmark, reporting progress; the generator returns what it has to say, as Markdown.

    With a folder, what is done is kept there, so that the same call goes on
    after it was stopped or killed.

    Parameters
    ----------
    name : str
    case : Case
    scale : {"smoke", "laptop", "paper"}
    folder : path, optional
        Where to leave settings, tables, figures and what they say.
    data : path, optional
        A folder of films and data sets, or one of their files.

    Raises
    ------
    SettingsError
        When there is no such scale, or the data it needs is not there.
    OutputError
        When the results cannot be written.
    """
    if (reason := refusal(name, case, scale, data)) is not None:
        raise SettingsError(reason)
    where = None if data is None else Path(data)
    journal = Journal(None if folder is None else Path(folder) / f"{name}-{scale}.unfinished", _settings(case, scale))
    bench = Bench(scale, where, journal.folder)
    pieces = case.pieces(bench)
    yield from _worked(pieces, journal)
    tables = joined(journal.done[piece.name] for piece in pieces)
    text = said(name, case, scale, tables)
    if folder is not None:
        _leave(Path(folder), name, case, bench, tables, text, journal.seconds)
        journal.remove()
    return text


def refusal(name: str, case: Case, scale: Scale, data: str | os.PathLike[str] | None = None) -> str | None:
    """Return why a benchmark cannot be run, in a sentence that says what to do; None where it can."""
    if scale not in case.scales:
        return f"The benchmark {name} has no scale {scale!r}; choose {' or '.join(case.scales)}."
    absent = [package for package in case.packages if find_spec(package) is None]
    if absent:
        extras = ",".join(absent)
        return (
            f"The benchmark {name} needs {' and '.join(absent)}, which is not installed. "
            f"Install it with: pip install 'napari-growtrack[{extras}]'"
        )
    where = None if data is None else Path(data)
    missing = [source for source in case.needed(scale) if find(source, where) is None]
    if not missing:
        return None
    return (
        f"The benchmark {name} needs {' and '.join(map(str, missing))}. {missing[0].how} "
        f"Give the folder with --data, or in {DATA}."
    )


def _worked(pieces: list[Piece], journal: Journal) -> Generator[Progress, None, None]:
    """Do the pieces that are not done yet."""
    total = sum(piece.weight for piece in pieces)
    done = first = sum(piece.weight for piece in pieces if piece.name in journal.done) / total
    began = time.perf_counter()

    def progress(piece: Piece, part: float) -> Progress:
        return Progress.at(piece.name, done + part * piece.weight / total, time.perf_counter() - began, first)

    for piece in pieces:
        if piece.name in journal.done:
            continue
        started = time.perf_counter()
        result = yield from changed(piece.work(), partial(progress, piece))
        journal.add(piece.name, result, time.perf_counter() - started)
        done += piece.weight / total


def joined(parts: Any) -> Tables:
    """Return tables of the same name from all pieces as one."""
    tables: Tables = {"": []}
    for part in parts:
        for name, rows in part.items():
            tables.setdefault(name, []).extend(rows)
    return tables


# What is kept meanwhile -----------------------------------------------------------------------------------------------


class Journal:
    """The pieces that are done, kept in a folder until all are.

    Parameters
    ----------
    folder : Path, optional
        Without one they are only remembered.
    settings : dict
        Of the run; what was kept by a run with others is thrown away.

    Attributes
    ----------
    done : dict of str to Tables
    seconds : float
        Time that they took.
    """

    def __init__(self, folder: Path | None, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.done: dict[str, Tables] = {}
        self.seconds = 0.0
        if folder is None:
            return
        told = json.dumps(settings, sort_keys=True)
        if self._settings.exists() and self._settings.read_text(encoding="utf-8") == told:
            self._read()
            return
        shutil.rmtree(folder, ignore_errors=True)
        write_bytes(self._settings, told.encode())

    @property
    def _settings(self) -> Path:
        return (self.folder or Path()) / "settings.json"

    @property
    def _pieces(self) -> Path:
        return (self.folder or Path()) / "pieces.jsonl"

    def _read(self) -> None:
        lines = self._pieces.read_text(encoding="utf-8").splitlines(keepends=True) if self._pieces.exists() else []
        for line in lines:
            if line.endswith("\n"):  # else it was cut off by a kill
                self._remember(json.loads(line))

    def _remember(self, piece: dict[str, Any]) -> None:
        self.done[piece["name"]] = piece["tables"]
        self.seconds += piece["seconds"]

    def add(self, name: str, tables: Tables, seconds: float) -> None:
        """Keep a piece.

        Raises
        ------
        OutputError
            When the disk refuses.
        """
        line = json.dumps({"name": name, "seconds": seconds, "tables": tables}, default=_plain)
        if self.folder is not None:
            try:
                _append(self._pieces, line)
            except OSError as error:
                raise OutputError(
                    f"Cannot write {self._pieces}: {error.strerror or error}. Free some room and run it again: "
                    "what was kept before is not done twice."
                ) from error
        self._remember(json.loads(line))

    def remove(self) -> None:
        """Remove the folder."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _append(path: Path, line: str) -> None:
    """Append a line that outlives a power cut, in place of one that a kill cut off."""
    whole = path.read_bytes() if path.exists() else b""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(whole.rfind(b"\n") + 1)
        file.truncate()
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value.tolist()


def _settings(case: Case, scale: Scale) -> dict[str, Any]:
    return {"scale": scale, "version": package_version(), **case.settings(scale)}


# What is left at the end ----------------------------------------------------------------------------------------------


def said(name: str, case: Case, scale: Scale, tables: Tables) -> str:
    """Return the tables to be read, and the paragraph about them."""
    further = [make(tables) for make in case.tables.values()] if case.tell is None else []
    parts = [f"{name} ({scale}): {case.about}", *(markdown(rows) for rows in (case.read(tables), *further) if rows)]
    return "\n\n".join([*parts, *([case.tell(tables)] if case.tell else [])])


def _leave(folder: Path, name: str, case: Case, bench: Bench, tables: Tables, text: str, seconds: float) -> None:
    """Write what was measured as JSON, its tables as Markdown and CSV, and its figures."""
    story = {
        "benchmark": name,
        "about": case.about,
        "shows": case.shows,
        "scale": bench.scale,
        "settings": case.settings(bench.scale),
        "machine": machine(),
        "minutes": seconds / 60,
        "paragraph": case.tell(tables) if case.tell else "",
        "claims": [claim._asdict() for claim in case.claims(tables)] if case.claims else [],
        "figures": [_stem(name, key) for key in case.figures],
        "rows": case.read(tables),
    }
    every = tables | {key: make(tables) for key, make in case.tables.items()}
    files = {f"{name}.json": json.dumps(story, indent=2, default=_plain), f"{name}.md": f"{text}\n"}
    files |= {f"{_stem(name, key)}.csv": pd.DataFrame(rows).to_csv(index=False) for key, rows in every.items()}
    for file, content in files.items():
        write_bytes(folder / file, content.encode())
    for key, draw in case.figures.items():
        save(draw(tables, bench), folder / f"{_stem(name, key)}.png")


def _stem(name: str, key: str) -> str:
    return f"{name}-{key}" if key else name


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    header = list(rows[0])
    lines = [header, ["---"] * len(header), *([_cell(row[name]) for name in header] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
