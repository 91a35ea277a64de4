"""The growth table: rows are layers, columns are stages, cells are the units added.

One rule covers every way to grow. A block (a non-empty cell) reads all blocks of the layer below that belong to its
own or an earlier stage; a stage's head reads the highest layer reached so far, all its blocks. Costs follow from the
table alone (thesis 2.6 and 4.1.2), so nothing here needs Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Self

from pydantic import Field, PositiveInt, model_validator

from ..errors import SettingsError
from ..settings import Settings
from .costs import conv_cost, dense_cost, pool_cost

MAX_CELLS = 400_000

Stage = int
"""Stages count from 1, as people do."""


class Block(NamedTuple):
    """A non-empty cell: row and stage, both counted from 1."""

    row: int
    stage: Stage


class Layer(Settings):
    """A row of the table. A dense row ignores kernel and pooling."""

    kind: Literal["conv", "dense"]
    kernel: PositiveInt = Field(3, description="Side of the convolution's kernel, in pixels of its input.")
    pool: PositiveInt = Field(2, description="Side and stride of the max-pooling after it; 1 for none.")


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
    window: PositiveInt = Field(51, le=1001, description="Odd side of the windows, in pixels.")
    channels: PositiveInt = Field(1, le=64, description="Channels of the image.")
    outputs: PositiveInt = Field(3, le=10000, description="Numbers in an answer: y, x and distance for tracking.")

    @model_validator(mode="after")
    def _rules(self) -> Self:
        if len(self.units) != len(self.layers):
            raise ValueError(f"expected a row of units for each of {len(self.layers)} layers, got {len(self.units)}")
        if len({len(row) for row in self.units}) != 1 or not self.units[0]:
            raise ValueError("expected the same number of stages, at least one, in every row")
        if len(self.layers) * self.stages > MAX_CELLS:
            raise ValueError(f"expected up to {MAX_CELLS} cells, got {len(self.layers)} x {self.stages}")
        if any(cell < 0 or cell > 100_000 for row in self.units for cell in row):
            raise ValueError("expected units from 0 to 100000 in every cell")
        if self.window % 2 == 0:
            raise ValueError(f"expected an odd window, got {self.window}")
        kinds = [layer.kind for layer in self.layers]
        if "dense" in kinds and "conv" in kinds[kinds.index("dense") :]:
            raise ValueError("expected all conv rows below all dense rows")
        for stage in range(1, self.stages + 1):
            self._check_stage(stage)
        for row in range(1, len(self.layers) + 1):
            if self.map_side(row) < 1:
                raise ValueError(f"a window of {self.window} px has nothing left after layer {row}; use fewer layers")
        return self

    def _check_stage(self, stage: Stage) -> None:
        column = [Block(row, stage) for row, cells in enumerate(self.units, 1) if cells[stage - 1]]
        if not column:
            raise ValueError(f"stage {stage} adds nothing; every stage adds at least one block")
        if max(column).row < self.top(stage):
            raise ValueError(f"stage {stage} ends below layer {self.top(stage)}, so its head would not see it")
        for block in column:
            if block.row > 1 and not self.reads(block):
                raise ValueError(f"layer {block.row} of stage {stage} has nothing to read in layer {block.row - 1}")

    @classmethod
    def depth(cls, conv: Sequence[int] = (16, 32, 64), dense: Sequence[int] = (32, 32), **other: int) -> Self:
        """Return the table of layer-by-layer growth: each stage adds one layer (thesis chapter 3)."""
        widths = [*conv, *dense]
        units = [[width if row == stage else 0 for stage in range(len(widths))] for row, width in enumerate(widths)]
        return cls(layers=_rows(conv, dense), units=units, **other)

    @classmethod
    def breadth(
        cls, *columns: Sequence[int], conv: int = 3, repeat: int = 1, base: int | None = None, **other: int
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
        """
        if base is not None:
            columns = ((base, 2 * base, 4 * base, 2 * base, 2 * base),)
        columns = columns * repeat
        if not columns or len({len(column) for column in columns}) != 1:
            raise SettingsError("Breadth growth needs columns of equal length, for example (4, 8, 16, 8, 8).")
        first = columns[0]
        return cls(layers=_rows(first[:conv], first[conv:]), units=list(zip(*columns, strict=True)), **other)

    def deeper(self, kind: Literal["conv", "dense"], units: int) -> Self:
        """Return a table with one more stage that adds one layer on top."""
        rows = [(*row, 0) for row in self.units]
        return self.with_(layers=(*self.layers, Layer(kind=kind)), units=(*rows, (0,) * self.stages + (units,)))

    def wider(self, column: Sequence[int]) -> Self:
        """Return a table with one more stage that adds these units, from the image upwards."""
        if len(column) != len(self.layers):
            raise SettingsError(f"A column needs {len(self.layers)} numbers, one a layer, got {len(column)}.")
        return self.with_(units=[(*row, new) for row, new in zip(self.units, column, strict=True)])

    def until(self, stage: Stage) -> Self:
        """Return the table as it stood when `stage` was grown."""
        self.check(stage)
        rows = self.top(stage)
        return self.with_(layers=self.layers[:rows], units=[row[:stage] for row in self.units[:rows]])

    def check(self, stage: Stage) -> None:
        """Refuse a stage that this table does not have."""
        if not 1 <= stage <= self.stages:
            raise SettingsError(f"There is no stage {stage}; this network has stages 1 to {self.stages}.")

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return len(self.units[0])

    @property
    def step(self) -> int:
        """The least distance in pixels of two windows that a frame pass answers: the product of all poolings."""
        return self.stride(len(self.layers))

    def width(self, block: Block) -> int:
        """Return the units of a block."""
        return self.units[block.row - 1][block.stage - 1]

    def blocks(self, stage: Stage) -> list[Block]:
        """Return the blocks of a stage and all earlier ones, from the image upwards."""
        cells = (Block(row, s) for row in range(1, len(self.layers) + 1) for s in range(1, stage + 1))
        return [cell for cell in cells if self.width(cell)]

    def reads(self, block: Block) -> list[Block]:
        """Return the blocks that a block reads; none for the first row, which reads the image."""
        below = (Block(block.row - 1, s) for s in range(1, block.stage + 1))
        return [cell for cell in below if cell.row and self.width(cell)]

    def top(self, stage: Stage) -> int:
        """Return the highest row reached so far."""
        return max(row for row, cells in enumerate(self.units, 1) if any(cells[:stage]))

    def head_reads(self, stage: Stage) -> list[Block]:
        """Return the blocks that a stage's head reads."""
        row = self.top(stage)
        cells = (Block(row, s) for s in range(1, stage + 1))
        return [cell for cell in cells if self.width(cell)]

    def needs(self, stage: Stage) -> list[Block]:
        """Return the blocks a stage's answer depends on, from the image upwards."""
        found = set(self.head_reads(stage))
        waiting = list(found)
        while waiting:
            new = set(self.reads(waiting.pop())) - found
            found |= new
            waiting += new
        return sorted(found)

    def conv_side(self, row: int) -> int:
        """Return the side of a row's map on one window, before pooling."""
        layer = self.layers[row - 1]
        return self.map_side(row - 1) - layer.kernel + 1 if layer.kind == "conv" else 1

    def map_side(self, row: int) -> int:
        """Return the side of a row's map on one window; row 0 is the window itself."""
        side = self.window
        for layer in self.layers[:row]:
            side = (side - layer.kernel + 1) // layer.pool if layer.kind == "conv" else 1
        return side

    def stride(self, row: int) -> int:
        """Return how many pixels of the image one step on a row's map is, before dense rows bring it to `step`."""
        stride = 1
        for layer in self.layers[:row]:
            stride *= layer.pool if layer.kind == "conv" else 1
        return stride

    def inputs(self, block: Block) -> int:
        """Return the channels that a block reads."""
        return sum(map(self.width, self.reads(block))) if block.row > 1 else self.channels

    def parameters(self, stage: Stage) -> int:
        """Return the weights and biases that a stage's answer uses."""
        head = self._head_inputs(stage) * self.outputs + self.outputs
        return head + sum(self._block_parameters(block) for block in self.needs(stage))

    def cost(self, stage: Stage) -> int:
        """Return the operations of a stage's answer for one window, equations (2.15) to (2.18)."""
        head = dense_cost(self._head_inputs(stage), self.outputs)
        return head + sum(self._block_cost(block) for block in self.needs(stage))

    def relative_cost(self, stage: Stage) -> float:
        """Return a stage's operations as a share of the last stage's."""
        return self.cost(stage) / self.cost(self.stages)

    def _head_inputs(self, stage: Stage) -> int:
        return self.map_side(self.top(stage)) ** 2 * sum(map(self.width, self.head_reads(stage)))

    def _block_parameters(self, block: Block) -> int:
        layer, width = self.layers[block.row - 1], self.width(block)
        side = layer.kernel if layer.kind == "conv" else self.map_side(block.row - 1)
        return width * (self.inputs(block) * side**2 + 1)

    def _block_cost(self, block: Block) -> int:
        layer, width, inputs = self.layers[block.row - 1], self.width(block), self.inputs(block)
        if layer.kind == "dense":
            return dense_cost(inputs * self.map_side(block.row - 1) ** 2, width)
        side = self.conv_side(block.row)
        return conv_cost(inputs, width, layer.kernel, side) + pool_cost(width, side, layer.pool)

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight array by name, such as ``block_1_2.kernel`` (row 1, stage 2)."""
        shapes: dict[str, tuple[int, ...]] = {}
        for block in self.blocks(self.stages):
            layer, width = self.layers[block.row - 1], self.width(block)
            side = layer.kernel if layer.kind == "conv" else self.map_side(block.row - 1)
            shapes[f"block_{block.row}_{block.stage}.kernel"] = (side, side, self.inputs(block), width)
            shapes[f"block_{block.row}_{block.stage}.bias"] = (width,)
        for stage in range(1, self.stages + 1):
            inputs, side = sum(map(self.width, self.head_reads(stage))), self.map_side(self.top(stage))
            shapes[f"head_{stage}.kernel"] = (side, side, inputs, self.outputs)
            shapes[f"head_{stage}.bias"] = (self.outputs,)
        return shapes

    def describe(self, stage: Stage) -> str:
        """Return a stage's units per layer and its share of the full cost, in a line."""
        rows = [sum(self.units[row][:stage]) for row in range(self.top(stage))]
        return f"{' '.join(map(str, rows))} units, {self.relative_cost(stage):.0%} of full cost"

    def row_names(self) -> list[str]:
        """Return ``conv 1, conv 2, ..., dense 1, ...``."""
        convs = sum(layer.kind == "conv" for layer in self.layers)
        return [f"conv {i}" if i <= convs else f"dense {i - convs}" for i in range(1, len(self.layers) + 1)]

    def __str__(self) -> str:
        """Draw the table."""
        cells = [["stage", *map(str, range(1, self.stages + 1))]]
        cells += [[n, *(str(u or ".") for u in row)] for n, row in zip(self.row_names(), self.units, strict=True)]
        widths = [max(len(line[i]) for line in cells) for i in range(self.stages + 1)]
        return "\n".join(
            line[0].ljust(widths[0]) + "".join(f"  {cell:>{w}}" for cell, w in zip(line[1:], widths[1:], strict=True))
            for line in cells
        )


def _rows(conv: Sequence[int], dense: Sequence[int]) -> tuple[Layer, ...]:
    return (Layer(kind="conv"),) * len(conv) + (Layer(kind="dense"),) * len(dense)
