"""A grown network: one set of weights, an answer at every stage.

Every stage is built fully convolutional. A dense layer or head on an s x s map is a convolution with an s x s kernel,
so a window is just the smallest frame: the same weights answer one window or, sharing every convolution, all windows
of a frame at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..errors import SettingsError
from ..normalisation import Normalisation
from .backend import keras
from .plan import Block, Plan, Stage

_BUCKETS = (1, *range(2, 33, 2), 40, 48, 64, 96, 128, 192, 256, 512, 1024)


class GrownNetwork:
    """A network grown by a plan.

    Parameters
    ----------
    plan : Plan
    seed : int
        For the first values of the weights.
    normalisation : {"standard", "none"}
        How frames are scaled before they reach the network.
    unit : float
        Pixels that one unit of the network's outputs stands for.

    Attributes
    ----------
    plan, normalisation, unit
        As given.
    """

    def __init__(self, plan: Plan, seed: int = 0, normalisation: Normalisation = "standard", unit: float = 1.0) -> None:
        self.plan = plan
        self.normalisation = normalisation
        self.unit = unit
        draws = iter(np.random.SeedSequence(seed).generate_state(len(plan.blocks(plan.stages)) + plan.stages))
        # Column by column, so that a plan grown further begins with the same first values.
        self._blocks: dict[Block, keras.layers.Layer] = {}
        self._heads: list[keras.layers.Layer] = []
        for stage in range(1, plan.stages + 1):
            for block in plan.blocks(stage):
                if block.stage == stage:
                    self._blocks[block] = self._new_block(block, int(next(draws)))
            self._heads.append(self._new_head(stage, int(next(draws))))
        self._models: dict[tuple[Stage, ...], keras.Model] = {}
        self._lock = threading.RLock()

    @property
    def window(self) -> int:
        """Side of the window in pixels."""
        return self.plan.window

    @property
    def step(self) -> int:
        """Distance in pixels of neighbouring windows in an answer."""
        return self.plan.step

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return self.plan.stages

    def answer(self, images: np.ndarray, stage: Stage) -> np.ndarray:
        """Answer every aligned window of some images.

        Parameters
        ----------
        images : ndarray (n, Y, X) float32
            Normalised images, each at least a window large.
        stage : int
            1 for the first stage.

        Returns
        -------
        ndarray (n, rows, columns, outputs) float32
            For the window whose first pixel is ``(step * row, step * column)``:
            offset ``(y, x)`` of the nearest particle from the window's centre
            and its distance, in pixels.
        """
        self.plan.check(stage)
        return self._predict(self.model((stage,)), images)

    def answers(self, images: np.ndarray) -> list[np.ndarray]:
        """Answer with every stage in one climb; see `answer`."""
        found = self._predict(self.model(tuple(range(1, self.stages + 1))), images)
        return found if isinstance(found, list) else [found]

    def _predict(self, model: keras.Model, images: np.ndarray) -> Any:
        """Predict in batches of few different sizes, so that compiled functions are used again."""
        images = np.asarray(images, np.float32)
        n = len(images)
        if min(images.shape[1:3]) < self.window:
            raise SettingsError(
                f"Expected images of at least {self.window} x {self.window} px, got {images.shape[1]} x "
                f"{images.shape[2]}. Pad them first."
            )
        parts = [images[i : i + _BUCKETS[-1]] for i in range(0, n, _BUCKETS[-1])] or [images]
        with self._lock:
            found = [self._predict_batch(model, part) for part in parts]
        if isinstance(found[0], list):
            return [np.concatenate(several) for several in zip(*found, strict=True)]
        return np.concatenate(found) if len(found) > 1 else found[0]

    def _predict_batch(self, model: keras.Model, images: np.ndarray) -> Any:
        n = len(images)
        size = next(bucket for bucket in _BUCKETS if bucket >= n)
        batch = np.zeros((size, *images.shape[1:]), np.float32)
        batch[:n] = images
        answers = model.predict_on_batch(batch if batch.ndim == 4 else batch[..., None])
        unit = np.float32(self.unit)
        if isinstance(answers, list):
            return [answer[:n] * unit for answer in answers]
        return answers[:n] * unit

    def model(self, stages: tuple[Stage, ...]) -> keras.Model:
        """Return the Keras model that answers with these stages, compiled once and kept."""
        with self._lock:
            if stages not in self._models:
                model = self.wire(stages)
                model.compile(jit_compile=keras.backend.backend() == "jax")
                self._models[stages] = model
            return self._models[stages]

    def wire(self, stages: Sequence[Stage]) -> keras.Model:
        """Connect blocks and heads for these stages by the plan's one rule.

        Gradients stop where a block reads an earlier stage's, so that stages
        can learn side by side without touching one another.
        """
        image = keras.Input((None, None, self.plan.channels), name="image", dtype="float32")
        maps: dict[Block, Any] = {}
        for block in sorted({block for stage in stages for block in self.plan.needs(stage)}):
            below = self._joined(self.plan.reads(block), block.stage, maps) if block.row > 1 else image
            maps[block] = self._pooled(self._blocks[block](below), block)
        outputs = [self._heads[stage - 1](self._joined(self.plan.head_reads(stage), stage, maps)) for stage in stages]
        return keras.Model(image, outputs if len(outputs) > 1 else outputs[0])

    @staticmethod
    def _joined(blocks: Sequence[Block], stage: Stage, maps: dict[Block, Any]) -> Any:
        parts = [maps[block] if block.stage == stage else keras.ops.stop_gradient(maps[block]) for block in blocks]
        return keras.layers.Concatenate(dtype="float32")(parts) if len(parts) > 1 else parts[0]

    def _pooled(self, tensor: Any, block: Block) -> Any:
        layer = self.plan.layers[block.row - 1]
        pool = layer.pool if layer.kind == "conv" else 1
        return (
            keras.layers.MaxPooling2D(pool, data_format="channels_last", dtype="float32")(tensor)
            if pool > 1
            else tensor
        )

    def _new_block(self, block: Block, seed: int) -> keras.layers.Layer:
        plan, layer, width = self.plan, self.plan.layers[block.row - 1], self.plan.width(block)
        inputs = plan.inputs(block)
        if layer.kind == "conv":
            return _conv(f"block_{block.row}_{block.stage}", inputs, width, layer.kernel, 1, "relu", seed)
        side, stride = self._whole_map(block.row - 1)
        return _conv(f"block_{block.row}_{block.stage}", inputs, width, side, stride, "relu", seed)

    def _new_head(self, stage: Stage, seed: int) -> keras.layers.Layer:
        side, stride = self._whole_map(self.plan.top(stage))
        inputs = sum(map(self.plan.width, self.plan.head_reads(stage)))
        return _conv(f"head_{stage}", inputs, self.plan.outputs, side, stride, None, seed)

    def _whole_map(self, row: int) -> tuple[int, int]:
        """Return kernel and stride with which something dense reads a row's map: all of it, once a step."""
        dense_below = row > 0 and self.plan.layers[row - 1].kind == "dense"
        stride = 1 if dense_below else self.plan.step // self.plan.stride(row)
        return self.plan.map_side(row), stride

    def train_only(self, stages: Sequence[Stage]) -> None:
        """Freeze everything but the blocks and heads of these stages."""
        for block, layer in self._blocks.items():
            layer.trainable = block.stage in stages
        for number, head in enumerate(self._heads, start=1):
            head.trainable = number in stages

    def weights(self) -> dict[str, np.ndarray]:
        """Return every weight array by name, such as ``block_1_2.kernel`` (row 1, stage 2) or ``head_2.bias``."""
        layers = [*self._blocks.values(), *self._heads]
        return {
            f"{layer.name}.{part}": np.asarray(array)
            for layer in layers
            for part, array in zip(("kernel", "bias"), layer.get_weights(), strict=True)
        }

    def fill(self, weights: dict[str, np.ndarray]) -> Self:
        """Put weight arrays in place, those of a smaller network into its part of this one, and return itself."""
        for layer in [*self._blocks.values(), *self._heads]:
            if f"{layer.name}.kernel" in weights:
                layer.set_weights([weights[f"{layer.name}.kernel"], weights[f"{layer.name}.bias"]])
        return self

    def to_keras(self, stage: Stage | None = None) -> keras.Model:
        """Return a plain Keras model of one stage, the last by default; its answers are in the network's `unit`."""
        stage = self.stages if stage is None else stage
        self.plan.check(stage)
        return self.wire((stage,))


def _conv(
    name: str, inputs: int, units: int, kernel: int, stride: int, activation: str | None, seed: int
) -> keras.layers.Layer:
    """Return a built convolution without padding; ReLU layers start from He's values, heads from Glorot's."""
    start: Any = keras.initializers.HeNormal if activation else keras.initializers.GlorotUniform
    layer = keras.layers.Conv2D(
        units,
        kernel,
        strides=stride,
        activation=activation,
        kernel_initializer=start(seed=seed),
        data_format="channels_last",  # whatever another part of this process has made the default
        dtype="float32",
        name=name,
    )
    layer.build((None, None, None, inputs))
    return layer
