"""In a few lines: what a network is for, how large it is, and where it comes from."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QWidget

from ...core.networks.card import Card
from ..session.card_facts import facts
from ..shared.labels import Note
from ..shared.rows import Form

LABELS = ("Size", "Particles", "Grown", "Made by", "File")

_CLOSE = 3


class CardView(QWidget):
    """Shows what a card says.

    Attributes
    ----------
    rows : Form
        To which a panel may add.
    about : Note
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.about = Note()
        self.rows = Form(self)
        self.rows.setVerticalSpacing(_CLOSE)
        self.rows.addRow(self.about)
        self._notes = {label: Note() for label in LABELS}
        for label, note in self._notes.items():
            self.rows.addRow(label, note)

    def show_card(self, card: Card, path: Path) -> None:
        """Show what a card says, and which file it is in."""
        self.about.say(card.recipe.about)
        said = {**facts(card), "File": path.name}
        self._notes["File"].setToolTip(str(path))
        for label, note in self._notes.items():
            note.say(said.get(label, ""))
            caption = self.rows.labelForField(note)
            if caption is not None:
                caption.setVisible(label in said)
