"""Fit all clicked particles alike, and choose what describes them in fewest words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .crops import Click
from .fitting import Fit, ellipticity, fit_particle
from .model import Components, Model, candidates, height, peak, reach_of

_LEAST_FITTED = 0.7
_UNSEEN = 0.02
_FAINT_RING, _FAINT_RIM = 0.1, 0.25
_NARROWEST_RING = 0.8
"""In pixels: the hole of a ring with a smaller radius lies within one pixel, which shows a spot all the same."""
_CLEARLY_LONGER, _SURELY = 1.15, 4.0


class Look(NamedTuple):
    """The particles that show a model, fitted, and how many were left out: bright where most are dark, or dark."""

    model: Model
    fits: list[Fit]
    odd: int = 0

    @property
    def components(self) -> Components:
        """The profiles that are fitted."""
        return self.model.components

    @property
    def clicks(self) -> list[Click]:
        """The clicks that were fitted."""
        return [fit.click for fit in self.fits]

    @property
    def frames(self) -> list[np.ndarray]:
        """The frames they are on, each once."""
        return list({id(click.frame): click.frame for click in self.clicks}.values())

    @property
    def places(self) -> np.ndarray:
        """Where they are, (n, 2)."""
        return np.array([fit.place for fit in self.fits])

    @property
    def radius(self) -> float:
        """The usual radius, in pixels."""
        return float(np.median([fit.radius for fit in self.fits]))

    @property
    def scales(self) -> np.ndarray:
        """The usual scale of each profile."""
        return np.median([fit.scales for fit in self.fits], axis=0)

    @property
    def peak(self) -> float:
        """The farthest that a usual particle rises above its background, or falls below it."""
        return peak(self.components, self.scales)

    @property
    def explained(self) -> float:
        """How much of the pixels' squares a usual fit explains."""
        return float(np.median([fit.explained for fit in self.fits])) if self.fits else 0.0

    @property
    def evidence(self) -> float:
        """How much of the pixels' squares the fits explain, times its share: a wide window alone is no merit."""
        return float(np.median([fit.explained * fit.share for fit in self.fits])) * len(self.fits) if self.fits else 0.0

    def again(self, model: Model) -> Look:
        """Fit another model, beginning where this one ended."""
        return look_at(self.clicks, self.places, model)._replace(odd=self.odd)

    def of_one_kind(self) -> Look:
        """Keep the particles that are bright, or dark, as most are."""
        bright = np.array([peak(self.components, fit.scales) > 0 for fit in self.fits])
        usual = 2 * bright.sum() >= len(bright)
        kept = [fit for fit, one in zip(self.fits, bright, strict=True) if one == usual]
        return self._replace(fits=kept, odd=self.odd + len(self.fits) - len(kept))


def look_at(clicks: Sequence[Click], places: np.ndarray, model: Model) -> Look:
    """Fit a model to all clicked particles, beginning at places (n, 2); those whose fit runs away are left out."""
    fits = [fit_particle(click, place, model) for click, place in zip(clicks, places, strict=True)]
    return Look(model, [fit for fit in fits if fit is not None])


def simplest(looks: Sequence[Look], noise: float) -> Look:
    """Fit all models again to the same pixels, and return the look that needs fewest words."""
    looks = [look for look in looks if not _is_narrow(look)] or looks
    best = max(looks, key=lambda look: look.evidence)
    if best.evidence <= 0:
        return best
    looks = [look for look in looks if look.evidence > 0.5 * best.evidence]
    reach = reach_of(min(max(look.radius for look in looks), 1.5 * best.radius))
    looks = _mostly_fitted([look.again(look.model._replace(radius=look.radius, reach=reach)) for look in looks])
    tallest = max((abs(look.peak) for look in looks), default=0.0)
    return min(looks, key=lambda look: _words_needed(look, noise, tallest), default=best._replace(fits=[]))


def _mostly_fitted(looks: Sequence[Look]) -> list[Look]:
    """Return the looks that show most of the particles, those of one kind."""
    most = max(len(look.fits) for look in looks)
    return [look.of_one_kind() for look in looks if look.fits and len(look.fits) >= _LEAST_FITTED * most]


def _words_needed(look: Look, noise: float, tallest: float) -> float:
    """Return Bayes's criterion per particle; misfits below a fiftieth of the peak, and faint rings, are not seen."""
    if _is_faint(look) or _is_narrow(look):
        return np.inf
    seen = noise**2 + (_UNSEEN * tallest) ** 2
    unknowns = 4 + len(look.components)
    costs = [
        len(fit.rest) * np.log(max(np.mean(fit.rest**2), noise**2) + seen) + unknowns * np.log(len(fit.rest))
        for fit in look.fits
    ]
    return float(np.mean(costs))


def _is_narrow(look: Look) -> bool:
    """Tell whether a ring is so narrow that no pixel shows it."""
    return bool(look.fits) and [one.number for one in look.components] != [1] and look.radius < _NARROWEST_RING


def _is_faint(look: Look) -> bool:
    """Tell whether a second order hardly shows; one of the same sign mostly makes a spot a little wider."""
    strengths = look.scales * [height(component) for component in look.components]
    least, most = np.sort(np.abs(strengths))[[0, -1]]
    return bool(least < (_FAINT_RING if strengths.min() < 0 < strengths.max() else _FAINT_RIM) * most)


def with_ellipticity(look: Look, noise: float) -> Look:
    """Let the particles be elliptical, and keep it that way where most of them clearly are."""
    if not _is_elliptical(_elliptical(look, look.components)):
        return look
    again = simplest([_elliptical(look, components) for components in candidates(look.model.shape)], noise)
    return again if _is_elliptical(again) and len(again.fits) >= _LEAST_FITTED * len(look.fits) else look


def _elliptical(look: Look, components: Components) -> Look:
    return look.again(Model.of(components, look.radius, elliptical=True))


def _is_elliptical(look: Look) -> bool:
    if not look.fits:
        return False
    squeezes = np.array([fit.squeeze for fit in look.fits])
    variances = np.array([fit.doubt_of_squeeze for fit in look.fits])
    true = float(np.sqrt(max(np.median(squeezes**2 - variances), 0)))
    sure = np.median(squeezes / np.sqrt(np.maximum(variances, 1e-12))) > _SURELY
    return bool(sure and ellipticity(true) > _CLEARLY_LONGER)
