"""The cascade: a cheap stage screens the whole frame, an expensive one looks only where there is something to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self, cast

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from scipy.spatial.distance import cdist

from ..errors import SettingsError, StackError
from ..films.normalisation import normalise, without_hot_pixels, without_stripes
from ..settings import Settings
from ..tables import MEASURES
from .decoys import Noise, q_values
from .merge import agree, gather, merge
from .network import FittingNetwork, StagedNetwork
from .windows import Looks, View, frame_passes, grid, look_at, margin_of, view_scan
from .zoom import enlarge, on_frame

# Patches a few pixels apart meet the pooling grid differently, so that their errors are less alike.
_SHIFTS = {
    1: ((0, 0),),
    2: ((-1, 1), (2, -2)),
    3: ((0, 0), (3, 1), (-1, -3)),
    4: ((-1, -2), (2, -1), (1, 2), (-2, 1)),
}


_SIGNIFICANT = 5.0
"""What a particle stands out by, at least, where frames are enlarged for a network that never met a ghost at its own
size: about what those that did ask of one."""

FALSE_SHARE = 0.01
"""Of a film's detections, by default."""

_NARROW = 3.0
"""Networks with a larger zoom look for particles that may be narrower than two pixels of the film."""


class Cascade(Settings):
    """Which stage screens, which refines, and what they accept.

    With `screen` equal to `stage` a single stage does both. Distances are in
    network pixels: pixels of the film, or of the enlarged film where the
    network has a `zoom`. People give them in pixels of the film; see `on_film`.
    """

    stage: PositiveInt = Field(description="The stage that gives the answer.")
    screen: PositiveInt = Field(description="The stage that screens the frame; not above `stage`.")
    screen_distance: PositiveFloat = Field(
        description="T1: windows are passed on below this distance, in network pixels."
    )
    accept_distance: PositiveFloat = Field(
        description="T2: detections are accepted below this distance, in network pixels."
    )
    merge_distance: PositiveFloat = Field(description="Dp: answers this close are one particle, in network pixels.")
    looks: int = Field(2, ge=1, le=4, description="Patches cut around each candidate, a network pixel or two apart.")
    votes: int = Field(
        1, ge=1, le=5, description="Windows per side of a patch; all windows of all patches are averaged."
    )
    faithful: bool = Field(False, description="Refine the screened windows themselves, as the thesis does.")
    step: PositiveInt | None = Field(
        None, description="Window step of a scan, in network pixels; by default one shared pass."
    )
    polish: bool = Field(
        False, description="Fit the network's own kind of particle to the pixels around each detection."
    )
    sigma_factor: PositiveFloat = Field(
        1.0, description="Standard error of a position, per unit of what the network says of it."
    )
    polished_sigma_factor: PositiveFloat = Field(
        1.0, description="Standard error of a polished position, per unit of what the fit says of it."
    )
    least_significance: NonNegativeFloat = Field(
        0.0, description="Fitted particles that stand out of the background by fewer standard errors are dropped."
    )
    doubt: NonNegativeFloat = Field(
        0.0, description="By how many more standard errors they must stand out for every network pixel of distance."
    )
    false_share: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="The share of false detections to keep: the noise of each film tells the least significance; "
        "0 leaves that as it is.",
    )
    noise: Noise | None = Field(
        None,
        description="What noise looks like in a film: the significance that it exceeds once a frame, and its fall.",
    )

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        if self.screen > self.stage:
            raise ValueError(f"expected a screening stage up to {self.stage}, got {self.screen}")
        return self

    @property
    def surveys(self) -> bool:
        """Whether a film is looked at before it is tracked, for what its own noise looks like."""
        return self.polish and self.false_share > 0 and self.noise is None

    def with_(self, **changes: Any) -> Self:
        """Return a copy with some fields changed; a least significance that is given is no longer the film's own."""
        if "least_significance" in changes and "false_share" not in changes:
            changes = {"false_share": 0.0, "noise": None, **changes}
        return super().with_(**changes)

    @property
    def shifts(self) -> tuple[tuple[int, int], ...]:
        """Where the patches around a candidate lie, in network pixels."""
        return _SHIFTS[self.looks]

    def on_film(self, zoom: float, screen_distance: float | None = None, accept_distance: float | None = None) -> Self:
        """Return a cascade with other distances, which are given in pixels of the film.

        Parameters
        ----------
        zoom : float
            Of the network that the cascade is for.
        screen_distance, accept_distance : float, optional
            T1 and T2 in pixels of the film; without, they stay as they are.

        Raises
        ------
        SettingsError
            When a distance is not greater than 0.
        """
        told = {"screen_distance": screen_distance, "accept_distance": accept_distance}
        return self.with_(**{name: zoom * distance for name, distance in told.items() if distance is not None})

    def for_films(self, times: float = 1.0) -> Self:
        """Return the cascade for films, whose frames are enlarged so many times more than those it was calibrated on.

        It keeps `FALSE_SHARE` by each film's own noise. Networks that noise seldom fooled accept nearly whatever is
        fitted; of enlarged noise they do not.
        """
        least = max(self.least_significance, _SIGNIFICANT) if times > 1 else self.least_significance
        if not self.polish or least == 0:
            return self
        return self.with_(least_significance=least, noise=None, false_share=FALSE_SHARE)


