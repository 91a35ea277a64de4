"""What the tables of insight promise: they count right, measure right, and nothing is left out."""

from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from napari_growtrack.core import insight
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.growth.costs import breadth_cost, plain_cost
from napari_growtrack.core.growth.network import GrownNetwork
from napari_growtrack.core.growth.plan import Plan
from napari_growtrack.core.growth.schedule import Schedule
from napari_growtrack.core.insight import timing
from napari_growtrack.core.networks.card import Accuracy, Card, HistoryPoint, Provenance, Recipe
from napari_growtrack.core.networks.load import Network
from napari_growtrack.core.simulation import named_scene

DEPTH = Plan.depth((3, 4), (5,), window=15)
BREADTH = Plan.breadth((2, 3, 4), (2, 3, 4), (2, 3, 4), conv=2, window=15)
BOTH = DEPTH.wider((2, 2, 2)).wider((1, 0, 3))
CLASSES = Plan.breadth((3, 4), (2, 3), conv=1, window=(9, 12), channels=3, task="classes", outputs=2)
PLANS = {
    "depth": DEPTH,
    "plain": Plan.plain((3, 4), (5,), window=15),
    "breadth": BREADTH,
    "depth then breadth": BOTH,
    "feature by feature": Plan.features((2,), (2,), window=15),
    "ensemble": DEPTH.ensemble(2),
    "classes": CLASSES,
}
SCENE = named_scene("vesicles").with_(snr=8)
COPYING = Plan.plain((4,), (3,), kernel=1, pool=1, window=5)


def windows(plan, number=6, seed=0):
    return np.random.default_rng(seed).normal(size=(number, *plan.shape, plan.channels)).astype(np.float32)


def card(plan, **other):
    home = {"scene": SCENE} if plan.task == "locate" else {"dataset": "dots"}
    schedule = other.pop("schedule", Schedule(epochs=1))
    made = Provenance(version="0", backend="none", images=1, batches=1, seconds=1.0)
    return Card(recipe=Recipe(name="small", plan=plan, schedule=schedule, **home), provenance=made, **other)


# Costs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_costs_are_those_of_the_plan(plan):
    table = insight.costs(plan).set_index("stage")
    assert list(table.index) == list(range(1, plan.stages + 1))
    for stage, row in table.iterrows():
        assert row.operations_per_window == plan.cost(stage)
        assert row.parameters == plan.parameters(stage)
        assert row.share_of_last == plan.relative_cost(stage)
        assert row.layers == plan.top(stage) == len(row.units.split())


def test_parameters_of_the_last_stage_are_the_weights_of_a_network_whose_stages_answer_alone():
    network = GrownNetwork(Plan.plain((3, 4), (5,), window=15))
    assert insight.costs(network.plan).parameters.iloc[-1] == sum(a.size for a in network.weights().values())


def test_equal_networks_have_the_connections_of_equations_4_1_and_4_2():
    table = insight.breadth_against_plain(BREADTH).set_index("layer")
    for layer, units, below in (("conv 2", 3, 2), ("dense 1", 4, 3)):
        assert table.connections[layer] == breadth_cost(units, below, 3)
        assert table.plain_connections[layer] == plain_cost(units, below, 3)
    assert table.share_of_plain["conv 1"] == 1  # all read the whole image


def test_unequal_networks_have_the_connections_of_their_kernels():
    table = insight.breadth_against_plain(BOTH)
    shapes = BOTH.weight_shapes()
    for row, connections in enumerate(table.connections, start=1):
        kernels = [shape for name, shape in shapes.items() if name.startswith(f"block_{row}_") and len(shape) == 4]
        assert connections == sum(inputs * units for _, _, inputs, units in kernels)


# Times ----------------------------------------------------------------------------------------------------------


