"""What each task asks of a head: the activation of its answer and the loss it learns by."""

from __future__ import annotations

from typing import Any

import numpy as np

from .backend import keras
from .plan import Plan, Task
from .schedule import Schedule

LOG_SCALES = (-6.0, 3.0)
"""Least and greatest logarithm of a position's uncertainty in pixels."""

_ACTIVATIONS: dict[Task, str | None] = {"locate": None, "binary": "sigmoid", "classes": "softmax", "labels": "sigmoid"}


def activated(scores: Any, task: Task) -> Any:
    """Return the answer that a head's plain scores stand for."""
    name = _ACTIVATIONS[task]
    return keras.layers.Activation(name, dtype="float32")(scores) if name else scores


def loss_of(plan: Plan, schedule: Schedule) -> Any:
    """Return the loss of one stage, from its plain scores."""
    if plan.task == "locate":
        return position_loss(schedule)
    if plan.task == "classes":
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    return keras.losses.BinaryCrossentropy(from_logits=True)


def wanted(labels: np.ndarray, plan: Plan) -> np.ndarray:
    """Return class labels (n,) as the numbers a head should answer, (n, outputs) float32."""
    if plan.task == "binary":
        return labels[:, None].astype(np.float32)
    return (labels[:, None] == np.arange(plan.outputs)).astype(np.float32)


def answer_of(scores: np.ndarray, task: Task) -> np.ndarray:
    """Return the answers that plain scores (..., outputs) stand for; `activated` for arrays."""
    if _ACTIVATIONS[task] == "softmax":
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)
    return 1 / (1 + np.exp(-scores)) if _ACTIVATIONS[task] == "sigmoid" else scores


def scaled(targets: np.ndarray, schedule: Schedule) -> np.ndarray:
    """Clip the distance of positions (n, 3) and bring them to the unit of the network's outputs."""
    clipped = np.minimum(targets, [np.inf, np.inf, schedule.reach])
    return (clipped / schedule.unit).astype(np.float32)


def position_loss(schedule: Schedule) -> Any:
    """Return the loss of a place: of positions where a particle is in reach, and of the distance everywhere.

    ``squared`` is the thesis's mean squared error. ``robust`` is the distance between found and true position
    plus the error of the distance, in pixels, so that rare large errors do not drown the fine ones. With a fourth
    output, ``log s``, the position's loss is ``r / s + 2 log s + r``: but for a constant and the last term, the
    negative logarithm of the likelihood that a plane's Laplace distribution of scale ``s`` gives an error ``r``.
    """
    ops = keras.ops
    limit = schedule.reach / schedule.unit * (1 - 1e-6)

    def loss(truth: Any, found: Any) -> Any:
        in_reach = ops.cast(truth[..., 2] < limit, found.dtype)
        square = ops.square(truth - found[..., :3])
        position = (square[..., 0] + square[..., 1]) * in_reach
        if schedule.loss == "squared":
            return ops.mean(position + square[..., 2]) / 3
        error, distance = schedule.unit * _root(position), 0.5 * schedule.unit * _root(square[..., 2])
        if found.shape[-1] == 3:
            return ops.mean(error + distance)
        scale = ops.clip(found[..., 3], *LOG_SCALES)
        return ops.mean(error + distance + in_reach * (error * ops.exp(-scale) + 2 * scale))

    def _root(square: Any) -> Any:
        return ops.sqrt(square + 1e-6) - 1e-3

    return loss
