"""Turn what Keras 2 wrote of a network into a growth table of one stage and plain arrays."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...growth.plan import Layer, Plan
from .hdf5 import Misfit, array_of, description, inside, opened, refuse_other_files, short

if TYPE_CHECKING:
    import h5py

_PARAMETER_LIMIT = 2**24
_LAYER_LIMIT = 200
_DEPTH_LIMIT = 4

Weights = dict[str, np.ndarray]


def unit_of(plan: Plan) -> float:
    """Return the pixels that one unit of DeepTrack's answers stands for: half the window, rounded down."""
    return float(plan.side // 2)


def read_deeptrack(path: str | os.PathLike[str]) -> tuple[Plan, Weights]:
    """Read a network that DeepTrack 1.0 has saved.

    Convolutions with or without max-pooling and dense layers, all with ReLU,
    then three linear outputs: offset along y and x and distance of the
    particle, in units of `unit_of` the plan.

    Parameters
    ----------
    path
        A Keras 2 file, such as ``Pretrained network.h5``.

    Returns
    -------
    Plan
        A growth table of one stage.
    dict of str to ndarray float32
        The weights, of the names and shapes that `Plan.weight_shapes` tells.

    Raises
    ------
    NetworkFileError
        When the file is missing, damaged, or not such a network.

    Examples
    --------
    >>> plan, weights = read_deeptrack("Pretrained network.h5")  # doctest: +SKIP
    >>> print(plan)  # doctest: +SKIP
    stage     1
    conv 1   16
    conv 2   32
    conv 3   64
    dense 1  32
    dense 2  32
    """
    path = Path(path)
    refuse_other_files(path)
    with opened(path) as file:
        layers = _layers(path, file)
        plan = _plan(layers)
        return plan, _weights(file, layers, plan)


class _KerasLayer(NamedTuple):
    kind: str
    name: str
    config: dict[str, Any]


_RULES: dict[str, dict[str, tuple[Any, ...]]] = {
    "Conv2D": {
        "activation": ("relu",),
        "padding": ("valid",),
        "strides": ([1, 1],),
        "dilation_rate": ([1, 1],),
        "groups": (1, None),
        "use_bias": (True,),
        "data_format": ("channels_last", None),
    },
    "MaxPooling2D": {"padding": ("valid",), "data_format": ("channels_last", None)},
    "Flatten": {"data_format": ("channels_last", None)},
    "Dense": {"activation": ("relu",), "use_bias": (True,)},
}
"""The layers that may be, and the values they may have; None where a value may be left out."""

_LAST = {"activation": ("linear",), "use_bias": (True,), "units": (3,)}


def _layers(path: Path, file: h5py.File) -> list[_KerasLayer]:
    """Read the description of the layers, and refuse all that DeepTrack 1.0 does not use."""
    model = json.loads(description(path, file))
    if model["class_name"] != "Sequential":
        raise Misfit(f"expected a Sequential model, got {short(model['class_name'])}")
    entries = model["config"] if isinstance(model["config"], list) else model["config"]["layers"]
    if len(entries) > _LAYER_LIMIT:
        raise Misfit(f"it has {len(entries)} layers, more than the {_LAYER_LIMIT} allowed")
    layers = [_KerasLayer(str(e["class_name"]), str(e["config"]["name"]), e["config"]) for e in entries]
    _refuse_other_layers([layer for layer in layers if layer.kind != "InputLayer"])
    return layers


def _refuse_other_layers(layers: Sequence[_KerasLayer]) -> None:
    for layer in layers:
        if layer.kind not in _RULES:
            raise Misfit(f"layer {short(layer.name)} is a {short(layer.kind)}, expected only {', '.join(_RULES)}")
    kinds = " ".join(layer.kind for layer in layers)
    if not re.fullmatch("(Conv2D (MaxPooling2D )?)*Flatten( Dense)+", kinds):
        raise Misfit(f"expected Conv2D with or without MaxPooling2D, then Flatten and Dense, got {short(kinds)}")
    for layer in layers:
        for key, allowed in (_LAST if layer is layers[-1] else _RULES[layer.kind]).items():
            if layer.config.get(key) not in allowed:
                got = short(layer.config.get(key))
                raise Misfit(f"layer {short(layer.name)} has {key} {got}, expected {allowed[0]!r}")


def _plan(layers: Sequence[_KerasLayer]) -> Plan:
    first = layers[0].config
    shape = first.get("batch_input_shape", first.get("batch_shape")) or []
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 1:
        raise Misfit(f"expected square grey windows, got an input of shape {short(shape)}")
    rows: list[Layer] = []
    for layer in layers:
        if layer.kind == "Conv2D":
            rows.append(Layer(kind="conv", kernel=_side(layer, "kernel_size"), pool=1))
        elif layer.kind == "MaxPooling2D":
            rows[-1] = rows[-1].with_(pool=_pool(layer))
        elif layer.kind == "Dense":
            rows.append(Layer(kind="dense"))
    *hidden, last = _with_weights(layers)
    units = [(layer.config["filters" if layer.kind == "Conv2D" else "units"],) for layer in hidden]
    return Plan(layers=rows[:-1], units=units, window=shape[1], outputs=last.config["units"])


def _with_weights(layers: Sequence[_KerasLayer]) -> list[_KerasLayer]:
    return [layer for layer in layers if layer.kind in ("Conv2D", "Dense")]


def _pool(layer: _KerasLayer) -> int:
    side = _side(layer, "pool_size")
    if layer.config.get("strides") not in ([side, side], None):
        raise Misfit(
            f"layer {short(layer.name)} has strides {short(layer.config['strides'])}, expected those of its pool_size"
        )
    return side


def _side(layer: _KerasLayer, key: str) -> int:
    side, other = layer.config[key]
    if side != other:
        raise Misfit(f"layer {short(layer.name)} has {key} {short([side, other])}, expected a square")
    return side


def _weights(file: h5py.File, layers: Sequence[_KerasLayer], plan: Plan) -> Weights:
    shapes = plan.weight_shapes()
    parameters = sum(map(math.prod, shapes.values()))
    if parameters > _PARAMETER_LIMIT:
        raise Misfit(f"it wants {parameters:,} weights, more than the {_PARAMETER_LIMIT:,} allowed")
    names = [f"block_{row}_1" for row in range(1, len(plan.layers) + 1)] + ["head_1"]
    weights = {}
    for name, layer in zip(names, _with_weights(layers), strict=True):
        kernel, bias = _kernel_and_bias(inside(inside(file, "model_weights"), layer.name))
        shape = shapes[f"{name}.kernel"]
        stored = shape if layer.kind == "Conv2D" else (math.prod(shape[:3]), shape[3])
        weights[f"{name}.kernel"] = array_of(kernel, stored).reshape(shape)
        weights[f"{name}.bias"] = array_of(bias, shapes[f"{name}.bias"])
    return weights


def _kernel_and_bias(group: Any) -> tuple[Any, Any]:
    """Return the two arrays of a layer, which lie a few groups down, as in ``conv_1/kernel:0``."""
    import h5py

    for _ in range(_DEPTH_LIMIT):
        if isinstance(group, h5py.Group) and len(group) == 1:
            group = inside(group, next(iter(group)))
    names = sorted(group) if isinstance(group, h5py.Group) else []
    if [name.partition(":")[0] for name in names] != ["bias", "kernel"]:
        raise Misfit(f"{short(group.name)} does not hold a kernel and a bias")
    bias, kernel = names
    return inside(group, kernel), inside(group, bias)
