"""The growth table predicts weights and operations, and refuses tables that cannot grow."""

from __future__ import annotations

import math

import pytest

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.growth.costs import breadth_cost, conv_cost, dense_cost, plain_cost, pool_cost
from napari_growtrack.core.growth.plan import (
    Block,
    Layer,
    Plan,
)
from napari_growtrack.core.growth.presets import PLANS

CONV, DENSE = Layer(kind="conv"), Layer(kind="dense")
DEEPTRACK = Plan.depth((16, 32, 64), (32, 32))
BASE_4_TWICE = Plan.breadth(base=4, repeat=2)
SMALL = Plan.depth((2,), (3,), window=7)


def total_weights(plan):
    return sum(math.prod(shape) for shape in plan.weight_shapes().values())


# what reads what


def test_a_block_reads_the_layer_below_in_its_own_and_earlier_stages():
    plan = Plan(layers=[CONV, CONV, DENSE], units=[[2, 3, 4], [5, 0, 6], [7, 8, 9]], window=23)
    assert plan.reads(Block(1, 3)) == []
    assert plan.reads(Block(2, 1)) == [(1, 1)]
    assert plan.reads(Block(2, 3)) == [(1, 1), (1, 2), (1, 3)]
    assert plan.reads(Block(3, 2)) == [(2, 1)]
    assert [plan.inputs(block) for block in plan.blocks(3) if block.row == 3] == [5, 5, 11]


def test_a_head_reads_the_whole_highest_layer():
    assert [DEEPTRACK.head_reads(stage) for stage in (1, 2, 5)] == [[(1, 1)], [(2, 2)], [(5, 5)]]
    assert [BASE_4_TWICE.head_reads(stage) for stage in (1, 2)] == [[(5, 1)], [(5, 1), (5, 2)]]


def test_a_stage_needs_only_what_leads_to_its_head():
    plan = Plan(layers=[CONV, CONV, DENSE], units=[[2, 3], [4, 0], [5, 6]], window=23)
    assert plan.blocks(2) == [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]
    assert plan.needs(1) == [(1, 1), (2, 1), (3, 1)]
    assert plan.needs(2) == [(1, 1), (2, 1), (3, 1), (3, 2)]


# weights


@pytest.mark.parametrize(
    ("stage", "by_hand"),
    [
        (1, 16 * 10 + (24 * 24 * 16 * 3 + 3)),
        (2, 16 * 10 + 32 * 145 + (11 * 11 * 32 * 3 + 3)),
        (3, 16 * 10 + 32 * 145 + 64 * 289 + (4 * 4 * 64 * 3 + 3)),
        (4, 16 * 10 + 32 * 145 + 64 * 289 + 32 * 1025 + (32 * 3 + 3)),
        (5, 57251),
    ],
)
def test_layer_by_layer_deeptrack_has_the_parameters_counted_by_hand(stage, by_hand):
    assert DEEPTRACK.parameters(stage) == by_hand


def test_breadth_growth_has_the_parameters_counted_by_hand():
    first = 4 * 10 + 8 * (4 * 9 + 1) + 16 * (8 * 9 + 1) + 8 * (16 * 16 + 1) + 8 * (8 + 1)
    added = 4 * 10 + 8 * (8 * 9 + 1) + 16 * (16 * 9 + 1) + 8 * (32 * 16 + 1) + 8 * (16 + 1)
    assert BASE_4_TWICE.parameters(1) == first + 8 * 3 + 3
    assert BASE_4_TWICE.parameters(2) == first + added + 16 * 3 + 3
    assert total_weights(BASE_4_TWICE) == first + added + 8 * 3 + 3 + 16 * 3 + 3


@pytest.mark.parametrize(
    "plan",
    [
        Plan.breadth(base=4),
        Plan.breadth((4, 6, 5), conv=2, window=(20, 31), channels=3, outputs=10, task="classes"),
        Plan(layers=[DENSE, DENSE], units=[[3], [2]], window=9),
        Plan(layers=[Layer(kind="conv", kernel=5, pool=1)], units=[[2]], window=9),
    ],
)
def test_the_weights_of_a_single_stage_are_its_parameters(plan):
    assert total_weights(plan) == plan.parameters(1)


