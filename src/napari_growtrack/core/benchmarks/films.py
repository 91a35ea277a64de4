"""Real films, whose truth nobody knows: what is found in the middle of some frames, and what the eye counts there."""

from __future__ import annotations

import logging
import warnings
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ..detection import iter_detections, survey
from ..errors import GrowtrackWarning
from ..figures.style import SMALL, TWO_COLUMNS
from ..films import Stack, open_stack
from ..networks.choice import choose_network
from ..networks.load import load_network
from ..packages.plotting import load_matplotlib
from ..scoring import score
from ..scoring.matching import match
from . import sources
from .case import Bench, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from .peers import Detector, Laplacian, Locator, Trackpy, detections
from .peers.tuning import best_threshold
from .sources import Source, find, path_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_load = cache(load_network)


class Filmed(NamedTuple):
    """A real film: how wide its particles look, in pixels, measured by hand, and whether some are dark."""

    source: Source
    width: float
    dark: bool = False

    @property
    def name(self) -> str:
        """The name of its file."""
        return Path(self.source.file).name


FILMS = (
    Filmed(sources.BROWNIAN, 21),
    Filmed(sources.TRAPPED_GOOD, 27),
    Filmed(sources.TRAPPED_BAD, 25),
    Filmed(sources.BULK_WATER, 6, dark=True),
    Filmed(sources.COLLOIDS, 6, dark=True),
    Filmed(sources.FOCAL_PLANES, 21),
    Filmed(sources.HYBISS, 5),
    Filmed(sources.SPHERES, 20),
)
"""Where a particle is bright within a dark ring, its bright core was measured."""
OURS, LOG, TRACKPY = "growtrack", "LoG", "trackpy"
METHODS = (OURS, LOG, TRACKPY, f"{LOG}, by eye", f"{TRACKPY}, by eye")

_OUTCOMES = ("found", "double", "ghost")
_SMOKE = 2
_SIDE = 200
"""Of the part in the middle of a frame that was counted, in pixels."""
_NEAR = 1.5
"""What is found besides a particle, so many widths from it at most, is a double or its halo; else it is a ghost."""
_RING = "#ffb000"


def counted(film: Filmed) -> pd.DataFrame:
    """Return what was counted by eye: ``frame, y, x`` in the middle part of a frame, and whether it is ``doubtful``.

    It was listed on the enlarged part, before anything that a method found was seen. What is far out of focus, dim, or
    cut by the edge of the part is doubtful: it is neither missed nor false.
    """
    every = pd.read_csv(Path(__file__).with_suffix(".csv"))
    return every[every["film"] == film.name].reset_index(drop=True)


def settings(scale: Scale) -> dict[str, int]:
    """Return the numbers that a scale stands for."""
    return {"films": len(_films(scale)), "frames": 1 if scale == "smoke" else 3, "side": _SIDE}


def pieces(bench: Bench) -> list[Piece]:
    """Return a piece of work for each film that is there."""
    there = [film for film in _films(bench.scale) if find(film.source, bench.data)]
    return [Piece(film.name, partial(_watched, film, bench)) for film in there]


def _films(scale: Scale) -> tuple[Filmed, ...]:
    return FILMS[:_SMOKE] if scale == "smoke" else FILMS


