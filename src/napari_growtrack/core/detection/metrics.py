"""Compare what a cascade finds on simulated frames with the truth, to choose what it accepts and learn how it errs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from ..scoring.matching import WITHIN, match, spread
from .cascade import Cascade, find_each, standing, standing_out
from .decoys import Noise
from .network import StagedNetwork

Sample = tuple[np.ndarray, pd.DataFrame]
"""A frame (Y, X) and its truth table."""

AT_ONCE = 16
_ACCEPT_DISTANCES = tuple(np.geomspace(1.0, 4.0, 7).round(2).tolist())
"""What is fitted is judged by its significance; the distance says that there is something, to about a pixel."""
_DOUBT = 1.0
"""By how many more standard errors what is fitted has to stand out for each pixel of distance."""
_AS_GOOD = 1e-2
"""Scores on our own frames that count as alike: of such thresholds the loosest is taken, for films unlike ours."""
_OF_FILMS = 5.0
"""What a film's own noise asks of particles, more or less: where most films are, distances are chosen."""
_WORTH_FITTING = 0.5
_NO_WORSE = 1.1
"""What fits accept may be farther off by so much: without, none but the surest may be accepted."""
_WORTH_A_LOOK = 1e-2
_FEWEST = 50
_FRAMES_A_GHOST = 100


class Fitted(NamedTuple):
    """A cascade that fits, and its score: the F measure that counts precision double."""

    cascade: Cascade
    score: float


@dataclass(frozen=True, eq=False)
class Judged:
    """Detections in all samples, and the truth about them.

    Attributes
    ----------
    distances, significances : ndarray (n,)
        As detected; distances in network pixels.
    errors : ndarray (n,)
        How far from a particle, in pixels of the film; infinite for ghosts.
    pulls : ndarray (n, 2)
        Errors along y and x in units of `sigma`; nan beside another particle, which may be the one that was meant.
    particles, frames : int
        In all samples.
    """

    distances: np.ndarray
    significances: np.ndarray
    errors: np.ndarray
    pulls: np.ndarray
    particles: int
    frames: int

    @classmethod
    def by(cls, network: StagedNetwork, samples: Sequence[Sample], cascade: Cascade) -> Judged:
        """Track all samples."""
        parts = []
        for i in range(0, len(samples), AT_ONCE):
            some = samples[i : i + AT_ONCE]
            tables = find_each([frame for frame, _ in some], network, cascade)
            parts += [_compared(table, truth, network) for table, (_, truth) in zip(tables, some, strict=True)]
        particles = sum(len(truth) for _, truth in samples)
        distances, significances, errors, pulls = (np.concatenate(several) for several in zip(*parts, strict=True))
        return cls(distances, significances, errors, pulls, particles, len(samples))

    def within(self, accept_distance: float, least: float = 0.0, doubt: float = 0.0) -> Judged:
        """Return what some thresholds accept."""
        good = self.distances < accept_distance
        good &= standing_out(self.significances, self.distances, least, doubt)
        columns = self.distances[good], self.significances[good], self.errors[good], self.pulls[good]
        return Judged(*columns, self.particles, self.frames)

    @property
    def score(self) -> float:
        """The F measure that counts precision double."""
        right, number = np.isfinite(self.errors).sum(), len(self.errors)
        return float(1.25 * right / max(number + 0.25 * self.particles, 1e-9))

    @property
    def median_error(self) -> float:
        """In pixels; infinite without any."""
        right = self.errors[np.isfinite(self.errors)]
        return float(np.median(right)) if len(right) else np.inf

    @property
    def spread(self) -> float:
        """The spread of the pulls: half the width that holds 68 % of them; 1 where too little is found."""
        pulls = self.pulls[np.isfinite(self.errors)].ravel()
        pulls = pulls[np.isfinite(pulls)]
        if len(pulls) < _FEWEST:
            return 1.0
        return max(spread(pulls), 1e-3)

    def noise(self, doubt: float) -> float:
        """Return the significance less `doubt` times the distance that noise exceeds once in 100 frames; 0 if never."""
        ghosts = standing(self.significances, self.distances, doubt)
        return Noise.of(ghosts, self.frames).exceeded(1 / _FRAMES_A_GHOST) if (ghosts > 0).any() else 0.0