def test_weight_shapes_follow_the_table():
    assert Plan.breadth((2, 3), (4, 5), conv=1, window=7).weight_shapes() == {
        "block_1_1.kernel": (3, 3, 1, 2),
        "block_1_1.bias": (2,),
        "block_1_2.kernel": (3, 3, 1, 4),
        "block_1_2.bias": (4,),
        "block_2_1.kernel": (2, 2, 2, 3),
        "block_2_1.bias": (3,),
        "block_2_2.kernel": (2, 2, 6, 5),
        "block_2_2.bias": (5,),
        "head_1.kernel": (1, 1, 3, 3),
        "head_1.bias": (3,),
        "head_2.kernel": (1, 1, 8, 3),
        "head_2.bias": (3,),
    }


# sides


def test_maps_shrink_by_the_kernel_and_then_by_the_pooling():
    assert [DEEPTRACK.map_shape(row) for row in range(6)] == [(s, s) for s in (51, 24, 11, 4, 1, 1)]
    assert [DEEPTRACK.conv_shape(row) for row in range(1, 6)] == [(s, s) for s in (49, 22, 9, 1, 1)]
    assert [DEEPTRACK.stride(row) for row in range(6)] == [1, 2, 4, 8, 8, 8]


@pytest.mark.parametrize(("pools", "step"), [((2, 2, 2), 8), ((1, 1), 1), ((3, 1, 2), 6)])
def test_a_frame_pass_steps_by_the_product_of_all_poolings(pools, step):
    layers = [Layer(kind="conv", pool=pool) for pool in pools]
    assert Plan(layers=[*layers, DENSE], units=[[2]] * (len(pools) + 1)).step == step


# operations


def test_single_costs_follow_the_thesis():
    assert dense_cost(8, 3) == 2 * 8 * 3 + 3  # (2.15) without activation
    assert dense_cost(8, 3, activation=4) == 2 * 8 * 3 + 3 + 3 * 4  # (2.15)
    assert conv_cost(5, 2, 3, (7, 7)) == 2 * 2 * 3**2 * 7 * 7 * 5 + 2 * 7 * 7  # (2.16)
    assert pool_cost(2, (6, 6), 2) == 2 * 6 * 6 * 2**2 // 2**2  # (2.17), stride equal to side
    assert pool_cost(2, (6, 6), 1) == 0


def test_the_cost_of_a_network_is_the_sum_of_its_layers():
    convolution = (2 * 2 * 9 * 5 * 5 * 1 + 2 * 5 * 5) + 2 * 5 * 5
    first_head = 2 * 8 * 3 + 3
    dense, second_head = 2 * 8 * 3 + 3, 2 * 3 * 3 + 3
    assert SMALL.cost(1) == convolution + first_head
    assert SMALL.cost(2) == convolution + dense + second_head
    assert SMALL.relative_cost(1) == (convolution + first_head) / (convolution + dense + second_head)
    assert SMALL.relative_cost(2) == 1


@pytest.mark.parametrize(("units", "below", "networks", "grown", "plain"), [(8, 4, 2, 96, 128), (2, 3, 4, 60, 96)])
def test_breadth_growth_has_about_half_the_connections_of_a_plain_network(units, below, networks, grown, plain):
    assert breadth_cost(units, below, networks) == grown  # (4.1)
    assert plain_cost(units, below, networks) == plain  # (4.2)


def test_the_table_has_the_connections_of_equation_4_1():
    plan = Plan.breadth(base=4, repeat=3)
    read = [plan.width(block) * plan.inputs(block) for block in plan.blocks(3) if block.row == 2]
    assert sum(read) == breadth_cost(8, 4, 3)


# growing the table


def test_deeper_adds_one_layer_in_a_stage_of_its_own():
    assert Plan.depth((16, 32), (8,)).deeper("dense", 4) == Plan.depth((16, 32), (8, 4))
    assert Plan.depth((16,), ()).deeper("conv", 32) == Plan.depth((16, 32), ())


