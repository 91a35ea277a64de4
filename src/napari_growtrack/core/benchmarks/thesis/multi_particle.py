"""Many particles by a sliding window (4.11, 4.12, Table 4.2): the thesis's three networks, ours, and other software."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...detection import Pair, calibrate, collect, find
from ...detection.merge import merge
from ...detection.windows import Looks, View, look_at, margin_of
from ...films.normalisation import normalise
from ...growth.plan import Plan
from ...networks.evaluation import SHAPE, bound, calibration_samples, film_of
from ...networks.load import load_network
from ...progress import changed
from ...scoring import score, thesis_score
from ...simulation import draw, named_scene
from ..case import Bench, Case, Claim, Piece, Rows, Scale, Tables, Work, frame_of
from ..peers import laplacian_baseline, trackpy_baseline
from .common import thesis_schedule
from .drawing import COLOURS, finished_titled, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...growth.network import GrownNetwork

Detect = Callable[[np.ndarray], pd.DataFrame]

STEP, SIDE = 10, 51
ACCEPTED, MERGED = 7.0, 8.0
"""Distance below which a prediction counts, and within which several are one particle, in pixels."""

EXTRA = 3.0
"""Second predictions for each particle, which the first threshold is chosen for."""

REPORTED = {
    "small": (2.32, 1.91, 1.2, 17.0),
    "enhanced": (1.74, 1.36, 1.6, 4.2),
    "full": (1.71, 1.36, 1.3, 6.8),
}
"""Table 4.2: mean and median error in pixels, missed and false in percent."""

_MEASURES = ("mean (px)", "median (px)", "missed (%)", "false (%)")
_POINT = 1.0
"""Percentage points that shares may differ by, beside a quarter, and be called the same."""
_THESIS, _REPORTED = "thesis's way, trained as there", "reported in the thesis"
_SEED = 1
_BINS = np.arange(0, 8.25, 0.25)


@dataclass(frozen=True)
class Size:
    """How much is done.

    The share of the thesis's images, frames, frames to choose the first threshold on, frames to find those of the
    recentred cascade on, and frames to tune other software on.
    """

    share: float
    frames: int
    chosen_on: int
    calibrated_on: int
    tuned_on: int


SIZES: dict[Scale, Size] = {
    "smoke": Size(0, 3, 2, 1, 2),
    "laptop": Size(0.15, 200, 30, 32, 25),
    "paper": Size(1, 1000, 50, 32, 25),
}


@dataclass(frozen=True, eq=False)
class Film:
    """Frames (T, Y, X) float32, their truth table, and the median error at the Cramer-Rao bound in pixels."""

    frames: np.ndarray
    truth: pd.DataFrame
    bound: float

    @classmethod
    def of(cls, number: int, seed: int) -> Film:
        """Simulate frames of Table 4.2: 251 x 251 px at SNR 3, five or six particles in each."""
        rng = np.random.default_rng([seed, 42])
        pictures = [draw(named_scene("table42"), SHAPE, rng, number=int(rng.integers(5, 7))) for _ in range(number)]
        frames, truth = film_of(pictures, rng)
        return cls(frames, truth, bound(pictures[:200], rng))


def pieces(bench: Bench) -> list[Piece]:
    """Return one piece each for the thesis's way, ours, and others."""
    return [
        Piece("the thesis's way", partial(_thesis, bench), 20),
        Piece("recentred", partial(_recentred, bench), 1),
        Piece("other software", partial(_others, bench), 2),
    ]


# The thesis's way -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlidingWindow:
    """Boxes of 51 px every 10 px inside the frame, judged by a stage, or by one and then another (thesis 4.2.2).

    Attributes
    ----------
    network : GrownNetwork
    stage : int
    screen : int, optional
        The stage that looks first; without it `stage` judges every box.
    screen_distance : float
        T1: below it a second prediction is made, in pixels.
    """

    network: GrownNetwork
    stage: int
    screen: int | None = None
    screen_distance: float = ACCEPTED

    def __call__(self, frame: np.ndarray) -> Any:
        """Return ``y, x`` and the predicted ``distance`` of the particles of a frame (Y, X)."""
        view = View.of(normalise(frame, self.network.normalisation), margin_of(self.network))
        boxes = box_centres(frame.shape)
        if self.screen is not None:
            first = self._looks(view, boxes, self.screen)
            boxes = boxes[first.distances < self.screen_distance]
        looks = self._looks(view, boxes, self.stage)
        looks = looks[np.flatnonzero(looks.distances < ACCEPTED)]
        kept = merge(looks, MERGED)
        return pd.DataFrame(
            {"y": looks.positions[kept, 0], "x": looks.positions[kept, 1], "distance": looks.distances[kept]}
        )

    def _looks(self, view: View, boxes: np.ndarray, stage: int) -> Looks:
        return look_at([view], [boxes], self.network, stage)[0]


