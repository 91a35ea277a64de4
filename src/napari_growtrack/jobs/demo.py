"""The demonstration: from a film to detections, a score, trajectories and a diffusion coefficient, in one call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..core.detection import collect, iter_detections, median_milliseconds
from ..core.errors import LinkingError, MotionError
from ..core.figures import draw_trajectories
from ..core.figures.pictures import overlay, save
from ..core.files import write_whole
from ..core.films import Stack, TimeAxis, open_stack
from ..core.films.writing import write_film
from ..core.linking import Linking, link
from ..core.motion import diffusion
from ..core.networks.evaluation import SHAPE, bound
from ..core.networks.load import Network
from ..core.scoring import score
from ..core.simulation import Motion, draw, iter_film, named_scene
from ..core.tables import PROGRAM, write_table

Say = Callable[[str], None]
Watch = Callable[[Iterator[Any], int], Iterator[Any]]

LINKING = Linking(memory=2)
SCENE = "table42"
SEED = 42
DIFFUSION = 0.5
"""Of the simulated film's particles, in px²/frame."""


def run_demo(
    network: Network,
    folder: Path,
    film: str | None,
    say: Say,
    watch: Watch,
    frames: int = 60,
    time_axis: TimeAxis | None = None,
) -> None:
    """Track a film, the user's or a simulated one, link, and leave everything in a folder.

    Parameters
    ----------
    network : Network
    folder : Path
        Receives ``film.tif`` and ``truth.csv`` (of a simulated film),
        ``detections.csv`` and ``trajectories.csv`` with their recipes, ``overlay.png``,
        ``trajectories.png`` and ``points.csv`` for napari.
    film : str or None
        The user's film; without it one is simulated.
    say : callable
        Receives each line for the person.
    watch : callable
        Passes the frames on, given their number, under a progress bar.
    frames : int
        Frames at most.
    time_axis : {"t", "z"}, optional
        As for `open_stack`.
    """
    truth = None
    path = Path(film) if film else folder / "film.tif"
    if film is None:
        truth = _simulated(path, frames)
        say(f"Simulated {frames} frames of {SHAPE[0]} x {SHAPE[1]} px at SNR 3 with known truth: {path}")
    cascade = network.cascade()
    with open_stack(film or path, time_axis=time_axis) as stack:
        number = min(frames, len(stack))
        steps = iter_detections(stack, network, cascade, range(number))
        found = list(watch(steps, number))
        detections = collect(one.table for one in found)
        recipe = {**network.card.made_with(cascade), "film": stack.name, **stack.told}
        _leave(folder, stack, detections, truth, recipe)
        trajectories = _linked(folder, stack, detections, recipe, say) if number > 1 else None
    say(
        f"Tracked {number} frames with {network.card.name}, stage {cascade.stage} screened by stage {cascade.screen}: "
        f"{len(detections)} detections, {median_milliseconds(found):.1f} ms per frame"
    )
    if truth is None:
        counts = detections.groupby("frame").size().reindex(range(number), fill_value=0)
        say(
            f"In a frame: {counts.min()} to {counts.max()} particles, {counts.median():g} typically "
            "(no truth, no score)"
        )
    else:
        say(f"Score: {score(truth, detections)}")
        say(f"Cramer-Rao bound of the median error: {_bound():.3f} px")
    if trajectories is not None:
        say(_moved(trajectories, simulated=film is None))
    elif number == 1:
        say("One frame tells nothing of motion: give a film of several to have particles followed.")
    drawn = [("trajectories.csv", "trajectories.png")] if trajectories is not None else []
    tables = ["detections.csv", *(table for table, _ in drawn)]
    pictures = ["overlay.png", *(picture for _, picture in drawn)]
    each = "each with its settings in .json" if drawn else "with its settings in .json"
    say(f"Left in {folder}/: {', '.join(tables)} ({each}), {', '.join(pictures)}, points.csv")
    say(f'Open in napari (pip install "napari-growtrack[all]"):  napari {path} {folder / "points.csv"}')


def _simulated(path: Path, frames: int) -> pd.DataFrame:
    film = iter_film(named_scene(SCENE), frames, SHAPE, np.random.default_rng(SEED), motion=Motion(diffusion=DIFFUSION))
    truth = write_film(film, frames, SHAPE, path)
    write_table(truth, path.with_name("truth.csv"), {"program": PROGRAM, "scene": SCENE, "seed": SEED})
    return truth


def _bound() -> float:
    rng = np.random.default_rng(SEED)
    return bound([draw(named_scene(SCENE), SHAPE, rng) for _ in range(20)], rng)


def _linked(
    folder: Path, stack: Stack, detections: pd.DataFrame, recipe: dict[str, Any], say: Say
) -> pd.DataFrame | None:
    """Leave trajectories and a picture of them; None where they cannot be linked."""
    try:
        trajectories = link(detections, LINKING)
    except LinkingError as error:
        say(f"Not linked. {error}")
        return None
    made = {"program": PROGRAM, "detected": recipe, "linking": json.loads(LINKING.to_json())}
    write_table(trajectories, folder / "trajectories.csv", made)
    save(draw_trajectories(trajectories, stack[0]), folder / "trajectories.png")
    return trajectories


def _moved(trajectories: pd.DataFrame, simulated: bool) -> str:
    """Say what trajectories tell of diffusion."""
    number = trajectories["particle"].nunique()
    try:
        found = diffusion(trajectories)
    except MotionError as error:
        return f"Linked: {number} trajectories. {error}"
    told = f", simulated with {DIFFUSION:g}" if simulated else ""
    return f"Linked: {number} trajectories; diffusion coefficient {found.coefficient}{told}"


def _leave(
    folder: Path, stack: Stack, detections: pd.DataFrame, truth: pd.DataFrame | None, recipe: dict[str, Any]
) -> None:
    write_table(detections, folder / "detections.csv", recipe)
    points = detections[["frame", "y", "x"]].set_axis(["axis-0", "axis-1", "axis-2"], axis=1)
    text = points.to_csv(index_label="index").encode()
    write_whole(folder / "points.csv", lambda file: file.write(text))
    mine = detections[detections.frame == 0]
    true = None if truth is None else truth[truth.frame == 0]
    save(overlay(stack[0], mine, true, f"{stack.name}, frame 0: {len(mine)} found"), folder / "overlay.png")
