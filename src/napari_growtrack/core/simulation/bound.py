"""How well anything could do: the Cramer-Rao bound of a picture's positions under the noise of its camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .picture import BARE, Picture
from .render import brightness, render, sensor_maps
from .sensor import MULTIPLICATION, TOP, WELL


def cramer_rao(picture: Picture, step: float = 0.02) -> np.ndarray:
    """Return the least possible standard errors of the positions to be found.

    Photon counts are Poisson with mean ``image * snr**2``, so the Fisher
    information of a position is the sum over pixels of the products of its
    derivatives over the mean; pixels that are clipped to 0 or 1 tell nothing.
    A camera adds to the variance: multiplication doubles it, reading adds
    its own of each pixel, and rounding 1/12 of a squared count (Mortensen,
    Churchman, Spudich and Flyvbjerg 2010; Huang et al. 2013). Dead pixels and
    full ones tell nothing.
    Everything but a particle's own position is taken as known, its path
    during the exposure and the pixels of the camera too. Of compression
    nothing is known: this is the bound before it.

    Parameters
    ----------
    picture : Picture
    step : float
        Half width of the central differences, in pixels.

    Returns
    -------
    ndarray (n, 2, 2)
        Least covariance of ``(y, x)`` in square pixels, one for each particle
        that is to be found; infinite variances where nothing is told.
    """
    mean = render(picture).astype(float)
    variance = variances(picture, mean)
    tells = np.where((mean > 0) & (mean < 1), 1 / np.maximum(variance, 1e-6), 0.0) * brightness(picture) ** 2
    bounds = [_inverse(_information(picture, int(i), tells, step)) for i in np.flatnonzero(picture.wanted)]
    return np.array(bounds).reshape(-1, 2, 2)


def variances(picture: Picture, mean: np.ndarray) -> np.ndarray:
    """Return how many times ``1 / snr**2`` the variance of each pixel is, (Y, X), infinite where it tells nothing.

    Parameters
    ----------
    picture : Picture
    mean : ndarray (Y, X)
        Its noise-free image.
    """
    if not picture.in_counts:
        return mean
    sensor, photons = picture.sensor, picture.snr**2
    offset, gain, read, hot = sensor_maps(picture).astype(float)
    times, top = sensor[MULTIPLICATION], sensor[TOP]
    electrons = (mean + np.maximum(hot, 0)) * photons
    noise = electrons * (1 + (times > 1)) + (read / times) ** 2
    counts, per_electron = offset + gain * times * electrons, np.maximum(gain * times, 1e-12)
    blind = (hot < 0) | (electrons > sensor[WELL])
    if top > 0:
        noise = noise + 1 / 12 / per_electron**2
        blind |= (counts >= top) | (counts <= 0)
    return np.where(blind, np.inf, noise / photons)


def median_radial_error(covariances: np.ndarray, rng: np.random.Generator, draws: int = 2000) -> float:
    """Return the median distance from the truth of estimates that reach the bound, in pixels.

    Parameters
    ----------
    covariances : ndarray (n, 2, 2)
        As `cramer_rao` returns them; all particles count alike.
    rng : numpy.random.Generator
    draws : int
        Random errors per particle.
    """
    if not len(covariances):
        return float("nan")
    covariances = np.minimum(covariances, 1e12)  # keeps the median where some positions tell nothing
    values, vectors = np.linalg.eigh(covariances)
    roots = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    errors = np.einsum("nij,dnj->dni", roots, rng.normal(size=(draws, len(covariances), 2)))
    return float(np.median(np.hypot(errors[..., 0], errors[..., 1])))


def _inverse(information: np.ndarray) -> np.ndarray:
    if np.linalg.cond(information) > 1e12:
        return np.diag([np.inf, np.inf])
    return np.linalg.inv(information)


def _information(picture: Picture, particle: int, tells: np.ndarray, step: float) -> np.ndarray:
    """Return the Fisher information of one position, (2, 2)."""
    slopes = []
    for axis in (0, 1):
        shift = np.zeros_like(picture.positions)
        shift[particle, axis] = step
        ahead, behind = (_alone(picture, picture.positions + sign * shift, particle) for sign in (1, -1))
        slopes.append((ahead - behind) / (2 * step))
    return picture.snr**2 * np.einsum("ayx,byx,yx->ab", slopes, slopes, tells)


def _alone(picture: Picture, positions: np.ndarray, particle: int) -> np.ndarray:
    """Render one particle on a background of one half, out of reach of clipping; float64."""
    one = slice(particle, particle + 1)
    alone = replace(
        picture,
        positions=positions[one],
        radius=picture.radius[one],
        ellipticity=picture.ellipticity[one],
        angle=picture.angle[one],
        intensity=picture.intensity[one] * 0.1,
        wanted=picture.wanted[one],
        background=0.5,
        gradient=0.0,
        paths=None if picture.paths is None else picture.paths[one],
        stage=BARE,
    )
    return (render(alone).astype(float) - 0.5) * 10
