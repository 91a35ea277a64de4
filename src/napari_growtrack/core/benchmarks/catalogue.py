"""Measurements of speed and accuracy that anybody can run again: our own, and every figure and table of the thesis."""

from __future__ import annotations

import os
from collections.abc import Generator

from ..errors import SettingsError, cut
from ..progress import Progress, finish
from . import (
    accuracy,
    choosing,
    deeptrack,
    films,
    growing,
    ladder,
    linking,
    long_film,
    motion,
    scaling,
    simulator,
    speed,
    stream,
    workers,
)
from .case import Case, Claim, Rows, Scale, measured
from .ladder import figures as ladder_figures
from .running import iter_run, refusal
from .sources import BROWNIAN, PRETRAINED_BROWNIAN, PRETRAINED_VESICLES
from .thesis import THESIS
from .tracks import measuring as tracks
from .world import figures as world_figures
from .world import measuring as world

__all__ = ["CASES", "Case", "Claim", "Rows", "Scale", "iter_case", "named", "refusal", "run"]

CASES: dict[str, Case] = THESIS | {
    "speed": measured(
        "one frame by the cascade, by all windows in one batch, and by one predict call a window", speed.measure
    ),
    "accuracy": measured(
        "the thesis's multi-particle scene: found, false and error for every stage and SNR", accuracy.measure
    ),
    "simulator": measured("training windows a second, against plain NumPy and SciPy", simulator.measure),
    "side-by-side": measured(
        "a network grown side by side, against plain and one stage at a time", growing.side_by_side
    ),
    "budget": measured("what one minute and five minutes of growing reach", growing.budget),
    "deeptrack": measured(
        "a network of DeepTrack 1.0 and ours on the film of Brownian beads",
        deeptrack.measure,
        needs=(PRETRAINED_BROWNIAN, BROWNIAN),
    ),
    "ladder": measured(
        "scenes from easy to hard and large: every stage of ours, LoG, trackpy and DeepTrack 1.0",
        ladder.measure,
        tables={"speed": ladder.speed},
        figures={"snr": ladder_figures.draw_snr, "front": ladder_figures.draw_front},
        uses=(PRETRAINED_VESICLES,),
    ),
    "world": Case(
        "films of other optics, cameras and backgrounds than ours: our networks with nothing and with everything told, "
        "LoG and trackpy tuned",
        world.pieces,
        settings=world.settings,
        scales=("smoke", "laptop"),
        short=world.short,
        tables={"asked": world.asked},
        figures={"sheet": world_figures.draw_sheet, "errors": world_figures.draw_errors},
        claims=world.claims,
    ),
    "choice": measured(
        "100 random films: whether the network that a film chooses is the best there is",
        choosing.measure,
        tables={"summary": choosing.summary},
    ),
    "films": Case(
        "real films: what is found without an option, beside what the eye counts, LoG and trackpy",
        films.pieces,
        settings=films.settings,
        scales=("smoke", "laptop"),
        needs=tuple(film.source for film in films.FILMS[:2]),
        uses=tuple(film.source for film in films.FILMS[2:]),
        short=films.short,
        figures={"": films.draw_rings},
        tell=films.tell,
    ),
    "scaling": measured(
        "our time on one core against the size of a frame and the number of particles",
        scaling.measure,
        scaling.draw_scaling,
        tables={"costs": scaling.costs},
    ),
    "workers": measured(
        "frames a second by one worker of dask.distributed and by two", workers.measure, packages=("distributed",)
    ),
    "long-film": measured("memory and pace of a film of 100 000 frames, tracked and linked", long_film.measure),
    "linking": measured("linkers on simulated detections: time, and how many links are right", linking.measure),
    "motion": Case(
        "exponents and states told of simulated motion: off the truth on average, and how often intervals hold it",
        motion.pieces,
        settings=motion.settings,
        scales=("smoke", "laptop"),
        tables={"numbers": motion.numbers},
        claims=motion.claims,
    ),
    "tracks": Case(
        "trajectories on films like those of the ISBI Particle Tracking Challenge: our linker, trackpy's and "
        "laptrack's, on our detections, on LoG's, and on true places",
        tracks.pieces,
        settings=tracks.settings,
        short=tracks.short,
        tables={"asked": tracks.asked},
        claims=tracks.claims,
    ),
    "stream": measured("latency and memory of a stream of 5000 frames through Tracker, beside trackpy", stream.measure),
}


def named(name: str) -> str:
    """Return a benchmark's name; that of the one that shows a figure of the thesis, such as ``3.21``, too.

    Raises
    ------
    SettingsError
        When there is no such benchmark.
    """
    shown = {figure: one for one, case in CASES.items() for figure in case.shows}
    if name not in CASES and name not in shown:
        raise SettingsError(
            f"There is no benchmark '{cut(name, 40)}'. Choose one of {', '.join(CASES)}, a figure of the thesis, such "
            "as 3.21, or all."
        )
    return shown.get(name, name)


def iter_case(
    name: str,
    scale: Scale = "laptop",
    folder: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
) -> Generator[Progress, None, str]:
    """Run a benchmark by its name, or a figure's; see `run` and `iter_run`."""
    name = named(name)
    return iter_run(name, CASES[name], scale, folder, data)


def run(
    name: str,
    scale: Scale = "laptop",
    folder: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
) -> str:
    """Run a benchmark and return what it has to say, as Markdown.

    Parameters
    ----------
    name : str
        One of `CASES`, or the number of a figure of the thesis.
    scale : {"smoke", "laptop", "paper"}
    folder : path, optional
        Where to leave settings, tables, figures and what they say; a run that
        was stopped goes on there.
    data : path, optional
        A folder of films and data sets that some need, or one of their files; by
        default the one that the environment's ``GROWTRACK_DATA`` names, and
        Keras's own cache.

    Raises
    ------
    SettingsError
        When there is no such benchmark, or its data is not there.
    """
    return finish(iter_case(name, scale, folder, data))