def test_every_stage_is_timed_in_every_way(monkeypatch):
    seconds = count()  # each call takes one
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))
    table = insight.timings(GrownNetwork(DEPTH), rounds=2)
    assert list(table.stage) == [1, 2, 3]
    assert (
        table[["ms_per_window", "ms_for_one_window", "ms_per_frame"]].to_numpy().tolist() == [[1e3 / 256, 1e3, 1e3]] * 3
    )


def test_stages_take_turns_after_one_call_each_that_is_not_counted():
    asked = []
    answer = np.zeros((1, 1, 1, 2))
    plan = CLASSES
    network = SimpleNamespace(plan=plan, answer=lambda _, stage: asked.append(stage) or answer)
    table = insight.timings(network, rounds=3)
    assert asked == [1, 1, 2, 2] * 4
    assert table.ms_per_frame.isna().all()


def test_no_further_round_begins_after_the_time_given():
    asked = []
    network = SimpleNamespace(plan=CLASSES, answer=lambda _, stage: asked.append(stage))
    insight.timings(network, rounds=1000, stages=[2], seconds=0)
    assert asked == [2, 2] * 2


# Errors ---------------------------------------------------------------------------------------------------------


@dataclass
class Knowing:
    """Knows the truth about every window, and adds an error of its own to it."""

    off: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    truths: dict = field(default_factory=dict)
    plan = Plan.depth((2,), (2,), window=21)
    window, normalisation = 21, "standard"

    def learn(self, scene, levels, number):
        for snr in levels:
            seen = insight.windows_seen(self, scene.with_(snr=snr), number)
            self.truths |= {image.tobytes(): truth for image, truth in zip(seen.images, seen.truth, strict=True)}
        return self

    def answers(self, images):
        places = np.array([self.truths[image.tobytes()] for image in images])[:, None, None]
        one = np.concatenate([places, np.zeros_like(places[..., :1])], -1)
        return [one + np.array([*self.off, 0]), one]


@pytest.mark.parametrize("zoom", [1.0, 1.5])
def test_a_network_that_knows_the_truth_has_no_error_and_one_that_is_off_by_so_much_has_that(zoom):
    network = Knowing((3 * zoom, 4 * zoom), zoom).learn(SCENE, (5, 20), 20)
    table = insight.errors(network, SCENE, (20, 5), number=20)
    assert list(table.stage) == [1, 1, 2, 2]
    assert list(table.snr) == [5, 20, 5, 20]
    off, right = table[:2], table[2:]
    measures = ["median_error_px", "mean_error_px", "mae_per_axis_px"]
    assert right[[*measures, "ratio_to_bound"]].to_numpy() == pytest.approx(0, abs=1e-5)
    assert off[measures].to_numpy() == pytest.approx(np.array([[5, 5, 3.5]] * 2), abs=1e-5)
    assert off.ratio_to_bound.to_numpy() == pytest.approx(5 / off.bound_px.to_numpy(), rel=1e-5)


def test_a_zoomed_network_sees_particles_where_the_truth_says_and_the_bound_stays_that_of_the_film():
    scene = named_scene("vesicles").with_(snr=100, density=0.5)
    near, far = (insight.windows_seen(Knowing(zoom=zoom), scene, 100) for zoom in (1.0, 2.0))
    for seen in (near, far):
        smooth = ndimage.gaussian_filter(seen.images, (0, 2, 2))
        brightest = np.array([np.unravel_index(one.argmax(), one.shape) for one in smooth]) - 10
        assert np.median(brightest - seen.truth, axis=0) == pytest.approx(0, abs=0.25)
    assert far.bound == pytest.approx(2 * near.bound, rel=0.1)


def test_errors_of_all_stages_are_those_of_each_stage_alone():
    network = GrownNetwork(BREADTH)
    table = insight.errors(network, SCENE, number=30)
    seen = insight.windows_seen(network, SCENE, 30)
    alone = [seen.error(network.answer(seen.images, stage)[:, 0, 0]) for stage in (1, 2, 3)]
    assert list(table.median_error_px) == pytest.approx(alone, rel=1e-5)
    assert list(table.first_layer_units) == [2, 4, 6]


