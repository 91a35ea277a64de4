"""The promises of growing: earlier stages stay, only the new one learns, files give the same answers."""

import numpy as np
import pytest

from napari_growtrack.core.detection import frame_pass, window_scan
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.growth.network import GrownNetwork
from napari_growtrack.core.growth.plan import Layer, Plan
from napari_growtrack.core.growth.schedule import Phase, Schedule
from napari_growtrack.core.growth.training import grow, iter_growth
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
}
BRIEF = Schedule(phases=[Phase(share=3, size=8)], learning_rate=1e-2)
SCENE = named_scene("vesicles")


def images(plan, number=3, seed=0):
    return np.random.default_rng(seed).normal(size=(number, plan.window, plan.window)).astype(np.float32)


def each_stage(plan):
    return range(1, plan.stages + 1)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_table_predicts_keras_parameters(plan):
    network = GrownNetwork(plan)
    for stage in each_stage(plan):
        assert network.to_keras(stage).count_params() == plan.parameters(stage)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_table_predicts_every_weight_shape(plan):
    found = {name: array.shape for name, array in GrownNetwork(plan).weights().items()}
    assert found == plan.weight_shapes()


@pytest.mark.parametrize("shape", [(60, 47), (23, 23), (10, 80)])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_frame_pass_equals_the_window_scan(plan, shape):
    network = GrownNetwork(plan, seed=1)
    frame = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    for stage in each_stage(plan):
        at_once, one_by_one = frame_pass(frame, network, stage), window_scan(frame, network, stage)
        np.testing.assert_allclose(at_once.positions, one_by_one.positions, atol=2e-4)
        np.testing.assert_allclose(at_once.distances, one_by_one.distances, atol=2e-4)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_one_climb_answers_as_every_stage_alone(plan):
    network = GrownNetwork(plan, seed=2)
    together = network.answers(images(plan))
    for stage in each_stage(plan):
        np.testing.assert_allclose(together[stage - 1], network.answer(images(plan), stage), atol=1e-5)


@pytest.mark.parametrize("grow_on", ["deeper", "wider"])
@pytest.mark.parametrize("together", [True, False])
def test_growing_leaves_earlier_stages_bitwise_unchanged(grow_on, together):
    first = grow(PLANS["depth"], SCENE, BRIEF)
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


def test_growing_teaches_something():
    schedule = Schedule(phases=[Phase(share=150, size=32)], learning_rate=3e-3)
    losses = [step.losses[-1] for step in iter_growth(Plan.depth(**SMALL), SCENE.with_(snr=20), schedule)]
    assert losses[-1] < 0.6 * losses[0]


def test_the_same_seed_grows_the_same_network():
    first, again = (grow(PLANS["breadth"], SCENE, BRIEF, seed=3) for _ in range(2))
    for name, array in first.weights().items():
        np.testing.assert_allclose(again.weights()[name], array, atol=1e-6)


def test_progress_counts_images_and_ends_at_one():
    steps = list(iter_growth(PLANS["breadth"], SCENE, BRIEF.with_(together=False)))
    assert steps[-1].fraction == 1
    assert steps[-1].images == 2 * 3 * 8
    assert steps[-1].seconds_left == 0
    assert [step.stages for step in steps][-1] == (2,)


def test_growing_can_be_stopped_at_any_report():
    growing = iter_growth(PLANS["breadth"], SCENE, Schedule(minutes=5))
    next(growing)
    growing.close()  # returns at once and leaves no thread behind
    with pytest.raises(StopIteration):
        next(growing)


@pytest.mark.parametrize("plan", [PLANS["plain"], PLANS["depth"]])
def test_a_start_that_is_no_part_of_the_plan_is_refused(plan):
    with pytest.raises(SettingsError, match="Expected a plan that begins with the network's own stages"):
        grow(plan, SCENE, BRIEF, start=GrownNetwork(PLANS["depth"]))


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