def _watched(film: Filmed, bench: Bench) -> Work:
    """Look for particles in some frames by every method, and compare with what the eye counts."""
    yield 0.0
    eye = counted(film)
    numbers = sorted(set(eye["frame"]))
    if bench.scale == "smoke":
        numbers = numbers[len(numbers) // 2 :][:1]
    with open_stack(path_of(film.source, bench.data)) as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore", GrowtrackWarning)
        chosen, ours = _ours(stack, numbers)
        frames, corner = [stack[number] for number in numbers], _corner(stack)
    _log.info("%s: %s", film.name, chosen)
    yield 0.5
    found = {OURS: _within(ours, corner)}
    eye = eye[eye["frame"].isin(numbers)].reset_index(drop=True)
    for name, locators in _peers(film).items():
        tables = [detections(Detector(one, 0.0), frames) for one in locators]
        tables = [_within(table.assign(frame=np.take(numbers, table["frame"])), corner) for table in tables]
        best = max((_by_eye(film, eye, table) for table in tables), key=lambda pair: pair[0])
        found |= {name: tables[0], f"{name}, by eye": best[1]}
    rows = [_row(film, number, eye, found) | {"chosen": chosen} for number in numbers]
    rings = pd.concat(
        [found[name][["frame", "y", "x"]].round(1).assign(film=film.name, method=name) for name in METHODS]
    )
    return {"": rows, "rings": rows_of(rings)}


def _ours(stack: Stack, numbers: list[int]) -> tuple[str, pd.DataFrame]:
    """Track frames as `growtrack track FILM` does: the film chooses."""
    best = choose_network(stack, load=_load).best
    network = best.sized(_load)
    contrast, cascade = survey(stack, network, network.cascade(), best.contrast, range(len(stack)))
    tables = [one.table for one in iter_detections(stack, network, cascade, numbers, contrast)]
    return str(best), pd.concat(tables, ignore_index=True)


def _peers(film: Filmed) -> dict[str, tuple[Locator, ...]]:
    """Return LoG and trackpy for particles of a film, each as it comes and then with what else is worth trying."""
    diameter = 2 * int(film.width // 2) + 1
    separations = diameter + 1, (diameter + 1) // 2
    return {
        LOG: (Laplacian(film.width / 8**0.5, film.dark),),  # strongest on a disc of that width
        TRACKPY: tuple(Trackpy(diameter, separation, dark=film.dark) for separation in separations),
    }


def _by_eye(film: Filmed, eye: pd.DataFrame, found: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Return F1 and what is left of a peer's spots by the threshold that suits the eye's count best."""
    sure = eye[eye["doubtful"] == 0]
    judged = pd.concat([_judged(film, eye[eye["frame"] == number], mine) for number, mine in found.groupby("frame")])
    judged = judged[judged["outcome"] != "doubtful"]
    least = best_threshold(judged, sure, film.width / 2)
    f1 = score(sure, judged[judged["strength"] > least], film.width / 2).f1
    return f1, found[found["strength"] > least].reset_index(drop=True)


def _judged(film: Filmed, eye: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return what was found in a frame with its ``outcome``: found, doubtful, double or ghost."""
    places = found[["y", "x"]].to_numpy(float)
    sure, doubtful = (eye.loc[eye["doubtful"] == one, ["y", "x"]].to_numpy(float) for one in (0, 1))
    near = cKDTree(sure).query(places, distance_upper_bound=_NEAR * film.width)[0] < np.inf
    outcome = np.where(near, "double", "ghost").astype(object)
    hits = match(sure, places, film.width / 2)[1]
    rest = np.setdiff1d(np.arange(len(places)), hits)
    outcome[hits] = "found"
    outcome[rest[match(doubtful, places[rest], film.width)[1]]] = "doubtful"
    return found.assign(outcome=outcome)


def _row(film: Filmed, number: int, eye: pd.DataFrame, found: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return how many particles of a frame the eye counts, and what each method makes of it."""
    mine = eye[eye["frame"] == number]
    row: dict[str, Any] = {"film": film.name, "frame": number, "by eye": int((mine["doubtful"] == 0).sum())}
    for name in METHODS:
        outcome = _judged(film, mine, found[name][found[name]["frame"] == number])["outcome"]
        row |= {f"{name}: {what}": int((outcome == what).sum()) for what in _OUTCOMES}
    return row


def short(tables: Tables) -> Rows:
    """Return a line a frame, and one for all: of every method, what it found + doubles or halos + ghosts."""
    total = frame_of(tables[""]).sum(numeric_only=True).to_dict() | {"film": "all", "frame": "", "chosen": ""}
    return [
        {"film": row["film"], "frame": row["frame"], "by eye": int(row["by eye"])}
        | {name: " + ".join(f"{row[f'{name}: {what}']:.0f}" for what in _OUTCOMES) for name in METHODS}
        | {"chosen": row["chosen"]}
        for row in [*tables[""], total]
    ]


def tell(tables: Tables) -> str:
    """Return what the numbers of the table are, and which films are left out."""
    there = {row["film"] for row in tables[""]}
    absent = [film.name for film in FILMS if film.name not in there]
    left_out = f" Left out, being absent or at a larger scale: {', '.join(absent)}." if absent else ""
    return (
        "Of each method: particles found + doubles and halos + ghosts; what the eye doubts counts for nothing. LoG and "
        "trackpy are told how wide particles look and whether some are dark. They have no threshold, but `by eye` the "
        f"one (and trackpy the separation) that suits the eye's count best.{left_out}"
    )


def draw_rings(tables: Tables, bench: Bench) -> Figure:
    """Draw the part of a middle frame of each film, once for each method, with rings around what it found."""
    load_matplotlib()
    from matplotlib.figure import Figure

    frames: dict[str, list[int]] = {}
    for row in tables[""]:
        frames.setdefault(row["film"], []).append(row["frame"])
    rings, side = frame_of(tables["rings"]), TWO_COLUMNS / len(METHODS)
    figure = Figure(figsize=(TWO_COLUMNS, 0.95 * side * len(frames) + 0.2), layout="constrained")
    panels = figure.subplots(len(frames), len(METHODS), squeeze=False)
    for line, (name, numbers) in zip(panels, frames.items(), strict=True):
        (film,) = (one for one in FILMS if one.name == name)
        middle = numbers[len(numbers) // 2]
        part = _picture(film, middle, bench)
        low, high = np.percentile(part, (0.5, 99.5))
        for axes, method in zip(line, METHODS, strict=True):
            mine = rings[(rings["film"] == name) & (rings["method"] == method) & (rings["frame"] == middle)]
            axes.imshow(part, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            size = max(1.2 * film.width, 7) / part.shape[0] * side * 72
            axes.scatter(mine["x"], mine["y"], s=size**2, fc="none", ec=_RING, lw=0.4)
            axes.set(xlim=(-0.5, part.shape[1] - 0.5), ylim=(part.shape[0] - 0.5, -0.5), xticks=[], yticks=[])
        line[0].set_ylabel(Path(name).stem, fontsize=SMALL - 1)
    for axes, method in zip(panels[0], METHODS, strict=True):
        axes.set_title(method, fontsize=SMALL, pad=2)
    return figure


def _picture(film: Filmed, number: int, bench: Bench) -> np.ndarray:
    with open_stack(path_of(film.source, bench.data)) as stack:
        top, left = _corner(stack)
        return stack[number][top : top + _SIDE, left : left + _SIDE]


def _corner(stack: Stack) -> np.ndarray:
    return np.array([max(side - _SIDE, 0) // 2 for side in stack.shape[1:]])


def _within(table: pd.DataFrame, corner: np.ndarray) -> pd.DataFrame:
    """Return what lies in the middle part of frames, seen from its corner."""
    places = table[["y", "x"]].to_numpy(float) - corner
    inside = ((places >= -0.5) & (places < _SIDE - 0.5)).all(1)
    return table.assign(y=places[:, 0], x=places[:, 1])[inside].reset_index(drop=True)
