"""Measure rung by rung, every method on one core, and hold our networks against what is asked of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cache, partial
from typing import Any

from ..case import Bench, Claim, Piece, Rows, Scale, Tables, Work
from ..ladder import in_turns
from ..peers import on_one_core
from .films import can_compress, film
from .judging import judge
from .methods import LOG, METHODS, TOLD, TRACKPY, UNTOLD, network_of, peers, told, tuned, untold
from .rungs import FRAMES, Rung, rungs

_log = logging.getLogger(__name__)

_ERROR, _GHOSTS = "error / bound", "ghosts a frame"
_MEASURES = ("F1", _ERROR, "pull", _GHOSTS)
_TIMED, _TURNS = 4, 3

_F1 = {"spots": 0.995, "shapes": 0.98}
_WORST = {"spots": 1.06, "hard": 1.10, "shapes": 1.3}
_PULLS = {"spots": (0.9, 1.1), "hard": (0.85, 1.15), "shapes": (0.8, 1.25)}
_AS_GOOD = 0.005

_SHOWN = {"found": 4, "false": 4, "F1": 4, "median error (px)": 4, "bound (px)": 4, _ERROR: 3, "pull": 2}
_SHOWN |= {"68 %": 3, "95 %": 3, _GHOSTS: 3, "ms a frame": 1}


def settings(scale: Scale) -> dict[str, Any]:
    """Return the numbers that a scale stands for."""
    return {"frames": FRAMES[scale], "rungs": len(rungs(scale))}


def pieces(bench: Bench) -> list[Piece]:
    """Return a piece for each rung; all run in one process on one core, which begins with the first of them."""
    stack = ExitStack()
    started = cache(lambda: stack.enter_context(on_one_core()))
    some = [one for one in rungs(bench.scale) if can_compress() or not one.codec]
    return [Piece(one.name, partial(_measured, one, bench.scale, started)) for one in some]


def _measured(rung: Rung, scale: Scale, started: Callable[[], Executor]) -> Work:
    yield 0.0
    return {"": started().submit(climb, rung.name, scale).result()}


def climb(name: str, scale: Scale) -> Rows:
    """Judge all methods on one rung; times of a frame are taken in turns."""
    judged = film(name, scale)
    rung = judged.rung
    detectors: dict[str, Any] = {UNTOLD: untold(), TOLD: told(rung)}
    detectors |= {label: tuned(judged, baseline) for label, baseline in peers(judged).items()}
    times = in_turns([*detectors.values()], judged.film, min(_TIMED, judged.frames), 1 if scale == "smoke" else _TURNS)
    rows = []
    for (label, detector), milliseconds in zip(detectors.items(), times, strict=True):
        row = judge(detector, judged) | {"ms a frame": milliseconds}
        setting = str(detector) if label in (LOG, TRACKPY) else detector.name
        rows.append({"rung": name, "method": label, **_rounded(row), "setting": setting})
    _log.info("%s is measured", name)
    return rows


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value if value == "" else round(float(value), _SHOWN[name]) for name, value in row.items()}


# What is asked --------------------------------------------------------------------------------------------------------


def claims(tables: Tables) -> list[Claim]:
    """Return what is asked of our networks with everything told, rung by rung, and what was measured."""
    return [claim for rung, rows in _by_rung(tables) for claim in _claims(rung, rows)]


def _claims(rung: Rung, rows: dict[str, dict[str, Any]]) -> list[Claim]:
    mine, others = rows[TOLD], [rows[name] for name in (LOG, TRACKPY) if name in rows]
    least = _least_f1(rung, others)
    most = min([_WORST[rung.asks], *(one[_ERROR] for one in others if rung.asks == "shapes" and one[_ERROR] != "")])
    low, high = _PULLS[rung.asks]
    asked = {
        "F1": (f"at least {least:.3f}", lambda value: value >= least),
        _ERROR: (f"at most {most:.2f}", lambda value: value <= most),
        "pull": (f"{low:g} to {high:g}", lambda value: low <= value <= high),
        _GHOSTS: (f"at most {rung.ghosts:g}", lambda value: value <= rung.ghosts),
    }
    return [
        Claim(rung.name, f"{name} {words}", f"{mine[name]}", mine[name] != "" and bool(holds(mine[name])))
        for name, (words, holds) in asked.items()
    ]


def _least_f1(rung: Rung, others: Rows) -> float:
    if rung.asks == "hard":
        return max((float(one["F1"]) for one in others), default=0.0) - _AS_GOOD
    return _F1[rung.asks] if rung.f1 is None else rung.f1


def asked(tables: Tables) -> Rows:
    """Return what was measured of ours with everything told, what is asked in brackets; misses are bold."""
    table: Rows = []
    for rung, rows in _by_rung(tables):
        each = dict(zip(_MEASURES, _claims(rung, rows), strict=True))
        cells = {name: _cell(name, claim) for name, claim in each.items()}
        missed = sum(claim.holds is False for claim in each.values())
        table.append({"rung": rung.name, "network": network_of(rung), "diameter": f"{rung.diameter:.3g}"} | cells)
        table[-1]["missed"] = missed or ""
    return table


def _cell(name: str, claim: Claim) -> str:
    measured = claim.measured if claim.holds else f"**{claim.measured or 'nothing'}**"
    return f"{measured} ({claim.thesis.removeprefix(name).strip()})"


def short(tables: Tables) -> Rows:
    """Return a row for each rung: F1, error over bound, and ghosts a frame of every method."""
    return [
        {"rung": rung.name, "what it is": rung.about}
        | {name: _in_short(rows[name]) if name in rows else "" for name in METHODS}
        for rung, rows in _by_rung(tables)
    ]


def _in_short(row: dict[str, Any]) -> str:
    relative = "" if row[_ERROR] == "" else f" / {row[_ERROR]:.2f}"
    return f"{row['F1']:.3f}{relative} / {row[_GHOSTS]:.2g}"


def _by_rung(tables: Tables) -> list[tuple[Rung, dict[str, dict[str, Any]]]]:
    """Return the rows of each rung by their methods."""
    found = [
        (one, {str(row["method"]): row for row in tables[""] if row["rung"] == one.name}) for one in rungs("laptop")
    ]
    return [(one, rows) for one, rows in found if TOLD in rows]
