"""The film tells which network is chosen, until a person does."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool
from spots import BrightSpots, spot_film

from napari_growtrack.core.errors import StackError
from napari_growtrack.core.networks.bundled import DEFAULT
from napari_growtrack.core.networks.choice import Chosen, Tried
from napari_growtrack.core.tables import NO_LIMITS
from napari_growtrack.widgets.session.session import Session
from napari_growtrack.widgets.track.network_form import LOOKING
from napari_growtrack.widgets.track.panel import TrackPanel

BEST = Tried("spots", 3.0, "inverted", 12.0, 3.1, 0.0, 900.0)
OTHER = Tried("general", 15.0, "normal", 11.0, 8.0, 0.0, 600.0)
TOLD = Chosen(
    (BEST, BEST._replace(diameter=4.0, evidence=880.0), OTHER, OTHER._replace(network="beads", particles=0.0))
)


class Films(Session):
    """A session in which every film tells the same; it counts how often one is asked."""

    def __init__(self):
        super().__init__(load=lambda path: BrightSpots())
        self.asked, self.told = [], TOLD

    def tries(self, film):
        self.asked.append(film)
        yield BEST
        if isinstance(self.told, Exception):
            raise self.told
        yield self.told


@pytest.fixture
def panel(qtbot):
    viewer, session = ViewerModel(), Films()
    panel = TrackPanel(viewer, session)
    panel.live.setChecked(False)
    panel.show()
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    assert QThreadPool.globalInstance().waitForDone(10_000)


def settled(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.chooser.running, timeout=20_000)
    qtbot.wait(20)


def look_at(panel, film):
    panel.image.setCurrentIndex(panel.image.layers.index(film))


def chosen(panel):
    choice = panel.session.choice
    return choice.name, choice.diameter, choice.contrast


def by_hand(panel, name):
    index = panel.form.network.findData(name)
    panel.form.network.setCurrentIndex(index)
    panel.form.network.activated.emit(index)


def test_a_film_tells_network_size_and_contrast(qtbot, panel):
    assert chosen(panel)[0] == DEFAULT
    assert panel.form.automatic.isChecked()
    panel.viewer.add_image(spot_film())
    assert panel.status.said() == LOOKING
    assert not panel.all_frames.isEnabled()
    settled(qtbot, panel)
    assert chosen(panel) == ("spots", 3.0, "inverted")
    assert panel.form.chosen_note.said() == str(TOLD)
    assert panel.status.said() == ""
    assert panel.all_frames.isEnabled()


def test_what_was_tried_is_listed_once_a_network_and_one_click_takes_another(qtbot, panel):
    panel.viewer.add_image(spot_film())
    settled(qtbot, panel)
    table = panel.form.tried
    assert [table.item(row, 0).text() for row in range(table.rowCount())] == ["spots, inverted", "general"]
    table.cellClicked.emit(1, 0)
    assert chosen(panel) == ("general", 15.0, "normal")
    assert not panel.form.automatic.isChecked()


def test_what_a_person_chooses_stays_until_the_film_is_asked_again(qtbot, panel):
    panel.viewer.add_image(spot_film())
    settled(qtbot, panel)
    by_hand(panel, "beads")
    look_at(panel, panel.viewer.add_image(spot_film()))
    settled(qtbot, panel)
    assert panel.session.choice.name == "beads"
    assert panel.form.chosen_note.said() == ""
    panel.form.automatic.click()
    settled(qtbot, panel)
    assert chosen(panel) == ("spots", 3.0, "inverted")


@pytest.mark.parametrize("change", [lambda form: form.diameter.setValue(5.0), lambda form: form._see("normal")])
def test_a_size_or_contrast_that_a_person_gives_stays_too(qtbot, panel, change):
    panel.viewer.add_image(spot_film())
    settled(qtbot, panel)
    change(panel.form)
    mine = chosen(panel)
    look_at(panel, panel.viewer.add_image(spot_film()))
    settled(qtbot, panel)
    assert chosen(panel) == mine


def test_each_film_is_asked_when_it_is_looked_at(qtbot, panel):
    first = panel.viewer.add_image(spot_film())
    settled(qtbot, panel)
    second = panel.viewer.add_image(np.array(spot_film()))
    for number, film in enumerate((second, first), start=2):
        look_at(panel, film)
        assert panel.form.chosen_note.said() == ""
        settled(qtbot, panel)
        assert panel.form.chosen_note.said()
        assert len(panel.session.asked) == number


def test_a_film_that_cannot_be_read_says_so_and_leaves_the_choice(qtbot, panel):
    panel.session.told = StackError("Frame 3 of film cannot be read.")
    panel.viewer.add_image(spot_film())
    settled(qtbot, panel)
    assert chosen(panel)[0] == DEFAULT
    assert panel.status.said() == "Frame 3 of film cannot be read."
    assert panel.all_frames.isEnabled()


def test_a_session_that_has_a_choice_is_left_alone(qtbot):
    session = Films()
    session.choose("beads")
    panel = TrackPanel(ViewerModel(), session)
    qtbot.addWidget(panel)
    panel.viewer.add_image(spot_film())
    assert not panel.chooser.running
    assert session.asked == []
    panel.close()


def test_a_panel_opens_where_nothing_was_ever_chosen(qtbot):
    panel = TrackPanel(ViewerModel(), Films())
    qtbot.addWidget(panel)
    assert panel.thresholds.limits.limits == NO_LIMITS
    panel.close()