@pytest.mark.parametrize(("plan", "scene"), [(CLASSES, SCENE), (DEPTH, SCENE.with_(density=0))])
def test_without_particles_to_locate_there_are_no_errors(plan, scene):
    with pytest.raises(SettingsError, match=r"locate|no particles"):
        insight.errors(GrownNetwork(plan), scene)


# Activity -------------------------------------------------------------------------------------------------------


def hand_made(kernel, bias):
    """Return a network whose four lowest units look at single pixels."""
    network = GrownNetwork(COPYING)
    return network.fill(
        {
            "block_1_1.kernel": np.full((1, 1, 1, 4), kernel, np.float32),
            "block_1_1.bias": np.array(bias, np.float32),
            "block_2_1.kernel": np.zeros((5, 5, 4, 3), np.float32),
            "block_2_1.bias": np.array([1, 1, -1], np.float32),
        }
    )


@pytest.mark.parametrize(
    ("kernel", "bias", "probability", "silent", "mean"),
    [
        (0, [2, 2, 2, 2], 1, 0, 2),
        (0, [-2, -2, -2, -2], 0, 1, 0),
        (0, [2, 2, -2, -2], 0.5, 0.5, 1),
        (1, [0, 0, 0, 0], 0.4, 0, 0.4),
    ],
    ids=["always", "never", "every other", "where the image is bright"],
)
def test_activity_of_a_network_made_by_hand(kernel, bias, probability, silent, mean):
    images = np.where(np.arange(25) % 5 < 2, 1, -1).reshape(1, 5, 5).repeat(3, 0)
    lowest, dense = insight.activity(hand_made(kernel, bias), images).to_dict("records")
    assert lowest["probability"] == pytest.approx(probability)
    assert lowest["active_units"] == pytest.approx(4 * probability)
    assert lowest["silent_share"] == silent
    assert lowest["mean_activation"] == pytest.approx(mean)
    assert lowest["mean_of_active"] == pytest.approx(mean / probability if probability else np.nan, nan_ok=True)
    assert lowest["std_over_images"] == pytest.approx(0)
    assert (dense["layer"], dense["active_units"]) == ("dense 1", pytest.approx(2))


def test_a_unit_that_is_active_once_is_not_silent():
    images = np.full((50, 5, 5), -1.0)
    images[17, 3, 3] = 4
    lowest = insight.activity(hand_made(1, [0] * 4), images).iloc[0]
    assert lowest.silent_share == 0
    assert lowest.probability == pytest.approx(1 / (50 * 25))
    assert lowest.mean_of_active == pytest.approx(4)


@pytest.mark.parametrize("name", ["depth then breadth", "ensemble", "classes"])
def test_activity_in_bits_is_activity_at_once_and_tells_of_every_block(name, monkeypatch):
    plan = PLANS[name]
    network, images = GrownNetwork(plan), windows(plan, 3)
    whole = insight.activity(network, images)
    monkeypatch.setattr(insight.asking, "_MEMORY", 1)
    pd.testing.assert_frame_equal(insight.activity(network, images), whole)
    assert [*zip(whole.row, whole.stage, strict=True)] == sorted(plan.needs(plan.stages))
    assert list(whole.active_units) == pytest.approx(list(whole.probability * whole.units))
    assert whole.probability.between(0, 1).all()


def test_an_earlier_stage_knows_nothing_of_later_units():
    assert set(insight.activity(GrownNetwork(BREADTH), windows(BREADTH), stage=2).stage) == {1, 2}


@pytest.mark.parametrize(
    ("name", "networks"),
    [
        ("depth", [1, 1, 1]),
        ("breadth", [1, 2, 3]),
        ("depth then breadth", [1, 1, 1, 2, 3]),
        ("feature by feature", [1, 2, 3, 4]),
        ("ensemble", [1, 2, 1, 2, 1, 2]),
    ],
)
def test_layers_laid_on_top_belong_to_one_network(name, networks):
    assert list(insight.added_networks(PLANS[name]).values()) == networks