def test_wider_adds_one_network():
    assert Plan.breadth((4, 8, 6), conv=2).wider((2, 3, 5)) == Plan.breadth((4, 8, 6), (2, 3, 5), conv=2)


def test_growing_leaves_the_first_table_untouched():
    before = str(DEEPTRACK)
    DEEPTRACK.deeper("dense", 4).wider((1,) * 6)
    assert str(DEEPTRACK) == before


@pytest.mark.parametrize(
    ("plan", "stage", "then"),
    [
        (DEEPTRACK, 1, Plan.depth((16,), ())),
        (DEEPTRACK, 4, Plan.depth((16, 32, 64), (32,))),
        (DEEPTRACK, 5, DEEPTRACK),
        (BASE_4_TWICE, 1, Plan.breadth(base=4)),
        (DEEPTRACK.wider((2,) * 5), 5, DEEPTRACK),
    ],
)
def test_until_gives_the_table_as_it_stood(plan, stage, then):
    assert plan.until(stage) == then
    assert plan.parameters(stage) == then.parameters(stage)
    assert plan.cost(stage) == then.cost(stage)


def test_table_4_1_is_one_base_in_fixed_proportions():
    assert Plan.breadth(base=16).units == ((16,), (32,), (64,), (32,), (32,))
    assert Plan.breadth(base=4, repeat=2) == Plan.breadth((4, 8, 16, 8, 8), (4, 8, 16, 8, 8))


def test_five_hundred_layers_can_be_grown_as_in_figure_3_6():
    deep = Plan.depth((), (4,) * 500, window=3)
    assert deep.parameters(500) == 4 * 10 + 499 * 4 * 5 + 4 * 3 + 3
    assert len(deep.weight_shapes()) == 2000


# options of the table


def test_growing_feature_by_feature_adds_one_unit_a_stage():
    plan = Plan.features((2, 1), (2,), window=23)
    assert plan.units == ((1, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 1))
    assert plan.parameters(5) == 2 * 10 + 1 * (2 * 9 + 1) + 2 * (4 * 4 + 1) + 2 * 3 + 3


def test_members_of_an_ensemble_share_nothing_but_the_answer():
    ensemble = Plan.depth((2,), (3,), window=7).ensemble(2)
    assert str(ensemble) == "stage    1  2  3  4\nconv 1   2  2  .  .\ndense 1  .  .  3  3"
    assert ensemble.reads(Block(2, 4)) == [(1, 2)]
    assert ensemble.head_reads(4) == [(2, 4)]
    assert [ensemble.heads(stage) for stage in (1, 2, 3, 4)] == [
        {1: 1},
        {1: 0.5, 2: 0.5},
        {3: 0.5, 2: 0.5},
        {3: 0.5, 4: 0.5},
    ]
    assert ensemble.own_heads(4) == {4: 1}
    assert ensemble.parameters(4) == 2 * SMALL.parameters(2)
    assert ensemble.cost(4) == 2 * SMALL.cost(2)
    assert ensemble.until(2).members == (1, 2)
    with pytest.raises(SettingsError, match="an ensemble already"):
        ensemble.ensemble(2)


@pytest.mark.parametrize(
    ("answers", "heads"), [("own", {3: 1}), ("sum", {1: 1, 2: 1, 3: 1}), ("mean", {1: 1 / 3, 2: 1 / 3, 3: 1 / 3})]
)
def test_a_stage_answers_alone_or_with_those_before(answers, heads):
    plan = Plan.depth((2, 3), (4,), window=23, answers=answers)
    assert plan.heads(3) == heads
    head_weights = [10 * 10 * 2 * 3 + 3, 4 * 4 * 3 * 3 + 3, 4 * 3 + 3]
    blocks = 2 * 10 + 3 * (2 * 9 + 1) + 4 * (16 * 3 + 1)
    assert plan.parameters(3) == blocks + sum(head_weights[stage - 1] for stage in heads)