def box_centres(shape: tuple[int, ...]) -> np.ndarray:
    """Return the centres of the boxes that lie inside a frame, (n, 2): 21 x 21 of them in 251 x 251 px."""
    ys, xs = (np.arange(SIDE // 2, side - SIDE // 2, STEP) for side in shape)
    return np.stack(np.meshgrid(ys, xs, indexing="ij"), -1).reshape(-1, 2)


def screening_distance(network: GrownNetwork, film: Film) -> float:
    """Return T1: the distance below which the first stage puts about three boxes for every particle."""
    distances = []
    for frame in film.frames:
        view = View.of(normalise(frame, network.normalisation), margin_of(network))
        distances.append(look_at([view], [box_centres(frame.shape)], network, 1)[0].distances)
    every = np.sort(np.concatenate(distances))
    return float(every[min(round(EXTRA * len(film.truth)), len(every)) - 1])


def _thesis(bench: Bench) -> Work:
    size = SIZES[bench.scale]
    schedule = thesis_schedule(size.share)
    network = yield from _part(bench.grown("grown", Plan.depth(), named_scene("vesicles"), schedule, _SEED), 0, 0.8)
    first = screening_distance(network, Film.of(size.chosen_on, seed=1))
    last = network.stages
    ways = {
        "small": SlidingWindow(network, 1),
        "enhanced": SlidingWindow(network, last, 1, first),
        "full": SlidingWindow(network, last),
    }
    film = Film.of(size.frames, seed=2)
    rows: Rows = []
    told: Tables = {"": rows, "errors": [], "example": []}
    for number, (name, detect) in enumerate(ways.items()):
        table, milliseconds = yield from _part(_tracked(detect, film), 0.8 + number / 15, 0.8 + (number + 1) / 15)
        setting = f"T1 {first:.1f}, T2 {ACCEPTED:g} px" if name == "enhanced" else f"T {ACCEPTED:g} px"
        rows.append({"network": name, "way": _THESIS} | _judged(film, table, milliseconds) | {"setting": setting})
        told["errors"] += _histogram(name, film, table)
        told["example"] += _example(name, table)
    told["example"] += _example("truth", film.truth)
    rows.append((yield from _part(_with_calibration(network, film, size.calibrated_on), 0.97, 1)))
    return told


def _with_calibration(network: GrownNetwork, film: Film, frames: int) -> Any:
    """Judge the same network recentred, with thresholds found on simulated frames."""
    samples = calibration_samples(named_scene("table42"), 0, frames)
    (calibrated,) = calibrate(network, samples, [Pair(network.stages, 1)])
    table, milliseconds = yield from _tracked(partial(find, network=network, cascade=calibrated.cascade), film)
    return {"network": "enhanced", "way": "trained as there, recentred"} | _judged(film, table, milliseconds)


def _part(steps: Any, low: float, high: float) -> Any:
    """Pass on parts of a work that is itself a part, from `low` to `high`, of another."""
    return changed(steps, lambda fraction: low + (high - low) * fraction)


def _tracked(detect: Detect, film: Film) -> Any:
    """Return the detections of all frames, and the median time of a frame in ms."""
    tables, seconds = [], []
    for number, frame in enumerate(film.frames):
        began = time.perf_counter()
        table = detect(frame)
        seconds.append(time.perf_counter() - began)
        tables.append(table.assign(frame=number))
        yield number / len(film.frames)
    return collect(tables, ["frame", "y", "x"]), 1e3 * float(np.median(seconds))


def _judged(film: Film, table: pd.DataFrame, milliseconds: float) -> dict[str, Any]:
    """Return the thesis's measures, those of one-to-one matching, and the time."""
    theirs, ours = thesis_score(film.truth, table), score(film.truth, table)
    return {
        "mean (px)": theirs.mean_error,
        "median (px)": theirs.median_error,
        "missed (%)": 100 * theirs.missed,
        "false (%)": 100 * theirs.false,
        "found, one to one (%)": 100 * ours.found,
        "false, one to one (%)": 100 * ours.false,
        "median, one to one (px)": ours.median_error,
        "bound (px)": film.bound,
        "ms per frame": milliseconds,
        "setting": "",
    }


def _histogram(name: str, film: Film, table: pd.DataFrame) -> Rows:
    """Return how the errors of particles that were found are distributed: the distance to the closest prediction."""
    distances = []
    found = dict(iter(table.groupby("frame")))
    for frame, truth in film.truth.groupby("frame"):
        if frame in found:
            offsets = truth[["y", "x"]].to_numpy()[:, None] - found[frame][["y", "x"]].to_numpy()[None]
            nearest = np.hypot(*np.moveaxis(offsets, -1, 0)).min(1)
            distances.append(nearest[nearest <= 2 * truth.radius.to_numpy()])
    every = np.concatenate(distances) if distances else np.empty(0)
    shares = np.histogram(every, _BINS)[0] / max(len(every), 1)
    return [
        {"network": name, "from (px)": low, "to (px)": low + 0.25, "share": share}
        for low, share in zip(_BINS[:-1], shares, strict=True)
    ]


def _example(name: str, table: pd.DataFrame) -> Rows:
    """Return what is in the first frame."""
    mine = table[table.frame == 0]
    return [{"network": name, "y": float(y), "x": float(x)} for y, x in zip(mine.y, mine.x, strict=True)]


# Ours, and others -----------------------------------------------------------------------------------------------------


def _recentred(bench: Bench) -> Work:
    film, network = Film.of(SIZES[bench.scale].frames, seed=2), load_network("vesicles")
    last = network.stages
    ways = {
        ("stage 1", "vesicles, recentred"): network.cascade(1, polish=False),
        (f"stage {last}", "vesicles, recentred"): network.cascade(last, polish=False),
        (f"stage {last}", "vesicles, recentred and fitted"): network.cascade(last),
    }
    rows: Rows = []
    for number, ((stage, way), cascade) in enumerate(ways.items()):
        work = _tracked(partial(find, network=network, cascade=cascade), film)
        table, milliseconds = yield from _part(work, number / len(ways), (number + 1) / len(ways))
        rows.append({"network": stage, "way": way} | _judged(film, table, milliseconds))
    return {"": rows}


def _others(bench: Bench) -> Work:
    size = SIZES[bench.scale]
    film = Film.of(size.frames, seed=2)
    some = film.frames[: size.tuned_on], film.truth[film.truth.frame < size.tuned_on]
    baselines = [laplacian_baseline(), trackpy_baseline()]
    rows: Rows = []
    for number, baseline in enumerate(baselines):
        detector = baseline.tuned(*some)
        work = _tracked(detector, film)
        table, milliseconds = yield from _part(work, number / len(baselines), (number + 1) / len(baselines))
        told = {"network": "", "way": f"{baseline.name.removesuffix(', tuned')}, tuned"} | _judged(
            film, table, milliseconds
        )
        rows.append(told | {"setting": str(detector)})
    return {"": rows}


# What came out --------------------------------------------------------------------------------------------------------


def short(tables: Tables) -> Rows:
    """Return Table 4.2 with ours beside it."""
    blank = dict.fromkeys(tables[""][0], "")
    reported = [
        blank | {"network": name, "way": _REPORTED} | dict(zip(_MEASURES, values, strict=True))
        for name, values in REPORTED.items()
    ]
    return [*reported, *tables[""]]


def draw_example(tables: Tables, bench: Bench) -> Figure:
    """Draw the first frame with what the small and the enhanced network predict, and one particle closely (4.11)."""
    frame = Film.of(SIZES[bench.scale].frames, seed=2).frames[0]
    points = frame_of(tables["example"])
    truth = points[points.network == "truth"]
    middle = truth[["y", "x"]].iloc[0]
    figure, (whole, near) = new_figure(2, width=6.6, height=3.6)
    for axes in (whole, near):
        axes.imshow(frame, cmap="gray", interpolation="nearest")
        for number, (name, marker) in enumerate((("truth", "+"), ("small", "x"), ("enhanced", "o"))):
            mine = points[points.network == name]
            look: dict[str, Any] = {"mfc": "none"} if marker == "o" else {}
            axes.plot(
                mine.x, mine.y, marker, color=("#ffffff", COLOURS[3], COLOURS[1])[number], ms=7, label=name, **look
            )
        axes.set(xlabel="x (px)", ylabel="y (px)")
    near.set(xlim=(middle.x - 15, middle.x + 15), ylim=(middle.y + 15, middle.y - 15))
    legend = finished_titled(figure).legends[0]
    legend.get_frame().set(facecolor="0.6", alpha=1, visible=True)
    legend.set_frame_on(True)
    return figure


def draw_errors(tables: Tables, _: Bench) -> Figure:
    """Draw how errors are distributed for the small network and the enhanced one (4.12)."""
    figure, (axes,) = new_figure(width=4.2, height=3.0)
    rows = frame_of(tables["errors"])
    for number, name in enumerate(("small", "enhanced")):
        mine = rows[rows.network == name]
        axes.stairs(100 * mine.share, _BINS, color=COLOURS[number], fill=True, alpha=0.45, label=name)
    axes.set(xlabel="error (px)", ylabel="particles (%)", xlim=(0, _BINS[-1]))
    return finished_titled(figure)


def _of(tables: Tables, way: str) -> Any:
    rows = frame_of(tables[""])
    return rows[rows.way == way].set_index("network")


def tell(tables: Tables) -> str:
    """Return what came out in a paragraph."""
    told = "; ".join(f"{name} {_measures(row)}" for name, row in _of(tables, _THESIS).iterrows())
    ours = _of(tables, "vesicles, recentred and fitted").iloc[0]
    return (
        f"The thesis's way, trained as there and by its measures: {told}. The bundled network `vesicles`, recentred "
        f"and fitted: {_measures(ours)}; the bound of the median is {ours['bound (px)']:.2f} px."
    )


def _measures(row: pd.Series) -> str:
    mean, median, missed, false = (row[name] for name in _MEASURES)
    return f"{mean:.2f} px mean, {median:.2f} px median, {missed:.1f} % missed, {false:.1f} % false"


def claims(tables: Tables) -> list[Claim]:
    """Compare with what the thesis says."""
    mine = _of(tables, _THESIS)
    small, enhanced, full = (mine.loc[name] for name in REPORTED)
    median, false = "median (px)", "false (%)"
    found = [
        Claim(
            "4.2", "the cascade comes close to the full network's error",
            f"median {enhanced[median]:.2f} and {full[median]:.2f} px",
            bool(enhanced[median] <= 1.1 * full[median]),
        ),
        Claim(
            "4.2", "the cascade has fewer false detections than the small network",
            f"{enhanced[false]:.1f} % and {small[false]:.1f} %", bool(enhanced[false] < small[false]),
        ),
        Claim(
            "4.12", "the cascade's errors are smaller than the small network's",
            f"median {enhanced[median]:.2f} and {small[median]:.2f} px", bool(enhanced[median] < small[median]),
        ),
    ]  # fmt: skip
    for name, reported in REPORTED.items():
        ours = [mine.loc[name, column] for column in _MEASURES]
        near = all(
            value <= old * 1.25 + (_POINT if name.endswith("(%)") else 0)
            for name, value, old in zip(_MEASURES, ours, reported, strict=True)
        )
        told = "{:.2f} px, {:.2f} px, {:.1f} %, {:.1f} %".format(*ours)
        old = "{:.2f} px, {:.2f} px, {:.1f} %, {:.1f} %".format(*reported)
        found.append(Claim("4.2", f"{name}: mean, median, missed, false {old}", told, near))
    return found


CASE = Case(
    "many particles at SNR 3: the thesis's small, enhanced and full network, ours, LoG and trackpy",
    pieces,
    shows=("4.11", "4.12", "4.2"),
    settings=lambda scale: asdict(SIZES[scale]) | {"step": STEP, "T": ACCEPTED, "Dp": MERGED, "seed": _SEED},
    short=short,
    figures={"4.11": draw_example, "4.12": draw_errors},
    tell=tell,
    claims=claims,
)
