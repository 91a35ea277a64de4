"""The promises of growing: earlier stages stay, only the new one learns, files give the same answers."""

import errno
import os
import re
import threading

import keras
import numpy as np
import pytest

from napari_growtrack.core.datasets import Augmentation, Dataset
from napari_growtrack.core.detection import frame_pass, window_scan
from napari_growtrack.core.errors import OutputError, SettingsError
from napari_growtrack.core.growth import round
from napari_growtrack.core.growth.export import export
from napari_growtrack.core.growth.features import Features
from napari_growtrack.core.growth.feeding import Pace
from napari_growtrack.core.growth.network import GrownNetwork
from napari_growtrack.core.growth.plan import Layer, Plan
from napari_growtrack.core.growth.position import GrowthPosition
from napari_growtrack.core.growth.round import Judge
from napari_growtrack.core.growth.schedule import Phase, Schedule, Until
from napari_growtrack.core.growth.training import Growth, grow, iter_growth
from napari_growtrack.core.growth.validation import HeldOut, held_out_images
from napari_growtrack.core.progress import finish
from napari_growtrack.core.simulation import named_scene

SMALL = {"conv": (4, 6), "dense": (5,), "window": 23}
BREADTH = Plan.breadth((2, 3, 4), (3, 4, 5), conv=2, window=23)
PLANS = {
    "depth": Plan.depth(**SMALL),
    "plain": Plan.breadth((4, 6, 5), conv=2, window=23),
    "breadth": BREADTH,
    "depth then breadth": Plan.depth(**SMALL).wider((2, 2, 2)).wider((1, 0, 3)),
    "breadth then depth": BREADTH.deeper("dense", 4),
    "three convolutions": Plan.breadth((2, 3, 4, 5), (2, 2, 2, 2), conv=3, window=31),
    "dense only": Plan(layers=[Layer(kind="dense")] * 2, units=[[3, 0], [0, 2]], window=9),
    "no pooling, larger kernel": Plan(
        layers=[Layer(kind="conv", kernel=5, pool=1), Layer(kind="conv", pool=3)], units=[[2, 1], [0, 3]], window=21
    ),
    "strides": Plan.breadth((2, 3, 4), (3, 4, 5), conv=2, kernel=(5, 3), stride=2, pool=(1, 2), window=31),
    "strides, residual": Plan.depth((4, 6), (5,), kernel=(5, 4), stride=(2, 3), pool=1, window=23, residual=True),
    "uncertain": Plan.depth(**SMALL, outputs=4),
    "feature by feature": Plan.features((2, 1), (2,), window=23),
    "residual": Plan.depth((4, 6), (5,), kernel=(4, 3), window=23, residual=True),
    "sum": Plan.depth(**SMALL, answers="sum"),
    "mean, in breadth": BREADTH.with_(answers="mean"),
    "extra pooling": Plan.depth(**SMALL, head_pool=5),
    "ensemble": Plan.depth(**SMALL).ensemble(2),
    "ensemble of sums": BREADTH.with_(answers="sum").ensemble(2),
}
CLASSES = {
    "binary": Plan.depth((4,), (5,), window=(9, 12), channels=3, task="binary", outputs=1),
    "classes": Plan.breadth((3, 4), (2, 3), conv=1, window=(9, 12), channels=3, task="classes", outputs=2),
    "labels": Plan.depth((), (12, 10, 8), window=(9, 12), channels=3, task="labels", outputs=2),
}
LITTLE = Plan.breadth((2, 3), (3, 4), conv=1, window=23)
"""Two stages, for what is the same in a network of any size."""
BRIEF = Schedule(phases=[Phase(share=3, size=8)], learning_rate=1e-2)
SCENE = named_scene("vesicles")


def images(plan, number=3, seed=0):
    return np.random.default_rng(seed).normal(size=(number, *plan.shape, plan.channels)).astype(np.float32)


