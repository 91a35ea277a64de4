"""What the thesis's tracking experiments share: schedules, the windows they are judged on, and its measure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ...films.normalisation import Normalisation
from ...growth.schedule import Phase, Schedule
from ...growth.validation import HeldOut, held_out_windows
from ...simulation import named_scene
from ..case import Rows

if TYPE_CHECKING:
    from ...growth.network import GrownNetwork

GROWN, PLAIN = "layer by layer", "plain"
"""The two ways to train that most experiments compare."""

WIDTH = "units in the first layer"
SCENE = "default"
LEVELS = (5.0, 10.0, 20.0, 50.0, 100.0)
"""Signal-to-noise ratios that networks are judged at."""

MAE, BOUND = "MAE (px)", "bound (px)"
_BRIEF = (Phase(share=2, size=8),)
_OURS = ((0.2, 32), (0.4, 128), (0.4, 256))


def thesis_schedule(share: float) -> Schedule:
    """Return the thesis's schedule (3.5.1), each phase as long as this share of it; two small batches with 0."""
    return Schedule.thesis(share) if share else Schedule.thesis().with_(phases=_BRIEF)


def our_schedule(share: float) -> Schedule:
    """Return ours with as many of the thesis's windows for each stage, one stage after the other."""
    images = thesis_schedule(share).images_per_stage or 1
    phases = [Phase(share=max(1, round(images * part / size)), size=size) for part, size in _OURS]
    return Schedule(phases=phases if share else _BRIEF, together=False, windows="thesis")


def schedule_of(name: str, share: float) -> Schedule:
    """Return the thesis's schedule, or ours, by its name: ``thesis`` or ``ours``."""
    return {"thesis": thesis_schedule, "ours": our_schedule}[name](share)


@cache
def judges(normalisation: Normalisation, number: int, levels: Sequence[float] = LEVELS) -> dict[float, HeldOut]:
    """Return windows at every level of noise that no network learns from."""
    scene = named_scene(SCENE)
    return {
        snr: held_out_windows(scene.with_(snr=snr), 51, normalisation, number=number, kind="thesis") for snr in levels
    }


def mean_absolute_error(judge: HeldOut, answers: np.ndarray) -> float:
    """Return the thesis's measure: the mean absolute error along an axis, in pixels."""
    return float(np.abs(answers[:, :2] - judge.truth).mean())


def errors(network: GrownNetwork, judged: dict[float, HeldOut], about: dict[str, object]) -> Rows:
    """Return the error of every stage at every level of noise."""
    return [
        about | {"stage": stage, "SNR": snr, MAE: mean_absolute_error(judge, answers[:, 0, 0]), BOUND: judge.bound}
        for snr, judge in judged.items()
        for stage, answers in enumerate(network.answers(judge.images), start=1)
    ]


def counted(number: int, what: str) -> str:
    """Return ``1 run`` or ``3 runs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