@pytest.mark.parametrize("images", [np.zeros((0, 15, 15)), np.zeros((2, 20, 20)), np.zeros((15, 15))])
def test_images_that_are_no_windows_are_refused(images):
    with pytest.raises(SettingsError, match="15 x 15 px"):
        insight.activity(GrownNetwork(DEPTH), images)


# The card -------------------------------------------------------------------------------------------------------

POINTS = [HistoryPoint(images=8, stage=1, loss=0.5), HistoryPoint(images=16, stage=2, loss=0.25)]


@pytest.mark.parametrize(
    ("plan", "schedule", "name", "losses"),
    [
        (DEPTH, Schedule(minutes=1), "loss_px", [0.5, 0.25]),
        (DEPTH.with_(outputs=4), Schedule(minutes=1), "loss_mixed", [0.5, 0.25]),
        (DEPTH, Schedule.thesis(), "loss_px2", [0.5 * 625, 0.25 * 625]),
        (CLASSES, Schedule.images(), "loss_nat", [0.5, 0.25]),
    ],
)
def test_history_is_in_pixels_or_nats(plan, schedule, name, losses):
    table = insight.history(card(plan, schedule=schedule, history=POINTS))
    assert list(table.columns) == ["images", "stage", name]
    assert list(table[name]) == losses


def test_accuracies_are_those_of_the_card():
    right = [Accuracy(stage=1, right=0.5, images=10), Accuracy(stage=2, right=0.75, images=10)]
    table = insight.accuracies(card(CLASSES, accuracies=right))
    assert table.to_dict("list") == {"stage": [1, 2], "right_share": [0.5, 0.75], "images": [10, 10]}


# All of it ------------------------------------------------------------------------------------------------------


def test_maps_are_drawn_of_a_window_away_from_the_edge():
    images = windows(DEPTH, 3)[..., 0]
    images[0, :4] = images[1, :, 12:] = 0.5
    np.testing.assert_array_equal(insight.writing._fullest(images), images[2])


def names(paths, suffix):
    return {path.stem for path in paths if path.suffix == suffix}


def test_insight_leaves_readable_files(tmp_path, monkeypatch):
    monkeypatch.setattr(insight.writing, "NUMBER", 20)
    plan, said = Plan.breadth((2, 3), (2, 3), conv=1, window=15), []
    network = Network(GrownNetwork(plan), card(plan, history=POINTS))
    paths = insight.write_insight(network, tmp_path / "new", say=said.append)
    assert sorted(paths) == sorted((tmp_path / "new").iterdir())
    assert names(paths, ".csv") == {"costs", "breadth", "timings", "errors", "activity", "history"}
    drawn = {"plan", "costs", "errors", "error_by_stage", "activity", "maps_conv_1", "maps_dense_1", "history"}
    assert names(paths, ".png") == names(paths, ".pdf") == drawn
    for path in paths:
        if path.suffix == ".csv":
            assert len(pd.read_csv(path))
        elif path.suffix == ".png":
            Image.open(path).verify()
        else:
            assert path.read_bytes().startswith(b"%PDF")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "new" / "costs.csv"), insight.costs(plan), rtol=1e-9)
    assert len(said) == 4


def test_insight_of_a_network_of_classes_leaves_out_what_it_cannot_have(tmp_path):
    plan = Plan.plain((2,), (), window=(5, 6), channels=3, task="classes", outputs=2)
    network = Network(GrownNetwork(plan), card(plan, accuracies=[Accuracy(stage=1, right=0.5, images=10)]))
    paths = insight.write_insight(network, tmp_path, images=windows(plan))
    assert names(paths, ".csv") == {"costs", "timings", "activity", "accuracies"}
    assert names(paths, ".png") == {"plan", "costs", "activity", "maps_conv_1", "accuracies"}
