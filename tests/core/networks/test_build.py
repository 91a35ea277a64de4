"""Growing can be watched, and its stages used meanwhile, without changing what is grown."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from napari_growtrack.core.datasets import Dataset
from napari_growtrack.core.errors import GrowtrackWarning, SettingsError
from napari_growtrack.core.growth import round
from napari_growtrack.core.growth.network import GrownNetwork
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Phase, Schedule
from napari_growtrack.core.networks import monitoring as watching
from napari_growtrack.core.networks.archive import read_growing
from napari_growtrack.core.networks.build import LEAST_COLUMN, adapted, iter_calibrate, iter_make
from napari_growtrack.core.networks.calibration import QUICK, Effort, MakingProgress
from napari_growtrack.core.networks.card import Card, Provenance, Recipe
from napari_growtrack.core.networks.load import Network, load_network
from napari_growtrack.core.simulation import named_scene

PLAN = Plan.breadth((2, 3, 4), (3, 4, 5), conv=2, window=23)
SCENE = named_scene("vesicles").with_(snr=10, density=1)
SCHEDULE = Schedule(phases=[Phase(share=24, size=16)], learning_rate=1e-2)
BARELY = Effort(samples=2, faithful=False, frames=1, levels=1)


@pytest.fixture(autouse=True, scope="module")
def barely_finished():
    """Calibrate and measure on next to nothing, report after every batch, and judge at every report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_growtrack.core.networks.build.THOROUGH", BARELY)
        patch.setattr(watching, "PROVISIONAL", BARELY)
        patch.setattr(watching, "EVERY", 0.0)
        patch.setattr(watching, "WINDOWS", 8)
        for limit in ("GRACE", "SAVING_GRACE", "LONGEST"):  # a busy machine leaves no less
            patch.setattr(watching, limit, 1e3)
        patch.setattr(round, "REPORT_EVERY", 0)
        yield


def recipe(together=True, **other):
    return Recipe(name="spots", plan=PLAN, scene=SCENE, schedule=SCHEDULE.with_(together=together), **other)


@dataclass
class Run:
    """Reports of growing and of finishing, networks that could be used meanwhile, with their report, and the last."""

    reports: list = field(default_factory=list)
    finishing: list = field(default_factory=list)
    usable: list = field(default_factory=list)
    network: Any = None


def run(making, usable=None):
    done, stamp = Run(), None
    while True:
        try:
            report = next(making)
        except StopIteration as end:
            done.network = end.value
            return done
        (done.reports if report.doing.startswith("growing") else done.finishing).append(report)
        if usable is not None and usable.exists() and usable.stat().st_mtime_ns != stamp:
            stamp = usable.stat().st_mtime_ns
            done.usable.append((report, load_network(usable)))


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory):
    return watched(True, tmp_path_factory)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    return watched(False, tmp_path_factory)


def watched(together, folder):
    usable = folder.mktemp("making") / "so far.growtrack"
    return run(iter_make(recipe(together), watch=True, usable=usable), usable)


@pytest.fixture(scope="module")
def alone():
    return run(iter_make(recipe()))


@pytest.fixture(scope="module")
def alone_one_by_one():
    return run(iter_make(recipe(together=False)))


PAIRS = [("alone", "side_by_side"), ("alone_one_by_one", "one_by_one")]


@pytest.mark.parametrize("pair", PAIRS)
def test_watching_and_using_a_growing_network_do_not_change_it(request, pair):
    one, other = (request.getfixturevalue(name) for name in pair)
    assert any(report.errors for report in other.reports[:-1])
    assert other.reports[-1].usable == 2
    for name, array in one.network.grown.weights().items():
        np.testing.assert_array_equal(other.network.grown.weights()[name], array, err_msg=name)
    assert other.network.card.calibration == one.network.card.calibration


def test_what_is_kept_of_a_watched_run_is_what_is_kept_of_any(tmp_path):
    """Weights, the optimiser's memory and the position."""
    kept = []
    for watch in (False, True):
        path, usable = tmp_path / f"{watch}.growing", tmp_path / "so far.growtrack"
        making = iter_make(recipe(), keep=path, watch=watch, usable=usable if watch else None)
        for _ in range(15):
            next(making)
        making.close()
        kept.append(read_growing(path))
    (_, weights, position, memory), (_, weights_too, position_too, memory_too) = kept
    assert position.record == position_too.record
    for one, other in ((weights, weights_too), (memory, memory_too)):
        assert one.keys() == other.keys()
        assert all(np.array_equal(other[name], array) for name, array in one.items())


