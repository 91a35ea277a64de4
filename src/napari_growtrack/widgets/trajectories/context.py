"""The trajectories that are worked on: their layer, what was corrected by hand, and which are picked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from qtpy.QtCore import QObject, QTimer, Signal

from ...core.errors import LinkingError, TableError
from ..napari_io.tracks import add_tracks, fill_tracks, make_tracks, mark_tracks, table_of, unmark
from ..shared.layers import about, camera_of, unwrapped
from .corrections import Corrections
from .sentences import NONE_LEFT, empty_line

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Points, Tracks

# Picking --------------------------------------------------------------------------------------------------------------


_REACH = 10.0
"""Pixels of the screen that a click may be off a trajectory."""

_ADDING = {"Control", "Shift", "Meta"}


class Places:
    """Where trajectories are, by frame, so that one near a point is quickly found; free of Qt.

    Parameters
    ----------
    table : DataFrame
        With ``frame, y, x, particle``.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        ordered = table.sort_values("frame", kind="stable")
        self._frames = ordered["frame"].to_numpy()
        self._places = ordered[["y", "x"]].to_numpy(float)
        self._particles = ordered["particle"].to_numpy()

    def nearest(self, frame: int, y: float, x: float, reach: float, back: int = 0) -> int | None:
        """Return the particle that was nearest within so many frames before one, None if none was in reach."""
        first, end = np.searchsorted(self._frames, (frame - back, frame + 1))
        if first == end:
            return None
        away = np.hypot(*(self._places[first:end] - (y, x)).T)
        place = int(away.argmin())
        return int(self._particles[first + place]) if away[place] <= reach else None


class Picking(QObject):
    """Tells which trajectory of a layer is clicked, and which one is under the mouse.

    Attributes
    ----------
    picked : Signal(object, bool)
        The particle, None where there is none; and whether it is to be added to those selected.
    hovered : Signal(object)
        The particle, or None; told once.
    """

    picked = Signal(object, bool)
    hovered = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Tracks | None = None
        self._places = Places(pd.DataFrame({"frame": [], "y": [], "x": [], "particle": []}))
        self._under: int | None = None

    def watch(self, layer: Tracks | None, table: pd.DataFrame | None = None) -> None:
        """Pick in a layer, which shows these trajectories; None for in none."""
        if self._layer is not None:
            for callbacks, mine in self._heard(self._layer):
                if mine in callbacks:
                    callbacks.remove(mine)
        self._layer = layer
        if layer is not None and table is not None:
            self._places = Places(table)
            for callbacks, mine in self._heard(layer):
                callbacks.append(mine)

    def _heard(self, layer: Tracks) -> list[tuple[Any, Any]]:
        return [(layer.mouse_drag_callbacks, self._press), (layer.mouse_move_callbacks, self._move)]

    def _press(self, layer: Tracks, event: Any) -> Iterator[None]:
        """Tell of a click; where the mouse moves before it is released, the view was dragged."""
        yield
        if event.type == "mouse_move":
            while event.type == "mouse_move":
                yield
            return
        adding = bool(_ADDING & {getattr(key, "name", str(key)) for key in event.modifiers})
        self.picked.emit(self._at(layer, event), adding)

    def _move(self, layer: Tracks, event: Any) -> None:
        under = self._at(layer, event)
        if under != self._under:
            self._under = under
            self.hovered.emit(under)

    def _at(self, layer: Tracks, event: Any) -> int | None:
        frame, y, x = layer.world_to_data(event.position)
        zoom = camera_of(self._viewer).zoom * float(np.mean(layer.scale[-2:]))
        return self._places.nearest(round(frame), y, x, _REACH / zoom, int(layer.tail_length))


ELSEWHERE = "a change made elsewhere"