def with_errors(
    network: StagedNetwork, samples: Sequence[Sample], noise: Sequence[Sample], cascade: Cascade
) -> tuple[Cascade, Fitted | None]:
    """Return a cascade that knows its standard errors, and one that fits too, where the network can and it helps.

    The factors of `sigma` are what the spread of the pulls is without them. Where
    particles are fitted, T2 and the least significance are chosen together, and
    a second look is taken only if it pays: the fit does not need it.
    """
    plain, seen = _unfitted(network, samples, cascade)
    if not hasattr(network, "fit") or seen.score < _WORTH_FITTING:
        return plain, None
    single, _ = _unfitted(network, samples, plain.with_(looks=1))
    once, twice = (_fitted(network, samples, noise, one) for one in (single, plain))
    fitted, judged = twice if twice[0].score > once[0].score + _WORTH_A_LOOK else once
    return plain, fitted if judged.median_error < _NO_WORSE * seen.median_error else None


def _unfitted(network: StagedNetwork, samples: Sequence[Sample], cascade: Cascade) -> tuple[Cascade, Judged]:
    """Return a cascade that does not fit and knows its standard errors, and what it finds."""
    plain = cascade.with_(polish=False, sigma_factor=1.0, polished_sigma_factor=1.0)
    seen = Judged.by(network, samples, plain)
    return plain.with_(sigma_factor=seen.spread), seen


def _fitted(
    network: StagedNetwork, samples: Sequence[Sample], noise: Sequence[Sample], plain: Cascade
) -> tuple[Fitted, Judged]:
    """Return the best cascade that fits, and what it accepts."""
    # a faithful one's distance tells of the window's place as much as of doubt
    distances, doubt = ((plain.accept_distance,), 0.0) if plain.faithful else (_ACCEPT_DISTANCES, _DOUBT)
    open_gate = plain.with_(polish=True, accept_distance=max(distances))
    found = Judged.by(network, samples, open_gate)
    ghosts = Judged.by(network, noise, open_gate) if noise else None
    ways = []
    for distance in distances:
        least = ghosts.within(distance).noise(doubt) if ghosts else 0.0
        accepted = found.within(distance, min(least, _OF_FILMS), doubt)
        ways.append((accepted.score, distance, least, accepted))
    best = max(score for score, *_ in ways)
    good = [way for way in ways if way[0] >= best - _AS_GOOD]
    score, distance, least, accepted = max(good, key=lambda way: way[1])  # significance is there to judge by
    thresholds = {"accept_distance": distance, "least_significance": least, "doubt": doubt}
    return Fitted(open_gate.with_(**thresholds, polished_sigma_factor=accepted.spread), score), accepted


def _compared(found: pd.DataFrame, truth: pd.DataFrame, network: StagedNetwork) -> tuple[np.ndarray, ...]:
    """Return the columns of `Judged` for one sample."""
    zoom = network.zoom
    true, places = (table[["y", "x"]].to_numpy(float) for table in (truth, found))
    rows, columns, distances = match(true, places, WITHIN)
    errors, pulls = np.full(len(found), np.inf), np.full((len(found), 2), np.inf)
    errors[columns] = distances
    pulls[columns] = (places[columns] - true[rows]) / found["sigma"].to_numpy()[columns, None]
    nearest = KDTree(true).query(true[rows], k=[2])[0][:, 0] if len(rows) else np.empty(0)
    pulls[columns[nearest < network.window / zoom / 2]] = np.nan
    return zoom * found["distance"].to_numpy(), found["significance"].to_numpy(), errors, pulls