def dataset(number=60, seed=0, name="dots"):
    """Colour images that are red or blue."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, number)
    pixels = rng.integers(0, 120, (number, 9, 12, 3), np.uint8)
    pixels[np.arange(number), ..., 2 * labels] += 100
    return Dataset.of(pixels, labels, ["red", "blue"], name)


def same_weights(one, other):
    assert one.weights().keys() == other.weights().keys()
    for name, array in one.weights().items():
        np.testing.assert_array_equal(other.weights()[name], array, err_msg=name)


def stopped_and_resumed(make, steps):
    """Grow a few steps, leave, and let another growth take up from there."""
    first = make()
    going = first.steps()
    for _ in range(steps):
        next(going)
    position, arrays = first.leave()
    going.close()
    second = make()
    second.resume(GrowthPosition.from_json(position.to_json()), arrays)
    return finish(second.steps())


def each_stage(plan):
    return range(1, plan.stages + 1)


@pytest.fixture(scope="module", params=PLANS.values(), ids=PLANS)
def planned(request):
    """A network of each plan, that has learned nothing and is only asked."""
    return GrownNetwork(request.param, seed=1)


@pytest.fixture(scope="module")
def grown():
    """A network of three stages that others begin with, and none may change."""
    return grow(PLANS["depth"], SCENE, BRIEF)


def test_the_table_predicts_keras_parameters(planned):
    for stage in each_stage(planned.plan):
        assert planned.to_keras(stage).count_params() == planned.plan.parameters(stage)


def test_the_table_predicts_every_weight_shape(planned):
    found = {name: array.shape for name, array in planned.weights().items()}
    assert found == planned.plan.weight_shapes()


@pytest.mark.parametrize("shape", [(60, 47), (23, 23), (10, 80)])
def test_the_frame_pass_equals_the_window_scan(planned, shape):
    frame = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    for stage in each_stage(planned.plan):
        at_once, one_by_one = frame_pass(frame, planned, stage), window_scan(frame, planned, stage)
        np.testing.assert_allclose(at_once.positions, one_by_one.positions, atol=2e-4)
        np.testing.assert_allclose(at_once.distances, one_by_one.distances, atol=2e-4)


def test_one_climb_answers_as_every_stage_alone(planned):
    some = images(planned.plan)
    together = planned.answers(some)
    for stage in each_stage(planned.plan):
        np.testing.assert_allclose(together[stage - 1], planned.answer(some, stage), atol=1e-5)


@pytest.mark.parametrize(("grow_on", "together"), [("deeper", True), ("wider", False)])
def test_growing_leaves_earlier_stages_bitwise_unchanged(grown, grow_on, together):
    first = grown
    before = [first.answer(images(first.plan), stage) for stage in each_stage(first.plan)]
    plan = first.plan.deeper("dense", 4) if grow_on == "deeper" else first.plan.wider((2, 2, 2))
    second = grow(plan, SCENE, BRIEF.with_(together=together), seed=5, start=first)
    for stage, answer in enumerate(before, start=1):
        np.testing.assert_array_equal(second.answer(images(plan), stage), answer)
        np.testing.assert_array_equal(first.answer(images(plan), stage), answer)


def test_training_one_after_the_other_leaves_finished_stages_unchanged():
    plan, seen = PLANS["depth"], {}
    schedule = BRIEF.with_(together=False)
    for stage in each_stage(plan):
        part = grow(plan.until(stage), SCENE, schedule, start=seen.get(stage - 1))
        seen[stage] = part
    last = seen[plan.stages]
    for stage, part in seen.items():
        own = {name: array for name, array in part.weights().items() if f"_{stage}." in name}
        for name, array in own.items():
            np.testing.assert_array_equal(last.weights()[name], array)


def test_side_by_side_no_stage_disturbs_another():
    plan = PLANS["breadth"]
    both = grow(plan, SCENE, BRIEF)
    alone = grow(plan.until(1), SCENE, BRIEF)
    for name, array in alone.weights().items():
        np.testing.assert_allclose(both.weights()[name], array, atol=1e-5)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_only_the_new_column_is_trainable(stage):
    network = GrownNetwork(PLANS["depth"])
    network.train_only((stage,))
    trainable = {weight.path.split("/")[0] for weight in network.to_keras(stage).trainable_weights}
    assert trainable == {f"block_{stage}_{stage}", f"head_{stage}"}


def test_growing_teaches_something(monkeypatch):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    schedule = Schedule(phases=[Phase(share=250, size=32)], learning_rate=3e-3)
    losses = [step.losses[-1] for step in iter_growth(Plan.depth(**SMALL), SCENE.with_(snr=20), schedule)]
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:5])


@pytest.mark.parametrize("together", [True, False])
def test_the_same_seed_grows_the_same_network(together):
    first, again = (grow(LITTLE, SCENE, BRIEF.with_(together=together), seed=3) for _ in range(2))
    same_weights(first, again)
    other = grow(LITTLE, SCENE, BRIEF.with_(together=together), seed=4)
    assert not np.array_equal(other.weights()["block_1_1.kernel"], first.weights()["block_1_1.kernel"])


@pytest.mark.parametrize("together", [True, False])
def test_what_the_clock_decided_can_be_repeated_exactly(together):
    by_the_clock = Schedule(minutes=0.04, phases=[Phase(share=1, size=8)], together=together)
    first = Growth(LITTLE, SCENE, by_the_clock, seed=3)
    network = finish(first.steps())
    assert len(first.record) == (1 if together else 2)
    same_weights(network, grow(LITTLE, SCENE, by_the_clock.with_(record=first.record), seed=3))


# leaving and taking up again


@pytest.mark.parametrize(
    ("steps", "together", "patience"), [(0, True, None), (2, True, 30), (2, False, None), (5, False, 30)]
)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(monkeypatch, steps, together, patience):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)  # report after every batch, so that a round has a middle
    schedule = BRIEF.with_(together=together, until=Until(patience=patience))

    def make():
        return Growth(LITTLE, SCENE, schedule, seed=3)

    same_weights(stopped_and_resumed(make, steps), finish(make().steps()))


def test_patience_goes_on_where_it_was_left(monkeypatch):
    """Looks come after every second batch; the run is left between the third look and the fourth, which ends it."""
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    schedule = Schedule(phases=[Phase(share=40, size=4)], learning_rate=1e-2, until=Until(patience=2))
    made = []

    def make():
        made.append(Growth(PLANS["plain"], SCENE, schedule, seed=3))
        return made[-1]

    def judged(errors):
        told = iter(errors)
        monkeypatch.setattr(HeldOut, "error", lambda *_: next(told))

    judged([3.0, 2.0, 4.0, 5.0, 9.0])
    whole = finish(make().steps())
    judged([3.0, 2.0, 4.0, 5.0, 9.0])
    same_weights(stopped_and_resumed(make, 8), whole)
    assert made[0].errors == made[2].errors == {1: 2.0}


def test_a_run_that_was_taken_up_and_left_at_once_loses_nothing(monkeypatch):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    first = Growth(LITTLE, SCENE, BRIEF)
    going = first.steps()
    next(going)
    left = first.leave()
    going.close()
    second = Growth(LITTLE, SCENE, BRIEF)
    second.resume(*left)
    position, arrays = second.leave()
    assert position == left[0]
    assert arrays.keys() == left[1].keys()


def test_a_loss_that_is_no_number_ends_the_run_in_a_sentence():
    schedule = Schedule(phases=[Phase(share=30, size=8)], learning_rate=1e18, loss="squared", decay="constant")
    with pytest.raises(SettingsError, match=r"no longer a number after \d+ batches. Lower the"):
        grow(LITTLE, SCENE, schedule)


@pytest.mark.parametrize(
    "change",
    [
        {"round": 3},
        {"record": ((1,) * 200,) * 3},
        {"errors": (1.0, 2.0, 3.0)},
    ],
)
def test_a_position_of_another_run_is_refused(change):
    growth = Growth(LITTLE, SCENE, BRIEF.with_(together=False, until=Until(error=1e-9)))
    position, arrays = growth.leave()
    with pytest.raises(SettingsError, match="of another plan or schedule"):
        growth.resume(position.with_(**change), arrays)


def test_an_optimiser_that_remembers_another_network_is_refused(monkeypatch):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    first = Growth(LITTLE, SCENE, BRIEF)
    going = first.steps()
    next(going)
    position, arrays = first.leave()
    going.close()
    second = Growth(LITTLE, SCENE, BRIEF)
    second.resume(position, {name: array for name, array in arrays.items() if name != "optimiser/3"})
    with pytest.raises(SettingsError, match="of another plan or schedule"):
        next(second.steps())


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ({"epochs": 1, "record": ((1,) * 200,)}, "only a schedule in minutes has a record"),
        ({"minutes": 1, "record": ((1,) * 199,)}, "expected 200 moments, and a batch"),
        ({"minutes": 1, "record": ((0,) * 200,)}, "expected 200 moments, and a batch"),
        ({"minutes": 1, "record": ((10**12,) * 200,)}, "less than or equal to 1000000000"),
        ({"minutes": 1, "epochs": 1}, "expected minutes or epochs, got both"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(schedule, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Schedule(**schedule)


def test_a_record_of_too_few_rounds_is_refused():
    schedule = Schedule(minutes=1, together=False, record=((1,) * 200,))
    with pytest.raises(SettingsError, match="The record has 1 rounds, the plan has 2 to grow"):
        Growth(LITTLE, SCENE, schedule)


def test_a_stopped_run_by_the_clock_keeps_to_its_time():
    pace = Pace(Schedule(minutes=1, phases=[Phase(share=1, size=8)]), rounds=2)
    pace.go_on_from([0, 3] + [0] * 198, used=24, elapsed=27)
    assert 0.9 <= pace.fraction < 1
    turn = pace.next()
    assert (turn.number, turn.first) == (3, 24)
    assert turn.moment >= 180


def test_what_was_kept_of_another_plan_is_refused():
    position, arrays = Growth(LITTLE, SCENE, BRIEF).leave()
    with pytest.raises(SettingsError, match="of another plan or schedule"):
        Growth(PLANS["depth"], SCENE, BRIEF).resume(position, arrays)


# until it is enough


def test_growing_ends_with_the_stage_that_reaches_the_error():
    network = grow(PLANS["depth"], SCENE, BRIEF.with_(together=False, until=Until(error=1e3)))
    assert network.plan == PLANS["depth"].until(1)


def test_growing_ends_within_reach_of_the_bound():
    network = grow(PLANS["depth"], SCENE, BRIEF.with_(together=False, until=Until(bound=1e3)))
    assert network.plan == PLANS["depth"].until(1)


def test_a_stage_that_gains_nothing_is_left_off():
    still = BRIEF.with_(together=False, learning_rate=1e-12, until=Until(gain=0.9))
    growth = Growth(PLANS["depth"], SCENE, still)
    network = finish(growth.steps())
    assert network.plan == PLANS["depth"].until(1)
    assert growth.errors.keys() == {1, 2}
    assert growth.errors[2] > 0.1 * growth.errors[1]


def test_a_single_new_stage_that_gains_nothing_is_left_off_too(grown):
    base = grown
    still = BRIEF.with_(together=False, learning_rate=1e-12, until=Until(gain=0.9))
    assert grow(base.plan.wider((2, 2, 2)), SCENE, still, start=base).plan == base.plan


def test_a_round_ends_with_patience_and_keeps_its_best_weights(monkeypatch):
    errors = iter([3.0, 2.0, 4.0, 5.0, 6.0, 1.0])
    monkeypatch.setattr(HeldOut, "error", lambda *_: next(errors))
    seen = []
    schedule = Schedule(phases=[Phase(share=40, size=4)], learning_rate=1e-2, until=Until(patience=2))
    growth = Growth(PLANS["plain"], SCENE, schedule)
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    for step in growth.steps():
        seen.append((step.batches, growth.network.weights()["head_1.bias"]))
    # Looks come after every second batch: the second is the best, the third and fourth are worse.
    assert growth.errors == {1: 2.0}
    best = next(bias for batches, bias in seen if batches == 5)
    np.testing.assert_array_equal(growth.network.weights()["head_1.bias"], best)
    assert seen[-1][0] < 40


def test_a_round_notes_the_error_as_often_as_is_asked_and_where_it_was_left(monkeypatch):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)
    schedule = Schedule(phases=[Phase(share=20, size=4)], looks=5)
    made = []

    def make():
        made.append(Growth(PLANS["plain"], SCENE, schedule, seed=3))
        return made[-1]

    finish(make().steps())
    stopped_and_resumed(make, 9)
    (curve,) = made[0].curves.values()
    assert len(curve) == 5
    assert curve[-1] == made[0].errors[1]
    assert made[2].curves == made[0].curves


def test_layers_start_from_the_values_that_are_asked_for():
    he, glorot = (GrownNetwork(PLANS["plain"], 1, initial=one).weights() for one in ("he", "glorot"))
    assert he["block_2_1.kernel"].std() > 1.2 * glorot["block_2_1.kernel"].std()
    np.testing.assert_array_equal(he["head_1.kernel"], glorot["head_1.kernel"])


@pytest.mark.parametrize(
    ("until", "data", "sentence"),
    [
        (Until(bound=1.2), dataset(), "There is no Cramer-Rao bound of classes"),
        (Until(gain=0.1), named_scene("empty"), "images are needed to judge by"),
    ],
)
def test_a_target_that_cannot_be_judged_is_refused(until, data, sentence):
    plan = CLASSES["classes"] if isinstance(data, Dataset) else PLANS["plain"]
    held_out = data if isinstance(data, Dataset) else None
    schedule = Schedule.images(1) if held_out else BRIEF
    with pytest.raises(SettingsError, match=sentence):
        Growth(plan, data, schedule.with_(together=False, until=until), held_out=held_out)


def test_growing_cannot_end_after_a_stage_where_all_learn_together():
    with pytest.raises(SettingsError, match="one by one"):
        Schedule(minutes=1, until=Until(gain=0.1))


# another scene, another day


def test_a_base_grown_on_one_scene_grows_further_on_another():
    base = grow(PLANS["depth"], SCENE, BRIEF.with_(normalisation="unit", unit=5.0))
    plan = base.plan.wider((2, 2, 2)).wider((1, 2, 2))
    further = grow(plan, named_scene("beads"), BRIEF, start=base)
    assert (further.normalisation, further.unit) == ("unit", 5.0)
    for stage in each_stage(base.plan):
        np.testing.assert_array_equal(further.answer(images(plan), stage), base.answer(images(plan), stage))


# classes


@pytest.mark.parametrize("plan", CLASSES.values(), ids=CLASSES)
@pytest.mark.parametrize("together", [True, False])
def test_classes_are_learned_at_every_stage(plan, together):
    schedule = Schedule.images(12, 10, together=together, learning_rate=1e-2)
    network = grow(plan, dataset(), schedule)
    unseen = held_out_images(dataset(seed=1))
    for answers in network.answers(unseen.images):
        assert answers.shape == (60, 1, 1, plan.outputs)
        assert 0 <= answers.min() <= answers.max() <= 1
        assert unseen.error(answers[:, 0, 0]) < 0.1


def test_class_scores_add_up_to_one():
    plan = CLASSES["classes"]
    np.testing.assert_allclose(GrownNetwork(plan).answer(images(plan), 2).sum(-1), 1, atol=1e-6)


@pytest.fixture(scope="module", params=CLASSES.values(), ids=CLASSES)
def computed_again(request):
    """A network of each plan whose frozen stages were computed with every batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Growth, "_features", lambda growth, *_: (None, Judge(growth._held_out)))
        return finish(Growth(request.param, dataset(), Schedule.images(3, 16), held_out=dataset(seed=1)).steps())


