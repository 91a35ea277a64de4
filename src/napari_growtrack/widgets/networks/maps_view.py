"""What a stage and its units make of one window."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ...core.growth.plan import Plan, Stage
from ...core.networks.card import Card
from ...jobs.network_views import Maps
from ..shared.choices import Choice
from ..shared.labels import Note
from ..shared.legend import Legend
from .sentences import answer_line
from .window_picture import MapTiles, WindowPicture


class MapsView(QWidget):
    """Shows a window, what a stage answers for it, and the maps of a layer.

    Attributes
    ----------
    maps : Maps or None
        What is shown.
    layer : QComboBox
        A row of the growth table, or one block of it; a panel lays it out.
    seen : WindowPicture
    answer : Note
    legend : Legend
    tiles : MapTiles
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.maps: Maps | None = None
        self._card: Card | None = None
        self.layer = Choice()
        self.seen, self.tiles = WindowPicture(), MapTiles()
        self.answer, self.legend = Note(), Legend()
        self.answer.setToolTip("(y, x) in pixels of the film; the particle's from the middle of the window.")
        beside = QHBoxLayout()
        beside.addWidget(self.seen)
        beside.addWidget(self.answer, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(beside)
        layout.addWidget(self.legend)
        layout.addWidget(self.tiles)
        self.layer.currentIndexChanged.connect(self._paint)

    def begin(self, card: Card, stage: Stage) -> None:
        """Offer the layers of a network's stage, and show no maps yet."""
        self._card = card
        before = self.layer.currentData()
        self.layer.blockSignals(True)
        self.layer.clear()
        offered = layers(card.plan, stage)
        for text, data in offered.items():
            self.layer.addItem(text, data)
        places = [*offered.values()]  # Qt's own search takes two tuples that are equal for different
        self.layer.setCurrentIndex(places.index(before) if before in places else 0)
        self.layer.blockSignals(False)
        self.show_maps(None)

    def show_maps(self, maps: Maps | None) -> None:
        """Show the maps of a window; none for none."""
        self.maps = maps
        self._paint()

    def _paint(self, _: object = None) -> None:
        maps, (row, stage) = self.maps, self.layer.currentData() or (None, None)
        found = {} if maps is None else maps.maps
        seen = {block: units for block, units in found.items() if block.row == row and stage in (None, block.stage)}
        self.seen.show_window(maps)
        self.tiles.show_maps(seen)
        self.legend.show_stages(sorted({block.stage for block in seen}))
        self.answer.say("" if maps is None or self._card is None else answer_line(maps, self._card))


def layers(plan: Plan, stage: Stage) -> dict[str, tuple[int, Stage | None]]:
    """Return what can be looked at of a stage by what it is called: a row and all its stages, or one of them."""
    found: dict[str, tuple[int, Stage | None]] = {}
    needed = plan.needs(stage)
    for row, name in enumerate(plan.row_names()[: plan.top(stage)], start=1):
        blocks = [block for block in needed if block.row == row]
        what = "maps" if plan.layers[row - 1].kind == "conv" else "units"
        found[f"{name}: {sum(map(plan.width, blocks))} {what}"] = (row, None)
        if len(blocks) > 1:
            for block in blocks:
                found[f"{name}, stage {block.stage}: {plan.width(block)} {what}"] = (row, block.stage)
    return found
