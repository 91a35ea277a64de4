"""The growth table: rows are layers, columns are stages, cells are the units added.

One rule covers every way to grow. A block (a non-empty cell) reads all blocks of the layer below that belong to its
own or an earlier stage; a stage's head reads the highest layer reached so far, all its blocks. Costs follow from the
table alone (thesis 2.6 and 4.1.2), so nothing here needs Keras.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from ..errors import SettingsError
from ..settings import Settings
from .costs import conv_cost, dense_cost, pool_cost

MAX_CELLS = 400_000
MAX_STAGES = 2000
MAX_BLOCKS = 700
"""More than the thesis has anywhere: 640. A block takes Keras some 20 ms to build, so that these take 14 seconds."""

MAX_ADDED = 250
"""Blocks that a stage adds: five seconds to build."""

MAX_READS = 100_000
"""Blocks that blocks and heads read, all together: each is a connection to be built, and followed for what it costs."""

MAX_WEIGHTS = 2**26
"""256 MiB. Learning keeps four times as many: the weights, their gradients, and two moments of each."""

_DRAWN = 24

Stage = int
"""Stages count from 1, as people do."""

Task = Literal["locate", "binary", "classes", "labels"]
"""``locate``: where the nearest particle is. ``binary``: one of two classes. ``classes``: one of several.
``labels``: any of several, each on its own (a sigmoid each, as the thesis's MNIST networks have)."""

PerRow = int | Sequence[int]
"""One number for every conv row, or one for each."""


def _sides(window: int | tuple[int, int]) -> int | tuple[int, int]:
    height, width = window if isinstance(window, tuple) else (window, window)
    if not (1 <= height <= 1001 and 1 <= width <= 1001):
        raise ValueError(f"expected sides from 1 to 1001 px, got {height} x {width}")
    return height if height == width else (height, width)


class Block(NamedTuple):
    """A non-empty cell: row and stage, both counted from 1."""

    row: int
    stage: Stage


class Layer(Settings):
    """A row of the table. A dense row ignores kernel, stride and pooling."""

    kind: Literal["conv", "dense"]
    kernel: PositiveInt = Field(3, le=1001, description="Side of the convolution's kernel, in pixels of its input.")
    stride: PositiveInt = Field(1, le=1001, description="Pixels of its input from one place of the kernel to the next.")
    pool: PositiveInt = Field(2, le=1001, description="Side and stride of the max-pooling after it; 1 for none.")

    @model_validator(mode="after")
    def _covers(self) -> Self:
        if self.kind == "conv" and self.stride > self.kernel:
            raise ValueError(f"a stride of {self.stride} leaves gaps between kernels of {self.kernel} px")
        return self


class Plan(Settings):
    """A growth table.

    Examples
    --------
    >>> print(Plan.depth((16, 32, 64), (32, 32)))
    stage     1   2   3   4   5
    conv 1   16   .   .   .   .
    conv 2    .  32   .   .   .
    conv 3    .   .  64   .   .
    dense 1   .   .   .  32   .
    dense 2   .   .   .   .  32
    """

    layers: tuple[Layer, ...] = Field(min_length=1, max_length=2000, description="The rows, from the image upwards.")
    units: tuple[tuple[int, ...], ...] = Field(
        description="The cells: one tuple a row, one number a stage, 0 is empty."
    )
    window: Annotated[int | tuple[int, int], AfterValidator(_sides)] = Field(
        51, description="Side of the windows in pixels, or (height, width); odd and square for locating."
    )
    channels: PositiveInt = Field(1, le=64, description="Channels of the image.")
    outputs: PositiveInt = Field(
        3,
        le=10000,
        description="Numbers in an answer. For locating 3, y, x and distance, or 4: also the logarithm of how far "
        "off the position may be.",
    )
    task: Task = Field("locate", description="What an answer is: a place, or scores of classes.")
    answers: Literal["own", "sum", "mean"] = Field(
        "own", description="A stage answers by its own head, or by the sum or mean of its own and all earlier ones."
    )
    residual: bool = Field(
        False, description="Let the lowest block of every added stage also read the image, pooled to its size."
    )
    head_pool: PositiveInt = Field(
        1, le=64, description="Extra max-pooling before the head of a first stage that ends in a convolution."
    )
    members: tuple[int, ...] | None = Field(
        None, description="Which member of an ensemble each stage belongs to; members share nothing but the answer."
    )

    @model_validator(mode="after")
    def _rules(self) -> Self:
        if len(self.units) != len(self.layers):
            raise ValueError(f"expected a row of units for each of {len(self.layers)} layers, got {len(self.units)}")
        if len({len(row) for row in self.units}) != 1 or not self.units[0]:
            raise ValueError("expected the same number of stages, at least one, in every row")
        if len(self.layers) * self.stages > MAX_CELLS:
            raise ValueError(f"expected up to {MAX_CELLS} cells, got {len(self.layers)} x {self.stages}")
        if self.stages > MAX_STAGES:
            raise ValueError(f"expected up to {MAX_STAGES} stages, got {self.stages}")
        if any(cell < 0 or cell > 100_000 for row in self.units for cell in row):
            raise ValueError("expected units from 0 to 100000 in every cell")
        if (blocks := sum(map(len, self._columns))) > MAX_BLOCKS:
            raise ValueError(f"expected up to {MAX_BLOCKS} cells that are not empty, got {blocks}; more take too long")
        if (added := max(map(len, self._columns))) > MAX_ADDED:
            raise ValueError(f"expected a stage that adds up to {MAX_ADDED} blocks, got {added}; more take too long")
        if self.members is not None and len(self.members) != self.stages:
            raise ValueError(f"expected a member for each of {self.stages} stages, got {len(self.members)}")
        kinds = [layer.kind for layer in self.layers]
        if "dense" in kinds and "conv" in kinds[kinds.index("dense") :]:
            raise ValueError("expected all conv rows below all dense rows")
        self._check_task()
        self._check_reads()
        for stage in range(1, self.stages + 1):
            self._check_stage(stage)
        for row in range(1, len(self.layers) + 1):
            if min(self.map_shape(row)) < 1:
                raise ValueError(
                    f"a window of {self._window_text} px has nothing left after layer {row}; use fewer layers"
                )
        for stage in range(1, self.stages + 1):
            if min(self.head_shape(stage)) < 1:
                raise ValueError(f"head_pool {self.head_pool} leaves nothing of the map before the head of a stage")
        if (weights := sum(map(math.prod, self._weight_shapes.values()))) > MAX_WEIGHTS:
            raise ValueError(f"this table has {weights:,} weights, more than the {MAX_WEIGHTS:,} allowed")
        return self

    def _check_task(self) -> None:
        height, width = self.shape
        if self.task == "locate" and (height != width or height % 2 == 0):
            raise ValueError(f"locating needs an odd square window, got {self._window_text}")
        if self.task == "locate" and self.outputs not in (3, 4):
            raise ValueError(f"locating has 3 or 4 outputs (y, x, distance, uncertainty), got {self.outputs}")
        if self.task == "binary" and self.outputs != 1:
            raise ValueError(f"a binary task has 1 output, got {self.outputs}")

    def _check_reads(self) -> None:
        """Count what is read before anything follows it."""
        reads = sum(self._number_visible(block.row - 1, block.stage) for block in chain.from_iterable(self._in_rows))
        reads += sum(self._number_visible(self.top(stage), stage) for stage in range(1, self.stages + 1))
        if reads > MAX_READS:
            raise ValueError(
                f"expected blocks and heads that read up to {MAX_READS:,} blocks together, got {reads:,}; "
                "use fewer stages or layers"
            )

    def _check_stage(self, stage: Stage) -> None:
        column = self.column(stage)
        if not column:
            raise ValueError(f"stage {stage} adds nothing; every stage adds at least one block")
        if column[-1].row < self.top(stage):
            raise ValueError(f"stage {stage} ends below layer {self.top(stage)}, so its head would not see it")
        for block in column:
            if block.row > 1 and not self.reads(block):
                raise ValueError(f"layer {block.row} of stage {stage} has nothing to read in layer {block.row - 1}")

    # Ways to lay a table ------------------------------------------------------------------------------------------

    @classmethod
    def depth(
        cls,
        conv: Sequence[int] = (16, 32, 64),
        dense: Sequence[int] = (32, 32),
        kernel: PerRow = 3,
        pool: PerRow = 2,
        stride: PerRow = 1,
        **other: Any,
    ) -> Self:
        """Return the table of layer-by-layer growth: each stage adds one layer (thesis chapter 3).

        Parameters
        ----------
        conv, dense : sequence of int
            Units of the rows.
        kernel, pool, stride : int or sequence of int
            Of all conv rows, or of each.
        **other
            Further fields of the plan, such as ``window=28`` or ``task="classes"``.
        """
        widths = [*conv, *dense]
        units = [[width if row == stage else 0 for stage in range(len(widths))] for row, width in enumerate(widths)]
        return cls(layers=_rows(len(conv), len(dense), kernel, pool, stride), units=units, **other)

    @classmethod
    def breadth(
        cls,
        *columns: Sequence[int],
        conv: int = 3,
        repeat: int = 1,
        base: int | None = None,
        kernel: PerRow = 3,
        pool: PerRow = 2,
        stride: PerRow = 1,
        **other: Any,
    ) -> Self:
        """Return the table of breadth growth: each stage adds a narrow network (thesis 4.1).

        Parameters
        ----------
        *columns : sequence of int
            Units of each network, from the image upwards.
        conv : int
            How many of the rows are convolutions.
        repeat : int
            How often the columns are added.
        base : int, optional
            Instead of columns: networks with `base` units in the first layer,
            in the proportions of Table 4.1.
        kernel, pool, stride : int or sequence of int
            Of all conv rows, or of each.
        **other
            Further fields of the plan.
        """
        if base is not None:
            columns = ((base, 2 * base, 4 * base, 2 * base, 2 * base),)
        columns = columns * repeat
        if not columns or len({len(column) for column in columns}) != 1:
            raise SettingsError("Breadth growth needs columns of equal length, for example (4, 8, 16, 8, 8).")
        rows = _rows(min(conv, len(columns[0])), max(len(columns[0]) - conv, 0), kernel, pool, stride)
        return cls(layers=rows, units=list(zip(*columns, strict=True)), **other)

    @classmethod
    def strided(cls, *columns: Sequence[int], window: int = 39, **other: Any) -> Self:
        """Return the table that locates best for its cost: convolutions that step by two pixels, without pooling.

        Max-pooling forgets where in its square the largest value was; a
        convolution that steps does not, and is four times cheaper. There is a
        fourth output, so that the network says how sure it is of a position.

        Parameters
        ----------
        *columns : sequence of int
            Units of three convolutions and two dense rows that each stage adds; by
            default a cheap first stage to screen with, and two that add to it.
        window : int
            39 px for particles up to about 12 px wide, 51 px for larger ones.
        **other
            Further fields of the plan.
        """
        columns = columns or ((6, 12, 24, 16, 0), (10, 20, 40, 32, 32), (8, 16, 32, 16, 16))
        usual = {"kernel": (5, 3, 3), "stride": 2, "pool": 1, "outputs": 4}
        return cls.breadth(*columns, window=window, **{**usual, **other})

    @classmethod
    def plain(cls, conv: Sequence[int] = (16, 32, 64), dense: Sequence[int] = (32, 32), **other: Any) -> Self:
        """Return the table of an ordinary network: one stage; options as for `depth`."""
        return cls.breadth((*conv, *dense), conv=len(conv), **other)

    @classmethod
    def features(cls, conv: Sequence[int] = (4, 8), dense: Sequence[int] = (8,), **other: Any) -> Self:
        """Return the table of growth feature by feature: each stage adds one unit, layer after layer."""
        whole = cls.depth(conv, dense, **other)
        widths = [*conv, *dense]
        before = [sum(widths[:row]) for row in range(len(widths))]
        units = [
            [int(first <= stage < first + width) for stage in range(sum(widths))]
            for first, width in zip(before, widths, strict=True)
        ]
        return whole.with_(units=units)

    def ensemble(self, members: int) -> Self:
        """Return the table of an ensemble: several networks grown side by side by this plan, sharing no weights.

        Stage 1 of every member comes first, then stage 2 of every member, and
        so on. An answer is the mean over the members begun so far.
        """
        if self.members is not None:
            raise SettingsError("This plan is an ensemble already. Lay it from a single network's plan.")
        units = [[cell for cell in row for _ in range(members)] for row in self.units]
        return self.with_(units=units, members=[m for _ in range(self.stages) for m in range(1, members + 1)])

    def deeper(self, kind: Literal["conv", "dense"], units: int, kernel: int = 3, pool: int = 2) -> Self:
        """Return a table with one more stage that adds one layer on top."""
        rows = [(*row, 0) for row in self.units]
        layers = (*self.layers, Layer(kind=kind, kernel=kernel, pool=pool))
        return self.with_(layers=layers, units=(*rows, (0,) * self.stages + (units,)), members=self._one_more_member())

    def wider(self, column: Sequence[int]) -> Self:
        """Return a table with one more stage that adds these units, from the image upwards."""
        if len(column) != len(self.layers):
            raise SettingsError(f"A column needs {len(self.layers)} numbers, one a layer, got {len(column)}.")
        units = [(*row, new) for row, new in zip(self.units, column, strict=True)]
        return self.with_(units=units, members=self._one_more_member())

    def _one_more_member(self) -> tuple[int, ...] | None:
        return None if self.members is None else (*self.members, self.members[-1])

    def until(self, stage: Stage) -> Self:
        """Return the table as it stood when `stage` was grown."""
        self.check(stage)
        if stage == self.stages:
            return self
        rows = self.top(stage)
        members = None if self.members is None else self.members[:stage]
        return self.with_(layers=self.layers[:rows], units=[row[:stage] for row in self.units[:rows]], members=members)

    def check(self, stage: Stage) -> None:
        """Refuse a stage that this table does not have."""
        if not 1 <= stage <= self.stages:
            raise SettingsError(f"There is no stage {stage}; this network has stages 1 to {self.stages}.")

    # Who reads whom -----------------------------------------------------------------------------------------------

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return len(self.units[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a window, in pixels."""
        return self.window if isinstance(self.window, tuple) else (self.window, self.window)

    @property
    def side(self) -> int:
        """The longer side of a window, in pixels."""
        return max(self.shape)

    @cached_property
    def step(self) -> int:
        """The least distance in pixels of two windows that a frame pass answers."""
        grids = {self.stride(self.top(stage)) * self.head_pooling(stage) for stage in range(1, self.stages + 1)}
        return math.lcm(self.stride(len(self.layers)), *grids)

    def width(self, block: Block) -> int:
        """Return the units of a block."""
        return self.units[block.row - 1][block.stage - 1]

    @cached_property
    def _columns(self) -> tuple[tuple[Block, ...], ...]:
        cells = enumerate(zip(*self.units, strict=True), start=1)
        return tuple(tuple(Block(row, stage) for row, cell in enumerate(column, 1) if cell) for stage, column in cells)

    @cached_property
    def _in_rows(self) -> tuple[tuple[Block, ...], ...]:
        rows = enumerate(self.units, start=1)
        return tuple(tuple(Block(row, stage) for stage, cell in enumerate(cells, 1) if cell) for row, cells in rows)

    @cached_property
    def _tops(self) -> tuple[int, ...]:
        """The highest row reached by each stage's member, up to it."""
        tops: dict[int, int] = {}
        found = []
        for stage, column in enumerate(self._columns, start=1):
            member = self.member(stage)
            tops[member] = max([tops.get(member, 0), *(block.row for block in column)])
            found.append(tops[member])
        return tuple(found)

    def member(self, stage: Stage) -> int:
        """Return which member of an ensemble a stage belongs to; all to the same one where there is none."""
        return 1 if self.members is None else self.members[stage - 1]

    def column(self, stage: Stage) -> tuple[Block, ...]:
        """Return the blocks that a stage adds, from the image upwards."""
        return self._columns[stage - 1]

    def blocks(self, stage: Stage) -> list[Block]:
        """Return the blocks of a stage and all earlier ones, from the image upwards."""
        return [block for row in self._in_rows for block in row if block.stage <= stage]

    @cached_property
    def _by_member(self) -> dict[tuple[int, int], tuple[list[Block], list[int]]]:
        """The blocks of each row and member, and the sums of their units."""
        found: dict[tuple[int, int], tuple[list[Block], list[int]]] = {}
        for block in chain.from_iterable(self._in_rows):
            blocks, sums = found.setdefault((block.row, self.member(block.stage)), ([], [0]))
            blocks.append(block)
            sums.append(sums[-1] + self.width(block))
        return found

    def _number_visible(self, row: int, stage: Stage) -> int:
        blocks, _ = self._by_member.get((row, self.member(stage)), ([], [0]))
        return bisect_right(blocks, stage, key=lambda block: block.stage)

    def _visible(self, row: int, stage: Stage) -> tuple[list[Block], int]:
        """Return the blocks of a row that belong to a stage's member, its own or an earlier stage, and their units."""
        blocks, sums = self._by_member.get((row, self.member(stage)), ([], [0]))
        number = self._number_visible(row, stage)
        return blocks[:number], sums[number]

    def reads(self, block: Block) -> list[Block]:
        """Return the blocks that a block reads; none for the first row, which reads the image."""
        return self._visible(block.row - 1, block.stage)[0]

    def reads_image(self, block: Block) -> bool:
        """Return whether a block reads the image, pooled to its size above the first row.

        With residual links, every added stage's lowest block does where it
        reads a map, and not only single numbers of a dense layer.
        """
        if block.row == 1:
            return True
        below = self.layers[block.row - 2].kind
        return self.residual and block.stage > 1 and block == self.column(block.stage)[0] and below == "conv"

    def frontier(self, stage: Stage) -> list[Block]:
        """Return the blocks of earlier stages that a stage's column and head read: all it needs of what is frozen."""
        read = {earlier for block in self.column(stage) for earlier in self.reads(block)} | {*self.head_reads(stage)}
        return sorted(block for block in read if block.stage < stage)

    def top(self, stage: Stage) -> int:
        """Return the highest row reached so far."""
        return self._tops[stage - 1]

    def head_reads(self, stage: Stage) -> list[Block]:
        """Return the blocks that a stage's head reads."""
        return self._visible(self.top(stage), stage)[0]

    def own_heads(self, stage: Stage) -> dict[Stage, float]:
        """Return the heads, and the share of each, that a stage of one network answers with: what it learns by."""
        if self.answers == "own":
            return {stage: 1.0}
        mine = [s for s in range(1, stage + 1) if self.member(s) == self.member(stage)]
        return dict.fromkeys(mine, 1.0 if self.answers == "sum" else 1 / len(mine))

    def heads(self, stage: Stage) -> dict[Stage, float]:
        """Return the heads, and the share of each, in a stage's answer: in an ensemble, the mean of its members."""
        latest = {self.member(s): s for s in range(1, stage + 1)}
        parts = [self.own_heads(last) for last in latest.values()]
        return {head: share / len(parts) for part in parts for head, share in part.items()}

    def needs(self, stage: Stage) -> list[Block]:
        """Return the blocks a stage's answer depends on, from the image upwards."""
        found = {block for head in self.heads(stage) for block in self.head_reads(head)}
        waiting = list(found)
        while waiting:
            new = set(self.reads(waiting.pop())) - found
            found |= new
            waiting += new
        return sorted(found)

    # Sizes and costs ----------------------------------------------------------------------------------------------

    def conv_shape(self, row: int) -> tuple[int, int]:
        """Return height and width of a row's map on one window, before pooling."""
        layer, (height, width) = self.layers[row - 1], self.map_shape(row - 1)
        if layer.kind == "dense":
            return 1, 1
        return (height - layer.kernel) // layer.stride + 1, (width - layer.kernel) // layer.stride + 1

    def map_shape(self, row: int) -> tuple[int, int]:
        """Return height and width of a row's map on one window; row 0 is the window itself."""
        return self._map_shapes[row]

    @cached_property
    def _map_shapes(self) -> tuple[tuple[int, int], ...]:
        shapes = [self.shape]
        for layer in self.layers:
            height, width = (((side - layer.kernel) // layer.stride + 1) // layer.pool for side in shapes[-1])
            shapes.append((height, width) if layer.kind == "conv" else (1, 1))
        return tuple(shapes)

    @cached_property
    def _firsts(self) -> frozenset[Stage]:
        """The first stage of each member."""
        return frozenset({self.member(stage): stage for stage in range(self.stages, 0, -1)}.values())

    def head_pooling(self, stage: Stage) -> int:
        """Return the extra pooling before a stage's head."""
        return self.head_pool if stage in self._firsts and self.layers[self.top(stage) - 1].kind == "conv" else 1

    def head_shape(self, stage: Stage) -> tuple[int, int]:
        """Return height and width of the map that a stage's head reads from one window."""
        height, width = self.map_shape(self.top(stage))
        pool = self.head_pooling(stage)
        return height // pool, width // pool

    def stride(self, row: int) -> int:
        """Return how many pixels of the image one step on a row's map is, before dense rows bring it to `step`."""
        return math.prod(layer.stride * layer.pool for layer in self.layers[:row] if layer.kind == "conv")

    def inputs(self, block: Block) -> int:
        """Return the channels that a block reads."""
        return self._visible(block.row - 1, block.stage)[1] + self.channels * self.reads_image(block)

    def head_inputs(self, stage: Stage) -> int:
        """Return the channels that a stage's head reads."""
        return self._visible(self.top(stage), stage)[1]

    def parameters(self, stage: Stage) -> int:
        """Return the weights and biases that a stage's answer uses."""
        shapes = self.weight_shapes()
        names = [block_name(block) for block in self.needs(stage)] + [head_name(head) for head in self.heads(stage)]
        return sum(math.prod(shapes[f"{name}.{part}"]) for name in names for part in ("kernel", "bias"))

    def cost(self, stage: Stage) -> int:
        """Return the operations of a stage's answer for one window, equations (2.15) to (2.18)."""
        needed = self.needs(stage)
        linked = max((block.row for block in needed if block.row > 1 and self.reads_image(block)), default=1)
        links = sum(self._pool_cost(self.channels, row) for row in range(1, linked))
        return links + sum(map(self._head_cost, self.heads(stage))) + sum(map(self._block_cost, needed))

    def relative_cost(self, stage: Stage) -> float:
        """Return a stage's operations as a share of the last stage's."""
        return self.cost(stage) / self.cost(self.stages)

    def _head_cost(self, stage: Stage) -> int:
        inputs, pool = self.head_inputs(stage), self.head_pooling(stage)
        before = pool_cost(inputs, self.map_shape(self.top(stage)), pool)
        return before + dense_cost(math.prod(self.head_shape(stage)) * inputs, self.outputs)

    def _block_cost(self, block: Block) -> int:
        layer, width, inputs = self.layers[block.row - 1], self.width(block), self.inputs(block)
        if layer.kind == "dense":
            return dense_cost(inputs * math.prod(self.map_shape(block.row - 1)), width)
        return conv_cost(inputs, width, layer.kernel, self.conv_shape(block.row)) + self._pool_cost(width, block.row)

    def _pool_cost(self, channels: int, row: int) -> int:
        return pool_cost(channels, self.conv_shape(row), self.layers[row - 1].pool)

    def kernel_shape(self, row: int) -> tuple[int, int]:
        """Return height and width of the kernels of a row: a dense row's is the whole map below."""
        layer = self.layers[row - 1]
        return (layer.kernel, layer.kernel) if layer.kind == "conv" else self.map_shape(row - 1)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight array by name, such as ``block_1_2.kernel`` (row 1, stage 2)."""
        return self._weight_shapes

    @cached_property
    def _weight_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for block in self.blocks(self.stages):
            shapes[f"{block_name(block)}.kernel"] = (
                *self.kernel_shape(block.row),
                self.inputs(block),
                self.width(block),
            )
            shapes[f"{block_name(block)}.bias"] = (self.width(block),)
        for stage in range(1, self.stages + 1):
            shapes[f"{head_name(stage)}.kernel"] = (*self.head_shape(stage), self.head_inputs(stage), self.outputs)
            shapes[f"{head_name(stage)}.bias"] = (self.outputs,)
        return shapes

    # In words -----------------------------------------------------------------------------------------------------

    def describe(self, stage: Stage) -> str:
        """Return a stage's units per layer and its share of the full cost, in a line."""
        rows = [sum(self.units[row][:stage]) for row in range(self.top(stage))]
        return f"{' '.join(map(str, rows))} units, {self.relative_cost(stage):.0%} of full cost"

    def row_names(self) -> list[str]:
        """Return ``conv 1, conv 2, ..., dense 1, ...``."""
        convs = sum(layer.kind == "conv" for layer in self.layers)
        return [f"conv {i}" if i <= convs else f"dense {i - convs}" for i in range(1, len(self.layers) + 1)]

    @property
    def _window_text(self) -> str:
        return " x ".join(map(str, self.shape))

    def __str__(self) -> str:
        """Draw the table; the middle of a very large one is left out."""
        stages, rows = _some(self.stages), _some(len(self.layers))
        names = self.row_names()
        cells = [["stage", *("…" if stage is None else str(stage + 1) for stage in stages)]]
        for row in rows:
            if row is None:
                cells.append(["…", *[""] * len(stages)])
            else:
                units = self.units[row]
                cells.append([names[row], *("…" if stage is None else str(units[stage] or ".") for stage in stages)])
        widths = [max(len(line[i]) for line in cells) for i in range(len(stages) + 1)]
        return "\n".join(
            (
                line[0].ljust(widths[0])
                + "".join(f"  {cell:>{w}}" for cell, w in zip(line[1:], widths[1:], strict=True))
            ).rstrip()
            for line in cells
        )


def block_name(block: Block) -> str:
    """Return the name under which a block's weights are kept, such as ``block_1_2`` (row 1, stage 2)."""
    return f"block_{block.row}_{block.stage}"


def head_name(stage: Stage) -> str:
    """Return the name under which a head's weights are kept."""
    return f"head_{stage}"


def _rows(conv: int, dense: int, kernel: PerRow, pool: PerRow, stride: PerRow) -> tuple[Layer, ...]:
    each = zip(_each(kernel, conv), _each(pool, conv), _each(stride, conv), strict=True)
    convs = [Layer(kind="conv", kernel=k, pool=p, stride=s) for k, p, s in each]
    return (*convs, *(Layer(kind="dense"),) * dense)


def _each(value: PerRow, rows: int) -> Sequence[int]:
    values = [value] * rows if isinstance(value, int) else list(value)
    if len(values) != rows:
        raise SettingsError(f"Expected one number for all {rows} conv rows, or one for each, got {len(values)}.")
    return values


def _some(number: int) -> list[int | None]:
    """Return the indices to draw, None where the middle of many is left out."""
    if number <= _DRAWN:
        return list(range(number))
    return [*range(_DRAWN // 3), None, *range(number - _DRAWN // 3, number)]