@pytest.mark.parametrize("memory", [2**30, 0])
def test_features_computed_once_teach_what_features_computed_again_teach(computed_again, memory):
    growth = Growth(computed_again.plan, dataset(), Schedule.images(3, 16), held_out=dataset(seed=1), memory=memory)
    kept = finish(growth.steps())
    for name, array in kept.weights().items():
        np.testing.assert_allclose(computed_again.weights()[name], array, atol=1e-4, err_msg=name)


def test_features_beyond_memory_lie_on_disk_and_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    plan, data = CLASSES["labels"], dataset()
    network = GrownNetwork(plan)
    with Features(network, lambda some: data.batch(some)[0], len(data), memory=0) as features:
        features.add(1)
        assert features.on_disk == features.nbytes == 4 * 60 * 12
        first = features.inputs(2, np.arange(60))[1]
        np.testing.assert_allclose(first, network.activations(data.batch(np.arange(60))[0], 1)[(1, 1)], atol=1e-6)
        features.add(2)
        assert features.given(3) == [(2, 2)]
        assert features.nbytes == 4 * 60 * 10
        assert sum(file.stat().st_size for file in tmp_path.rglob("*.f4")) == features.nbytes
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(OutputError, match=r"which cannot be had .*No space left on device.*set TMPDIR"):
        finish(Growth(CLASSES["labels"], dataset(), Schedule.images(1, 16), memory=0).steps())


