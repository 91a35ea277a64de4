"""Work beside the window: of what is asked for while something is done, only the newest follows."""

import threading
import time
import warnings

import pytest
from spots import PATIENCE

from napari_growtrack.core.errors import GrowtrackWarning
from napari_growtrack.widgets.shared.work import Newest, Work


class Held:
    """An engine whose jobs are names: it tells them, then waits until it may go on; of some it fails then."""

    def __init__(self) -> None:
        self.begun = []
        self.go_on = threading.Event()

    def run(self, name, film=None):
        self.begun.append(name)
        return self._steps(name)

    def _steps(self, name):
        yield name
        while not self.go_on.is_set():
            yield None
            time.sleep(0.001)
        if name == "broken":
            raise ValueError(name)


@pytest.fixture
def held():
    held = Held()
    yield held
    held.go_on.set()


@pytest.fixture
def work():
    work = Newest()
    work.told = []
    work.advanced.connect(work.told.append)
    return work


def test_only_the_first_and_the_newest_are_begun(qtbot, work, held):
    for name in "abcd":
        work.ask(held, name)
    held.go_on.set()
    qtbot.waitUntil(lambda: not work.running)
    assert held.begun == work.told == ["a", "d"]


def test_what_is_abandoned_tells_nothing_and_nothing_follows_it(qtbot, work, held):
    work.ask(held, "a")
    qtbot.waitUntil(lambda: work.told == ["a"])
    work.ask(held, "b")
    work.abandon()
    held.go_on.set()
    work.start(iter(["c"]))
    qtbot.waitUntil(lambda: not work.running)
    assert held.begun == ["a"]
    assert work.told == ["a", "c"]


def test_after_a_failure_the_newest_follows(qtbot, work, held):
    errors = []
    work.failed.connect(errors.append)
    work.ask(held, "broken")
    work.ask(held, "next")
    held.go_on.set()
    qtbot.waitUntil(lambda: work.told == ["broken", "next"])
    assert [str(error) for error in errors] == ["broken"]


def test_whoever_wants_what_is_done_already_wants_nothing_after_it(qtbot, work, held):
    for name in "aba":
        work.ask(held, name)
    with qtbot.waitSignal(work.ended):
        held.go_on.set()
    assert held.begun == ["a"]


def test_what_is_abandoned_has_ended(qtbot, work, held):
    work.ask(held, "a")
    with qtbot.waitSignal(work.ended):
        work.abandon()


def test_each_hears_the_warnings_of_its_own_work_only(qtbot):
    def warn(name, before, after):
        time.sleep(before)
        warnings.warn(name, GrowtrackWarning, stacklevel=1)
        warnings.warn("old fashioned", DeprecationWarning, stacklevel=1)
        yield name
        time.sleep(after)

    one, other, heard = Work(), Work(), []
    one.warned.connect(lambda sentence: heard.append(("one", sentence)))
    other.warned.connect(lambda sentence: heard.append(("other", sentence)))
    one.start(warn("a", 0.1, 0.0))
    other.start(warn("b", 0.2, 0.1))
    qtbot.waitUntil(lambda: not one.running and not other.running)
    assert sorted(heard) == [("one", "a"), ("other", "b")]


def test_more_work_goes_on_at_once_than_there_are_cores(qtbot):
    together = threading.Barrier(8, timeout=PATIENCE / 1000)

    def meet():
        together.wait()
        yield "met"

    met, works = [], [Work() for _ in range(8)]
    for work in works:
        work.advanced.connect(met.append)
        work.start(meet())
    qtbot.waitUntil(lambda: not any(work.running for work in works))
    assert met == ["met"] * 8


def test_what_an_abandoned_worker_still_says_is_not_taken_for_the_next_ones(qtbot, held):
    work, ended = Work(), []
    work.finished.connect(lambda: ended.append(True))
    work.start(iter(["done at once"]))
    time.sleep(0.05)  # its signals are on their way by now
    work.abandon()
    work.start(held.run("b"))
    qtbot.wait(50)
    assert work.running
    assert not ended
    held.go_on.set()
    qtbot.waitUntil(lambda: bool(ended))
    assert not work.running
