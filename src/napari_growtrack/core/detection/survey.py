"""Look at a few frames of a film before it is tracked: which contrast it has, and what its own noise looks like."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from ..errors import GrowtrackWarning, SettingsError, StackError
from ..films import Stack
from . import decoys
from .cascade import Cascade, find_each, standing
from .network import StagedNetwork

Contrast = Literal["auto", "normal", "inverted"]

_PIXELS = 500_000
_MOST, _LEAST = 8, 2
"""So many pixels are looked at, in so many frames at most and at least, where there are as many."""
_SHUFFLED = 4
"""Where there are fewer, small ones are shuffled so many times at most."""
_SURE = 6.0
"""Particles that stand out by more are kept out of decoys, with a window around them."""
_LEFT = 0.25
"""Frames that are so full of particles that less is left of them tell nothing of their noise."""


class Surveyed(NamedTuple):
    """How a film is tracked: as it is or as its negative, and with what its own noise asks of particles."""

    contrast: Contrast
    cascade: Cascade


def survey(
    stack: Stack, network: StagedNetwork, cascade: Cascade, contrast: Contrast, numbers: Sequence[int]
) -> Surveyed:
    """Look at a few of the frames that are to be tracked.

    A cascade with a `false_share` comes back with the least significance that
    keeps it on this film, and what noise looks like there; any other as it is.

    Parameters
    ----------
    stack : Stack
    network : StagedNetwork
    cascade : Cascade
    contrast : {"auto", "normal", "inverted"}
    numbers : sequence of int
        The frames to be tracked.

    Returns
    -------
    Surveyed

    Raises
    ------
    SettingsError
        When there is no such contrast.

    Warns
    -----
    GrowtrackWarning
        See `resolved_contrast`.
    """
    contrast = resolved_contrast(stack, network, cascade, contrast, numbers)
    if not cascade.surveys or not len(numbers):
        return Surveyed(contrast, cascade)
    number = int(np.clip(-(-_PIXELS // max(int(np.prod(stack.shape[1:])), 1)), _LEAST, _MOST))
    frames = _frames(stack, {numbers[round(i)] for i in np.linspace(0, len(numbers) - 1, number)})
    frames = [negative(one, network, stack.full_scale) if contrast == "inverted" else one for one in frames]
    return Surveyed(contrast, with_noise_of(frames, network, cascade, stack.full_scale))


def with_noise_of(
    frames: Sequence[np.ndarray], network: StagedNetwork, cascade: Cascade, full_scale: float = 1.0
) -> Cascade:
    """Return a cascade that asks of particles what the noise of some frames makes it ask, to keep its `false_share`.

    Where there is too little between particles to tell, it stays as it is.

    Parameters
    ----------
    frames : sequence of ndarray (Y, X)
    network : StagedNetwork
    cascade : Cascade
    full_scale : float
        See `Stack.full_scale`.
    """
    varied = [frame for frame in frames if varies(frame)]
    wide, half = cascade.with_(least_significance=0.0), network.window / network.zoom / 2
    times = int(np.clip(_PIXELS // max(sum(frame.size for frame in varied), 1), 1, _SHUFFLED))
    found: list[np.ndarray] = []
    noise: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    seen: defaultdict[str, float] = defaultdict(float)
    for frame, table in zip(varied, find_each(varied, network, wide, full_scale), strict=True):
        found.append(_standing(table, cascade, network.zoom))
        usable = decoys.free(frame.shape, table.loc[table["significance"] > _SURE, ["y", "x"]].to_numpy(float), half)
        if (share := float(usable.mean())) < _LEFT:
            continue
        for kind, decoy in _decoys(frame, usable, times):
            (shown,) = find_each([decoy], network, wide, full_scale)
            noise[kind].append(_standing(decoys.apart(shown, usable), cascade, network.zoom))
            seen[kind] += share
    if not noise:
        return cascade
    kinds = [decoys.Noise.of(np.concatenate(noise[kind]), seen[kind]) for kind in noise]
    least, worst = decoys.least_significance(np.concatenate(found), len(varied), kinds, cascade.false_share)
    return cascade.with_(least_significance=least, noise=worst, false_share=cascade.false_share)


def _standing(table: pd.DataFrame, cascade: Cascade, zoom: float) -> np.ndarray:
    return standing(table["significance"].to_numpy(float), zoom * table["distance"].to_numpy(float), cascade.doubt)


def _decoys(frame: np.ndarray, usable: np.ndarray, times: int) -> Iterator[tuple[str, np.ndarray]]:
    yield "mirrored", decoys.mirrored(frame, usable)
    rng = np.random.default_rng(0)
    for _ in range(times):
        yield "shuffled", decoys.shuffled(frame, usable, rng)


def _frames(stack: Stack, numbers: Collection[int]) -> list[np.ndarray]:
    """Return some frames; none where one cannot be read: what is wrong will be said when its turn comes."""
    try:
        return [stack[number] for number in sorted(numbers)]
    except (StackError, IndexError):
        return []


def varies(frame: np.ndarray) -> bool:
    """Tell whether a frame's pixels differ."""
    return bool(frame.min() < frame.max())


def negative(frame: np.ndarray, network: StagedNetwork, full_scale: float) -> np.ndarray:
    """Return a frame's negative: what is dark becomes bright, and the other way round."""
    return np.float32(full_scale) - frame if network.normalisation == "unit" else -frame


def resolved_contrast(
    stack: Stack, network: StagedNetwork, cascade: Cascade, contrast: Contrast, numbers: Sequence[int]
) -> Contrast:
    """Return whether a film is tracked as it is or as its negative, with a warning where ``auto`` takes that.

    Parameters
    ----------
    stack : Stack
    network : StagedNetwork
    cascade : Cascade
    contrast : {"auto", "normal", "inverted"}
        What was asked for.
    numbers : sequence of int
        The frames to be tracked; the first and the middle one are looked at.

    Returns
    -------
    {"normal", "inverted"}
    """
    if contrast not in get_args(Contrast):
        raise SettingsError(f"Expected a contrast of {', '.join(get_args(Contrast))}, got {contrast!r}.")
    if contrast != "auto":
        return contrast
    if network.normalisation != "standard" or not len(numbers):
        return "normal"
    looked_at = _frames(stack, {numbers[0], numbers[len(numbers) // 2]})
    if not shows_more_inverted(looked_at, network, cascade):
        return "normal"
    warn(
        f"The particles of {stack.name} look dark where this network's are bright, or the reverse, "
        "so the negative is tracked. If that is wrong, set the contrast, or choose another network or diameter."
    )
    return "inverted"


def shows_more_inverted(frames: Sequence[np.ndarray], network: StagedNetwork, cascade: Cascade) -> bool:
    """Return whether the negatives of some frames show far more particles than the frames do.

    Far more is more than three times as many, and at least three a frame.
    """
    varied = [frame for frame in frames if varies(frame)]
    if not varied:
        return False
    normal, inverted = (
        sum(map(len, find_each([sign * frame for frame in varied], network, cascade))) for sign in (1, -1)
    )
    return inverted > 3 * normal and inverted >= 3 * len(varied)


def warn(sentence: str) -> None:
    """Warn whoever called the caller."""
    warnings.warn(sentence, GrowtrackWarning, stacklevel=3)
