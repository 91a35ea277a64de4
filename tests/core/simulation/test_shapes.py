"""Shapes of particles: whatever is registered is stored, drawn, fitted at the bound, and estimated from a film."""

import numpy as np
import pytest
from scipy.special import erf

from napari_growtrack.core.detection.fit import ParticleModel, fit_particles
from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.scene_estimate import estimate_sentence, match_film
from napari_growtrack.core.settings import Span
from napari_growtrack.core.simulation import (
    BesselParticle,
    EllipticalParticle,
    GaussianParticle,
    Particle,
    Scene,
    draw,
    draw_windows,
    render,
    simulate_film,
    simulate_frame,
)
from napari_growtrack.core.simulation.bound import cramer_rao, median_radial_error
from napari_growtrack.core.simulation.shapes import Component
from napari_growtrack.core.simulation.shapes.airy import AiryParticle
from napari_growtrack.core.tables import MEASURES

SHAPES = sorted(Particle.shapes)


def measured(shape, radius=(1.5, 1.5), stretch=(1.0, 1.0), bright=0.5):
    """A particle of any shape, from what a film may tell of it."""
    number = min(Particle.shapes[shape].profiles)
    return Particle.shapes[shape].measured(radius, stretch, {number: (bright, bright)})


def scene(*kinds, **changes):
    usual = {"name": "shapes", "background": 0.2, "snr": 10, "density": 1, "apart": 30, "rim": 0.1}
    return Scene(**usual | {"particles": kinds} | changes)


# Every shape that is registered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_goes_into_a_scene_file_and_comes_back(shape):
    kind = measured(shape, (1.5, 2))
    one = scene(kind, distractors=[measured(shape, bright=-0.1)])
    assert Scene.from_json(one.to_json()) == one
    assert type(Scene.from_json(one.to_json()).particles[0]) is Particle.shapes[shape]
    assert one.diameters == pytest.approx((6, 8), rel=0.01)
    assert kind.radius.middle == pytest.approx(1.75, rel=0.01)
    assert kind.describe() == "bright spots"
    assert Particle.shapes[shape].title


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_falls_to_a_third_where_it_looks_to_end(shape):
    profile = Particle.shapes[shape].profiles[1].values
    assert profile(np.array([2.0]))[0] / profile(np.array([0.0]))[0] == pytest.approx(1 / 3, abs=0.03)
    beyond = Particle.shapes[shape].profiles[1].seen
    if np.isfinite(beyond):
        assert profile(np.array([beyond]))[0] < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_networks_learn_from_windows_of_every_shape(shape):
    images, targets = draw_windows("field", scene(measured(shape)), 39, 120, np.random.default_rng(0))
    assert np.isfinite(images).all()
    near = np.hypot(*targets[:, :2].T) < 3
    centre = images[near][:, 17:22, 17:22].max(axis=(1, 2))
    assert near.sum() > 5
    assert np.median(centre) > np.median(images)


@pytest.mark.parametrize("snr", [5, 20])
@pytest.mark.parametrize("stretch", [1.0, 2.5])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fit_reaches_the_bound_and_knows_its_error(shape, stretch, snr):
    if stretch > 1 and not Particle.shapes[shape].oriented:
        stretch = 1.0
    film = scene(measured(shape, (1.2, 1.2), (stretch, stretch)), snr=snr)
    rng, model = np.random.default_rng(5), ParticleModel.of(film)
    errors, pulls, bounds = [], [], []
    for _ in range(12):
        picture = draw(film, (200, 200), rng, 8)
        began = picture.positions + rng.normal(0, 0.3, picture.positions.shape)
        found = fit_particles(simulate_frame(picture, rng), began, model, 4)
        errors.append(found.positions - picture.positions)
        pulls.append(errors[-1] / found.sigmas[:, None])
        bounds.append(cramer_rao(picture))
        assert found.significances.min() > 4
    median = np.median(np.hypot(*np.concatenate(errors).T))
    assert median < 1.25 * median_radial_error(np.concatenate(bounds), rng)
    assert np.percentile(np.abs(np.concatenate(pulls)), 68) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_scene_of_every_shape_is_estimated_from_clicks(shape):
    kind = measured(shape, (1.5, 1.5), (2, 2))
    film, truth = simulate_film(scene(kind, snr=15), 1, (200, 200), np.random.default_rng(2), 6)
    found = match_film(film, truth[["frame", "y", "x"]].to_numpy(), shape=shape).scene.particles[0]
    assert found.named() == shape
    assert found.radius.low < kind.radius.middle < found.radius.high
    assert found.stretch.low * 0.9 < kind.stretch.middle < found.stretch.high * 1.1
    (one,), (true,) = found.amplitudes.values(), kind.amplitudes.values()
    assert one.middle * true.middle > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_round_spot_of_every_shape_is_bounded_alike_in_all_directions(shape):
    picture = draw(scene(measured(shape)), (41, 41), np.random.default_rng(0), 1).moved_to(np.array([[20.0, 20.0]]))
    (covariance,) = cramer_rao(picture)
    assert covariance[0, 0] == pytest.approx(covariance[1, 1], rel=1e-2)
    assert abs(covariance[0, 1]) < 1e-2 * covariance[0, 0]


