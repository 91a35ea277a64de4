"""A grown network: one set of weights, an answer at every stage.

Every stage is built fully convolutional. A dense layer or head on a map is a convolution with a kernel as large as
the map, so a window is just the smallest frame: the same weights answer one window or, sharing every convolution, all
windows of a frame at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..errors import SettingsError
from ..films.normalisation import Normalisation
from .backend import keras
from .plan import Block, Plan, Stage, block_name, head_name
from .tasks import LOG_SCALES, activated

_BUCKETS = (1, *range(2, 33, 2), 40, 48, 64, 96, 128, 192, 256, 512, 1024)

Maps = dict[Block, Any]


class GrownNetwork:
    """A network grown by a plan.

    Parameters
    ----------
    plan : Plan
    seed : int
        For the first values of the weights.
    normalisation : {"standard", "unit"}
        How frames are scaled before they reach the network.
    unit : float
        Pixels that one unit of the network's outputs stands for.
    zoom : float
        How much larger the network sees a frame than it is.
    initial : {"he", "glorot"}
        Whose first values layers with an activation start from.

    Attributes
    ----------
    plan, normalisation, unit, zoom
        As given.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int = 0,
        normalisation: Normalisation = "standard",
        unit: float = 1.0,
        zoom: float = 1.0,
        initial: str = "he",
    ) -> None:
        self.plan = plan
        self.normalisation = normalisation
        self.unit = unit
        self.zoom = zoom
        self._initial = initial
        draws = iter(np.random.SeedSequence(seed).generate_state(len(plan.blocks(plan.stages)) + plan.stages))
        # Column by column, so that a plan grown further begins with the same first values.
        self._blocks: dict[Block, keras.layers.Layer] = {}
        self._heads: list[keras.layers.Layer] = []
        for stage in range(1, plan.stages + 1):
            for block in plan.column(stage):
                self._blocks[block] = self._new_block(block, int(next(draws)))
            self._heads.append(self._new_head(stage, int(next(draws))))
        self._models: dict[tuple[Stage, ...], keras.Model] = {}
        self._lock = threading.RLock()

    @property
    def window(self) -> int:
        """Side of the window in pixels, the longer one."""
        return self.plan.side

    @property
    def step(self) -> int:
        """Distance in pixels of neighbouring windows in an answer."""
        return self.plan.step

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return self.plan.stages

    # Answers ------------------------------------------------------------------------------------------------------

    def answer(self, images: np.ndarray, stage: int) -> np.ndarray:
        """Answer every aligned window of some images.

        Parameters
        ----------
        images : ndarray (n, Y, X) or (n, Y, X, channels) float32
            Normalised images, each at least a window large.
        stage : int
            1 for the first stage.

        Returns
        -------
        ndarray (n, rows, columns, outputs) float32
            For the window whose first pixel is ``(step * row, step * column)``:
            offset ``(y, x)`` of the nearest particle from the window's centre
            and its distance, in pixels, and where the plan has a fourth output the
            logarithm of the position's uncertainty; or the scores of the classes,
            0 to 1.
        """
        self.plan.check(stage)
        return self._sensible(self._predict(self.model((stage,)), images))[0]

    def answers(self, images: np.ndarray) -> list[np.ndarray]:
        """Answer with every stage in one climb; see `answer`."""
        return self._sensible(self._predict(self.model(tuple(range(1, self.stages + 1))), images))

    def activations(self, images: np.ndarray, stage: Stage | None = None) -> dict[Block, np.ndarray]:
        """Return what every block a stage needs, of the last by default, makes of some windows.

        Parameters
        ----------
        images : ndarray (n, height, width) or (n, height, width, channels)
            Normalised windows of the plan's size.
        stage : int, optional

        Returns
        -------
        dict of Block to ndarray (n, rows, columns, units) float32
            After the activation and the pooling.
        """
        stage = self.stages if stage is None else stage
        self.plan.check(stage)
        blocks = self.plan.needs(stage)
        image = self._image(self.plan.shape)
        maps = self._maps(image, blocks, {})
        found = self._predict(_connected(image, [maps[block] for block in blocks]), images)
        return dict(zip(blocks, found, strict=True))

    def _sensible(self, answers: list[np.ndarray]) -> list[np.ndarray]:
        """Keep uncertainties within what they learn by; refuse what is no number."""
        if not all(np.isfinite(answer).all() for answer in answers):
            raise SettingsError(
                "This network's answers are no numbers: its weights are so large that they overflow. "
                "Grow it anew, or choose another network."
            )
        if self.plan.task == "locate" and self.plan.outputs == 4:
            for answer in answers:
                np.clip(answer[..., 3], *LOG_SCALES, out=answer[..., 3])
        return answers

    def _predict(self, model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
        """Predict in batches of few different sizes, so that compiled functions are used again."""
        images = self._checked(images)
        parts = [images[i : i + _BUCKETS[-1]] for i in range(0, len(images), _BUCKETS[-1])] or [images]
        with self._lock:
            found = [self._predict_batch(model, part) for part in parts]
        return [np.concatenate(several) if len(several) > 1 else several[0] for several in zip(*found, strict=True)]

    def _predict_batch(self, model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
        n = len(images)
        size = next(bucket for bucket in _BUCKETS if bucket >= n)
        batch = images
        if size > n:
            batch = np.zeros((size, *images.shape[1:]), np.float32)
            batch[:n] = images
        answers = model.predict_on_batch(batch)
        return [answer[:n] for answer in (answers if isinstance(answers, list) else [answers])]

    def _checked(self, images: np.ndarray) -> np.ndarray:
        """Return images as (n, Y, X, channels) float32."""
        images = np.asarray(images, np.float32)
        images = images[..., None] if images.ndim == 3 else images
        height, width = self.plan.shape
        if images.ndim != 4 or images.shape[-1] != self.plan.channels:
            raise SettingsError(
                f"Expected images (n, Y, X) with {self.plan.channels} channel(s), got an array of shape {images.shape}."
            )
        if images.shape[1] < height or images.shape[2] < width:
            raise SettingsError(
                f"Expected images of at least {height} x {width} px, got {images.shape[1]} x "
                f"{images.shape[2]}. Pad them first."
            )
        return images

    # Wiring -------------------------------------------------------------------------------------------------------

    def model(self, stages: tuple[Stage, ...]) -> keras.Model:
        """Return the Keras model that answers images of any size with these stages, compiled once and kept."""
        with self._lock:
            if stages not in self._models:
                image = self._image((None, None))
                maps = self._maps(image, [block for stage in stages for block in self.plan.needs(stage)], {})
                model = _connected(image, [self._answer(self.plan.heads(stage), maps) for stage in stages])
                model.compile(jit_compile=keras.backend.backend() == "jax")
                self._models[stages] = model
            return self._models[stages]

    def learner(self, stages: Sequence[Stage], given: Sequence[Block] | None = None) -> keras.Model:
        """Connect window-sized images to the plain scores of these stages, for learning.

        Gradients stop where a block or an answer reads an earlier stage's, so
        that stages can learn side by side without touching one another.

        Parameters
        ----------
        stages : sequence of int
        given : sequence of Block, optional
            Blocks whose maps are handed in beside the image, as further inputs,
            instead of being computed from it.
        """
        image = self._image(self.plan.shape)
        inputs = {block: self._given(block) for block in given or ()}
        needed = [
            block
            for stage in stages
            for head in self.plan.own_heads(stage)
            for block in ([*self.plan.column(head), *self.plan.head_reads(head)] if given else self.plan.needs(head))
        ]
        maps = self._maps(image, needed, dict(inputs), learning=True)
        scores = [self._scores(self.plan.own_heads(stage), maps, learning=stage) for stage in stages]
        return _connected([image, *inputs.values()] if inputs else image, scores if len(scores) > 1 else scores[0])

    def column_model(self, stage: Stage, given: Sequence[Block]) -> keras.Model:
        """Connect the image and the maps of given blocks to the maps of all blocks that a stage adds."""
        image = self._image(self.plan.shape)
        inputs = {block: self._given(block) for block in given}
        maps = self._maps(image, self.plan.column(stage), dict(inputs))
        return _connected([image, *inputs.values()] if inputs else image, [maps[b] for b in self.plan.column(stage)])

    def to_keras(self, stage: Stage | None = None) -> keras.Model:
        """Return one stage, the last by default, as an ordinary Keras model of its own.

        It takes normalised images ``(n, Y, X, channels)`` of at least a window
        and answers as `answer` does, in pixels or scores.
        """
        stage = self.stages if stage is None else stage
        self.plan.check(stage)
        image = self._image((None, None))
        plain: dict[str, keras.layers.Layer] = {}
        maps = self._maps(image, self.plan.needs(stage), {}, plain=plain)
        return _connected(image, self._answer(self.plan.heads(stage), maps, plain), name=f"stage_{stage}")

    def _image(self, shape: tuple[int | None, int | None]) -> Any:
        return keras.Input((*shape, self.plan.channels), name="image", dtype="float32")

    def _given(self, block: Block) -> Any:
        shape = (*self.plan.map_shape(block.row), self.plan.width(block))
        return keras.Input(shape, name=block_name(block), dtype="float32")

    def _maps(
        self,
        image: Any,
        blocks: Sequence[Block],
        maps: Maps,
        learning: bool = False,
        plain: dict[str, keras.layers.Layer] | None = None,
    ) -> Maps:
        """Connect blocks to those below; `maps` holds what is there already and is filled."""
        images = _PooledImages(self.plan, image)
        for block in sorted(set(blocks) - set(maps)):
            parts = [images.below(block.row)] if self.plan.reads_image(block) else []
            parts += _earlier(self.plan.reads(block), block.stage, maps, learning)
            layer = _ordinary(self._blocks[block], plain)
            row = self.plan.layers[block.row - 1]
            maps[block] = _pooled(layer(_joined(parts)), row.pool if row.kind == "conv" else 1)
        return maps

    def _answer(self, heads: Mapping[Stage, float], maps: Maps, plain: Any = None) -> Any:
        """Connect heads to an answer in pixels or scores."""
        found = activated(self._scores(heads, maps, plain=plain), self.plan.task)
        return found if self.unit == 1 else keras.layers.Rescaling(self.unit, dtype="float32")(found)

    def _scores(
        self, heads: Mapping[Stage, float], maps: Maps, learning: Stage | None = None, plain: Any = None
    ) -> Any:
        """Connect heads, each with its share, to one stage's plain scores."""
        parts = []
        for stage, share in heads.items():
            read = _joined(_earlier(self.plan.head_reads(stage), stage, maps, learning is not None))
            score = _ordinary(self._heads[stage - 1], plain)(_pooled(read, self.plan.head_pooling(stage)))
            if learning is not None and stage != learning:
                score = keras.ops.stop_gradient(score)
            parts.append(score if share == 1 else keras.layers.Rescaling(share, dtype="float32")(score))
        return keras.layers.Add(dtype="float32")(parts) if len(parts) > 1 else parts[0]

    # Weights ------------------------------------------------------------------------------------------------------

    def _new_block(self, block: Block, seed: int) -> keras.layers.Layer:
        plan, dense = self.plan, self.plan.layers[block.row - 1].kind == "dense"
        stride = self._whole_stride(block.row - 1) if dense else self.plan.layers[block.row - 1].stride
        shape = plan.kernel_shape(block.row)
        return _conv(block_name(block), plan.inputs(block), plan.width(block), shape, stride, self._initial, seed)

    def _new_head(self, stage: Stage, seed: int) -> keras.layers.Layer:
        plan = self.plan
        stride = self._whole_stride(plan.top(stage), plan.head_pooling(stage))
        shape = plan.head_shape(stage)
        return _conv(head_name(stage), plan.head_inputs(stage), plan.outputs, shape, stride, None, seed)

    def _whole_stride(self, row: int, pool: int = 1) -> int:
        """Return the stride with which something dense reads a row's map: once a step."""
        dense_below = row > 0 and self.plan.layers[row - 1].kind == "dense"
        return 1 if dense_below else self.plan.step // (self.plan.stride(row) * pool)

    def train_only(self, stages: Sequence[Stage]) -> None:
        """Freeze everything but the blocks and heads of these stages."""
        for block, layer in self._blocks.items():
            layer.trainable = block.stage in stages
        for number, head in enumerate(self._heads, start=1):
            head.trainable = number in stages

    def weights(self, stage: Stage | None = None) -> dict[str, np.ndarray]:
        """Return the weight arrays, all or those one stage adds, by name.

        Names are such as ``block_1_2.kernel`` (row 1, stage 2) or ``head_2.bias``.
        """
        layers = [layer for block, layer in self._blocks.items() if stage in (None, block.stage)]
        layers += self._heads if stage is None else [self._heads[stage - 1]]
        return {
            f"{layer.name}.{part}": np.array(array)
            for layer in layers
            for part, array in zip(("kernel", "bias"), layer.get_weights(), strict=True)
        }

    def fill(self, weights: Mapping[str, np.ndarray]) -> Self:
        """Put weight arrays in place, those of a smaller network into its part of this one, and return itself."""
        for layer in [*self._blocks.values(), *self._heads]:
            if f"{layer.name}.kernel" in weights:
                layer.set_weights([weights[f"{layer.name}.kernel"], weights[f"{layer.name}.bias"]])
        return self


class _PooledImages:
    """The image, cropped as convolutions crop and pooled as they are pooled, to be read beside a row's maps."""

    def __init__(self, plan: Plan, image: Any) -> None:
        self._plan, self._images = plan, [image]

    def below(self, row: int) -> Any:
        """Return the image at the size of what a row reads."""
        while len(self._images) < row:
            layer = self._plan.layers[len(self._images) - 1]
            before = (layer.kernel - layer.stride) // 2
            margin = (before, layer.kernel - layer.stride - before)
            cropped = keras.layers.Cropping2D((margin, margin), data_format="channels_last", dtype="float32")
            sampled = _pooled(cropped(self._images[-1]), layer.stride, keras.layers.AveragePooling2D)
            self._images.append(_pooled(sampled, layer.pool, keras.layers.AveragePooling2D))
        return self._images[row - 1]


def _connected(inputs: Any, outputs: Any, name: str | None = None) -> keras.Model:
    """Return the model from inputs to outputs, refusing more rows than Keras can follow."""
    try:
        return keras.Model(inputs, outputs, name=name)
    except RecursionError as error:
        raise SettingsError("This table has more rows than Keras can connect. Take some hundreds at most.") from error


def _earlier(blocks: Sequence[Block], stage: Stage, maps: Maps, learning: bool) -> list[Any]:
    """Return the maps of blocks, without a way back for gradients into those of earlier stages."""
    return [
        keras.ops.stop_gradient(maps[block]) if learning and block.stage != stage else maps[block] for block in blocks
    ]


def _joined(parts: Sequence[Any]) -> Any:
    return keras.layers.Concatenate(dtype="float32")(parts) if len(parts) > 1 else parts[0]


def _pooled(tensor: Any, pool: int, kind: Any = None) -> Any:
    kind = kind or keras.layers.MaxPooling2D
    return kind(pool, data_format="channels_last", dtype="float32")(tensor) if pool > 1 else tensor


class _Conv(keras.layers.Conv2D):
    """A convolution that multiplies matrices where its kernel covers the whole map: much faster to learn."""

    def call(self, inputs: Any) -> Any:
        if inputs.shape[1:3] != self.kernel_size:
            return super().call(inputs)
        size = self.kernel.shape[0] * self.kernel.shape[1] * self.kernel.shape[2]
        flat = keras.ops.reshape(inputs, (-1, size))
        found = keras.ops.matmul(flat, keras.ops.reshape(self.kernel, (size, self.filters))) + self.bias
        return keras.ops.reshape(self.activation(found), (-1, 1, 1, self.filters))


def _conv(
    name: str, inputs: int, units: int, kernel: tuple[int, int], stride: int, initial: str | None, seed: int
) -> keras.layers.Layer:
    """Return a built convolution without padding: a ReLU layer that starts as told, or a head from Glorot's values."""
    start: Any = keras.initializers.HeNormal if initial == "he" else keras.initializers.GlorotUniform
    layer = _Conv(
        units,
        kernel,
        strides=stride,
        activation="relu" if initial else None,
        kernel_initializer=start(seed=seed),
        data_format="channels_last",  # whatever another part of this process has made the default
        dtype="float32",
        name=name,
    )
    layer.build((None, None, None, inputs))
    return layer


def _ordinary(layer: keras.layers.Layer, made: dict[str, keras.layers.Layer] | None) -> keras.layers.Layer:
    """Return a layer itself, or, where copies are being made, an ordinary Keras layer with the same weights."""
    if made is None:
        return layer
    if layer.name not in made:
        copy = keras.layers.Conv2D.from_config(layer.get_config())
        copy.build((None, None, None, layer.kernel.shape[2]))
        copy.set_weights(layer.get_weights())
        made[layer.name] = copy
    return made[layer.name]
