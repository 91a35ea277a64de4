"""Make a network: grow it by a recipe, or import it, then calibrate its thresholds and measure what it reaches."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets import Dataset
from ..errors import SettingsError
from ..progress import changed, finish
from ..simulation import Scene
from .archive import read_card
from .calibration import QUICK, THOROUGH, MakingProgress, finished
from .card import Card, Recipe
from .checkpoints import Making, provenance
from .deeptrack import read_deeptrack, unit_of
from .load import Network, filled
from .monitoring import Watch

if TYPE_CHECKING:
    from ..growth.plan import Plan

LEAST_COLUMN = (8, 16, 32, 16, 16)
"""Units that a stage to adapt with adds at least, where a network has five rows."""

FILLED = 0.6
"""Part of a window that the widest particle may fill."""


def iter_make(
    recipe: Recipe,
    data: tuple[Dataset, Dataset] | None = None,
    start: Network | None = None,
    keep: str | os.PathLike[str] | None = None,
    resume: bool = False,
    watch: bool = False,
    usable: str | os.PathLike[str] | None = None,
    quick: bool = False,
) -> Generator[MakingProgress, None, Network]:
    """Grow, calibrate and measure a network, reporting progress; the generator returns it.

    Parameters
    ----------
    recipe : Recipe
        With `resume`, the one that `recipe_kept` returns.
    data : (Dataset, Dataset), optional
        Images to learn from and to judge by, for a recipe of classes.
    start : Network, optional
        A network whose stages the recipe's plan begins with; they stay as they are.
    keep : path, optional
        Where to keep what is grown: after every round, every two minutes, and
        when it is stopped. It is for the caller to remove it at the end.
    resume : bool
        Whether to go on from what was kept there.
    watch : bool
        Whether to report errors on images that no stage learns from: every three
        seconds, or as often as takes 3 % of the time.
    usable : path, optional
        Where to leave a network to track with meanwhile, with thresholds quickly
        found: whenever a stage is finished, or after each quarter of the time
        where stages learn side by side. It is for the caller to remove it at the
        end. None is left of a recipe of classes. This takes about a tenth of the
        time; a schedule in minutes counts it as time to grow.
    quick : bool
        Whether to calibrate and measure on fewer frames, and without the thesis's
        faithful cascade.

    Raises
    ------
    SettingsError
        When the recipe cannot be followed.
    NetworkFileError
        When what was kept cannot be read.
    """
    making = Making(recipe, data, start, keep, resume)
    watched, left = making.watch(data) if watch else Watch(), making.provisional(usable)
    yield from making.grown(watched, left)
    card = making.card()
    if recipe.scene is None and data is not None:
        return Network(making.network, card.with_(accuracies=making.accuracies(data[1])))
    finishing = finished(making.network, card, QUICK if quick else THOROUGH)
    known: dict[str, Any] = {"seconds": making.seconds, "bound": watched.bound, "usable": left.stages}
    return (yield from changed(finishing, lambda report: replace(report, **known)))


def iter_import(
    path: str | os.PathLike[str], scene: Scene, box: int | None = None
) -> Generator[MakingProgress, None, Network]:
    """Make a network of DeepTrack 1.0 one of ours, with thresholds and a report; the generator returns it.

    Parameters
    ----------
    path : path
        An HDF5 file, as DeepTrack 1.0 publishes them.
    scene : Scene
        What its particles look like: thresholds are calibrated on it.
    box : int, optional
        Side in pixels of the boxes it looks at; they are resized to its window.
        By default as large as the window.

    Raises
    ------
    NetworkFileError
        When the file is not such a network.
    """
    from ..growth.schedule import Schedule

    plan, weights = read_deeptrack(path)
    recipe = Recipe(
        name=Path(path).stem,
        about=f"A network of DeepTrack 1.0, with thresholds for the scene {scene.name}.",
        plan=plan,
        scene=scene,
        schedule=Schedule.thesis().with_(unit=unit_of(plan)),
        zoom=plan.side / (box or plan.side),
    )
    made = provenance(imported_from=f"{Path(path).name}, a network of DeepTrack 1.0")
    card = Card(recipe=recipe, provenance=made)
    return (yield from finished(filled(card, weights), card))


def iter_calibrate(network: Network, quick: bool = False) -> Generator[MakingProgress, None, Network]:
    """Find a network's thresholds and report again, as this version does; the generator returns the network.

    Its weights stay as they are.

    Parameters
    ----------
    network : Network
    quick : bool
        As in `iter_make`.

    Raises
    ------
    SettingsError
        When the network does not locate.
    """
    return (yield from finished(network.grown, network.card, QUICK if quick else THOROUGH))


def make_network(recipe: Recipe, data: tuple[Dataset, Dataset] | None = None, start: Network | None = None) -> Network:
    """Grow, calibrate and measure a network; see `iter_make`, which reports while it works."""
    return finish(iter_make(recipe, data, start))


def adapted(start: Card, scene: Scene, minutes: float, name: str) -> Recipe:
    """Return the recipe that grows a network one stage further, on another scene; make it with the same `start`.

    Parameters
    ----------
    start : Card
        Of the network whose stages stay as they are.
    scene : Scene
        What the new stage learns to locate particles in.
    minutes : float
        Time to grow.
    name : str
        Of the new network.

    Raises
    ------
    SettingsError
        When the network cannot be grown further, or its windows are too small
        for the scene's particles.

    Examples
    --------
    >>> beads = load_network("beads")  # doctest: +SKIP
    >>> network = make_network(adapted(beads.card, scene, 1, "my beads"), start=beads)  # doctest: +SKIP
    """
    from ..growth.schedule import Schedule

    made, window = start.recipe, start.plan.side
    _ = made.located_scene
    if made.zoom != 1:
        raise SettingsError(
            f"{start.name} looks through boxes enlarged {made.zoom:.3g} times, and windows are simulated "
            "as large as they are, so it cannot be grown further. Grow a new network, or choose another to begin with."
        )
    widest = scene.diameters[1]
    if widest > FILLED * window:
        raise SettingsError(
            f"{start.name} looks at windows of {window} px, which cover particles up to {FILLED * window:.0f} px wide; "
            f"those of {scene.name} are up to {widest:.3g} px wide. Grow a new network with a larger window."
        )
    return Recipe(
        name=name,
        about=f"{start.name}, grown further on the scene {scene.name}.",
        plan=start.plan.wider(_another(start.plan)),
        scene=scene,
        schedule=Schedule(minutes=minutes, normalisation=made.schedule.normalisation, unit=made.schedule.unit),
        seed=made.seed,
    )


def _another(plan: Plan) -> list[int]:
    """Return a column as wide in every row as the last stage that adds to it."""
    column = [next((cell for cell in reversed(row) if cell), 0) for row in plan.units]
    least = LEAST_COLUMN if len(column) == len(LEAST_COLUMN) else (0,) * len(column)
    return [max(both) for both in zip(column, least, strict=True)]


def recipe_kept(path: str | os.PathLike[str]) -> Recipe:
    """Return the recipe of a network that was left while it grew.

    Raises
    ------
    NetworkFileError
        When there is none, or it cannot be read.
    """
    return read_card(path).recipe
