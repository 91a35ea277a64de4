"""Measure film by film, by the ISBI Particle Tracking Challenge's measures, and hold our linker against its peers."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

import numpy as np

from ..case import Bench, Claim, Piece, Rows, Scale, Tables, Work
from .films import FRAMES, SIDES, film
from .methods import EVIDENCE, LOG, PERFECT, TOLD, TRUTH, UNTOLD, found, linkers, scored

_log = logging.getLogger(__name__)

FILMS: dict[Scale, tuple[str, ...]] = {
    "smoke": ("vesicles mid 4", "receptors mid 4"),
    "laptop": (
        *(f"{kind} {density} 4" for kind in ("vesicles", "receptors") for density in ("low", "mid", "high")),
        *("microtubules low 4", "microtubules mid 4", "vesicles low 7", "vesicles mid 2", "receptors mid 2"),
    ),
}
FILMS["paper"] = FILMS["laptop"]
SEEDS: dict[Scale, int] = {"smoke": 1, "laptop": 3, "paper": 3}
_DETECTORS = (UNTOLD, TOLD, LOG, TRUTH)

_LEAST = {"vesicles low 4": 0.95, "vesicles low 7": 0.95, "vesicles mid 4": 0.87, "vesicles high 4": 0.78}
_LEAST |= {"receptors low 4": 0.95, "receptors mid 4": 0.88}
"""Least beta of ours, as it comes; elsewhere the best peer's, and so much more:"""
_MORE = {"vesicles mid 4": 0.03, "vesicles high 4": 0.03, "receptors high 4": 0.05}
_MORE |= {"microtubules low 4": 0.02, "microtubules mid 4": 0.02}
_OF_PERFECT = {"vesicles low 4": 0.98, "vesicles low 7": 0.98}
"""Which part of what perfect links of the same detections reach."""


def settings(scale: Scale) -> dict[str, Any]:
    """Return the numbers that a scale stands for."""
    return {"frames": FRAMES[scale], "side": SIDES[scale], "seeds": SEEDS[scale], "films": len(FILMS[scale])}


def pieces(bench: Bench) -> list[Piece]:
    """Return a piece for each film and seed."""
    return [
        Piece(f"{name}, seed {seed}", partial(_measured, name, bench.scale, seed))
        for name in FILMS[bench.scale]
        for seed in range(SEEDS[bench.scale])
    ]


def _measured(name: str, scale: Scale, seed: int) -> Work:
    rows: Rows = []
    some = film(name, scale, seed)
    for done, who in enumerate(_DETECTORS):
        yield done / len(_DETECTORS)
        table = found(who, some)
        for linker in linkers(who, scale):
            began = time.perf_counter()
            score, setting = scored(linker, table, some.truth)
            told = {"alpha": score.alpha, "beta": score.beta, "JSC": score.jsc, "JSC theta": score.jsc_theta}
            rounded: dict[str, Any] = {name: round(value, 4) for name, value in told.items()}
            rounded["RMSE (px)"] = round(score.rmse, 3) if np.isfinite(score.rmse) else ""
            about = {"film": name, "seed": seed, "detections": who, "linker": linker}
            seconds = round(time.perf_counter() - began, 2)
            rows.append({**about, **rounded, "switches": score.switches, "seconds": seconds, "setting": setting})
    _log.info("%s is measured", name)
    return {"": rows}


def short(tables: Tables) -> Rows:
    """Return a row for each film: the median beta of everybody."""
    table: Rows = []
    for name, betas in _betas(tables).items():
        table.append({"film": name} | {f"{who}: {linker}": round(beta, 3) for (who, linker), beta in betas.items()})
    return table


def _betas(tables: Tables) -> dict[str, dict[tuple[str, str], float]]:
    """Return the median beta of all seeds, by film, and by detections and linker."""
    each: dict[str, dict[tuple[str, str], list[float]]] = {}
    for row in tables[""]:
        each.setdefault(row["film"], {}).setdefault((row["detections"], row["linker"]), []).append(row["beta"])
    return {name: {who: float(np.median(some)) for who, some in rows.items()} for name, rows in each.items()}


def claims(tables: Tables) -> list[Claim]:
    """Return what is asked of our linker, film by film, and what was measured: medians of beta."""
    return [claim for name, betas in _betas(tables).items() for claim in _claims(name, betas)]


def _claims(name: str, betas: dict[tuple[str, str], float]) -> list[Claim]:
    mine, perfect = betas[UNTOLD, EVIDENCE], betas[UNTOLD, PERFECT]
    wants = [_LEAST.get(name, 0.0), _OF_PERFECT.get(name, 0.0) * perfect]
    if name not in _LEAST or name in _MORE:
        wants.append(_best(betas, (TOLD, LOG)) + _MORE.get(name, 0.0))
    least, true, others = max(wants), betas[TRUTH, EVIDENCE], _best(betas, (TRUTH,))
    return [
        Claim(name, f"beta at least {least:.3f}", f"{mine:.3f} of {perfect:.3f}", round(mine, 3) >= round(least, 3)),
        Claim(name, f"beta of true places at least {others:.3f}", f"{true:.3f}", round(true, 3) >= round(others, 3)),
    ]


def asked(tables: Tables) -> Rows:
    """Return what is asked of ours, as it comes, film by film, beside what was measured."""
    return [
        {"film": one.figure, "asked": one.thesis, "measured": one.measured, "reached": "yes" if one.holds else "no"}
        for one in claims(tables)
    ]


def _best(betas: dict[tuple[str, str], float], whose: tuple[str, ...]) -> float:
    return max(beta for (who, linker), beta in betas.items() if who in whose and linker not in (EVIDENCE, PERFECT))