# Each by itself -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.7, 0.8, 1.3, 4])
def test_a_gaussian_spot_is_averaged_over_each_pixel(sigma):
    picture = draw(
        scene(GaussianParticle(sigma=sigma, intensity=0.6), background=0), (64, 64), np.random.default_rng(1), 1
    )
    pixels = np.arange(64)

    def averaged(centre):
        edges = erf((np.stack([pixels + 0.5, pixels - 0.5]) - centre) / (np.sqrt(2) * sigma))
        return sigma * np.sqrt(np.pi / 2) * (edges[0] - edges[1])

    expected = 0.6 * np.outer(*map(averaged, picture.positions[0]))
    np.testing.assert_allclose(render(picture), expected, atol=1e-4 * 0.6)


def test_airys_first_dark_ring_lies_where_it_is_told():
    film = scene(AiryParticle(dark_ring=12, intensity=1), background=0)
    picture = draw(film, (81, 81), np.random.default_rng(1), 1).moved_to(np.array([[40.0, 40.0]]))
    row = render(picture)[40, 40:].astype(float)
    assert row[12] < 1e-3
    assert 12 < np.argmax(row[12:24]) + 12 < 18
    assert row[12:24].max() == pytest.approx(0.0175, rel=0.02)  # the first bright ring of the pattern
    assert ParticleModel.of(film).reach == pytest.approx(1.05 * 12 / film.radii[0], rel=1e-6)


@pytest.mark.parametrize(
    ("rings", "words"),
    [
        ({1: 0.5}, "bright spots"),
        ({1: -0.5}, "dark spots"),
        ({2: 0.5}, "bright rings"),
        ({1: 0.5, 2: -0.2}, "bright spots with a dark ring"),
    ],
)
def test_rings_are_told_in_words(rings, words):
    assert BesselParticle(radius=2, rings=rings).describe() == words


def test_an_ellipse_is_so_much_longer_than_wide_in_its_direction():
    film = scene(EllipticalParticle(sigma=1.5, axis_ratio=2, intensity=0.5), background=0, snr=100)
    picture = draw(film, (81, 81), np.random.default_rng(3), 1).moved_to(np.array([[40.0, 40.0]]))
    image = render(picture).astype(float)
    y, x = np.mgrid[-40:41, -40:41]
    moments = np.array([[(image * a * b).sum() for b in (x, y)] for a in (x, y)]) / image.sum()
    variances, axes = np.linalg.eigh(moments)
    np.testing.assert_allclose(variances, [1.5**2 + 1 / 12, 3**2 + 1 / 12], rtol=2e-3)
    direction = np.arctan2(axes[1, 1], axes[0, 1])
    assert np.sin(direction - picture.angle[0]) == pytest.approx(0, abs=1e-2)


def looks_of(frame, picture, model):
    """Return radius, axis ratio and direction of fitted particles."""
    measures = fit_particles(frame, picture.positions, model, 4).measures
    return measures[:, [MEASURES.index(name) for name in ("radius", "axis_ratio", "angle")]]


@pytest.mark.parametrize("axis_ratio", [1.5, 3])
def test_axis_ratio_and_direction_are_fitted(axis_ratio):
    film = scene(EllipticalParticle(sigma=(1, 1.6), axis_ratio=(1, 4), intensity=0.5), snr=30)
    own = scene(EllipticalParticle(sigma=1.3, axis_ratio=axis_ratio, intensity=0.5), snr=30)
    rng, model = np.random.default_rng(4), ParticleModel.of(film)
    picture = draw(own, (300, 300), rng, 12)
    looks = looks_of(simulate_frame(picture, rng), picture, model)
    assert np.median(looks[:, 0]) == pytest.approx(0.75 * 1.3, rel=0.05)
    assert np.median(looks[:, 1]) == pytest.approx(axis_ratio, rel=0.08)
    assert np.median(np.abs(np.sin(looks[:, 2] - picture.angle))) < 0.06