def test_augmented_images_are_learned_from():
    schedule = Schedule.images(20, 10, augmentation=Augmentation(), learning_rate=1e-2)
    losses = [step.losses[-1] for step in iter_growth(CLASSES["binary"].until(1), dataset(), schedule)]
    assert losses[-1] < 0.5


def test_a_stopped_run_on_images_goes_on_as_if_it_had_not_been(monkeypatch):
    monkeypatch.setattr(round, "REPORT_EVERY", 0)

    def make():
        return Growth(CLASSES["labels"], dataset(), Schedule.images(2, 16), held_out=dataset(seed=1))

    whole = make()
    same_weights(stopped_and_resumed(make, 12), finish(whole.steps()))
    assert whole.errors.keys() == {1, 2, 3}


@pytest.mark.parametrize(
    ("plan", "data", "schedule", "sentence"),
    [
        (PLANS["plain"], dataset(), Schedule.images(1), "has classes, but this plan locates"),
        (CLASSES["binary"], SCENE, BRIEF, "A scene teaches to locate"),
        (PLANS["plain"], SCENE, Schedule(epochs=2), "A scene has no epochs"),
        (
            CLASSES["classes"].with_(outputs=3),
            dataset(),
            Schedule.images(1),
            "Make the plan's window, channels, outputs",
        ),
        (CLASSES["classes"].with_(window=9), dataset(), Schedule.images(1), "has images of 9 x 12 px with 3 channel"),
    ],
)
def test_data_that_does_not_fit_the_plan_is_refused(plan, data, schedule, sentence):
    with pytest.raises(SettingsError, match=sentence):
        grow(plan, data, schedule)


