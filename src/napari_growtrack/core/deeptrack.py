"""Read the networks of DeepTrack 1.0: Keras 2 files in HDF5, taken as a growth table of one stage and plain arrays.

Only two things of such a file are looked at: the JSON text that describes its layers, and their weights. Nothing in it
can make run, links out of it are refused, and sizes are checked before an array is read.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .errors import NetworkFileError, SettingsError
from .growth.plan import Layer, Plan

if TYPE_CHECKING:
    import h5py

_DESCRIPTION = "model_config"
# Message 12 of an object, version 1: the sizes of name, type and space, which lie before the value, and then the name.
_ATTRIBUTE = re.compile(rb"\x0c\0.{6}\x01\0(..)(..)(..)(?=" + _DESCRIPTION.encode() + rb"\0)", re.DOTALL)
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FILE_LIMIT = 2**28
_PARAMETER_LIMIT = 2**24
_LAYER_LIMIT = 200
_TEXT_LIMIT = 2**20
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
    _refuse_other_files(path)
    with _opened(path) as file:
        layers = _layers(path, file)
        plan = _plan(layers)
        return plan, _weights(file, layers, plan)


def _refuse_other_files(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start, size = file.read(len(_SIGNATURE)), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise NetworkFileError(f"{path.name} cannot be read: {error.strerror or error}. Check the path.") from error
    if start != _SIGNATURE:
        raise NetworkFileError(
            f"{path.name} is not an HDF5 file, in which DeepTrack 1.0 saves its networks. Choose another file."
        )
    if size > _FILE_LIMIT:
        raise NetworkFileError(f"{path.name} has {size:,} bytes, more than the {_FILE_LIMIT:,} allowed. Do not use it.")


class _Misfit(Exception):
    """What keeps a file from being a network of DeepTrack 1.0."""


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; every failure becomes a sentence that names it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (_Misfit, SettingsError) as error:
        reason = str(error).rstrip(".")
        raise NetworkFileError(
            f"{path.name} is not a network of DeepTrack 1.0: {reason}. Choose a file that DeepTrack 1.0 has saved."
        ) from error
    except Exception as error:  # damaged files fail in many ways: OSError, RuntimeError, KeyError, UnicodeError
        raise NetworkFileError(
            f"{path.name} is damaged or cut short ({_short(error)}). Copy or download it again."
        ) from error


# Layers -----------------------------------------------------------------------------------------------------------


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
    if _DESCRIPTION not in file.attrs:
        raise _Misfit(f"it does not describe its layers (no {_DESCRIPTION}); expected a whole model, not only weights")
    in_heap = file.attrs.get_id(_DESCRIPTION).get_type().is_variable_str()
    model = json.loads(_from_heap(path.read_bytes()) if in_heap else file.attrs[_DESCRIPTION])
    if model["class_name"] != "Sequential":
        raise _Misfit(f"expected a Sequential model, got {_short(model['class_name'])}")
    entries = model["config"] if isinstance(model["config"], list) else model["config"]["layers"]
    if len(entries) > _LAYER_LIMIT:
        raise _Misfit(f"it has {len(entries)} layers, more than the {_LAYER_LIMIT} allowed")
    layers = [_KerasLayer(str(e["class_name"]), str(e["config"]["name"]), e["config"]) for e in entries]
    _refuse_other_layers([layer for layer in layers if layer.kind != "InputLayer"])
    return layers


def _from_heap(raw: bytes) -> bytes:
    """Return the description out of the bytes of a file.

    HDF5 itself believes a damaged file: it reserves up to 4 GiB for a text that
    claims to be so long, and walks in circles through a heap whose sizes are wrong.
    """
    attributes = list(_ATTRIBUTE.finditer(raw))
    if len(attributes) != 1:
        raise _Misfit(f"its {_DESCRIPTION} is not stored as Keras stores it")
    parts = [_padded(int.from_bytes(size, "little")) for size in attributes[0].groups()]
    length, heap, wanted = struct.unpack_from("<IQI", raw, attributes[0].end() + sum(parts))
    place = heap + 16
    while place < len(raw):
        number, size = struct.unpack_from("<H6xQ", raw, place)
        place += 16
        if number == wanted and length <= min(size, _TEXT_LIMIT):
            return raw[place : place + length]
        place += _padded(size)
    raise _Misfit(f"its {_DESCRIPTION} is longer than {_TEXT_LIMIT:,} bytes or not there")


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _refuse_other_layers(layers: Sequence[_KerasLayer]) -> None:
    for layer in layers:
        if layer.kind not in _RULES:
            raise _Misfit(f"layer {_short(layer.name)} is a {_short(layer.kind)}, expected only {', '.join(_RULES)}")
    kinds = " ".join(layer.kind for layer in layers)
    if not re.fullmatch("(Conv2D (MaxPooling2D )?)*Flatten( Dense)+", kinds):
        raise _Misfit(f"expected Conv2D with or without MaxPooling2D, then Flatten and Dense, got {_short(kinds)}")
    for layer in layers:
        for key, allowed in (_LAST if layer is layers[-1] else _RULES[layer.kind]).items():
            if layer.config.get(key) not in allowed:
                got = _short(layer.config.get(key))
                raise _Misfit(f"layer {_short(layer.name)} has {key} {got}, expected {allowed[0]!r}")


def _plan(layers: Sequence[_KerasLayer]) -> Plan:
    first = layers[0].config
    shape = first.get("batch_input_shape", first.get("batch_shape")) or []
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 1:
        raise _Misfit(f"expected square grey windows, got an input of shape {_short(shape)}")
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
        raise _Misfit(
            f"layer {_short(layer.name)} has strides {_short(layer.config['strides'])}, expected those of its pool_size"
        )
    return side


def _side(layer: _KerasLayer, key: str) -> int:
    side, other = layer.config[key]
    if side != other:
        raise _Misfit(f"layer {_short(layer.name)} has {key} {_short([side, other])}, expected a square")
    return side


# Weights ----------------------------------------------------------------------------------------------------------


def _weights(file: h5py.File, layers: Sequence[_KerasLayer], plan: Plan) -> Weights:
    shapes = plan.weight_shapes()
    parameters = sum(map(math.prod, shapes.values()))
    if parameters > _PARAMETER_LIMIT:
        raise _Misfit(f"it wants {parameters:,} weights, more than the {_PARAMETER_LIMIT:,} allowed")
    names = [f"block_{row}_1" for row in range(1, len(plan.layers) + 1)] + ["head_1"]
    weights = {}
    for name, layer in zip(names, _with_weights(layers), strict=True):
        kernel, bias = _kernel_and_bias(_inside(_inside(file, "model_weights"), layer.name))
        shape = shapes[f"{name}.kernel"]
        stored = shape if layer.kind == "Conv2D" else (math.prod(shape[:3]), shape[3])
        weights[f"{name}.kernel"] = _array(kernel, stored).reshape(shape)
        weights[f"{name}.bias"] = _array(bias, shapes[f"{name}.bias"])
    return weights


def _kernel_and_bias(group: Any) -> tuple[Any, Any]:
    """Return the two arrays of a layer, which lie a few groups down, as in ``conv_1/kernel:0``."""
    import h5py

    for _ in range(_DEPTH_LIMIT):
        if isinstance(group, h5py.Group) and len(group) == 1:
            group = _inside(group, next(iter(group)))
    names = sorted(group) if isinstance(group, h5py.Group) else []
    if [name.partition(":")[0] for name in names] != ["bias", "kernel"]:
        raise _Misfit(f"{_short(group.name)} does not hold a kernel and a bias")
    bias, kernel = names
    return _inside(group, kernel), _inside(group, bias)


def _inside(group: h5py.Group, path: str) -> Any:
    """Follow a path step by step, never out of the file or round a corner."""
    import h5py

    node: Any = group
    for part in path.split("/"):
        link = node.get(part, getlink=True)
        if link is None:
            raise _Misfit(f"it has no part {_short(part)} in {_short(node.name)}")
        if not isinstance(link, h5py.HardLink):
            raise _Misfit(f"part {_short(part)} in {_short(node.name)} is only a link; expected it in the file itself")
        node = node[part]
    return node


def _array(dataset: h5py.Dataset, shape: tuple[int, ...]) -> np.ndarray:
    name = _short(dataset.name)
    if dataset.shape != shape or dataset.dtype.kind != "f":
        raise _Misfit(f"{name} holds {dataset.dtype} values of shape {dataset.shape}, expected floats of shape {shape}")
    if dataset.chunks or dataset.external or dataset.is_virtual:
        raise _Misfit(f"{name} is scattered or compressed; expected it in one piece")
    with np.errstate(over="ignore"):
        array = dataset[...].astype(np.float32)
    if not np.isfinite(array).all():
        raise _Misfit(f"{name} holds NaN or infinite weights")
    return array


def _short(value: Any) -> str:
    return f"{value!r:.60}"
