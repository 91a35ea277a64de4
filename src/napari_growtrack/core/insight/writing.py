"""Write all that can be had of a network into a folder, as tables and figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .. import figures
from ..figures.pictures import save
from ..networks.card import Card
from ..simulation.scene import Scene
from ..tables import write_table
from .active_units import activity, added_networks
from .asking import grown_of
from .card_tables import accuracies, history
from .costing import breadth_against_plain, costs
from .held_out_errors import NUMBER, errors, windows_seen
from .timing import timings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..growth.network import GrownNetwork
    from ..networks.load import Network

_ROUNDS, _MOST, _LOOKED_AT = 7, 12, 256


def write_insight(
    network: GrownNetwork | Network,
    folder: str | os.PathLike[str],
    scene: Scene | None = None,
    images: np.ndarray | None = None,
    say: Callable[[str], object] | None = None,
) -> list[Path]:
    """Write every table that can be had of a network as CSV, and every figure as PNG and PDF.

    Of very many stages a dozen are timed, and of very many layers the maps of a
    dozen are drawn.

    Parameters
    ----------
    network : GrownNetwork or Network
    folder : path
        Made where it is missing; files of the same names are replaced.
    scene : Scene, optional
        What to measure errors on; by default the one the network learned from.
    images : ndarray (n, height, width) or (n, height, width, channels), optional
        Normalised windows to look at activity with; by default held-out windows of
        the scene.
    say : callable, optional
        Called with a few words before each piece of work.

    Returns
    -------
    list of Path
        The files, in the order they were written.

    Raises
    ------
    OutputError
        When the disk refuses.
    SettingsError
        When images are not of a window's size, or the scene has nothing to find.

    Examples
    --------
    >>> from napari_growtrack.core.networks.load import load_network
    >>> files = write_insight(load_network("vesicles"), "vesicles")  # doctest: +SKIP
    """
    grown = grown_of(network)
    card: Card | None = getattr(network, "card", None)
    out, say = _Folder(Path(folder)), say or (lambda _: None)
    scene = _scene_of(grown, scene, card)
    if scene is not None and images is None:
        say("simulating windows")
        images = windows_seen(grown, scene, NUMBER).images
    say("measuring times")
    _write_costs(grown, out)
    if scene is not None:
        say("measuring errors")
        _write_errors(grown, scene, out)
    if images is not None:
        say("measuring activity")
        _write_activity(grown, images, out)
    if card is not None:
        _write_card(card, out)
    return out.written


def _scene_of(grown: GrownNetwork, scene: Scene | None, card: Card | None) -> Scene | None:
    """Return the scene to measure on; none for a network that tells classes apart."""
    if grown.plan.task != "locate":
        return None
    return scene or (card.recipe.scene if card else None)


def _write_costs(grown: GrownNetwork, out: _Folder) -> None:
    plan = grown.plan
    out.figure("plan", figures.draw_plan(plan))
    price = out.table("costs", costs(plan))
    if len(set(added_networks(plan).values())) > 1:
        out.table("breadth", breadth_against_plain(plan))
    times = out.table("timings", timings(grown, _ROUNDS, _some(plan.stages)))
    out.figure("costs", figures.draw_costs(price, times))


def _write_errors(grown: GrownNetwork, scene: Scene, out: _Folder) -> None:
    table = out.table("errors", errors(grown, scene, number=NUMBER))
    out.figure("errors", figures.draw_errors(table))
    if grown.stages > 1:
        out.figure("error_by_stage", figures.draw_error_by_stage(table))


def _write_activity(grown: GrownNetwork, images: np.ndarray, out: _Folder) -> None:
    plan = grown.plan
    out.figure("activity", figures.draw_activity(out.table("activity", activity(grown, images))))
    window = _fullest(images[:_LOOKED_AT])
    maps = grown.activations(window[None])
    for row in _some(len(plan.layers)):
        name = plan.row_names()[row - 1].replace(" ", "_")
        out.figure(f"maps_{name}", figures.draw_maps(maps, row, window=window))


def _write_card(card: Card, out: _Folder) -> None:
    if card.history:
        out.figure("history", figures.draw_history(out.table("history", history(card))))
    if card.accuracies:
        out.figure("accuracies", figures.draw_accuracies(out.table("accuracies", accuracies(card))))


class _Folder:
    """A folder, and what was written into it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.written: list[Path] = []

    def table(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Write a table, and return it."""
        self.written.append(self._path / f"{name}.csv")
        write_table(table, self.written[-1])
        return table

    def figure(self, name: str, figure: Figure) -> None:
        for suffix in ("png", "pdf"):
            self.written.append(self._path / f"{name}.{suffix}")
            save(figure, self.written[-1], dpi=300)


def _some(number: int) -> list[int]:
    """Return 1 to number, or a dozen of them, spread evenly with the first and the last."""
    return sorted({round(i) for i in np.linspace(1, number, min(number, _MOST))})


def _fullest(images: np.ndarray) -> np.ndarray:
    """Return the first image with the fewest rows and columns of one value: the least padded."""
    return min(images, key=lambda image: sum(int((np.ptp(image, axis) == 0).sum()) for axis in (0, 1)))