FOUND = ("sigma", "significance", *MEASURES, "q")
"""What is known of a detection beside its place."""

DOUBTFUL = 2.0
"""Candidates are kept up to this many times the distance at which they are accepted."""


_MEASURED = 2
"""Parts of a fit's answer after positions and their errors, where it does not tell of second particles."""

_NEIGHBOURS = 4.0
"""What lies within this many times the merging distance is fitted together."""


class Sighting(NamedTuple):
    """What was seen in a frame.

    Attributes
    ----------
    table : DataFrame
        As `find` returns it.
    passed : float
        The share of its windows that the screening stage passed on.
    """

    table: pd.DataFrame
    passed: float


def find(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, full_scale: float = 1.0) -> pd.DataFrame:
    """Find the particles of one frame.

    Parameters
    ----------
    frame : ndarray (Y, X)
        Intensities in any unit.
    network : StagedNetwork
    cascade : Cascade
    full_scale : float
        The largest intensity there can be; see `Stack.full_scale`.

    Returns
    -------
    DataFrame
        ``y, x`` in pixels of the frame, ``distance`` likewise (small is sure),
        ``votes``, the windows that were averaged (0 where two particles lie at the
        place of one answer, of the second), ``sigma``, the standard error
        of the position along one axis in pixels, and ``significance``, by how many
        standard errors a fitted particle stands out of the background; then what
        the fit measured, see `tables.MEASURES`. All of it is nan where nothing was fitted.

    Raises
    ------
    StackError
        When a pixel is no number.
    SettingsError
        When the cascade fits particles that the network does not know.
    """
    if not np.isfinite(np.sum(frame)):
        raise StackError("The frame holds NaN or infinite pixels; replace them (for example numpy.nan_to_num).")
    return find_each([frame], network, cascade, full_scale)[0]


def find_each(
    frames: Sequence[np.ndarray], network: StagedNetwork, cascade: Cascade, full_scale: float = 1.0
) -> list[pd.DataFrame]:
    """Find the particles of several frames together, which is faster where they are small; see `find`."""
    return [seen.table for seen in sight_each(frames, network, cascade, full_scale)]


def sight_each(
    frames: Sequence[np.ndarray],
    network: StagedNetwork,
    cascade: Cascade,
    full_scale: float = 1.0,
    doubtful: bool = False,
) -> list[Sighting]:
    """Find the particles of several frames together, and tell how much of them was passed on.

    With `doubtful`, tables also hold what the cascade's last thresholds drop:
    candidates up to `DOUBTFUL` times its distance, however little they stand
    out, and doubles. A `Sieve` chooses among them.
    """
    if cascade.polish and not hasattr(network, "fit"):
        raise SettingsError("This network does not know what its particles look like. Set polish to false.")
    frames = [mended(frame, network) for frame in frames]
    views = [view_of(frame, network, cascade, full_scale) for frame in frames]
    candidates = screen(views, network, cascade)
    refined = refine(views, network, cascade, candidates)
    choose = _candidates if doubtful else _accepted
    tables = [choose(frame, network, cascade, *answer) for frame, answer in zip(frames, refined, strict=True)]
    step = cascade.step or network.step
    shares = [len(some) / _windows(view, step) for view, some in zip(views, candidates, strict=True)]
    return [Sighting(*pair) for pair in zip(tables, shares, strict=True)]


def _windows(view: View, step: int) -> int:
    height, width = view.shape
    return len(grid(height, step)) * len(grid(width, step))


def mended(frame: np.ndarray, network: StagedNetwork) -> np.ndarray:
    """Return a frame without a sensor's stripes and hot pixels, unless the network knows the camera's own units.

    Hot pixels stay where particles may be as narrow.
    """
    if network.normalisation != "standard":
        return frame
    frame = without_stripes(frame)
    return frame if network.zoom > _NARROW else without_hot_pixels(frame)


def view_of(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, full_scale: float = 1.0) -> View:
    """Return a frame as the network sees it: normalised, enlarged and surrounded."""
    margin = margin_of(network, cascade.votes, cascade.shifts)
    if network.zoom == 1:
        return View(normalise(frame, network.normalisation, full_scale, margin), margin)
    return View.of(enlarge(normalise(frame, network.normalisation, full_scale), network.zoom), margin)


