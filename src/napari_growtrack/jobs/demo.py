"""The demonstration: from a film to detections, a score, trajectories and a diffusion coefficient, in one call."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.detection import Contrast, FrameDetections, collect, iter_detections, median_milliseconds
from ..core.errors import MotionError
from ..core.figures import draw_trajectories
from ..core.figures.pictures import overlay, save
from ..core.files import write_whole
from ..core.films import Stack, TimeAxis, open_stack
from ..core.films.writing import write_film
from ..core.linking import Linkage, Linking, iter_linkage, provenance_of
from ..core.motion import diffusion
from ..core.networks.bundled import AUTO
from ..core.networks.choice import choose_network
from ..core.networks.evaluation import SHAPE, bound
from ..core.progress import finish
from ..core.scoring import score
from ..core.simulation import Motion, draw, iter_film, named_scene
from ..core.tables import PROGRAM, check_table, write_table
from .context import Context, Loading
from .simulation import check_film
from .track_to_table import Begun

SCENE = "table42"
SEED = 42
DIFFUSION = 0.5
"""Of the simulated film's particles, in px²/frame."""


class Said(NamedTuple):
    """A line for the person."""

    text: str


@dataclass(frozen=True)
class Demo:
    """Track a film, the user's or a simulated one, link, and leave everything in a folder.

    Attributes
    ----------
    folder : Path
        Receives ``film.tif`` and ``truth.csv`` (of a simulated film),
        ``detections.csv`` and ``trajectories.csv`` with their recipes, ``overlay.png``,
        ``trajectories.png`` and ``points.csv`` for napari.
    film : str, optional
        The user's film; without it one is simulated.
    network : str
        A bundled network's name, or a file; ``auto`` takes the one that explains the film best.
    frames : int
        Frames at most.
    time_axis : {"t", "z"}, optional
        As for `open_stack`.
    """

    folder: Path
    film: str | None = None
    network: str = AUTO
    frames: int = 60
    time_axis: TimeAxis | None = None

    def steps(self, context: Context | None = None) -> Generator[Loading | Said | Begun | FrameDetections, None, None]:
        """Yield `Loading` before the network is loaded, `Begun`, each frame's detections, and lines for the person.

        Raises
        ------
        GrowtrackError
            When film or network cannot be read, or the folder not be written.
        """
        path, truth = self._path, None
        if self.film is None:
            check_film(path, self.frames, SHAPE)
        else:
            open_stack(path, time_axis=self.time_axis).close()
        check_table(self.folder / "detections.csv")
        yield Loading(self.network)
        context = context or Context()
        if self.film is None:
            truth = _simulated(path, self.frames)
            size = f"{SHAPE[0]} x {SHAPE[1]} px"
            yield Said(f"Simulated {self.frames} frames of {size} at SNR 3 with known truth: {path}")
        with open_stack(path, time_axis=self.time_axis) as stack:
            yield from self._tracked(stack, context, truth)

    @property
    def _path(self) -> Path:
        return Path(self.film) if self.film else self.folder / "film.tif"

    def _tracked(
        self, stack: Stack, context: Context, truth: pd.DataFrame | None
    ) -> Generator[Said | Begun | FrameDetections, None, None]:
        frames = range(min(self.frames, len(stack)))
        contrast: Contrast = "auto"
        known: dict[str, Any] = {}
        if self.network == AUTO:
            chosen = choose_network(stack, frames, load=context.named)
            yield Said(str(chosen))
            known = {"chosen": chosen.told()}
            network, contrast = chosen.best.sized(context.named), chosen.best.contrast
        else:
            network = context.named(self.network)
        yield Begun(frames, 0)
        cascade = network.cascade()
        found = []
        for one in iter_detections(stack, network, cascade, frames, contrast):
            found.append(one)
            yield one
        detections = collect(one.table for one in found)
        seen = {"diameter": network.diameter, "contrast": contrast, "film": stack.name}
        recipe = {**network.card.made_with(cascade), **seen, **stack.told, **known}
        _leave(self.folder, stack, detections, truth, recipe)
        yield Said(
            f"Tracked {len(frames)} frames with {network.card.name}, stage {cascade.stage} screened by stage "
            f"{cascade.screen}: {len(detections)} detections, {median_milliseconds(found):.1f} ms per frame"
        )
        yield from (Said(line) for line in _seen(detections, truth, len(frames)))
        linkage = self._linked(stack, detections, recipe) if len(frames) > 1 else None
        yield from (Said(line) for line in self._end(linkage, len(frames)))

    def _linked(self, stack: Stack, detections: pd.DataFrame, recipe: dict[str, Any]) -> Linkage:
        """Leave trajectories and a picture of them."""
        linkage = finish(iter_linkage(detections, Linking()))
        made = provenance_of(linkage, "detections.csv", recipe, stack.told, None, None)
        write_table(linkage.trajectories, self.folder / "trajectories.csv", made)
        save(draw_trajectories(linkage.trajectories, stack[0]), self.folder / "trajectories.png")
        return linkage

    def _end(self, linkage: Linkage | None, number: int) -> Iterator[str]:
        """Yield what trajectories tell, and what was left where."""
        if linkage is not None:
            yield _moved(linkage.trajectories, simulated=self.film is None)
            yield from filter(None, (linkage.left_out, linkage.doubts))
        elif number == 1:
            yield "One frame tells nothing of motion: give a film of several to have particles followed."
        linked = linkage is not None
        tables = ["detections.csv", *(["trajectories.csv"] if linked else [])]
        pictures = ["overlay.png", *(["trajectories.png"] if linked else [])]
        each = "each with its settings in .json" if linked else "with its settings in .json"
        yield f"Left in {self.folder}/: {', '.join(tables)} ({each}), {', '.join(pictures)}, points.csv"
        points = self.folder / "points.csv"
        yield f'Open in napari (pip install "napari-growtrack[all]"):  napari {self._path} {points}'


def _seen(detections: pd.DataFrame, truth: pd.DataFrame | None, number: int) -> Iterator[str]:
    """Yield how many particles were found, or how well."""
    if truth is None:
        counts = detections.groupby("frame").size().reindex(range(number), fill_value=0)
        typical = f"{counts.median():g} typically"
        yield f"In a frame: {counts.min()} to {counts.max()} particles, {typical} (no truth, no score)"
    else:
        yield f"Score: {score(truth, detections)}"
        yield f"Cramer-Rao bound of the median error: {_bound():.3f} px"


def _simulated(path: Path, frames: int) -> pd.DataFrame:
    film = iter_film(named_scene(SCENE), frames, SHAPE, np.random.default_rng(SEED), motion=Motion(diffusion=DIFFUSION))
    truth = write_film(film, frames, SHAPE, path)
    write_table(truth, path.with_name("truth.csv"), {"program": PROGRAM, "scene": SCENE, "seed": SEED})
    return truth


def _bound() -> float:
    rng = np.random.default_rng(SEED)
    return bound([draw(named_scene(SCENE), SHAPE, rng) for _ in range(20)], rng)


def _moved(trajectories: pd.DataFrame, simulated: bool) -> str:
    """Say what trajectories tell of diffusion."""
    number = trajectories["particle"].nunique()
    try:
        found = diffusion(trajectories)
    except MotionError as error:
        return f"Linked by evidence: {number} trajectories. {error}"
    told = f", simulated with {DIFFUSION:g}" if simulated else ""
    return f"Linked by evidence: {number} trajectories; diffusion coefficient {found.coefficient}{told}"


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
