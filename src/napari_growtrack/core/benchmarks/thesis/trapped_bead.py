"""A trapped bead, well lit and badly: how near grown networks come to the mean of ten plain ones (3.23, 3.24)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...detection.zoom import enlarge
from ...films import open_stack
from ...growth.plan import Plan
from ...simulation import named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of, rows_of
from ..sources import TRAPPED_BAD, TRAPPED_GOOD, path_of
from ..standins import trapped_film
from .common import GROWN, PLAIN, thesis_schedule
from .drawing import COLOURS, finished_titled, new_figure, spread_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...growth.network import GrownNetwork

SIDE = 51
SCENE = "film"
"""A bright bead with a dark ring near the middle, as both films show it."""

_PLANS = {PLAIN: Plan.plain(), GROWN: Plan.depth()}
_WEIGHTS = {PLAIN: 1.0, GROWN: 2.7}
FILMS = {"good illumination": TRAPPED_GOOD, "poor illumination": TRAPPED_BAD}
_STAND_INS = {"good illumination": 60.0, "poor illumination": 15.0}
_DEVIATION = "distance from the ensemble (px)"


@dataclass(frozen=True)
class Size:
    """How much is done: the share of the thesis's images, networks of each kind, and frames of each film."""

    share: float
    networks: int
    frames: int


SIZES: dict[Scale, Size] = {"smoke": Size(0, 2, 4), "laptop": Size(0.07, 10, 100), "paper": Size(1, 10, 100)}


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece for every network."""
    numbers = range(1, SIZES[bench.scale].networks + 1)
    return [
        Piece(f"{way} network {number}", partial(_placed, bench, way, number), _WEIGHTS[way])
        for way in _PLANS
        for number in numbers
    ]


def _placed(bench: Bench, way: str, number: int) -> Work:
    """Return where every stage of a network sees the bead in every frame."""
    schedule = thesis_schedule(SIZES[bench.scale].share)
    network = yield from bench.grown(f"{way}-{number}", _PLANS[way], named_scene(SCENE), schedule, number)
    return {"": [row for film in FILMS for row in _places(network, film, bench, way, number)]}


def _places(network: GrownNetwork, film: str, bench: Bench, way: str, number: int) -> Rows:
    about = {"film": film, "way": way, "network": number}
    return [
        about | {"stage": stage, "frame": frame, "y": round(float(y), 3), "x": round(float(x), 3)}
        for stage, answers in enumerate(network.answers(frames(film, bench)), start=1)
        for frame, (y, x) in enumerate(answers[:, 0, 0, :2])
    ]


def frames(film: str, bench: Bench) -> np.ndarray:
    """Return the first frames of a film as the networks see them: 51 x 51 px, (n, 51, 51) float32.

    Intensities are stretched so that the film's own darkest and brightest pixels are 0 and 1: in poor light they
    lie between 0.14 and 0.24 of the full scale, where no network of bright particles sees anything.
    """
    number = SIZES[bench.scale].frames
    if bench.scale == "smoke":
        return _seen(trapped_film(number, _STAND_INS[film]))
    with open_stack(path_of(FILMS[film], bench.data)) as stack:
        return _seen(np.stack([stack[i] for i in range(min(number, len(stack)))]))


def _seen(film: np.ndarray) -> np.ndarray:
    stretched = (film - film.min()) / (film.max() - film.min())
    return np.stack([enlarge(frame, SIDE / len(frame)) for frame in stretched]).astype(np.float32)


# What came out --------------------------------------------------------------------------------------------------------


def deviations(tables: Tables) -> Rows:
    """Return the mean distance of every network's stage to the mean of the plain networks, in pixels of 51 x 51."""
    rows = frame_of(tables[""])
    plain = rows[rows.way == PLAIN]
    ensemble = plain.groupby(["film", "frame"])[["y", "x"]].mean()
    joined = rows.join(ensemble, on=["film", "frame"], rsuffix="_ensemble")
    joined[_DEVIATION] = np.hypot(joined.y - joined.y_ensemble, joined.x - joined.x_ensemble)
    means = joined.groupby(["film", "way", "stage", "network"], sort=False)[_DEVIATION].mean()
    return rows_of(means.reset_index())


