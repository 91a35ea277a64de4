"""The last polish gets to the Cramer-Rao bound, knows how sure it is, and leaves alone what it cannot fit."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from napari_growtrack.core.detection.fit import ParticleModel, fit_particles
from napari_growtrack.core.detection.fit.compiled import add_each
from napari_growtrack.core.detection.fit.particles import _Fitted
from napari_growtrack.core.detection.fit.significance import even, less_unusual, skewness
from napari_growtrack.core.simulation import BesselParticle, GaussianParticle, Scene, draw, named_scene, simulate_frame
from napari_growtrack.core.simulation.bound import cramer_rao, median_radial_error
from napari_growtrack.core.simulation.render import profile
from napari_growtrack.core.simulation.shapes import Component
from napari_growtrack.core.tables import MEASURES

SCENES = {
    "few photons": named_scene("table42"),
    "many photons": named_scene("table42").with_(snr=20),
    "a gradient": named_scene("gradient"),
    "rings": named_scene("rings"),
    "bright and dark": named_scene("mixed"),
    "bystanders": named_scene("species"),
    "a crowd": named_scene("dense").with_(density=(5, 5)),
}


def bessel(*orders):
    return tuple(Component("bessel", order) for order in orders)


SPOTS = ParticleModel(bessel(1), (2, 3))


SPOT_SCENE = Scene(
    name="spots",
    particles=[GaussianParticle(sigma=(1, 2), intensity=0.5)],
    apart=25,
    rim=0.1,
    background=0.2,
    snr=15,
)


def fitted(scene, frames=12, gain=1.0, offset=0.0):
    """Fit from places a little off; return errors, pulls and the bound."""
    rng, errors, pulls, bounds = np.random.default_rng(1), [], [], []
    for _ in range(frames):
        picture = draw(scene, (200, 200), rng)
        true, bound = picture.positions[picture.wanted], cramer_rao(picture)
        spread = np.median(np.sqrt(np.trace(bound, axis1=1, axis2=2)))
        start = true + rng.normal(0, spread, true.shape)
        found = fit_particles(gain * simulate_frame(picture, rng) + offset, start, ParticleModel.of(scene), 4)
        errors.append(np.hypot(*(found.positions - true).T))
        pulls.append((found.positions - true) / found.sigmas[:, None])
        bounds.append(bound)
    limit = median_radial_error(np.concatenate(bounds), rng)
    return np.concatenate(errors), np.concatenate(pulls), limit


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_fits_come_near_the_bound_and_know_their_errors(scene):
    errors, pulls, bound = fitted(scene)
    assert np.median(errors) < 1.35 * bound
    low, high = np.nanpercentile(pulls, (16, 84))
    assert 0.75 < (high - low) / 2 < 1.35


def test_the_cameras_units_do_not_matter():
    plain, units = fitted(SCENES["few photons"], 3), fitted(SCENES["few photons"], 3, gain=700.0, offset=-3000.0)
    np.testing.assert_allclose(units[0], plain[0], atol=2e-3)
    np.testing.assert_allclose(units[1], plain[1], atol=2e-2)


def test_without_noise_a_particle_is_found_where_it_is():
    picture = draw(SCENES["few photons"].with_(snr=1e4), (120, 120), np.random.default_rng(0), 3)
    found = fit_particles(simulate_frame(picture, np.random.default_rng(0)), picture.positions + 0.4, SPOTS, 3)
    np.testing.assert_allclose(found.positions, picture.positions, atol=2e-2)


def test_a_fit_that_runs_away_leaves_the_position():
    frame = np.random.default_rng(0).normal(size=(90, 90)).astype(np.float32)
    picture = draw(SCENES["many photons"], (90, 90), np.random.default_rng(3), 1)
    frame += 50 * simulate_frame(picture, np.random.default_rng(0))
    start = picture.positions + np.array([3.0, 0.0])
    found = fit_particles(frame, start, SPOTS, farthest=1.0)
    np.testing.assert_array_equal(found.positions, start)
    assert np.isnan(found.sigmas).all()


@pytest.mark.parametrize("positions", [np.empty((0, 2)), np.array([[0.0, 0.0]]), np.array([[4.0, 2.0], [4.0, 2.0]])])
@pytest.mark.parametrize("frame", [np.zeros((5, 5)), np.ones((9, 4)), np.full((3, 3), 1e6)])
def test_frames_that_show_nothing_do_no_harm(frame, positions):
    found = fit_particles(frame, positions, SPOTS, 2)
    assert found.positions.shape == positions.shape
    assert np.isfinite(found.positions).all()


def test_the_model_of_a_scene_spans_its_particles_and_shrinks_with_the_film():
    scene = named_scene("table42").with_(
        particles=[BesselParticle(radius=(2, 3), rings={1: 0.5}), BesselParticle(radius=6, rings={3: 0.2})]
    )
    assert ParticleModel.of(scene) == ParticleModel(bessel(1, 3), (2, 6), (1, 1))
    assert ParticleModel.of(scene, zoom=2) == ParticleModel(bessel(1, 3), (1, 3), (1, 1), 2)
    assert ParticleModel.of(named_scene("mixed")).signs == (0, 0)
    assert ParticleModel.of(named_scene("rings")).signs == (1, -1)


def test_too_few_pixels_tell_no_error():
    found = fit_particles(np.random.default_rng(0).normal(size=(3, 3)), np.array([[1.0, 1.0]]), SPOTS, 2)
    assert np.isnan(found.sigmas).all()


def test_a_dark_hole_is_no_bright_particle():
    picture = draw(SCENES["many photons"], (90, 90), np.random.default_rng(3), 1)
    frame = simulate_frame(picture, np.random.default_rng(0))
    assert fit_particles(frame, picture.positions, SPOTS, 4).significances > 20
    bright = ParticleModel(bessel(1), (2, 3), (1,))
    assert fit_particles(frame, picture.positions, bright, 4).significances > 20
    assert fit_particles(-frame, picture.positions, bright, 4).significances < 3


def test_light_is_drawn_as_the_formula_says_and_taken_away_again():
    image, (y, x) = np.zeros((40, 40), np.float32), np.mgrid[:40, :40]
    unknowns = np.array([[19.3, 20.6, 2.4, 0.0, 0.7]])
    add_each(image, unknowns, 1.0, SPOTS.shape)
    distance = np.hypot(y - 19.3, x - 20.6) / 2.4
    expected = np.where(distance <= 1.5 * SPOTS.reach, 0.7 * profile(1, distance), 0)
    np.testing.assert_allclose(image, expected, atol=1e-4)
    add_each(image, unknowns, -1.0, SPOTS.shape)
    np.testing.assert_allclose(image, 0, atol=1e-6)


# Enlarged frames --------------------------------------------------------------------------------------------------

NOWHERE = np.empty((0, 2))
SMALL = ParticleModel(bessel(1), (0.8, 1.2), (1,), zoom=2.5)


def counted(shape, photons=5.0, seed=0):
    """Noise of photons that are electrons multiplied at chance: twice the variance, and skewness 3 / sqrt(2 n)."""
    rng = np.random.default_rng(seed)
    photons = rng.poisson(photons, shape)
    return np.where(photons > 0, rng.gamma(np.maximum(photons, 1e-3)), 0.0)


@pytest.mark.parametrize("photons", [4.0, 5.0, 20.0])
def test_the_skewness_of_noise_is_measured(photons):
    expected = 6 / (2 * np.sqrt(2 * photons))
    assert skewness(counted((400, 400), photons), NOWHERE, 4) == pytest.approx(expected, rel=0.1)
    assert skewness(np.random.default_rng(0).poisson(photons, (400, 400)), NOWHERE, 4) == pytest.approx(
        photons**-0.5, rel=0.15
    )


def test_uneven_light_and_sure_particles_are_no_skewness():
    y, x = np.mgrid[:200, :200]
    frame = np.random.default_rng(0).normal(size=(200, 200)) + 1e-2 * (y + x) ** 1.5
    assert skewness(frame, NOWHERE, 4) < 0.1
    frame[100, 100] += 500
    assert skewness(frame, NOWHERE, 4) == 2
    assert skewness(frame, np.array([[100.0, 100.0]]), 4) < 0.1


def test_noise_that_leans_to_neither_side_or_shows_little_has_no_skewness():
    rng = np.random.default_rng(0)
    assert skewness(-counted((200, 200)), NOWHERE, 4) == 0
    assert skewness(counted((24, 22)), NOWHERE, 4) == 0
    assert skewness(counted((25, 24)), NOWHERE, 4) > 0
    assert skewness(np.ones((200, 200)), NOWHERE, 4) == 0
    assert skewness(rng.normal(size=(200, 200)), NOWHERE, 4) < 0.1


@pytest.mark.parametrize("zoom", [0.5, 1.0])
def test_a_frame_that_is_not_enlarged_keeps_its_significances_to_the_bit(zoom):
    picture = draw(SCENES["few photons"], (90, 90), np.random.default_rng(3), 3)
    frame = simulate_frame(picture, np.random.default_rng(0))
    for one, two in zip(
        fit_particles(frame, picture.positions, replace(SPOTS, zoom=zoom), 4),
        fit_particles(frame, picture.positions, SPOTS, 4),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_a_fit_that_failed_stands_out_by_nothing_on_an_enlarged_frame():
    frame = np.random.default_rng(0).normal(size=(90, 90))
    frame[60, 60] += 100
    found = fit_particles(frame, np.array([[60.0, 60.0], [30.0, 30.0]]), SMALL, farthest=1e-9)
    assert np.isnan(found.significances).all()
    assert np.isnan(found.measures).all()


@pytest.mark.parametrize("name", ["vesicles", "tirf"])
def test_noise_lends_no_light_to_noise_beside_it(name):
    """Of two places in nothing but noise, one is not bright because the other is dark, or lies off the frame."""
    rng, most = np.random.default_rng(5), []
    for _ in range(3):
        frame = rng.poisson(50, (160, 160)).astype(np.float32)
        first, turn = rng.uniform(-0.4, 159.4, (200, 2)), rng.uniform(0, 2 * np.pi, 200)
        beside = first + rng.uniform(1, 4, (200, 1)) * np.stack([np.sin(turn), np.cos(turn)], 1)
        fits = fit_particles(
            frame, np.clip(np.concatenate([first, beside]), -0.4, 159.4), ParticleModel.of(named_scene(name)), 4.0
        )
        most.append(np.max(fits.significances[np.isfinite(fits.sigmas)]))
    assert max(most) < 6.5


def test_sizes_are_told_by_particles_that_stand_out():
    unknowns = np.array([[5, 5, 1, 0, 3.1], [5, 5, 1, 0, 2.9], [5, 5, 1, 0, 9], [5, 5, np.nan, 0, 9]])
    errors = np.tile(np.diag([0.1, 0.1, 0.01, 1, 1]), (4, 1, 1))
    errors[2, 2, 2] = 0.3**2
    fitted = _Fitted(unknowns, errors, np.zeros(3), np.zeros((4, 5)), ParticleModel.of(named_scene("tirf")).shape)
    assert fitted.well.tolist() == [True, False, False, False]


def test_an_unusual_radius_costs_as_much_as_it_is_rare():
    usual = np.array([2.0, 0.25])
    stands = less_unusual(np.array([5.0, 5.0, 1.0]), np.array([2.0, 3.5, 5.0]), usual)
    assert stands == pytest.approx([5, 4, 0])


def test_what_is_larger_than_the_others_of_its_frame_is_measured_as_it_is():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:120, :120]
    places = np.stack(np.meshgrid([20.0, 60, 100], [20.0, 60, 100]), -1).reshape(-1, 2)
    wide = np.where(np.arange(9) == 4, 2.0, 1.0)
    light = sum(
        60 / w * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / (1.3 * w) ** 2)
        for (a, b), w in zip(places, wide, strict=True)
    )
    spots = ParticleModel((Component("gaussian", 1),), (0.5, 2.5))
    found = fit_particles(light + rng.normal(100, 5, light.shape), places, spots, 4)
    radii = found.measures[:, MEASURES.index("radius")]
    assert radii[4] == pytest.approx(2 * np.median(radii), rel=0.1)


@pytest.mark.parametrize("shape", [4.0, 16.0, 100.0])
def test_even_noise_exceeds_what_is_made_even_as_often_as_gamma_noise_the_other(shape):
    skewed = np.array([2.0, 4.0, 6.0, 9.0])
    beyond = stats.gamma(shape).sf(shape + skewed * np.sqrt(shape))
    made = even(skewed, np.full(4, 2 / np.sqrt(shape)))
    assert np.all(np.diff(made) > 0)
    np.testing.assert_allclose(stats.norm.isf(beyond), made, atol=0.35)
    np.testing.assert_allclose(even(skewed, np.zeros(4)), skewed, rtol=2e-3)


@pytest.mark.parametrize("camera", ["photons", "multiplied electrons"])
def test_noise_stands_out_of_enlarged_frames_as_rarely_as_of_any(camera):
    """Wherever one looks: of 3000 places the luckiest, less often than once in a hundred frames."""
    rng = np.random.default_rng(1)
    frames = [rng.poisson(5.0, (120, 120)) if camera == "photons" else counted((120, 120), 5.0, t) for t in range(6)]
    places = np.stack(np.mgrid[5:115:2, 5:115:2], -1).reshape(-1, 2).astype(float)
    most = [
        np.nanmax(fit_particles(frame, places[i::64], SMALL, 1.5).significances) for frame in frames for i in range(64)
    ]
    assert np.max(most) < 5.6
    assert np.max(most) > 2


# What is measured beside the place --------------------------------------------------------------------------------


def measured(frame, picture, model):
    """Return what is measured of a picture's particles, by column."""
    found = fit_particles(frame, picture.positions + 0.2, model, 4).measures
    return dict(zip(MEASURES, found.T, strict=True))


