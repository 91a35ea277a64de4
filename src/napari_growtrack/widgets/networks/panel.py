"""The Networks panel: what each network is, what it was grown on, what it reached, and what its units see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from ...core.errors import GrowtrackError
from ...core.growth.plan import Plan
from ...core.networks.bundled import DEFAULT
from ...jobs.context import NetworkFile
from ..session.card_facts import cost_lines
from ..session.choice import Shown
from ..session.session import Session
from ..shared.choices import Choice, NetworkChoice
from ..shared.labels import Note
from ..shared.panel import Panel, section
from ..shared.rows import Form
from ..shared.tables import PlanTable
from .buttons import NetworkButtons
from .card_view import CardView, GrownOn, StageErrors
from .maps_under_cursor import MapsUnderCursor
from .sentences import unreadable_line

if TYPE_CHECKING:
    import napari.viewer

_COSTED = 24


class NetworksPanel(Panel):
    """Look through the networks at hand.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.

    Attributes
    ----------
    shown : Shown
    network, stage : QComboBox
    buttons : NetworkButtons
    card : CardView
    grown_on : GrownOn
    errors : StageErrors
    maps : MapsUnderCursor
    """

    name = "Networks"

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__(viewer, session)
        self.network = NetworkChoice(self.session)
        self.card = CardView()
        self.buttons = NetworkButtons(viewer, self.session)
        self.stage = Choice()
        self.stage.setToolTip("The stage that the growth table marks, and whose errors and activation maps are shown.")
        self.table, self.costs = PlanTable(), Note()
        self.grown_on = GrownOn(self.session)
        self.errors = StageErrors()
        self.maps = MapsUnderCursor(viewer, self.session)
        self._lay_out()
        self._connect()
        self._show(self._first())
        self.follow()

    def _lay_out(self) -> None:
        self.card.rows.insertRow(0, "Network", self.network)
        self.stages = QWidget()
        row = Form(self.stages)
        row.addRow("Stage", self.stage)
        self.sections = {
            "table": section("Growth table", _only_shown(self.table), self.costs, opened=True),
            "grown on": section("Grown on", self.grown_on),
            "errors": section("Error against SNR", self.errors),
            "maps": section("Activation maps", self.maps),
        }
        for part in (self.card, self.buttons, self.stages, *self.sections.values()):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _connect(self) -> None:
        self.network.chosen.connect(self._pick)
        self.buttons.told.connect(self.status.tell)
        self.buttons.deleted.connect(lambda: self.choose(DEFAULT))
        self.stage.currentIndexChanged.connect(self._show_stage)
        self.sections["grown on"].toggled.connect(self.grown_on.see)
        self.sections["maps"].toggled.connect(self.maps.see)

    def follow(self) -> None:
        """Begin to follow viewer and session."""
        self.leave()
        super().follow()
        self.session.networks_changed.connect(self._renew)
        self.network.follow()
        self.grown_on.follow()
        self.maps.follow()

    def leave(self) -> None:
        """Stop working, and follow viewer and session no more."""
        super().leave()
        self.session.networks_changed.disconnect(self._renew, missing_ok=True)
        self.network.leave()
        self.grown_on.leave()
        self.maps.leave()

    # Which network ------------------------------------------------------------------------------------------------

    def choose(self, name: str) -> None:
        """Show a bundled network or a file; where that cannot be read, say why and keep to the one before."""
        shown = self._read(name)
        if shown is not None:
            self._show(shown)
        self.network.show_name(self.shown.name)

    def _first(self) -> Shown:
        """Read what is chosen; where its file has gone, say so, and read the default."""
        chosen = self.session.choice
        return (None if chosen is None else self._read(chosen.name)) or Shown.of(DEFAULT)

    def _read(self, name: str) -> Shown | None:
        """Read a network's card; where that cannot be, say why."""
        try:
            shown = Shown.of(name)
        except (GrowtrackError, OSError) as error:
            self.refuse(unreadable_line(name, error))
            return None
        self.status.tell("")
        return shown

    def _pick(self, name: str) -> None:
        """Take what was picked from the list, or opened as a file."""
        before = self.shown
        if name:
            self.choose(name)
        else:
            self.network.show_name(before.name)
        if self.shown is not before and name not in self.session.networks().values():
            self.session.offer(Path(name).stem, Path(name))

    def _renew(self) -> None:
        """Read the card again where its file was written anew, as that of a growing network is."""
        path = self.shown.file.path
        if path.exists() and NetworkFile.of(path) != self.shown.file:
            self.choose(self.shown.name)

    # What is shown of it ------------------------------------------------------------------------------------------

    def _show(self, shown: Shown) -> None:
        self.shown, card = shown, shown.card
        self.network.show_name(shown.name)
        self.card.show_card(card, shown.file.path)
        self.buttons.show_network(shown)
        self.table.set_plan(card.plan, card.plan.stages)
        self.costs.say(cost_lines(card.plan))
        self.grown_on.show_card(card)
        self.sections["errors"].setVisible(shown.locates)
        self.sections["maps"].setVisible(shown.locates)
        self._offer_stages(card.plan)
        self._show_stage()

    def _offer_stages(self, plan: Plan) -> None:
        self.stage.blockSignals(True)
        self.stage.clear()
        for stage in range(1, plan.stages + 1):
            share = f", {plan.relative_cost(stage):.0%} of full cost" if plan.stages <= _COSTED else ""
            self.stage.addItem(f"{stage} of {plan.stages}{share}", stage)
        self.stage.setCurrentIndex(plan.stages - 1)
        self.stage.blockSignals(False)
        self.stages.setVisible(plan.stages > 1)

    def _show_stage(self, _: object = None) -> None:
        stage = self.stage.currentData()
        self.table.show_stage(stage)
        self.errors.show_stage(self.shown.card, stage)
        self.maps.show_stage(self.shown, stage)


def _only_shown(table: PlanTable) -> PlanTable:
    """Return a growth table without what would change it."""
    for button in (table.add_stage, table.remove_stage, table.add_conv, table.add_dense, table.remove_row):
        button.hide()
    return table
