"""What all panels have: a session shared with the others, work in the background, groups that fold, and keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...core.errors import GrowtrackError
from ..session.sentences import reason
from ..session.session import Session, session_of
from .labels import Note, Status
from .work import Work

if TYPE_CHECKING:
    import napari.viewer

WIDTH = 340

BUSY = 0, 0
"""A progress bar's range while it is not known how long it takes."""

_SHOWN_EVERY = 0.1


class Panel(QWidget):
    """A panel of the plugin.

    It follows the viewer while it is docked there, and lets go of viewer and
    worker when it is closed or taken out; `follow` and `leave` are for its
    heirs to extend.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        napari passes it on.
    session : Session, optional
        By default the one that all panels of the viewer share.

    Attributes
    ----------
    name : str
        What it is called in the menu.
    body : QVBoxLayout
        Where a panel lays its parts; it scrolls where the window is too low.
    pinned : QVBoxLayout
        What is always seen, below that.
    work : Work
    cancel : QPushButton
    bar : QProgressBar
    status : Status
    """

    name: ClassVar[str]

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session or session_of(viewer)
        self.work = Work(self)
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.status = Status()
        self.body, self.pinned = QVBoxLayout(), QVBoxLayout()
        self._shown_at = 0.0
        self._frame()
        self.cancel.clicked.connect(self._cancel)
        self.work.failed.connect(self.fail)
        Panel.show_working(self, False)

    def _frame(self) -> None:
        inner = QWidget()
        inner.setLayout(self.body)
        self.body.setContentsMargins(4, 4, 4, 4)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self._area, self._inner = area, inner
        working = QHBoxLayout()
        working.addWidget(self.bar)
        working.addWidget(self.cancel)
        foot = QVBoxLayout()
        foot.setContentsMargins(4, 0, 4, 4)
        foot.addLayout(self.pinned)
        foot.addLayout(working)
        foot.addWidget(self.status)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        layout.addLayout(foot)

    def sizeHint(self) -> QSize:
        """Be as wide as panels are, not as wide as texts without a break would be."""
        return QSize(WIDTH, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Leave nothing cut off at the sides; in height it scrolls."""
        bar = self._area.verticalScrollBar()
        room = 0 if bar is None else bar.sizeHint().width()
        return QSize(self._inner.minimumSizeHint().width() + room, super().minimumSizeHint().height())

    def event(self, event: QEvent | None) -> bool:
        """Follow the viewer while docked in it; napari takes a closed panel out of its dock without closing it."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            move = self.leave if self.parent() is None else self.follow
            move()
        return super().event(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Let go of worker and viewer."""
        self.leave()
        super().closeEvent(event)

    def follow(self) -> None:
        """Begin to follow viewer and session; may be called twice."""
        self.session.panels[self.name] = self

    def leave(self) -> None:
        """Stop working, and follow viewer and session no more; may be called twice."""
        if self.session.panels.get(self.name) is self:
            del self.session.panels[self.name]
        if self.work.running:
            self.work.abandon()
            self.show_working(False)
            self.status.tell("")

    def begin(self, steps: Iterable[Any]) -> None:
        """Set to work."""
        self.show_working(True)
        self.bar.setRange(*BUSY)
        self.work.start(steps)

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far work is, no more than ten times a second: bars repaint at once, which takes its time.

        A `total` of 0 is one that is not known.
        """
        now = time.monotonic()
        if now - self._shown_at >= _SHOWN_EVERY or not 0 < done < total:
            self._shown_at = now
            self.bar.setRange(0, total)
            self.bar.setValue(done)
            self.status.tell(text)

    def show_working(self, on: bool) -> None:
        """Show or hide what belongs to work in the background."""
        self.cancel.setVisible(on)
        self.cancel.setEnabled(on)
        self.bar.setVisible(on)

    def fail(self, error: Exception) -> None:
        """Say why work ended; what nobody has foreseen is shown by napari too."""
        self.status.tell(reason(error), "error")
        if not isinstance(error, GrowtrackError):
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def refuse(self, why: str) -> None:
        """Say what cannot be done."""
        self.status.tell(why, "error")

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.work.stop()


# Groups that fold -----------------------------------------------------------------------------------------------------


_INDENT = 8
# The title is flush with the labels of forms; napari draws buttons as filled boxes.
_LOOK = "QToolButton { border: none; background: transparent; padding: 2px; font-weight: bold; }"


class Section(QWidget):
    """A title that shows and hides what stands below it.

    Parameters
    ----------
    title : str
        Always seen.
    opened : bool
        Whether the contents are seen at first.

    Attributes
    ----------
    toggled : Signal(bool)
        The section has been opened, or folded.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, opened: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QToolButton()
        self.title.setText(title)
        self.title.setCheckable(True)
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.title.setStyleSheet(_LOOK)
        self.contents = QWidget()
        self._lay_out()
        self.title.toggled.connect(self._show)
        self.title.toggled.connect(self.toggled)
        self.title.setChecked(opened)
        self._show(opened)

    def _lay_out(self) -> None:
        self._inside = QVBoxLayout(self.contents)
        self._inside.setContentsMargins(_INDENT, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.contents)

    def add(self, part: QWidget | QLayout) -> None:
        """Put a part below the others."""
        if isinstance(part, QLayout):
            self._inside.addLayout(part)
        else:
            self._inside.addWidget(part)

    def set_open(self, opened: bool) -> None:
        """Show or hide the contents."""
        self.title.setChecked(opened)

    def _show(self, opened: bool) -> None:
        self.contents.setVisible(opened)
        self.title.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)


def section(title: str, *parts: QWidget | QLayout, opened: bool = False) -> Section:
    """Return a section with parts below one another."""
    made = Section(title, opened)
    for part in parts:
        made.add(part)
    return made


# Keys -----------------------------------------------------------------------------------------------------------------


class Shortcuts:
    """Binds keys to actions.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    keys : dict of str to (str, callable)
        What each key does, in a few words, and the action.
    """

    def __init__(self, viewer: Any, keys: Mapping[str, tuple[str, Callable[[], object]]]) -> None:
        self._viewer, self._keys = viewer, keys
        self._bound: list[str] = []

    def bind(self) -> None:
        """Begin to listen, except for keys that somebody else has taken."""
        for key, (_, action) in self._keys.items():
            with suppress(ValueError):  # taken already, by this or by another
                self._viewer.bind_key(key, _ignoring_viewer(action))
                self._bound.append(key)

    def release(self) -> None:
        """Listen no more."""
        while self._bound:
            self._viewer.bind_key(self._bound.pop(), None, overwrite=True)

    def label(self) -> Note:
        """Return a list of the keys to show."""
        note = Note()
        note.say("\n".join(f"{key.replace('-', '+')}: {what}" for key, (what, _) in self._keys.items()))
        return note


def _ignoring_viewer(action: Callable[[], object]) -> Callable[[Any], None]:
    def pressed(viewer: Any) -> None:
        action()

    return pressed