def test_residual_links_bring_the_image_to_the_lowest_new_block_that_reads_a_map():
    plan = Plan.depth((2, 3), (4, 5), window=23, residual=True)
    assert [plan.reads_image(block) for block in plan.blocks(4)] == [True, True, True, False]
    assert [plan.inputs(block) for block in plan.blocks(4)] == [1, 2 + 1, 3 + 1, 4]
    plain = plan.with_(residual=False)
    pooled_images = (21 * 21) + (8 * 8)  # one channel each, (2.17)
    wider_kernels = 3 * 2 * 9 * 8 * 8 + 4 * 2 * 4 * 4
    assert plan.cost(4) - plain.cost(4) == pooled_images + wider_kernels


def test_extra_pooling_shrinks_only_a_first_head():
    plan = Plan.depth((16, 32, 64), (32, 32), head_pool=4)
    assert [plan.head_shape(stage) for stage in (1, 2, 3)] == [(6, 6), (11, 11), (4, 4)]
    assert plan.step == 8
    assert Plan.depth((16,), (), head_pool=3).step == 6


@pytest.mark.parametrize(
    ("kernel", "pool", "shapes"),
    [(5, 3, [(15, 15), (3, 3)]), ((7, 3), (1, 2), [(45, 45), (21, 21)]), (3, 2, [(24, 24), (11, 11)])],
)
def test_each_conv_row_has_its_own_kernel_and_pooling(kernel, pool, shapes):
    plan = Plan.depth((4, 8), (), kernel=kernel, pool=pool)
    assert [plan.map_shape(row) for row in (1, 2)] == shapes


def test_images_of_any_shape_and_channels():
    plan = Plan.plain((4,), (5,), window=(12, 20), channels=3, task="classes", outputs=7)
    assert plan.parameters(1) == 4 * (27 + 1) + 5 * (5 * 9 * 4 + 1) + 7 * (5 + 1)
    assert Plan.from_json(plan.to_json()) == plan


def test_a_stage_is_given_only_what_its_column_reads_of_earlier_ones():
    assert DEEPTRACK.frontier(1) == []
    assert DEEPTRACK.frontier(4) == [(3, 3)]
    assert BASE_4_TWICE.frontier(2) == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]


def test_the_middle_of_a_very_large_table_is_not_drawn():
    lines = str(Plan.depth((), (4,) * 500, window=3)).splitlines()
    assert len(lines) == 18
    assert lines[0].split() == ["stage", *map(str, range(1, 9)), "…", *map(str, range(493, 501))]
    assert [lines[9], lines[-1].split()[:2]] == ["…", ["dense", "500"]]


