"""What the Grow panel says of plans, of growing and of what came of it; free of Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...core.growth.plan import Plan
from ...core.growth.schedule import Schedule
from ...core.networks.calibration import MakingProgress
from ..session.sentences import Kind, duration
from .growing import best_stage

STARTING = "Starting; the first time takes some seconds..."
PAUSING, STOPPING = "Pausing...", "Stopping..."
GROWS_ALREADY = "A network is growing already. Stop it first, or wait until it is done."

FAR = 4.0
"""A network whose error is so many times the bound has learned too little."""

FINE = 0.25
"""Errors below so many pixels are no reason to complain: the last fit begins there, and ends at the bound."""

_DOING = {"calibrating": "Finding thresholds", "measuring": "Measuring what it reaches"}


def plan_line(plan: Plan) -> str:
    """Say what the stages of a plan cost, and how many weights it has."""
    shares = [f"{plan.relative_cost(stage):.0%}" for stage in range(1, plan.stages + 1)]
    if len(shares) > 8:
        shares = [*shares[:3], "…", *shares[-3:]]
    costs = f"Stages cost {', '.join(shares)} of the whole; " if plan.stages > 1 else ""
    weights = sum(math.prod(shape) for shape in plan.weight_shapes().values())
    return f"{costs}{weights:,} weights, windows of {plan.side} px"


def schedule_line(minutes: float | None, together: bool, plan: Plan | None, given: int = 0) -> str:
    """Say how stages learn; those that are `given` do not."""
    if minutes is None:
        windows = Schedule.thesis().images_per_stage or 0
        return f"One stage after the other, each on {windows / 1e6:.1f} million windows: an hour or more."
    stages = 1 if plan is None else max(plan.stages - given, 1)
    if stages == 1:
        return f"The new stage learns for {_minutes(minutes)}."
    if together:
        return (
            f"All stages learn at once for {_minutes(minutes)}; they can be tried in the Track panel after a quarter."
        )
    return f"Each stage learns for {_minutes(minutes / stages)}, and can be tried in the Track panel then."


def _minutes(minutes: float) -> str:
    return f"{minutes:.3g} min" if minutes >= 1 else f"{60 * minutes:.0f} s"


def error_words(error: float | None, bound: float | None) -> str:
    """Return the median error of a stage, in words; empty where it is not known."""
    if error is None:
        return ""
    return f"{error:.2f} px" + (f" (bound {bound:.2f} px)" if bound else "")


def left_words(seconds: float) -> str:
    """Return how long something will take; empty where that is not known, or nothing."""
    return f"{duration(seconds)} left" if math.isfinite(seconds) and seconds > 0 else ""


def making_line(progress: MakingProgress, error: float | None, bound: float | None) -> str:
    """Say what is being done to a network."""
    doing, left = progress.doing.split(",")[0], left_words(progress.seconds_left)
    begins = _DOING.get(doing, f"{doing.capitalize()}: {error_words(error, bound)}").removesuffix(": ")
    return f"{begins}, {left}" if left else begins


def outcome_line(name: str, errors: Mapping[int, float], bound: float | None) -> tuple[str, Kind]:
    """Say what a finished network reaches, and whether that is to be taken as a warning."""
    stage = max(errors, default=0)
    if not stage:
        return f"{name} is grown and saved.", "plain"
    said = f"{name} is grown and saved. Stage {stage}: {error_words(errors[stage], bound)}."
    best = best_stage(errors, stage)
    if bound and errors[stage] > max(FAR * bound, FINE):
        return (
            f"{said} That is far from the bound: grow it for longer, or begin with it and grow it further.",
            "warning",
        )
    if best != stage:
        return (
            f"{said} Stage {best} is better: {errors[best]:.2f} px. Grow it for longer, or track with that.",
            "warning",
        )
    return said, "plain"


def stages_words(stages: tuple[int, ...]) -> str:
    """Return which stages learn.

    Examples
    --------
    >>> stages_words((2,)), stages_words((1, 2, 3))
    ('stage 2', 'stages 1 to 3')
    """
    return f"stage {stages[0]}" if len(stages) == 1 else f"stages {stages[0]} to {stages[-1]}"


# What was left --------------------------------------------------------------------------------------------------------


def unfinished_line(name: str) -> str:
    """Say that a network can be taken up."""
    return f"{name} is not finished: press Go on growing to take it up."


def paused_line(name: str) -> str:
    """Say that a network rests."""
    return f"Paused. {name} goes on from here when you press Resume."


def stopped_line(name: str, grown: bool) -> str:
    """Say what is left of a network that is grown no further."""
    if not grown:
        return "Stopped before anything was grown."
    return f"Stopped. What was grown of {name} is kept, and listed under Unfinished."


def failed_line(why: str) -> str:
    """Say why growing ended, and that nothing is lost."""
    return f"{why} What was grown is kept: press Resume to go on from there."


def discard_question(name: str) -> str:
    """Ask whether to throw away what was grown."""
    return f"Throw away what was grown of {name}? This cannot be undone."


def discarded_line(name: str) -> str:
    """Say what was thrown away."""
    return f"{name} was discarded."