# members and sums


def test_an_ensemble_answers_with_the_mean_of_its_members():
    ensemble = grow(PLANS["ensemble"], SCENE, BRIEF)
    alone = []
    for member in (1, 2):
        single = GrownNetwork(PLANS["depth"])
        weights = {}
        for name in single.weights():
            block, stage, kind = re.fullmatch(r"(.*_)(\d+)\.(.*)", name).groups()
            weights[name] = ensemble.weights()[f"{block}{2 * int(stage) - 2 + member}.{kind}"]
        alone.append(single.fill(weights).answer(images(ensemble.plan), 3))
    np.testing.assert_allclose(ensemble.answer(images(ensemble.plan), 6), np.mean(alone, axis=0), atol=1e-5)


def test_summed_answers_add_the_heads():
    network = GrownNetwork(PLANS["sum"], seed=1)
    alone = GrownNetwork(PLANS["depth"], seed=1)
    sums = np.cumsum(alone.answers(images(network.plan)), axis=0)
    np.testing.assert_allclose(network.answers(images(network.plan)), sums, atol=1e-5)


def test_a_residual_block_sees_the_image():
    network = GrownNetwork(PLANS["residual"])
    weights = network.weights()
    weights = {name: np.zeros_like(a) if name.startswith("block_1_1") else a for name, a in weights.items()}
    network.fill(weights)
    flat, varied = np.zeros((1, 23, 23), np.float32), images(network.plan, 1)
    assert np.abs(network.answer(flat, 2) - network.answer(varied, 2)).max() > 1e-3
    np.testing.assert_array_equal(network.answer(flat, 1), network.answer(varied, 1))