# what is refused


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"units": [[2, 0], [3, 0]]}, "stage 2 adds nothing; every stage adds at least one block"),
        ({"units": [[2, 2], [3, 0]]}, "stage 2 ends below layer 2, so its head would not see it"),
        (
            {"layers": [CONV] * 3, "units": [[2], [0], [3]]},
            "layer 3 of stage 1 has nothing to read in layer 2",
        ),
        ({"units": [[0, 2], [3, 3]]}, "layer 2 of stage 1 has nothing to read in layer 1"),
        ({"window": 10}, "locating needs an odd square window, got 10 x 10"),
        ({"window": (9, 11)}, "locating needs an odd square window, got 9 x 11"),
        ({"outputs": 5}, "locating has 3 or 4 outputs (y, x, distance, uncertainty), got 5"),
        ({"task": "binary"}, "a binary task has 1 output, got 3"),
        ({"members": [1]}, "expected a member for each of 2 stages, got 1"),
        ({"units": [[2] * 2001] * 2}, "expected up to 2000 stages, got 2001"),
        (
            {"layers": [CONV] * 6, "units": [[1] * 2000] * 6},
            "expected up to 700 cells that are not empty, got 12000; more take too long",
        ),
        ({"head_pool": 11}, "head_pool 11 leaves nothing of the map before the head of a stage"),
        ({"layers": [DENSE, CONV]}, "expected all conv rows below all dense rows"),
        (
            {"layers": [CONV, CONV], "window": 7},
            "a window of 7 x 7 px has nothing left after layer 2; use fewer layers",
        ),
        (
            {"window": 3, "layers": [CONV, DENSE]},
            "a window of 3 x 3 px has nothing left after layer 1; use fewer layers",
        ),
        ({"units": [[2, 0]]}, "expected a row of units for each of 2 layers, got 1"),
        ({"units": [[2, 0], [3]]}, "expected the same number of stages, at least one, in every row"),
        ({"units": [[], []]}, "expected the same number of stages, at least one, in every row"),
        ({"units": [[2, -1], [0, 3]]}, "expected units from 0 to 100000 in every cell"),
        ({"units": [[2, 0], [0, 100_001]]}, "expected units from 0 to 100000 in every cell"),
    ],
)
def test_a_table_that_cannot_grow_is_refused(changes, sentence):
    table = {"layers": [CONV, DENSE], "units": [[2, 0], [0, 3]], "window": 23, **changes}
    with pytest.raises(SettingsError) as caught:
        Plan(**table)
    assert str(caught.value) == f"Plan cannot be read: {sentence}."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"layers": []}, "Plan cannot be read at 'layers': tuple should have at least 1 item"),
        ({"window": 0}, "Plan cannot be read at 'window': expected sides from 1 to 1001 px, got 0 x 0"),
        ({"layers": [{"kind": "lstm"}]}, "Plan cannot be read at 'layers.0.kind': input should be 'conv' or 'dense'"),
        ({"layers": [{"kind": "conv", "pool": 0}]}, "Plan cannot be read at 'layers.0.pool'"),
    ],
)
def test_a_field_out_of_bounds_is_named(changes, sentence):
    with pytest.raises(SettingsError) as caught:
        Plan(**{"layers": [CONV, DENSE], "units": [[2, 0], [0, 3]], **changes})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("stage", [0, -1, 6])
def test_a_stage_the_table_does_not_have_is_refused(stage):
    with pytest.raises(SettingsError, match=rf"^There is no stage {stage}; this network has stages 1 to 5\.$"):
        DEEPTRACK.until(stage)


@pytest.mark.parametrize(
    ("grow", "sentence"),
    [
        (lambda: Plan.breadth(), "Breadth growth needs columns of equal length"),
        (lambda: Plan.breadth((4, 8), (4, 8, 8)), "Breadth growth needs columns of equal length"),
        (lambda: Plan.depth((4, 8), (), kernel=(3, 3, 3)), "Expected one number for all 2 conv rows, or one for each"),
        (lambda: DEEPTRACK.wider((1, 2)), "A column needs 5 numbers, one a layer, got 2."),
        (lambda: DEEPTRACK.wider((2, 2, 2, 2, 0)), "stage 6 ends below layer 5"),
        (lambda: DEEPTRACK.deeper("conv", 8), "expected all conv rows below all dense rows"),
        (lambda: Plan.depth(windows=51), "Plan cannot be read at 'windows': extra inputs are not permitted"),
    ],
)
def test_growth_that_does_not_fit_the_table_is_refused(grow, sentence):
    with pytest.raises(SettingsError, match=sentence):
        grow()


# words and files


def test_a_plan_is_drawn_as_a_table():
    assert str(Plan.depth((16, 8), (32,)).wider((4, 128, 2))) == (
        "stage     1  2   3    4\nconv 1   16  .   .    4\nconv 2    .  8   .  128\ndense 1   .  .  32    2"
    )


def test_a_stage_is_described_by_its_units_and_its_cost():
    assert BASE_4_TWICE.describe(2) == "8 16 32 16 16 units, 100% of full cost"
    assert SMALL.describe(1) == "2 units, 98% of full cost"


@pytest.mark.parametrize("plan", [DEEPTRACK, BASE_4_TWICE, DEEPTRACK.wider((2,) * 5), SMALL])
def test_a_plan_comes_back_from_json(plan):
    assert Plan.from_json(plan.to_json()) == plan


def test_a_stride_that_leaves_gaps_is_refused():
    with pytest.raises(SettingsError, match="a stride of 4 leaves gaps between kernels of 3 px"):
        Layer(kind="conv", kernel=3, stride=4)