def test_light_size_and_background_are_measured_with_honest_errors():
    gain, offset, pulls = 500.0, 100.0, []
    scene = SPOT_SCENE.with_(particles=[GaussianParticle(sigma=1.5, intensity=0.5)])
    for seed in range(12):
        picture = draw(scene, (160, 160), np.random.default_rng(seed), 12)
        frame = gain * simulate_frame(picture, np.random.default_rng(seed + 99)) + offset
        found = measured(frame, picture, ParticleModel.of(scene.with_(particles=SPOT_SCENE.particles)))
        light = gain * 0.5 * 2 * np.pi * 1.5**2
        truths = {"signal": light, "radius": 0.75 * 1.5, "background": gain * 0.2 + offset}
        pulls.append([(found[name] - truth) / found[f"{name}_error"] for name, truth in truths.items()])
        assert np.median(found["signal"]) == pytest.approx(light, rel=0.06)
        assert np.median(found["axis_ratio"]) < 1.2
    pulls = np.concatenate(pulls, axis=1)
    assert (np.abs(np.median(pulls, axis=1)) < 0.5).all()
    low, high = np.percentile(pulls, (16, 84), axis=1)
    spreads = (high - low) / 2
    assert spreads[:2] == pytest.approx(1, abs=0.3)
    assert 0.3 < spreads[2] < 1.3  # told twice as wide as it is: the level around is trusted half


def test_light_is_that_of_the_profile_that_was_measured():
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:200, :200]
    places = np.stack(np.meshgrid([30.0, 75, 120, 165], [30.0, 75, 120, 165]), -1).reshape(-1, 2)
    disc = sum(1 / (1 + np.exp(np.hypot(y - a, x - b) * 2 - 12)) for a, b in places)
    frame = rng.poisson(50 + 400 * disc).astype(float)
    model = ParticleModel(bessel(1), (2, 4))
    found = dict(zip(MEASURES, fit_particles(frame, places + 0.3, model, 4).measures.T, strict=True))
    assert np.median(found["signal"]) == pytest.approx(400 * disc.sum() / len(places), rel=0.08)
    assert np.median(found["background"]) == pytest.approx(50, abs=8)