# out


@pytest.mark.parametrize("name", ["breadth", "residual", "ensemble", "extra pooling"])
def test_a_stage_is_an_ordinary_keras_model(name):
    network = GrownNetwork(PLANS[name], unit=3.0)
    stage = network.stages
    model = network.to_keras(stage)
    assert {type(layer).__module__.split(".")[0] for layer in model.layers} == {"keras"}
    frames = np.random.default_rng(0).normal(size=(2, 61, 40, 1)).astype(np.float32)
    np.testing.assert_allclose(model.predict_on_batch(frames), network.answer(frames, stage), atol=1e-5)
    network.fill({name: np.zeros_like(a) for name, a in network.weights().items()})
    assert np.abs(model.predict_on_batch(frames)).max() > 0  # its weights are its own


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_stage_is_exported_for_keras(tmp_path, suffix):
    network = GrownNetwork(PLANS["breadth"])
    export(network, tmp_path / f"stage{suffix}", 1)
    found = keras.models.load_model(tmp_path / f"stage{suffix}", compile=False).predict_on_batch(images(network.plan))
    np.testing.assert_allclose(found, network.answer(images(network.plan), 1), atol=1e-6)


def test_a_stage_is_exported_as_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip({"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}[keras.backend.backend()])
    network = GrownNetwork(PLANS["residual"])
    export(network, tmp_path / "stage.onnx")
    session = runtime.InferenceSession(tmp_path / "stage.onnx")
    frames = np.random.default_rng(0).normal(size=(2, 61, 40, 1)).astype(np.float32)
    (found,) = session.run(None, {session.get_inputs()[0].name: frames})
    np.testing.assert_allclose(found, network.answer(frames, 3), atol=1e-4)


def test_an_export_of_another_kind_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"Expected a file ending in \.keras, \.h5, \.onnx, got 'x\.pt'"):
        export(GrownNetwork(PLANS["plain"]), tmp_path / "x.pt")


# what goes on inside


def test_activations_are_what_the_blocks_hand_on():
    network = GrownNetwork(PLANS["residual"])
    found = network.activations(images(network.plan), 2)
    assert {block: array.shape for block, array in found.items()} == {(1, 1): (3, 10, 10, 4), (2, 2): (3, 4, 4, 6)}
    assert all(array.min() >= 0 for array in found.values())


def test_progress_counts_images_and_ends_at_one():
    steps = list(iter_growth(PLANS["breadth"], SCENE, BRIEF.with_(together=False)))
    assert steps[-1].fraction == 1
    assert steps[-1].images == 2 * 3 * 8
    assert steps[-1].seconds_left == 0
    assert [step.stages for step in steps][-1] == (2,)


def test_growing_can_be_stopped_at_any_report():
    growing = iter_growth(PLANS["breadth"], SCENE, Schedule(minutes=5))
    next(growing)
    growing.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]
    with pytest.raises(StopIteration):
        next(growing)


