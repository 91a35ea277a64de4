"""Find thresholds on simulated frames, so that nobody has to guess them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field
from scipy.spatial.distance import cdist

from ..errors import SettingsError
from ..scoring.matching import WITHIN, match
from ..settings import Settings
from .cascade import Cascade, Refined, accept, mended, passed_on, refine, view_of
from .metrics import AT_ONCE, Sample, with_errors
from .network import StagedNetwork
from .windows import Looks, View, frame_passes
from .zoom import to_network

SCREENS = 12
MERGE_DISTANCES = (2.0, 3.0, 4.0, 6.0, 8.0)
_WIDEST = Cascade(stage=1, screen=1, screen_distance=1, accept_distance=1, merge_distance=1, looks=4, votes=5)


class Seen(NamedTuple):
    """A sample as the network sees it: view, true positions (n, 2) and size, all in its own pixels."""

    view: View
    truth: np.ndarray
    size: np.ndarray

    @classmethod
    def by(cls, network: StagedNetwork, sample: Sample) -> Seen:
        """Normalise and enlarge a sample as this network wants it."""
        frame, truth = sample
        positions = to_network(truth[["y", "x"]].to_numpy(float), network.zoom)
        return cls(view_of(mended(frame, network), network, _WIDEST), positions, network.zoom * np.array(frame.shape))


class Pair(NamedTuple):
    """A cascade without its thresholds."""

    stage: int
    screen: int
    faithful: bool = False


class Calibrated(Settings):
    """A cascade with the score it reached on the frames it was calibrated on."""

    cascade: Cascade
    score: float = Field(ge=0, le=1, description="F measure that counts precision double.")
    unpolished: Cascade | None = Field(
        None, description="The same without fitting, where the cascade fits: its thresholds are stricter."
    )


class Calibration(Settings):
    """The thresholds of every pair of stages."""

    pairs: tuple[Calibrated, ...] = Field((), description="One for each pair of stages, recentred and faithful.")

    def cascade(self, stage: int, screen: int | None = None, faithful: bool = False, polish: bool = True) -> Cascade:
        """Return the calibrated cascade of a pair of stages, with a last fit where that helped, or without.

        Without `screen`, the first stage that screens nearly as well as any:
        its score is within three percent of the best.

        Raises
        ------
        SettingsError
            When this pair was never calibrated.
        """
        fit = [
            pair
            for pair in self.pairs
            if (pair.cascade.stage, pair.cascade.faithful) == (stage, faithful)
            and screen in (None, pair.cascade.screen)
        ]
        if not fit:
            by = "" if screen is None else f" screened by stage {screen}"
            raise SettingsError(
                f"There are no thresholds for stage {stage}{by}. Choose one of the network's stages, "
                "and a screening stage not above it."
            )
        good = max(pair.score for pair in fit) - 3e-2
        first = min((pair for pair in fit if pair.score >= good), key=lambda pair: pair.cascade.screen)
        return first.cascade if polish or first.unpolished is None else first.unpolished


def all_pairs(stages: int) -> list[Pair]:
    """Return the pairs of a screening stage and a stage not below it, recentred and faithful.

    Every pair there is; of more than a dozen stages, a dozen screen, and each
    for itself.
    """
    screens = {1 + round(i * (stages - 1) / (SCREENS - 1)) for i in range(SCREENS)}
    steps = [
        (stage, screen)
        for stage in range(1, stages + 1)
        for screen in range(1, stage + 1)
        if screen in screens or screen == stage
    ]
    return [Pair(stage, screen, faithful) for faithful in (False, True) for stage, screen in steps]


def calibrate(
    network: StagedNetwork, samples: Iterable[Sample], pairs: Sequence[Pair], noise: Iterable[Sample] = ()
) -> Iterator[Calibrated]:
    """Yield the calibrated cascade of each pair of stages.

    T1 lets through nearly every particle that the screening stage can see;
    Dp and T2 then give the best score. Last come the factors that make a
    standard error of what the network, or a fit, says of its certainty; a
    network that can fit polishes where that lowers the error.

    Parameters
    ----------
    network : StagedNetwork
    samples : iterable of (frame, truth)
        Simulated frames like those to be tracked; some without particles.
    pairs : sequence of Pair
    noise : iterable of (frame, truth)
        Frames that show nothing but noise: how significant a fitted particle has
        to be.

    Raises
    ------
    SettingsError
        When there are no samples.
    """
    samples, noise = list(samples), list(noise)
    if not samples:
        raise SettingsError("Thresholds are found on simulated frames, and there are none. Give some.")
    seen = [Seen.by(network, sample) for sample in samples]
    views = [one.view for one in seen]
    passes: dict[int, list[Looks]] = {}
    for pair in pairs:
        if pair.screen not in passes:
            passes[pair.screen] = frame_passes(views, network, pair.screen)
        found = _calibrated(network, seen, passes[pair.screen], pair)
        plain, fitted = with_errors(network, samples, noise, found.cascade)
        if fitted is None:
            yield found.with_(cascade=plain)
        else:
            yield Calibrated(cascade=fitted.cascade, score=fitted.score, unpolished=plain)


def _calibrated(network: StagedNetwork, seen: list[Seen], passes: list[Looks], pair: Pair) -> Calibrated:
    truths = [one.truth for one in seen]
    open_gate = Cascade(
        **pair._asdict(),
        screen_distance=screening_distance(passes, truths, WITHIN * network.zoom, network.window / 3, network.step),
        accept_distance=1e6,
        merge_distance=MERGE_DISTANCES[0],
    )
    best = (-1.0, open_gate)
    for distance in MERGE_DISTANCES:
        cascade = open_gate.with_(merge_distance=distance)
        score, accept_distance = _best_threshold(*_judged(network, seen, passes, cascade))
        if score > best[0] + 1e-3:
            best = (score, cascade.with_(accept_distance=accept_distance))
    return Calibrated(cascade=best[1], score=best[0])


def screening_distance(
    passes: Sequence[Looks], truths: Sequence[np.ndarray], within: float, far: float, step: int = 1
) -> float:
    """Return T1: a little above what 98 % of the particles need to be passed on.

    That is no less than half the diagonal of a window's step: a particle may lie
    that far from the nearest window, however sure that one is. A window catches
    a particle if it puts it no more than `within` pixels off. T1 is at most so
    large that one in a hundred windows farther than `far` pixels from any
    particle is passed on. All in network pixels.
    """
    needed = np.concatenate([_needed(looks, truth, within) for looks, truth in zip(passes, truths, strict=True)])
    nothing = np.concatenate([_far(looks, truth, far) for looks, truth in zip(passes, truths, strict=True)])
    high = float(np.percentile(nothing, 1)) if len(nothing) else float("inf")
    low = 1.05 * max(float(np.percentile(needed, 98)), step / np.sqrt(2)) if len(needed) else high
    return max(min(low, high), 1.0)


def _far(looks: Looks, truth: np.ndarray, far: float) -> np.ndarray:
    """Return the distances reported by windows far from any particle."""
    if not len(truth):
        return looks.distances
    return looks.distances[cdist(looks.centres, truth).min(1) > far]


def _needed(looks: Looks, truth: np.ndarray, within: float) -> np.ndarray:
    """Return the surest distance reported for each particle by windows whose position catches it."""
    if not len(truth) or not len(looks):
        return np.empty(0)
    caught = cdist(truth, looks.positions) <= within
    surest = np.where(caught, looks.distances, np.inf).min(1)
    return surest[np.isfinite(surest)]


def _judged(
    network: StagedNetwork, seen: list[Seen], passes: list[Looks], cascade: Cascade
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the distances of true and of false detections, and the number of particles."""
    right, wrong, particles = [], [], 0
    for (_, truth, size), (refined, _) in zip(seen, _refined(network, seen, passes, cascade), strict=True):
        refined = refined[accept(refined, size, cascade)]
        _, hits, _ = match(truth, refined.positions, WITHIN * network.zoom)
        hit = np.isin(np.arange(len(refined)), hits)
        right.append(refined.distances[hit])
        wrong.append(refined.distances[~hit])
        particles += len(truth)
    return np.concatenate(right), np.concatenate(wrong), particles