def short(tables: Tables) -> Rows:
    """Return mean and standard deviation over networks."""
    groups = frame_of(deviations(tables)).groupby(["film", "way", "stage"], sort=False)[_DEVIATION]
    summary = groups.agg(["mean", "std", "count"]).reset_index()
    names = {"mean": _DEVIATION, "std": "std over networks (px)", "count": "networks"}
    return rows_of(summary.rename(columns=names))


def draw_frames(tables: Tables, bench: Bench) -> Figure:
    """Draw a frame of each film with the first layer's answer and the ensemble's (3.23)."""
    figure, panels = new_figure(2, width=4.6)
    rows = frame_of(tables[""])
    for axes, film in zip(panels, FILMS, strict=True):
        mine = rows[(rows.film == film) & (rows.frame == 0)]
        first = mine[(mine.way == GROWN) & (mine.stage == 1) & (mine.network == 1)].iloc[0]
        ensemble = mine[mine.way == PLAIN][["y", "x"]].mean()
        middle = (SIDE - 1) / 2
        axes.imshow(frames(film, bench)[0], cmap="gray", interpolation="nearest")
        axes.plot(middle + first.x, middle + first.y, "x", color="red", ms=9, mew=1.6, label="one layer, grown")
        axes.plot(middle + ensemble.x, middle + ensemble.y, "o", color="orange", ms=5, label="mean of plain networks")
        axes.set(title=film, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return finished_titled(figure)


def draw_deviations(tables: Tables, _: Bench) -> Figure:
    """Draw the distance from the ensemble against layers, with the plain networks' own (3.24)."""
    figure, (axes,) = new_figure(width=4.2, height=3.0)
    table = frame_of(deviations(tables))
    for number, film in enumerate(FILMS):
        mine = table[table.film == film]
        spread_line(axes, mine[mine.way == GROWN], "stage", _DEVIATION, number, f"grown, {film}", "std")
        level = mine[mine.way == PLAIN][_DEVIATION].mean()
        axes.axhline(level, color=COLOURS[number], lw=1, ls=(0, (4, 2)), label=f"plain, {film}")
    axes.set(xlabel="layers", ylabel="mean distance from the ensemble (px)", ylim=(0, None))
    axes.set_xticks(sorted(set(table.stage)))
    return finished_titled(figure)


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    means = frame_of(short(tables)).set_index(["film", "way", "stage"])[_DEVIATION].sort_index()
    networks = max(row["network"] for row in tables[""])
    sentences = []
    for film in FILMS:
        layers = " ".join(f"{value:.2f}" for value in means[film, GROWN])
        sentences.append(
            f"With {film} the {networks} grown networks are on average {layers} px from the mean of {networks} plain "
            f"networks, by number of layers; the plain networks themselves {means[film, PLAIN, 1]:.2f} px."
        )
    return " ".join(sentences) + " Pixels are those of frames of 51 x 51 px."


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    means = frame_of(short(tables)).set_index(["film", "way", "stage"])[_DEVIATION].sort_index()
    found_: list[Claim] = []
    for film in FILMS:
        grown, plain = means[film, GROWN], means[film, PLAIN, 1]
        last, first = grown.iloc[-1], grown.iloc[0]
        told = f"{last:.2f} px with {len(grown)} layers; plain {plain:.2f} px"
        near = "grown networks come about as near as plain ones"
        found_.append(Claim("3.24", f"{film}: {near}", told, bool(last <= 1.25 * plain)))
        told = f"{first:.2f} px with one layer, {last:.2f} px with {len(grown)}"
        found_.append(Claim("3.24", f"{film}: the distance falls with layers", told, bool(last < first)))
    return found_


CASE = Case(
    "a trapped bead in two films: grown networks against the mean of ten plain ones",
    pieces,
    shows=("3.23", "3.24"),
    settings=lambda scale: asdict(SIZES[scale]) | {"scene": SCENE, "seed": "the network's number"},
    needs=(TRAPPED_GOOD, TRAPPED_BAD),
    stands_in=True,
    short=short,
    tables={"deviations": deviations},
    figures={"3.23": draw_frames, "3.24": draw_deviations},
    tell=tell,
    claims=claims,
)