def screen(views: Sequence[View], network: StagedNetwork, cascade: Cascade) -> list[Looks]:
    """Return the windows of each view that the screening stage passes on."""
    step = cascade.step or network.step
    if step == network.step:
        all_looks = frame_passes(views, network, cascade.screen)
    else:
        all_looks = [view_scan(view, network, cascade.screen, step) for view in views]
    return passed_on(all_looks, cascade)


def passed_on(all_looks: Sequence[Looks], cascade: Cascade) -> list[Looks]:
    """Return of each view the windows that believe a particle to be near enough."""
    return [looks[np.flatnonzero(looks.distances < cascade.screen_distance)] for looks in all_looks]


Refined = tuple[Looks, np.ndarray]
"""Looks, and how many votes each is the mean of."""


def refine(
    views: Sequence[View], network: StagedNetwork, cascade: Cascade, candidates: Sequence[Looks]
) -> list[Refined]:
    """Return what the answering stage makes of each view's candidates, and how many votes each is the mean of."""
    way = climb if cascade.faithful else recentre
    return way(views, network, cascade, candidates)


def climb(
    views: Sequence[View], network: StagedNetwork, cascade: Cascade, candidates: Sequence[Looks]
) -> list[Refined]:
    """Refine the very windows that were passed on (thesis 4.2.2)."""
    if cascade.screen < cascade.stage:
        candidates = look_at(views, [one.centres.astype(int) for one in candidates], network, cascade.stage)
    return [(looks, np.ones(len(looks), int)) for looks in candidates]


def recentre(
    views: Sequence[View], network: StagedNetwork, cascade: Cascade, candidates: Sequence[Looks]
) -> list[Refined]:
    """Look again once a particle: cut windows centred on each candidate and combine their votes."""
    centres = [
        np.clip(np.rint(gather(one, cascade.merge_distance)).astype(int), 0, np.array(view.shape) - 1)
        for view, one in zip(views, candidates, strict=True)
    ]
    votes = len(cascade.shifts) * cascade.votes**2
    looks = look_at(views, centres, network, cascade.stage, cascade.votes, cascade.shifts)
    return [agree(one, votes, cascade.merge_distance / 2) for one in looks]


def accept(looks: Looks, size: np.ndarray, cascade: Cascade) -> np.ndarray:
    """Return the indices of looks that are sure enough, inside the frame, and not another's double.

    The size of the frame, height and width in network pixels, need not be whole.
    """
    sure = np.flatnonzero(on_frame(looks.positions, size) & (looks.distances < cascade.accept_distance))
    return sure[merge(looks[sure], cascade.merge_distance)]


def _accepted(
    frame: np.ndarray, network: StagedNetwork, cascade: Cascade, looks: Looks, votes: np.ndarray
) -> pd.DataFrame:
    """Return a frame's detections as a table."""
    kept = accept(looks, network.zoom * np.array(frame.shape), cascade)
    looks, votes = looks[kept].on_film(network.zoom), votes[kept]
    found = _unfitted(cascade.sigma_factor * looks.scales)
    if cascade.polish and len(looks):
        (looks, votes, found), _ = polished(frame, network, cascade, looks, votes, found)
        stay = _stay(looks, votes, found[:, 1], cascade, network.zoom)
        looks, votes, found = looks[stay], votes[stay], found[stay]
    return table(looks, votes, _with_q(looks, found, cascade, network.zoom))


def _candidates(
    frame: np.ndarray, network: StagedNetwork, cascade: Cascade, looks: Looks, votes: np.ndarray
) -> pd.DataFrame:
    """Return what `_accepted` does and what it drops, as a table.

    What it keeps is fitted as if the rest were not there; the rest, beside it.
    """
    wide = cascade.with_(accept_distance=DOUBTFUL * cascade.accept_distance)
    kept = accept(looks, network.zoom * np.array(frame.shape), wide)
    sure = int(np.count_nonzero(looks.distances[kept] < cascade.accept_distance))  # they come first
    looks, votes = looks[kept].on_film(network.zoom), votes[kept]
    found = _unfitted(cascade.sigma_factor * looks.scales)
    if cascade.polish:
        near = _near(
            looks.positions[:sure], looks.positions[sure:], _NEIGHBOURS * cascade.merge_distance / network.zoom
        )
        parts = [np.arange(sure)], [near, np.arange(sure, len(looks))]
        fitted = [_beside(frame, network, cascade, (looks, votes, found), *part) for part in parts if len(part[-1])]
        if fitted:
            some, *known = zip(*fitted, strict=True)
            looks, (votes, found) = Looks.joined(some), map(np.concatenate, known)
    return table(looks, votes, _with_q(looks, found, cascade, network.zoom))