class TracksDesk(QObject):
    """Keeps a Tracks layer and a table of the same trajectories alike, and knows which of them are selected.

    Attributes
    ----------
    changed : Signal()
        There are other trajectories, or other numbers of them.
    selection_changed : Signal()
        Others are selected.
    hovered : Signal(object)
        The particle under the mouse, or None.
    refused : Signal(str)
        A layer cannot be worked on, and why.
    layer : Tracks or None
    selected : tuple of int
    """

    changed = Signal()
    selection_changed = Signal()
    hovered = Signal(object)
    refused = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._kept: WeakKeyDictionary[Any, Corrections] = WeakKeyDictionary()
        self._picking = Picking(viewer, self)
        self._writing = False
        self._unmarking = QTimer(self)
        self._unmarking.setSingleShot(True)
        self._unmarking.timeout.connect(lambda: unmark(viewer))
        self.layer: Tracks | None = None
        self.selected: tuple[int, ...] = ()
        self._picking.picked.connect(self._pick)
        self._picking.hovered.connect(self.hovered)

    @property
    def corrections(self) -> Corrections | None:
        """What was done to the trajectories; None without any."""
        return None if self.layer is None else self._kept.get(self.layer)

    @property
    def table(self) -> pd.DataFrame | None:
        """The trajectories; None without any."""
        return None if self.corrections is None else self.corrections.table

    def take(self, layer: Tracks | None) -> None:
        """Work on the trajectories of another layer; None for none."""
        layer = unwrapped(layer)
        if layer is self.layer:
            return
        self._let_go()
        if layer is not None:
            try:
                if layer not in self._kept:
                    self._kept[layer] = Corrections(table_of(layer))
            except TableError as error:
                self.refused.emit(str(error))
                layer = None
        self.layer, self.selected = layer, ()
        if layer is not None:
            layer.events.data.connect(self._hear)
        self._tell()

    def leave(self) -> None:
        """Let go of layer and viewer."""
        self._let_go()
        self.layer, self.selected = None, ()
        self._unmarking.stop()
        unmark(self._viewer)

    def _let_go(self) -> None:
        if self.layer is not None:
            self.layer.events.data.disconnect(self._hear)
        self._picking.watch(None)

    def _tell(self) -> None:
        self._picking.watch(self.layer, self.table)
        self.changed.emit()
        self._mark()

    def show_opened(self, table: pd.DataFrame, name: str, made: dict[str, Any]) -> None:
        """Show trajectories of a file in a layer of their own.

        Raises
        ------
        LinkingError
            When there are none: napari has no layers without any tracks.
        """
        if not len(table):
            raise LinkingError(empty_line(name))
        self._add(make_tracks(table, name, made))

    def show_linked(self, tracks: Tracks, table: pd.DataFrame) -> None:
        """Show trajectories; those of an earlier linking of the same detections give way, which can be undone.

        Parameters
        ----------
        tracks : Tracks
            The layer of `tracks_layers.make_tracks`, whose recipe names the detections.
        table : DataFrame
            What it shows.
        """
        earlier = self._linked_of(about(tracks)["detections"])
        if earlier is None:
            self._add(tracks)
            return
        self.take(earlier)
        earlier.metadata = {**earlier.metadata, "growtrack": about(tracks)}
        self.put("link anew", table)

    def _add(self, tracks: Tracks) -> None:
        add_tracks(self._viewer, tracks)
        self.take(tracks)

    def _linked_of(self, name: str) -> Tracks | None:
        for layer in self._viewer.layers:
            if unwrapped(layer) in self._kept and about(layer).get("detections") == name:
                return unwrapped(layer)
        return None

    # Correcting -------------------------------------------------------------------------------------------------------

    def put(self, what: str, table: pd.DataFrame, selected: Iterable[int] = ()) -> None:
        """Take another table in place of the one there is, as a step that can be undone.

        Raises
        ------
        LinkingError
            When it is empty: napari has no layers without any tracks.
        """
        if not len(table):
            raise LinkingError(NONE_LEFT)
        if self.corrections is not None:
            self.corrections.change(what, table)
            self._renew(selected)

    def undo(self) -> str:
        """Undo the last step, and return what it was; empty without one."""
        return self._step(lambda corrections: corrections.undo() if corrections.done else "")

    def redo(self) -> str:
        """Do again what was undone last, and return what it was; empty without one."""
        return self._step(lambda corrections: corrections.redo() if corrections.undone else "")

    def _step(self, step: Callable[[Corrections], str]) -> str:
        what = "" if self.corrections is None else step(self.corrections)
        if what:
            self._renew(self.selected)
        return what

    def _renew(self, selected: Iterable[int]) -> None:
        """Show the table as it is now."""
        layer, table = self.layer, self.table
        assert layer is not None
        assert table is not None
        self._writing = True
        try:
            fill_tracks(layer, table)
        finally:
            self._writing = False
        there = {*table["particle"].tolist()}
        self.selected = tuple(particle for particle in selected if particle in there)
        self._tell()

    def _hear(self, _: object = None) -> None:
        """Take up what another plugin did to the layer."""
        if not self._writing and self.layer is not None and self.corrections is not None:
            self.corrections.change(ELSEWHERE, table_of(self.layer))
            self.selected = ()
            self._tell()

    # Selecting --------------------------------------------------------------------------------------------------------

    def select(self, particles: Iterable[int]) -> None:
        """Select these trajectories and no others."""
        particles = tuple(dict.fromkeys(particles))
        if particles != self.selected:
            self.selected = particles
            self._mark()
            self.selection_changed.emit()

    def _pick(self, particle: int | None, adding: bool) -> None:
        """Select what was clicked; with a key that adds, besides what is selected, or no more where it was."""
        if particle is None:
            return None if adding else self.select(())
        if not adding:
            return self.select((particle,))
        kept = [one for one in self.selected if one != particle]
        self.select(kept if particle in self.selected else [*kept, particle])
        return None

    def _mark(self) -> None:
        if self.layer is None:  # napari may be removing layers just now, and would lose count
            self._unmarking.start(0)
        elif self.table is not None:
            mark_tracks(self._viewer, self.layer, self.table, self.selected)


def name_for(detections: Points) -> str:
    """Return what trajectories of a layer of detections are called."""
    return f"{detections.name.removesuffix('.csv').removesuffix('detections').rstrip(' .')} trajectories".strip()