@pytest.mark.parametrize("plan", [PLANS["plain"], PLANS["depth"]])
def test_a_start_that_is_no_part_of_the_plan_is_refused(plan):
    with pytest.raises(SettingsError, match="Expected a plan that begins with the network's own stages"):
        grow(plan, SCENE, BRIEF, start=GrownNetwork(PLANS["depth"]))


def test_a_start_that_looks_through_enlarged_boxes_is_refused():
    base = GrownNetwork(PLANS["depth"], zoom=2.0)
    with pytest.raises(SettingsError, match="looks through enlarged boxes"):
        grow(base.plan.deeper("dense", 2), SCENE, BRIEF, start=base)


def test_images_smaller_than_a_window_are_refused():
    network = GrownNetwork(PLANS["depth"])
    with pytest.raises(SettingsError, match="at least 23 x 23 px, got 20 x 30"):
        network.answer(np.zeros((1, 20, 30), np.float32), 1)


@pytest.mark.parametrize("stage", [0, 4, -1])
def test_a_stage_that_does_not_exist_is_refused(stage):
    with pytest.raises(SettingsError, match=f"There is no stage {stage}; this network has stages 1 to 3"):
        GrownNetwork(PLANS["depth"]).answer(images(PLANS["depth"]), stage)


@pytest.mark.parametrize("number", [0, 1, 3, 300])
def test_any_number_of_windows_is_answered(number):
    plan = PLANS["breadth"]
    assert GrownNetwork(plan).answer(images(plan, number), 2).shape == (number, 1, 1, 3)