def _with_q(looks: Looks, found: np.ndarray, cascade: Cascade, zoom: float) -> np.ndarray:
    """Return what is known of looks with their q-values, where the film's noise is known."""
    if cascade.noise is not None:
        distances = zoom * looks.distances
        stand = standing(found[:, 1], distances, cascade.doubt)
        found[:, -1] = q_values(stand, distances < cascade.accept_distance, cascade.noise)
    return found


def _near(positions: np.ndarray, others: np.ndarray, radius: float) -> np.ndarray:
    """Return the indices of positions that have one of some others within a radius."""
    if not len(positions) or not len(others):
        return np.empty(0, int)
    return np.flatnonzero(cdist(positions, others).min(1) <= radius)


def _unfitted(sigmas: np.ndarray) -> np.ndarray:
    """Return what is known of detections that nothing was fitted to, (n, `FOUND`): their standard errors."""
    found = np.full((len(sigmas), len(FOUND)), np.nan)
    found[:, 0] = sigmas
    return found


Seen = tuple[Looks, np.ndarray, np.ndarray]
"""Looks, how many votes each is the mean of, and what is known of them."""


def _beside(frame: np.ndarray, network: StagedNetwork, cascade: Cascade, seen: Seen, *rows: np.ndarray) -> Seen:
    """Fit some of the looks, the last rows, beside others, which come before them."""
    every, (looks, votes, found) = np.concatenate(rows), seen
    (looks, votes, found), parents = polished(frame, network, cascade, looks[every], votes[every], found[every])
    mine = np.flatnonzero(parents >= len(every) - len(rows[-1]))
    return looks[mine], votes[mine], found[mine]


def polished(
    frame: np.ndarray, network: StagedNetwork, cascade: Cascade, looks: Looks, votes: np.ndarray, found: np.ndarray
) -> tuple[Seen, np.ndarray]:
    """Fit particles where they were found, in pixels of the film.

    Returns
    -------
    Looks
        The same with fitted positions; where a fit failed or left the frame, as they were.
        Where two particles were found in one look's place, the second of them follows at the end.
    ndarray (n,) of int
        Their votes; 0 of second particles, which no window saw.
    ndarray (n, `FOUND`)
        What is known of them: standard errors, those of `found` where a fit
        failed; how many standard errors each stands out of the background, nan
        where too little of it is in the frame; and what the fit measured.
    ndarray (n,) of int
        Beside these three: which of the looks each was found at.
    """
    fit = cast(FittingNetwork, network).fit
    positions, errors, *told = fit(frame, looks.positions, cascade.merge_distance / network.zoom)
    parents = told.pop() if len(told) > _MEASURED else np.arange(len(positions))
    votes = np.where(np.isin(np.arange(len(parents)), np.unique(parents, return_index=True)[1]), votes[parents], 0)
    found = found[parents]
    found[:, 0] = np.where(np.isfinite(errors), cascade.polished_sigma_factor * errors, found[:, 0])
    known = np.column_stack(told)
    found[:, 1 : 1 + known.shape[1]] = known
    return (replace(looks[parents], positions=positions), votes, found), parents


def standing(significances: np.ndarray, distances: np.ndarray, doubt: float) -> np.ndarray:
    """Return significances less what distances, in network pixels, cost them, (n,)."""
    return significances - doubt * distances


def standing_out(significances: np.ndarray, distances: np.ndarray, least: float, doubt: float) -> np.ndarray:
    """Tell which detections stand out enough, given their distances in network pixels; what is nan does not.

    With 0 as the least significance, all do.
    """
    return significances >= least + doubt * distances if least > 0 else np.ones(len(distances), bool)


def _stay(looks: Looks, votes: np.ndarray, significances: np.ndarray, cascade: Cascade, zoom: float) -> np.ndarray:
    """Return the indices of fitted looks that stand out, and did not fall on another's place.

    Second particles of a place, which no window saw, are not taken for another's doubles.
    """
    good = standing_out(significances, zoom * looks.distances, cascade.least_significance, cascade.doubt)
    out, second = np.flatnonzero(good & (votes > 0)), np.flatnonzero(good & (votes == 0))
    return np.concatenate([out[merge(looks[out], cascade.merge_distance / zoom)], second])


def table(looks: Looks, votes: np.ndarray, found: np.ndarray) -> pd.DataFrame:
    """Return looks, and what is known of them, as a table, from top to bottom."""
    order = np.lexsort(looks.positions.T[::-1])
    columns = {
        "y": looks.positions[order, 0].astype(float),
        "x": looks.positions[order, 1].astype(float),
        "distance": np.maximum(looks.distances[order], 0).astype(float),
        "votes": votes[order].astype(np.int64),
    }
    return pd.DataFrame(columns | dict(zip(FOUND, found[order].T.astype(float), strict=True)))
