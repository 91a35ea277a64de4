"""How often the choice by evidence is the right one: random films of our own scenes and of other physics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..detection import detect
from ..films import open_stack
from ..networks.choice import Chosen, Tried, choose_network
from ..networks.evaluation import SHAPE, film_of
from ..networks.load import load_network
from ..scoring import Score, score
from ..simulation import draw, named_scene
from .case import Rows, Scale
from .world.films import film as world_film
from .world.rungs import RUNGS

_log = logging.getLogger(__name__)
_load = cache(load_network)

_FILMS: dict[Scale, int] = {"smoke": 3, "laptop": 100}
_FRAMES, _SEED, _WITHIN = 10, 1000, 5.0
_OWN = {"table42": 6, "dense": 60, "gradient": 8, "mixed": 8, "rings": 6}
"""Our own scenes, and the particles in a frame of them; every third film is of one."""
_WORTH = 0.2
"""What explains less of a film than this share of what the choice does is not tracked to see whether it is better."""
_SAME_F1, _SAME_ERROR, _STORM = 0.02, 1.1, 0.2


class _Film(NamedTuple):
    name: str
    frames: np.ndarray
    truth: pd.DataFrame
    within: float
    empty: np.ndarray


def measure(scale: Scale) -> Rows:
    """Let films choose, track each by what it chose and by whatever else explains it, and score.

    A choice is right where no other finds more by 2 % of F1, or places what it finds better by a tenth. A film without
    its particles is to be told empty.
    """
    rows = []
    for made in _films(_FILMS[scale]):
        rows.append(_row(made))
        _log.info("%s: %s", made.name, rows[-1]["chosen"])
    return rows


def summary(rows: Rows) -> Rows:
    """Return how many choices were right or told to be clear, ended in a storm of ghosts, or told an empty film."""
    own = [row for row in rows if row["film"] in _OWN]
    others = [row for row in rows if row["film"] not in _OWN]
    return [
        {
            "films": name,
            "number": len(mine),
            "right": float(np.mean([row["right"] for row in mine])),
            "told clear": float(np.mean([row["clear"] for row in mine])),
            "wrong though clear": float(np.mean([row["clear"] and not row["right"] for row in mine])),
            "more than 20 % ghosts": float(np.mean([row["false"] > _STORM for row in mine])),
            "told empty": float(np.mean([row["told empty"] for row in mine])),
        }
        for name, mine in {"our own scenes": own, "other physics": others, "all": rows}.items()
        if mine
    ]


def _films(number: int) -> Iterator[_Film]:
    rng = np.random.default_rng(_SEED)
    for film in range(number):
        if film % 3:
            rung = RUNGS[int(rng.integers(len(RUNGS)))]
            judged = world_film(rung.name, _FRAMES, _SEED + film)
            yield _Film(rung.name, judged.film, judged.truth, rung.within, judged.empty)
            continue
        name = str(rng.choice([*_OWN]))
        scene = named_scene(name)
        if name == "table42":
            scene = scene.with_(snr=float(np.exp(rng.uniform(np.log(2), np.log(10)))))
        frames, truth = film_of([draw(scene, SHAPE, rng, _OWN[name]) for _ in range(_FRAMES)], rng)
        empty, _ = film_of([draw(scene, SHAPE, rng, 0) for _ in range(_FRAMES)], rng)
        yield _Film(name, frames, truth, _WITHIN, empty)


def _row(film: _Film) -> dict[str, Any]:
    chosen, empty = _chosen(film.frames), _chosen(film.empty)
    mine = _scored(film, chosen.best)
    others = [_scored(film, one) for one in _rivals(chosen)]
    best = max([mine, *others], key=lambda one: one.f1)
    good = [one for one in [mine, *others] if one.f1 >= best.f1 - _SAME_F1 and np.isfinite(one.median_error)]
    least = min((one.median_error for one in good), default=float("nan"))
    right = mine.f1 >= best.f1 - _SAME_F1 and (not good or mine.median_error <= _SAME_ERROR * least)
    return {
        "film": film.name,
        "chosen": str(chosen.best),
        "F1": mine.f1,
        "false": mine.false,
        "median error (px)": mine.median_error,
        "best F1": best.f1,
        "least error (px)": least,
        "right": right,
        "clear": chosen.clear,
        "told empty": not empty.explains,
    }


def _chosen(frames: np.ndarray) -> Chosen:
    return choose_network(open_stack(frames), load=_load)


def _rivals(chosen: Chosen) -> list[Tried]:
    """Return the best of each other network and contrast that explains something worth while."""
    rivals: dict[tuple[str, str], Tried] = {}
    for one in chosen.tried[1:]:
        if one.evidence > _WORTH * chosen.best.evidence:
            rivals.setdefault((one.network, one.contrast), one)
    return [*rivals.values()]


def _scored(film: _Film, tried: Tried) -> Score:
    network = tried.sized(_load)
    return score(film.truth, detect(film.frames, network, network.cascade(), contrast=tried.contrast), film.within)