def _refined(network: StagedNetwork, seen: list[Seen], passes: list[Looks], cascade: Cascade) -> Iterator[Refined]:
    """Refine what was passed on, some frames at a time."""
    candidates = passed_on(passes, cascade)
    for i in range(0, len(seen), AT_ONCE):
        views = [one.view for one in seen[i : i + AT_ONCE]]
        yield from refine(views, network, cascade, candidates[i : i + AT_ONCE])


def _best_threshold(right: np.ndarray, wrong: np.ndarray, particles: int) -> tuple[float, float]:
    """Return the best score, and the (geometric) middle of the thresholds that come within 0.1 % of it.

    The score is F1/2, the F measure that counts precision double: a ghost disturbs a trajectory more than a gap.
    """
    distances = np.concatenate([right, wrong])
    if not len(distances):
        return 0.0, 1.0
    order = np.argsort(distances)
    found = np.cumsum(order < len(right))
    score = 1.25 * found / (np.arange(1, len(order) + 1) + 0.25 * particles)
    good = np.flatnonzero(score >= score.max() - 1e-3)
    ends = np.append(distances[order], 1.5 * distances.max() + 0.5)
    low, high = np.maximum(ends[[good[0], good[-1] + 1]], 0.05)
    return float(score.max()), float(np.sqrt(low * high))