def test_round_particles_are_as_long_as_wide():
    film = scene(GaussianParticle(sigma=1.3, intensity=0.5))
    picture = draw(film, (100, 100), np.random.default_rng(0), 2)
    looks = looks_of(render(picture), picture, ParticleModel.of(film))
    np.testing.assert_allclose(looks[:, 1], 1, atol=0.02)
    np.testing.assert_allclose(looks[:, 0], 0.75 * 1.3, rtol=0.02)


def test_gaussian_spots_that_are_elongated_are_told_as_ellipses():
    film, truth = simulate_film(
        scene(EllipticalParticle(sigma=1.5, axis_ratio=2.2, intensity=0.5), snr=15),
        1,
        (200, 200),
        np.random.default_rng(2),
        6,
    )
    found = match_film(film, truth[["frame", "y", "x"]].to_numpy(), shape="gaussian")
    assert isinstance(found.scene.particles[0], EllipticalParticle)
    assert estimate_sentence(found).startswith("elongated bright spots")


def test_kinds_of_several_shapes_share_a_picture():
    mixed = scene(
        BesselParticle(radius=2, rings={2: 0.3}), GaussianParticle(sigma=1, intensity=0.4), background=0.1, density=4
    )
    assert mixed.components == (Component("bessel", 1), Component("bessel", 2), Component("gaussian", 1))
    assert mixed.kinds == 2
    picture = draw(mixed, (200, 200), np.random.default_rng(0), 20)
    rings, spots = picture.intensity[:, 1] > 0, picture.intensity[:, 2] > 0
    assert rings.sum() + spots.sum() == 20
    assert 0 < rings.sum() < 20
    image = render(picture)
    for kind, where in ((True, spots), (False, rings)):
        pixels = np.rint(picture.positions[where]).astype(int)
        assert (image[tuple(pixels.T)].mean() > 0.3) == kind  # a ring is dark in its middle


# Files ----------------------------------------------------------------------------------------------------------------


def test_particles_of_older_files_are_of_rings_and_files_of_rings_are_as_they_were():
    old = {"radius": [2, 3], "rings": {"1": 0.5}}
    one = Scene(name="old", particles=[old], background=0.2, snr=5)
    assert one.particles == (BesselParticle(radius=(2, 3), rings={1: 0.5}),)
    assert "shape" not in one.particles[0].to_json()
    assert Scene(name="old", particles=[old | {"shape": "bessel"}], background=0.2, snr=5) == one


@pytest.mark.parametrize(
    ("particle", "sentence"),
    [
        ({"shape": "banana"}, f"at 'particles.0': expected a shape of {', '.join(Particle.shapes)}"),
        ({"shape": "gaussian", "sigma": 1}, "at 'particles.0.intensity': field required"),
        ({"shape": "gaussian", "sigma": 0, "intensity": 1}, "expected sigma from 0.01 to 10000, got 0"),
        (
            {"shape": "ellipse", "sigma": 1, "axis_ratio": 0.5, "intensity": 1},
            "expected axis ratio from 1 to 10, got 0.5",
        ),
        ({"radius": 1}, "at 'particles.0.rings': field required"),
        (7, "particles.0"),
    ],
)
def test_a_particle_that_cannot_be_is_refused_in_a_sentence(particle, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Scene(name="odd", particles=[particle], background=0.2, snr=5)


def test_a_particle_without_a_shape_names_those_there_are():
    with pytest.raises(SettingsError, match=r"Make one of .*GaussianParticle.*; that of rings is BesselParticle"):
        Particle(radius=2, rings={1: 0.5})


def test_an_unknown_shape_is_not_estimated():
    with pytest.raises(SettingsError, match=r'Expected a shape of bessel, .*, got "banana"'):
        match_film(np.zeros((1, 64, 64)), np.array([[0, 30, 30]]), shape="banana")


def test_a_range_stays_a_range():
    assert GaussianParticle(sigma=(1, 2), intensity=0.5).radius == Span(low=0.75, high=1.5)
