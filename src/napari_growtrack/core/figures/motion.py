"""Draw what trajectories tell: mean square displacements, diffusion coefficients, drift, and the paths themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .style import COLOURS, dashed, finished, new_figure, shades

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MANY = 200


def draw_msd(each: pd.DataFrame, together: pd.DataFrame, length: str = "px", time: str = "frame") -> Figure:
    """Draw the mean square displacement of every trajectory, and of all with its 95 % band, on logarithmic axes.

    Parameters
    ----------
    each : DataFrame
        Of `motion.imsd`; of very many trajectories, some are drawn.
    together : DataFrame
        Of `motion.emsd`.
    length, time : str
        Units of length and of time.
    """
    figure, (axes,) = new_figure(width=4.0, height=3.0)
    step = max(1, each.shape[1] // _MANY)
    axes.plot(each.index, each.iloc[:, ::step], color="0.6", lw=0.4, alpha=0.5)
    axes.plot([], [], color="0.6", lw=0.8, label="each trajectory")
    axes.fill_between(together.lag, together.low, together.high, color=COLOURS[0], alpha=0.25, lw=0)
    axes.plot(together.lag, together.msd, color=COLOURS[0], marker="o", ms=3, lw=1.2, label="all, with 95 % band")
    first = together[together.msd > 0].iloc[:1]
    if len(first):
        line = first.msd.iloc[0] * together.lag / first.lag.iloc[0]
        axes.plot(together.lag, line, **dashed(), label="proportional to time")
    axes.set(
        xlabel=f"lag ({_plural(time)})", ylabel=f"mean square displacement ({length}²)", xscale="log", yscale="log"
    )
    return finished(figure)


def draw_diffusion(values: pd.Series, mean: float, unit: str) -> Figure:
    """Draw how the diffusion coefficients of single trajectories are distributed, with that of all.

    Parameters
    ----------
    values : Series
        One a trajectory.
    mean : float
    unit : str
    """
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = new_figure(width=4.0)
    axes.hist(values, bins=max(8, min(40, len(values) // 4)), color=COLOURS[4], edgecolor="white", lw=0.4)
    axes.axvline(mean, **dashed(), label="all trajectories together")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel=f"diffusion coefficient of a trajectory ({unit})", ylabel="trajectories")
    return finished(figure)


def draw_drift(drift: pd.DataFrame, frame: float = 1.0, pixel: float = 1.0, **units: str) -> Figure:
    """Draw how far all particles have moved in common.

    Parameters
    ----------
    drift : DataFrame
        Of `motion.drift`, in pixels.
    frame, pixel : float
        A frame and a pixel in the units.
    **units : str
        ``length`` and ``time``; pixels and frames by default.
    """
    length, time = units.get("length", "px"), units.get("time", "frame")
    figure, (axes,) = new_figure(width=4.0)
    for number, axis in enumerate(("y", "x")):
        axes.plot(frame * drift.frame, pixel * drift[axis], color=COLOURS[number], lw=1.2, label=f"along {axis}")
    axes.set(xlabel=f"time ({_plural(time)})", ylabel=f"common displacement ({length})")
    return finished(figure)


def draw_trajectories(trajectories: pd.DataFrame, frame: np.ndarray | None = None) -> Figure:
    """Draw the paths of all trajectories, over a frame (Y, X) where one is given."""
    from matplotlib.collections import LineCollection

    figure, (axes,) = new_figure(width=5.0, height=5.0)
    if frame is not None:
        low, high = np.percentile(frame, (0.5, 99.8))
        axes.imshow(frame, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
    ordered = trajectories.sort_values("frame")
    paths: list[Any] = [rows[["x", "y"]].to_numpy() for _, rows in ordered.groupby("particle")]
    colours = [
        shades(max(len(paths), 2), "gist_rainbow", 0.95)[i] for i in np.random.default_rng(0).permutation(len(paths))
    ]
    axes.add_collection(LineCollection(paths, colors=colours, linewidths=1.1))
    axes.set(xlabel="x (px)", ylabel="y (px)", aspect="equal")
    axes.autoscale_view()
    if frame is None:
        axes.invert_yaxis()
    return finished(figure)


def draw_step_lengths(table: pd.DataFrame, length: str = "px") -> Figure:
    """Draw how long steps are, with the populations that are told of them.

    Parameters
    ----------
    table : DataFrame
        The ``distribution`` of `motion.StepLengths`.
    length : str
        Unit of length.
    """
    figure, (axes,) = new_figure(width=4.0)
    axes.bar(table.length, table.density, width=table.length[1] - table.length[0], color="0.85", label="seen")
    parts = [str(name) for name in table if str(name).startswith("population_")]
    for number, name in enumerate(parts):
        axes.plot(table.length, table[name], color=COLOURS[number], lw=1.2, label=name.replace("_", " "))
    if len(parts) > 1:
        axes.plot(table.length, table.fit, **dashed(), label="all populations")
    axes.set(xlabel=f"length of a step ({length})", ylabel=f"density (1/{length})")
    return finished(figure)


def draw_states(lengths: np.ndarray, shares: np.ndarray, variances: np.ndarray, table: pd.DataFrame) -> Figure:
    """Draw how long steps are, with what is told of each state, and the paths in the colours of their states.

    Parameters
    ----------
    lengths : (n,) array
        Of steps from frame to frame, in pixels.
    shares, variances : (states,) array
        Of each state: its share of the steps, and their variance along an axis in px².
    table : DataFrame
        Of `motion.assign_states`.
    """
    from matplotlib.collections import LineCollection

    figure, (steps, paths) = new_figure(2, height=3.2)
    end = float(np.quantile(lengths, 0.995))
    steps.hist(lengths, bins=60, range=(0, end), density=True, color="0.85")
    at = np.linspace(0, end, 400)
    each = [share * at / one * np.exp(-(at**2) / (2 * one)) for share, one in zip(shares, variances, strict=True)]
    for number, density in enumerate(each):
        steps.plot(at, density, color=COLOURS[number], lw=1.2, label=f"state {number + 1}")
    if len(each) > 1:
        steps.plot(at, np.sum(each, axis=0), **dashed(), label="all states")
    steps.set(xlabel="length of a step (px)", ylabel="density (1/px)")
    ordered = table.sort_values(["particle", "frame"])
    places, state = ordered[["x", "y"]].to_numpy(float), ordered["state"].to_numpy()
    same = np.flatnonzero(np.diff(ordered["particle"].to_numpy()) == 0)
    lines: list[Any] = [*np.stack([places[same], places[same + 1]], 1)]
    colours = [COLOURS[max(one, 0)] for one in state[same]]
    paths.add_collection(LineCollection(lines, colors=colours, linewidths=0.8))
    paths.set(xlabel="x (px)", ylabel="y (px)", aspect="equal")
    paths.autoscale_view()
    paths.invert_yaxis()
    return finished(figure)


def _plural(time: str) -> str:
    return "frames" if time == "frame" else time