@pytest.mark.parametrize("watched", ["side_by_side", "one_by_one"])
def test_errors_come_of_stages_that_learn_or_have_learned(request, watched):
    reports = request.getfixturevalue(watched).reports
    seen = [report for report in reports if report.errors]
    assert all({*report.errors} == {*range(1, report.stages[-1] + 1)} for report in seen)
    assert {*reports[-1].errors} == {1, 2}
    assert {report.bound for report in reports} == {reports[0].bound}
    assert 0 < reports[0].bound < min(reports[-1].errors.values())


def test_a_finished_stage_is_judged_once(one_by_one):
    first = [report for report in one_by_one.reports if report.stages == (1,)][-1].errors[1]
    assert {report.errors[1] for report in one_by_one.reports if report.stages == (2,) and report.errors} == {first}


def test_judging_takes_its_small_part_of_the_time(monkeypatch):
    """Each look takes a second; the first builds the model, the second tells what one costs."""
    clock = [0.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(watching, "EVERY", 3.0)

    def a_second(*_):
        clock[0] += 1
        return {1: 0.5}

    monkeypatch.setattr(watching, "_judged", a_second)
    watch = watching.Watch(object(), [None])
    looked = []
    for now in range(200):
        clock[0] = max(clock[0], now)
        if watch.errors((1,), finished=False):
            looked.append(now)
    assert looked[:2] == [3, 7]
    assert all(later - earlier >= 1 / watching.SHARE for earlier, later in pairwise(looked[1:]))
    assert len(looked) <= 2 + 200 * watching.SHARE


def test_unwatched_nothing_is_judged_or_left_to_use(alone):
    assert {(*report.errors, report.bound, report.usable) for report in alone.reports} == {(None, 0)}


def test_reports_tell_what_learns_and_for_how_long(one_by_one):
    reports = one_by_one.reports
    assert {report.stages for report in reports} == {(1,), (2,)}
    assert all(len(report.losses) == 1 for report in reports)
    seconds = [report.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0


def test_a_scene_without_particles_is_grown_unjudged():
    empty = SCENE.with_(density=0)
    watch = watching.Watch(object(), watching.watched_images(empty, FakeNetwork, SCHEDULE, 0))
    assert watch.errors((1,), finished=True) == {}
    assert watch.bound is None


class FakeNetwork:
    window, normalisation = 23, "standard"


def test_classes_are_watched_by_their_share_of_wrong_answers(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    pixels = rng.integers(0, 120, (60, 9, 12, 3), np.uint8)
    pixels[np.arange(60), ..., 2 * labels] += 100
    dots = Dataset.of(pixels, labels, ["red", "blue"], "dots")
    plan = Plan.depth((4,), (5,), window=(9, 12), channels=3, task="classes", outputs=2)
    schedule = Schedule.images(2, 10)
    classes = Recipe(name="dots", plan=plan, dataset="dots", schedule=schedule)
    reports = run(iter_make(classes, (dots, dots), watch=True, usable=tmp_path / "so far.growtrack")).reports
    errors = [error for report in reports for error in report.errors.values()]
    assert errors
    assert all(0 <= error <= 1 for error in errors)
    assert {(report.bound, report.usable) for report in reports} == {(None, 0)}
    assert not [*tmp_path.iterdir()]


def test_every_finished_stage_can_be_tracked_with_while_the_next_ones_grow(one_by_one):
    assert [(report.fraction, report.usable) for report, _ in one_by_one.usable] == [(0.5, 1), (1.0, 2)]
    for stages, (_, network) in enumerate(one_by_one.usable, start=1):
        assert network.plan == PLAN.until(stages)
        assert f"still growing, stage {stages} of 2" in network.card.name
        assert f"Still growing, stage {stages} of 2" in network.card.recipe.about
        assert [network.cascade(stage).stage for stage in range(1, stages + 1)] == [*range(1, stages + 1)]


def test_while_it_is_calibrated_a_network_can_still_be_used(one_by_one):
    last = one_by_one.reports[-1]
    assert {(report.seconds, report.bound, report.usable) for report in one_by_one.finishing} == {
        (last.seconds, last.bound, 2)
    }


def test_a_finished_stage_answers_meanwhile_as_in_the_end(one_by_one):
    windows = np.random.default_rng(0).normal(size=(3, 23, 23)).astype(np.float32)
    early = one_by_one.usable[0][1]
    np.testing.assert_array_equal(early.answer(windows, 1), one_by_one.network.answer(windows, 1))


def test_side_by_side_all_stages_can_be_used_after_each_quarter(side_by_side):
    quarters = [int(4 * report.fraction) for report, _ in side_by_side.usable]
    networks = [network for _, network in side_by_side.usable]
    assert quarters == [1, 2, 3]
    assert all(network.stages == 2 and network.cascade(2) and network.cascade(1) for network in networks)
    assert "still growing" in networks[0].card.name
    heads = [network.grown.weights()["head_2.kernel"] for network in networks]
    assert not np.array_equal(heads[0], heads[1])


def test_leaving_networks_takes_its_part_of_the_time(monkeypatch):
    """Of 60 rounds of 5 s each, those are left that fit: each takes 4 s."""
    monkeypatch.setattr(watching, "SAVING_GRACE", 5.0)
    clock = [0.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: clock[0])
    usable, some, left = watching.Provisional("nowhere", together=False), network(), []
    monkeypatch.setattr(watching, "thresholds", lambda *_: [])

    def write(*_):
        clock[0] += 4
        left.append(clock[0])

    monkeypatch.setattr(watching, "write_archive", write)
    for _ in range(60):
        clock[0] += 5
        if usable.due(0.5, finished=True):
            usable.write(some.card, {}, learning=1)
    assert (
        0.9 * clock[0] * watching.SAVING_SHARE
        < 4 * len(left)
        < 4 + watching.SAVING_GRACE + clock[0] * watching.SAVING_SHARE
    )


def test_a_network_that_knows_too_little_yet_is_not_left(monkeypatch, tmp_path, side_by_side):
    """Its thresholds take too long to find."""
    monkeypatch.setattr(watching, "LONGEST", 0.0)
    usable, some = watching.Provisional(tmp_path / "so far.growtrack", together=True), side_by_side.network
    usable.write(some.card, some.grown.weights(), learning=1)
    assert (usable.stages, [*tmp_path.iterdir()]) == (0, [])


def test_thresholds_of_finished_stages_are_found_once(monkeypatch, tmp_path, side_by_side):
    found, thresholds = [], watching.thresholds

    def noted(network, effort, known):
        for one in thresholds(network, effort, known):
            found.append((one.cascade.stage, one.cascade.screen))
            yield one

    monkeypatch.setattr(watching, "thresholds", noted)
    usable, some = watching.Provisional(tmp_path / "so far.growtrack", together=True), side_by_side.network
    for _ in range(2):
        usable.write(some.card, some.grown.weights(), learning=2)
    assert found == [(1, 1), (2, 1), (2, 2), (2, 1), (2, 2)]
    assert len(load_network(tmp_path / "so far.growtrack").card.calibration.pairs) == 3


def test_a_network_that_cannot_be_left_is_warned_of(tmp_path, side_by_side):
    (tmp_path / "so far.growtrack").mkdir()
    usable, some = watching.Provisional(tmp_path / "so far.growtrack", together=True), side_by_side.network
    with pytest.warns(GrowtrackWarning, match="Growing goes on without it"):
        usable.write(some.card, some.grown.weights(), learning=1)
    assert usable.stages == 0


def test_a_quick_finish_measures_the_dimmest_and_the_brightest(monkeypatch, side_by_side):
    monkeypatch.setattr("napari_growtrack.core.networks.build.QUICK", Effort(2, QUICK.faithful, 1, QUICK.levels))
    some = side_by_side.network
    card = some.card.with_(recipe=some.card.recipe.with_(scene=SCENE.with_(snr=(2, 20))))
    finished = run(iter_calibrate(Network(some.grown, card), quick=True)).network
    assert [(report.stage, report.snr) for report in finished.card.reports] == [(1, 2), (1, 20), (2, 2), (2, 20)]
    assert not any(pair.cascade.faithful for pair in finished.card.calibration.pairs)
    assert len(finished.card.calibration.pairs) == 3


@pytest.mark.parametrize(("levels", "some"), [([3], [3]), ([1, 2, 3], [1, 3]), ([1, 2, 3, 4, 5], [1, 5])])
def test_two_levels_are_the_ends(levels, some):
    assert QUICK.snr_levels(levels) == some
    assert Effort().snr_levels(levels) == levels


def test_a_report_of_progress_needs_no_more_than_before():
    report = MakingProgress("measuring", 0.5, 2.0)
    assert (report.stages, report.losses, report.errors, report.bound, report.usable) == ((), (), {}, None, 0)


# adapting


def network(plan=PLAN, scene=SCENE, zoom=1.0, **schedule):
    """A network that has learned nothing."""
    schedule = SCHEDULE.with_(**schedule)
    made_by = Recipe(name="spots", plan=plan, scene=scene, schedule=schedule, zoom=zoom)
    grown = GrownNetwork(plan, 0, schedule.normalisation, schedule.unit, zoom)
    return Network(grown, Card(recipe=made_by, provenance=Provenance(**NOTHING)))


NOTHING = {"version": "0", "backend": "none", "images": 0, "batches": 0, "seconds": 0}
FIVE = {"conv": 3, "window": 39}


@pytest.mark.parametrize(
    ("plan", "column"),
    [
        (Plan.breadth((2, 3, 4), (3, 4, 5), conv=2, window=39), (3, 4, 5)),
        (Plan.depth((4, 6), (5,), window=39), (4, 6, 5)),
        (Plan.breadth((4, 8, 16, 8, 8), **FIVE), LEAST_COLUMN),
        (Plan.breadth((4, 8, 16, 8, 8), (10, 20, 40, 32, 32), **FIVE), (10, 20, 40, 32, 32)),
        (Plan.breadth((16, 12, 40, 8, 32), **FIVE), (16, 16, 40, 16, 32)),
    ],
)
def test_adapting_adds_a_stage_as_wide_as_the_last(plan, column):
    further = adapted(network(plan).card, SCENE, 1, "mine").plan
    assert further.until(plan.stages) == plan
    assert tuple(row[-1] for row in further.units) == column


def test_adapting_keeps_units_and_normalisation_and_learns_the_new_scene():
    beads = SCENE.with_(name="others", snr=5)
    further = adapted(network(PLAN.with_(window=39), normalisation="unit", unit=25.0).card, beads, 2.5, "mine")
    schedule = further.schedule
    assert (schedule.normalisation, schedule.unit, schedule.minutes) == ("unit", 25.0, 2.5)
    assert (further.name, further.scene) == ("mine", beads)


def test_an_adapted_network_keeps_the_stages_it_began_with(monkeypatch, side_by_side):
    monkeypatch.setattr("napari_growtrack.core.networks.build.QUICK", BARELY)
    start = side_by_side.network
    adapting = adapted(start.card, SCENE.with_(snr=5), 1, "mine").with_(schedule=SCHEDULE)
    further = run(iter_make(adapting, start=start, quick=True)).network
    for name, array in start.grown.weights().items():
        np.testing.assert_array_equal(further.grown.weights()[name], array, err_msg=name)
    assert further.stages == 3
    assert further.card.provenance.began_with.startswith("spots (2 stages")


WIDE = SCENE.with_(particles=[SCENE.particles[0].with_(radius=(3, 6))])


@pytest.mark.parametrize(
    ("start", "scene", "sentence"),
    [
        (lambda: network(zoom=2.0), SCENE, "boxes enlarged 2 times.*cannot be grown further"),
        (
            lambda: network(PLAN.with_(window=39)),
            WIDE,
            "windows of 39 px, which cover particles up to 23 px.*are up to 24 px wide. Grow a new network with",
        ),
    ],
)
def test_what_cannot_be_adapted_is_refused(start, scene, sentence):
    with pytest.raises(SettingsError, match=sentence):
        adapted(start().card, scene, 1, "mine")


def test_a_network_of_classes_is_not_adapted_to_a_scene():
    plan = Plan.depth((4,), (5,), window=(9, 12), channels=3, task="classes", outputs=2)
    dots = Recipe(name="dots", plan=plan, dataset="dots", schedule=Schedule.images(2, 10))
    start = Network(GrownNetwork(plan), Card(recipe=dots, provenance=Provenance(**NOTHING)))
    with pytest.raises(SettingsError, match="does not locate particles"):
        adapted(start.card, SCENE, 1, "mine")


def test_a_larger_window_takes_the_larger_particles():
    assert adapted(network(PLAN.with_(window=41)).card, WIDE, 1, "mine").plan.stages == 3