@pytest.mark.parametrize(
    ("kernels", "strides", "maps"), [((5, 3, 3), (2, 2, 2), (18, 8, 3)), ((3, 3, 3), (1, 2, 3), (37, 18, 6))]
)
def test_strides_make_maps_smaller_and_steps_wider(kernels, strides, maps):
    plan = Plan.plain(window=39, kernel=kernels, stride=strides, pool=1)
    assert [plan.map_shape(row)[0] for row in (1, 2, 3)] == [*maps]
    assert plan.step == math.prod(strides)
    first = 2 * 16 * kernels[0] ** 2 * maps[0] ** 2 + 16 * maps[0] ** 2  # equation (2.16)
    assert plan.with_(layers=plan.layers[:1], units=plan.units[:1]).cost(1) > first


# tables that would take too long to check, or too much memory to build

DENSE_TABLES = {
    "many blocks": ([DENSE] * 5, [[1] * 1000] * 5, "expected up to 700 cells that are not empty, got 5000"),
    "many stages": ([DENSE] * 1, [[1] * 700], "read up to 100,000 blocks together, got 245,350"),
    "many rows": ([DENSE] * 2000, [[1, 1]] * 2000, "expected up to 700 cells that are not empty, got 4000"),
    "much that is read": ([DENSE] * 2, [[1] * 350] * 2, "read up to 100,000 blocks together, got 122,850"),
    "many rows of a stage": ([DENSE] * 300, [[1]] * 300, "a stage that adds up to 250 blocks, got 300"),
}


@pytest.mark.parametrize(("layers", "units", "sentence"), DENSE_TABLES.values(), ids=DENSE_TABLES)
def test_a_table_that_takes_too_much_to_build_is_refused_before_it_is_followed(monkeypatch, layers, units, sentence):
    def followed(*_):
        raise AssertionError("nothing is followed in a table of this size")

    monkeypatch.setattr(Plan, "reads", followed)
    with pytest.raises(SettingsError, match=sentence):
        Plan(layers=layers, units=units, window=3)


@pytest.mark.parametrize(
    ("units", "window", "weights"), [([[100_000]], 51, "260,500,003"), ([[14_000], [14_000]], 9, "197,204,003")]
)
def test_a_table_of_too_many_weights_is_refused(units, window, weights):
    with pytest.raises(SettingsError, match=f"this table has {weights} weights, more than the 67,108,864 allowed"):
        Plan(layers=[DENSE] * len(units), units=units, window=window)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda: Plan.depth((), (4,) * 500, window=3), id="figure 3.6"),
        pytest.param(lambda: Plan.breadth(base=2, repeat=128), id="two by two up to 256"),
        pytest.param(lambda: Plan.features((16, 32, 64), (32, 32)), id="feature by feature"),
        pytest.param(lambda: Plan.breadth(base=128), id="the widest of table 4.1"),
    ],
)
def test_whatever_the_thesis_grows_is_allowed(plan):
    assert plan().stages >= 1


def test_each_member_pools_before_the_head_of_its_own_first_stage():
    plan = Plan.breadth((2,), repeat=2, conv=1, window=23, head_pool=2).ensemble(2)
    assert [plan.head_pooling(stage) for stage in (1, 2, 3, 4)] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("strided", Plan.strided().units),
        ("depth", Plan.depth((16, 32, 64), (32, 32)).units),
        ("breadth", Plan.breadth((4, 8, 16, 8, 8), (8, 16, 32, 16, 16), (16, 32, 64, 32, 32)).units),
        ("breadth-8", ((8,) * 3, (16,) * 3, (32,) * 3, (16,) * 3, (16,) * 3)),
        ("depth+breadth", Plan.depth().wider((8, 16, 32, 16, 16)).wider((8, 16, 32, 16, 16)).units),
        ("features", Plan.features((4, 8), (8,)).units),
        ("plain", ((16,), (32,), (64,), (32,), (32,))),
    ],
)
def test_named_plans_are_those_that_the_documentation_describes(name, units):
    assert PLANS[name](window=39).units == units
