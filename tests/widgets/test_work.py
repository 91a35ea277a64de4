"""Work beside the window: of what is asked for while something is done, only the newest follows."""

import threading
import time

import pytest

from napari_growtrack.widgets.work import Newest


class Held:
    """Begins generators that tell their name, then wait until they may go on."""

    def __init__(self) -> None:
        self.begun = []
        self.go_on = threading.Event()

    def named(self, name):
        def begin():
            self.begun.append(name)
            return self._steps(name)

        return begin

    def _steps(self, name):
        yield name
        while not self.go_on.is_set():
            yield None
            time.sleep(0.001)


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
        work.ask(held.named(name))
    held.go_on.set()
    qtbot.waitUntil(lambda: not work.running)
    assert held.begun == work.told == ["a", "d"]


def test_what_is_abandoned_tells_nothing_and_nothing_follows_it(qtbot, work, held):
    work.ask(held.named("a"))
    qtbot.waitUntil(lambda: work.told == ["a"])
    work.ask(held.named("b"))
    work.abandon()
    held.go_on.set()
    work.start(iter(["c"]))
    qtbot.waitUntil(lambda: not work.running)
    assert held.begun == ["a"]
    assert work.told == ["a", "c"]


def test_after_a_failure_the_newest_follows(qtbot, work, held):
    def fail():
        yield "begun"
        held.go_on.wait(5)
        raise ValueError("broken")

    errors = []
    work.failed.connect(errors.append)
    work.ask(fail)
    work.ask(lambda: iter(["next"]))
    held.go_on.set()
    qtbot.waitUntil(lambda: work.told == ["begun", "next"])
    assert [str(error) for error in errors] == ["broken"]