def test_the_thesis_schedule_is_the_thesiss():
    schedule = Schedule.thesis()
    assert [(phase.share, phase.size) for phase in schedule.phases] == [
        (4000, 8),
        (3000, 32),
        (2000, 128),
        (1000, 512),
        (500, 1024),
    ]
    assert schedule.images_per_stage == 1_408_000
    assert (schedule.optimiser, schedule.loss, schedule.windows, schedule.unit) == ("rmsprop", "squared", "thesis", 25)


def test_the_thesis_schedule_runs():
    network = grow(Plan.breadth((2, 2, 2), conv=2, window=23), named_scene("default"), Schedule.thesis(scale=1e-4))
    assert np.isfinite(network.answer(images(network.plan), 1)).all()


@pytest.mark.parametrize(("fraction", "size"), [(0, 32), (0.2, 32), (0.3, 128), (0.7, 256), (1, 256), (1.2, 256)])
def test_batches_grow(fraction, size):
    assert Schedule(minutes=1).at(fraction)[0] == size


def test_the_learning_rate_decays():
    rates = [Schedule(minutes=1).at(fraction)[1] for fraction in (0.05, 0.3, 0.6, 0.9, 1)]
    assert rates == sorted(rates, reverse=True)


def test_broken_batches_are_refused():
    with pytest.raises(SettingsError, match="whole number of batches"):
        Schedule(phases=[Phase(share=0.5, size=8)])


def test_weights_that_overflow_are_told_and_not_taken_for_nothing_found():
    network = GrownNetwork(Plan.depth((2,), (2,), window=7))
    network.fill({name: np.full_like(array, 1e30) for name, array in network.weights().items()})
    with pytest.raises(SettingsError, match="answers are no numbers: its weights are so large that they overflow"):
        network.answer(np.ones((1, 7, 7), np.float32), 2)


def test_more_rows_than_keras_can_connect_are_refused_in_a_sentence():
    rows = 1000
    deep = Plan(layers=[{"kind": "conv"}, *[{"kind": "dense"}] * (rows - 1)], units=[[1]] * rows, window=21)
    with pytest.raises(SettingsError, match="more rows than Keras can connect"):
        GrownNetwork(deep).learner((1,))
