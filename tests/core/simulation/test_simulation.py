"""Simulated pictures, films and windows are what the image model of the thesis says (3.5.1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import jv

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.films.normalisation import normalise
from napari_growtrack.core.settings import Span
from napari_growtrack.core.simulation import (
    SCENES,
    BesselParticle,
    Motion,
    Particle,
    Picture,
    Placement,
    Scene,
    draw,
    draw_window,
    draw_windows,
    expose,
    iter_film,
    named_scene,
    profile,
    render,
    simulate_film,
    simulate_frame,
)
from napari_growtrack.core.tables import TRUTH_COLUMNS

SPOT = Scene(name="spot", particles=[BesselParticle(radius=2.5, rings={1: 0.7})], background=0.2, snr=1000)


def seeded(seed=0):
    return np.random.default_rng(seed)


def picture(*particles, shape=(31, 45), background=0.3, gradient=0.0, gradient_angle=0.0, snr=10.0):
    """A picture of particles given as (y, x, radius, intensities, ellipticity, angle)."""
    rows = [(*particle, 1.0, 0.0)[:6] if len(particle) == 4 else particle for particle in particles]
    y, x, radius, intensity, ellipticity, angle = zip(*rows, strict=True) if rows else ((),) * 6
    return Picture(
        shape=shape,
        positions=np.reshape(np.transpose([y, x]), (-1, 2)).astype(float),
        radius=np.array(radius, float),
        ellipticity=np.array(ellipticity, float),
        angle=np.array(angle, float),
        intensity=np.reshape(intensity, (len(rows), -1 if rows else 1)).astype(float),
        wanted=np.ones(len(rows), bool),
        background=background,
        gradient=gradient,
        gradient_angle=gradient_angle,
        snr=snr,
    )


def formula(of):
    """The image model, pixel by pixel as it is written in the thesis."""
    height, width = of.shape
    y, x = np.mgrid[:height, :width].astype(float)
    down, right = y - (height - 1) / 2, x - (width - 1) / 2
    slope = of.gradient / (np.sqrt(2) * max(height, width))
    image = of.background + slope * (right * np.sin(of.gradient_angle) + down * np.cos(of.gradient_angle))
    for (cy, cx), radius, stretch, angle, scales in zip(
        of.positions, of.radius, of.ellipticity, of.angle, of.intensity, strict=True
    ):
        along = ((x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)) / stretch
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        d = np.sqrt(along**2 + across**2 + 0.001**2) / radius
        for n, scale in enumerate(scales, 1):
            image += scale * 4 * n**2.5 * (jv(n, d) / d) ** 2
    return np.clip(image, 0, 1)


def least_distance(positions):
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return apart[np.triu_indices(len(positions), 1)].min()


# pixels


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(picture(), id="background"),
        pytest.param(picture((15, 20, 2.5, [0.6])), id="round"),
        pytest.param(picture((14.3, 20.8, 2.5, [0.6])), id="between pixels"),
        pytest.param(picture((15, 20, 2.5, [-0.25])), id="dark"),
        pytest.param(picture((15, 20, 4, [0, 0.4])), id="second order"),
        pytest.param(picture((15, 20, 4, [0.5, -0.3])), id="two orders"),
        pytest.param(picture((15, 20, 6, [0.1] * 8)), id="eight orders"),
        pytest.param(picture((15, 20, 3, [0.6], 2.5, 0.0)), id="stretched along x"),
        pytest.param(picture((15, 20, 3, [0.5, -0.2], 0.5, 0.7)), id="squeezed at an angle"),
        pytest.param(picture((8, 10, 2, [0.5, 0]), (9, 16, 3, [0.2, 0.3]), (25, 40, 1.5, [-0.1, 0])), id="several"),
        pytest.param(picture((15, 20, 2.5, [0.3]), gradient=0.5, gradient_angle=0.4), id="gradient"),
        pytest.param(picture((2, 3, 2.5, [0.3]), gradient=1.0, gradient_angle=4.0, shape=(60, 9)), id="upright"),
        pytest.param(picture((-0.5, 44.5, 2.5, [0.6])), id="on the edge"),
        pytest.param(picture((15, 20, 5, [0.9]), background=0.6), id="too bright"),
        pytest.param(picture((15, 20, 5, [-0.9]), background=0.2), id="too dark"),
        pytest.param(picture((0, 0, 2, [0.5]), shape=(1, 1)), id="one pixel"),
        pytest.param(picture((1.2, 150, 2, [0.5]), shape=(3, 200)), id="a stripe"),
    ],
)
def test_rendering_follows_the_formula(of):
    image = render(of)
    assert (image.shape, image.dtype) == (of.shape, np.float32)
    np.testing.assert_allclose(image, formula(of), atol=1e-4)


ONLY_RINGS = [name for name, scene in SCENES.items() if {one.shape for one in scene.components} == {"bessel"}]


@pytest.mark.parametrize("name", ONLY_RINGS)
def test_every_named_scene_follows_the_formula(name):
    drawn = draw(named_scene(name), (60, 80), seeded())
    np.testing.assert_allclose(render(drawn), formula(drawn), atol=1e-4)


@pytest.mark.parametrize(("scale", "extreme"), [(5, 1), (-5, 0)])
def test_intensities_are_clipped_to_0_and_1(scale, extreme):
    image = render(picture((15, 20, 4, [scale])))
    assert image[15, 20] == extreme
    assert 0 <= image.min() <= image.max() <= 1


def test_one_particle_scaled_by_1_peaks_at_1():
    assert profile(1, np.zeros(1))[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("snr", [2, 10])
def test_noise_has_the_mean_and_variance_of_counted_photons(snr):
    image = np.tile(np.array([0.05, 0.3, 0.9], np.float32)[:, None], (1, 40_000))
    seen = expose(image, snr, seeded())
    assert seen.dtype == np.float32
    variance = image[:, 0] / snr**2
    np.testing.assert_array_less(abs(seen.mean(1) - image[:, 0]), 5 * np.sqrt(variance / 40_000))
    np.testing.assert_allclose(seen.var(1), variance, rtol=5 * np.sqrt((2 + 1 / (0.05 * snr**2)) / 40_000))
    np.testing.assert_allclose(seen * snr**2, np.rint(seen * snr**2), atol=1e-3)


LEVELS = [1e-3, 0.12, 0.125, 0.99, 3.7, 9.99, 10, 33.3, 63.9, 64, 64.1, 100, 1e3]


def counted(mean, number=1_000_000):
    """Numbers of photons of many pixels of one mean."""
    return expose(np.full(number, mean), 1, seeded())


@pytest.mark.parametrize("mean", LEVELS)
def test_photons_come_as_often_as_poisson_says(mean):
    seen = counted(mean)
    edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, 41)[1:-1], mean))  # cells of about equal probability
    if mean < 1:
        edges = np.arange(stats.poisson.isf(1e-4, mean))
    expected = np.diff(stats.poisson.cdf(edges, mean), prepend=0, append=1) * len(seen)
    observed = np.bincount(np.searchsorted(edges, seen), minlength=len(expected))
    assert len(expected) >= 2
    assert expected.min() > 5
    assert stats.chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("mean", [*LEVELS, 1e6, 1e8])
def test_photons_have_the_mean_and_variance_of_poisson(mean):
    seen = counted(mean).astype(float)
    assert abs(seen.mean() - mean) < 5 * np.sqrt(mean / len(seen))
    assert seen.var() == pytest.approx(mean, rel=5 * np.sqrt((2 + 1 / mean) / len(seen)))


def test_photons_of_any_mean_are_poisson_side_by_side():
    rng = seeded(1)
    means = 10 ** rng.uniform(-2, 3, 200_000)
    seen = expose(means, 1, rng)
    even = stats.poisson.cdf(seen - 1, means) + rng.random(len(means)) * stats.poisson.pmf(seen, means)
    assert stats.kstest(even, "uniform").pvalue > 1e-3


def test_darkness_sends_no_photons():
    assert not expose(np.zeros((50, 60)), 1e4, seeded()).any()


@pytest.mark.parametrize(("intensity", "snr"), [(0.3, 0.2), (0.004, 1), (0.3, 5), (0.9, 1e4)])
def test_noise_is_that_of_the_signal_to_noise_ratio(intensity, snr):
    seen = expose(np.full(200_000, intensity), snr, seeded()).astype(float)
    variance = intensity / snr**2
    assert abs(seen.mean() - intensity) < 5 * np.sqrt(variance / len(seen)) + 1e-7
    assert seen.var() == pytest.approx(variance, rel=5 * np.sqrt((2 + 1 / (intensity * snr**2)) / len(seen)) + 1e-3)


@pytest.mark.parametrize("mean", [0.124, 0.99, 7.56, 63.9, 300])
@pytest.mark.parametrize("power", [1, 2])
def test_the_photons_of_neighbours_are_independent(mean, power):
    seen = expose(np.full((500, 600), mean), 1, seeded()).astype(float)
    odd = np.sign(seen - mean) * abs(seen - mean) ** power
    for one, other in [(odd[:, 1:], odd[:, :-1]), (odd[1:], odd[:-1]), (odd[:, 2:], odd[:, :-2])]:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(one.size)


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0), (2, 3, 4)])
def test_an_exposed_image_keeps_its_shape(shape):
    seen = expose(np.full(shape, 0.5, np.float32), 10, seeded())
    assert (seen.shape, seen.dtype) == (shape, np.float32)


@pytest.mark.parametrize("image", [np.array([0.5, -0.1]), np.array([np.nan, 0.5])])
def test_negative_light_is_refused(image):
    with pytest.raises(
        SettingsError, match=r"Expected intensities of 0 or more, got (-0\.1|nan)\. Clip the image first"
    ):
        expose(image, 3, seeded())


# scenes

TABLE = {
    # name: radius, kinds (order: intensity), background, SNR, gradient, ellipticity, number, first, others
    "default": (
        (1.5, 3), [{1: (0.2, 0.6)}, {1: (-0.6, -0.2)}, {2: (0.2, 0.6)}, {2: (-0.6, -0.2)}],
        (0.2, 0.8), (10, 100), (0, 1), 1, 1, ("normal", 1), None,
    ),
    "vesicles": (
        (2, 3), [{1: (0.4, 0.7)}], (0.2, 0.4), (2, 8), (0, 0.2), 1, 4, ("box", 10), ("box", 25),
    ),
    "trapped": (
        (2, 5), [{1: (-0.4, -0.05)}], (0.15, 0.8), (20, 100), (0, 0.2), (0.5, 1.5), 1, ("normal", 5), None,
    ),
    "film": (
        (2, 3), [{1: (0.7, 0.9), 2: (-0.3, -0.2)}], (0.2, 0.5), (5, 100), (0, 0.8), 1, 1, ("normal", 2), None,
    ),
    "beads": (
        (4, 6), [{1: (0.3, 0.7), 2: (-0.4, -0.2)}],
        (0.2, 0.5), (5, 100), (0, 0.8), 1, 2, ("normal", 10), ("away", (15, 35)),
    ),
    "table42": ((2, 3), [{1: (0.4, 0.7)}], 0.2, 3, 0, 1, None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_named_scenes_have_the_numbers_of_the_thesis(name):
    radius, kinds, background, snr, gradient, ellipticity, number, first, others = TABLE[name]
    scene = named_scene(name)
    stated = scene.with_(
        particles=[{"radius": radius, "rings": rings, "ellipticity": ellipticity} for rings in kinds],
        background=background,
        snr=snr,
        gradient=gradient,
    )
    assert set(map(Particle.to_json, scene.particles)) == set(map(Particle.to_json, stated.particles))
    assert (scene.background, scene.snr, scene.gradient) == (stated.background, stated.snr, stated.gradient)
    assert number in (None, scene.window_number)
    assert first is None or scene.window_first == Placement(shape=first[0], size=first[1])
    assert others is None or scene.window_others == Placement(shape=others[0], size=others[1])


def test_vesicles_lie_at_least_10_px_apart():
    assert named_scene("vesicles").apart == 10


def test_table_4_2_has_six_particles_in_the_central_part_of_251_px():
    scene = named_scene("table42")
    assert len(draw(scene, (251, 251), seeded()).positions) == 6
    assert (scene.apart, scene.rim) == (20, 0.1)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_comes_back_from_json(name, tmp_path):
    path = tmp_path / "scene.json"
    path.write_text(SCENES[name].to_json())
    assert named_scene(path) == SCENES[name]


def test_an_unknown_scene_is_refused():
    with pytest.raises(SettingsError, match=r"There is no scene 'moon'\. Choose one of default, .*, or give a .json"):
        named_scene("moon")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"snr": 0}, "Scene cannot be read: the signal-to-noise ratio is greater than 0, got 0."),
        ({"density": -1}, "Scene cannot be read: densities are 0 or more, got -1 and 0."),
        (
            {"distractor_density": 1},
            "Scene cannot be read: distractors are wanted, but none is described in `distractors`.",
        ),
        ({"rim": 0.5}, "Scene cannot be read at 'rim': input should be less than 0.5, got 0.5."),
        ({"gloom": 1}, "Scene cannot be read at 'gloom': extra inputs are not permitted, got 1."),
    ],
)
def test_a_scene_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(SettingsError) as caught:
        SPOT.with_(**changes)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"radius": 0, "rings": {1: 1}}, "radius and ellipticity are greater than 0, got 0 and 1."),
        ({"radius": 1, "rings": {1: 1}, "ellipticity": (-1, 1)}, "greater than 0, got 1 and -1 to 1."),
        ({"radius": 1, "rings": {}}, "rings need Bessel orders between 1 and 8, got []."),
        ({"radius": 1, "rings": {0: 1, 9: 1}}, "rings need Bessel orders between 1 and 8, got [0, 9]."),
    ],
)
def test_a_particle_that_cannot_be_is_refused(values, sentence):
    with pytest.raises(SettingsError) as caught:
        BesselParticle(**values)
    assert str(caught.value).endswith(sentence)


# drawing


@pytest.mark.parametrize(("density", "shape", "number"), [(1, (100, 100), 1), (3, (50, 400), 6), (0, (99, 99), 0)])
def test_the_density_counts_particles_per_100_by_100_px(density, shape, number):
    assert len(draw(SPOT.with_(density=density), shape, seeded()).positions) == number


def test_numbers_are_drawn_from_the_scene():
    scene = named_scene("beads")
    drawn = draw(scene.with_(apart=0), (200, 300), seeded(), 500)
    assert drawn.intensity.shape == (500, 2)
    for values, span in [
        (drawn.radius, scene.particles[0].radius),
        (drawn.intensity[:, 0], Span(low=0.3, high=0.7)),
        (drawn.intensity[:, 1], Span(low=-0.4, high=-0.2)),
        (np.array([drawn.snr, 5, 100]), scene.snr),
        (np.array([drawn.background, 0.2, 0.5]), scene.background),
        (drawn.positions[:, 0], Span(low=-0.5, high=199.5)),
        (drawn.positions[:, 1], Span(low=-0.5, high=299.5)),
    ]:
        margin = 0.02 * (span.high - span.low)
        assert span.low <= values.min() < span.low + margin
        assert span.high - margin < values.max() <= span.high


def test_kinds_are_drawn_as_often_as_their_weights_say():
    kinds = [BesselParticle(radius=1, rings={1: 0.1}, weight=3), BesselParticle(radius=9, rings={1: 0.1})]
    drawn = draw(SPOT.with_(particles=kinds), (100, 100), seeded(), 4000)
    assert np.mean(drawn.radius == 1) == pytest.approx(0.75, abs=5 * np.sqrt(0.75 * 0.25 / 4000))


@pytest.mark.parametrize(("shape", "number", "apart"), [((200, 200), 40, 20), ((30, 400), 12, 25), ((60, 60), 2, 50)])
def test_particles_keep_their_distance(shape, number, apart):
    drawn = draw(SPOT.with_(apart=apart), shape, seeded(), number)
    assert len(drawn.positions) == number
    assert least_distance(drawn.positions) >= apart


@pytest.mark.parametrize("rim", [0.1, 0.45])
def test_the_rim_is_kept_free(rim):
    side = np.array([80, 200])
    positions = draw(SPOT.with_(rim=rim), (80, 200), seeded(), 500).positions
    assert np.all(positions >= rim * side)
    assert np.all(positions <= side - 1 - rim * side)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 200)])
def test_where_the_rim_leaves_nothing_particles_lie_in_the_middle(shape):
    (position,) = draw(SPOT.with_(rim=0.49), shape, seeded(), 1).positions
    assert np.all(abs(position - (np.array(shape) - 1) / 2) <= 2)


def test_too_many_particles_are_refused():
    with pytest.raises(
        SettingsError,
        match=r"^Only \d+ of 100 particles fit into 50 x 60 px at least 20 px apart\. Ask for fewer, or for a larger",
    ):
        draw(SPOT.with_(apart=20), (50, 60), seeded(), 100)


def test_by_density_as_many_are_drawn_as_fit():
    positions = draw(SPOT.with_(apart=20, density=1000), (50, 60), seeded()).positions
    assert 5 <= len(positions) <= 15
    assert least_distance(positions) >= 20


def test_a_frame_without_pixels_is_refused():
    with pytest.raises(SettingsError, match="A frame has at least one pixel along each side, got 0 x 9"):
        draw(SPOT, (0, 9), seeded())


def test_distractors_are_drawn_but_are_not_in_the_truth():
    scene = SPOT.with_(distractors=[BesselParticle(radius=5, rings={2: 0.4})], distractor_density=3, density=2)
    drawn = draw(scene, (100, 100), seeded())
    assert drawn.radius.tolist() == [2.5, 2.5, 5, 5, 5]
    np.testing.assert_array_equal(drawn.truth()[["y", "x"]], drawn.positions[:2])
    np.testing.assert_allclose(render(drawn), formula(drawn), atol=1e-4)
    assert drawn.truth().particle.tolist() == [0, 1]


# films


@pytest.mark.parametrize("motion", [None, Motion()])
@pytest.mark.parametrize(("shape", "number"), [((24, 40), 2), ((1, 1), 1), ((3, 200), 4), ((9, 9), 0)])
def test_a_film_comes_with_its_truth(shape, number, motion):
    film, truth = simulate_film(SPOT, 5, shape, seeded(), number, motion)
    assert (film.shape, film.dtype) == ((5, *shape), np.float32)
    assert tuple(truth.columns) == TRUTH_COLUMNS
    assert truth.frame.tolist() == [t for t in range(5) for _ in range(number)]
    assert truth.particle.tolist() == [*range(number)] * 5
    assert set(truth.radius) | {2.5} == {2.5}
    assert set(truth.snr) | {1000} == {1000}
    assert truth[["y", "x"]].min().min() >= -0.5 or number == 0
    assert np.all(truth[["y", "x"]] <= np.array(shape) - 0.5)


def test_the_truth_lies_where_the_light_is():
    for frame, truth in iter_film(SPOT, 3, (40, 60), seeded(), 1):
        y, x = np.unravel_index(frame.argmax(), frame.shape)
        assert np.hypot(y - truth.y[0], x - truth.x[0]) < 1.5


@pytest.mark.parametrize("motion", [None, Motion(diffusion=2)])
def test_the_same_seed_gives_the_same_film(motion):
    scene = named_scene("species")
    once, again, other = (simulate_film(scene, 3, (50, 70), seeded(seed), 2, motion) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once[0], again[0])
    pd.testing.assert_frame_equal(once[1], again[1])
    assert not np.array_equal(once[0], other[0])


def test_frames_are_made_only_when_asked_for():
    frames = iter_film(SPOT, 10**9, (9, 9), seeded())
    assert next(frames)[0].shape == (9, 9)


def steps(motion, shape=(400, 400), number=150, frames=8):
    """The displacements of particles that are free of each other, (n, 2)."""
    _, truth = simulate_film(SPOT, frames, shape, seeded(), number, motion)
    tracks = truth[["y", "x"]].to_numpy().reshape(frames, number, 2)
    return np.diff(tracks, axis=0).reshape(-1, 2)


@pytest.mark.parametrize("diffusion", [0.5, 3.0])
def test_brownian_particles_spread_by_4_d_per_frame(diffusion):
    squared = (steps(Motion(diffusion=diffusion)) ** 2).sum(1)
    assert squared.mean() == pytest.approx(4 * diffusion, rel=5 / np.sqrt(len(squared)))


def test_drift_moves_the_mean():
    moved = steps(Motion(diffusion=0.01, drift=(0.5, -0.25)))
    np.testing.assert_allclose(np.median(moved, axis=0), (0.5, -0.25), atol=0.02)


def test_without_diffusion_and_drift_nothing_moves():
    assert not steps(Motion(diffusion=0), (50, 50), 5).any()


def test_without_motion_every_frame_is_drawn_anew():
    assert np.median(abs(steps(None, (100, 100), 20))) > 10


def test_moving_particles_keep_their_distance_and_the_rim():
    scene = SPOT.with_(apart=10, rim=0.1)
    _, truth = simulate_film(scene, 30, (80, 100), seeded(), 20, Motion(diffusion=4, drift=(1, 0)))
    for _, points in truth.groupby("frame"):
        positions = points[["y", "x"]].to_numpy()
        assert least_distance(positions) >= 10
        assert np.all((positions >= (8, 10)) & (positions <= (80 - 1 - 8, 100 - 1 - 10)))


def test_moving_particles_keep_their_looks():
    pictures = [truth for _, truth in iter_film(named_scene("vesicles"), 4, (60, 60), seeded(), 3, Motion())]
    assert all(a[["particle", "radius", "snr"]].equals(b[["particle", "radius", "snr"]]) for a, b in pairwise(pictures))


def test_a_negative_diffusion_is_refused():
    with pytest.raises(SettingsError, match="Motion cannot be read at 'diffusion': input should be greater than or"):
        Motion(diffusion=-1)


# windows


@pytest.mark.parametrize("kind", ["field", "thesis"])
@pytest.mark.parametrize("name", ["default", "beads", "species", "empty"])
@pytest.mark.parametrize(("side", "number"), [(51, 7), (21, 13)])
@pytest.mark.parametrize("normalisation", ["standard", "unit"])
def test_windows_come_with_three_numbers_each(kind, name, side, number, normalisation):
    images, targets = draw_windows(kind, named_scene(name), side, number, seeded(), normalisation)
    assert (images.shape, images.dtype) == ((number, side, side), np.float32)
    assert (targets.shape, targets.dtype) == ((number, 3), np.float32)
    assert np.all(np.isfinite(images))
    near = np.isfinite(targets[:, 2])
    np.testing.assert_allclose(np.hypot(targets[near, 0], targets[near, 1]), targets[near, 2], rtol=1e-5)


@pytest.mark.parametrize("kind", ["field", "thesis"])
def test_the_same_seed_gives_the_same_windows(kind):
    once, again = (draw_windows(kind, named_scene("vesicles"), 31, 5, seeded(3)) for _ in range(2))
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(once[1], again[1])


@pytest.mark.parametrize("kind", ["field", "thesis"])
@pytest.mark.parametrize("normalisation", ["standard", "unit"])
def test_targets_point_at_the_brightest_pixel(kind, normalisation):
    scene = SPOT.with_(density=1.5, apart=60)
    images, targets = draw_windows(kind, scene, 51, 300, seeded(), normalisation)
    near = targets[:, 2] < 8
    assert near.sum() > 100
    brightest = np.array([np.unravel_index(image.argmax(), image.shape) for image in images[near]])
    assert np.abs(brightest - (25 + targets[near, :2])).max() <= 1


def test_targets_point_at_the_nearest_of_several_particles():
    scene = SPOT.with_(density=12, apart=12)
    images, targets = draw_windows("field", scene, 51, 200, seeded())
    y, x = np.mgrid[-25:26, -25:26]
    for image, (dy, dx, distance) in zip(images, targets, strict=True):
        if 7 < distance < 20:
            nearer = np.hypot(y, x) < distance - 6  # no particle's light reaches in here
            assert image[np.hypot(y - dy, x - dx) < 1].mean() > image[nearer].max()


def test_most_field_windows_lie_near_a_particle():
    _, targets = draw_windows("field", named_scene("table42"), 51, 2000, seeded())
    near = np.isfinite(targets[:, 2]) & (np.abs(targets[:, :2]).max(1) <= 9)
    assert 0.6 < near.mean() < 0.85


def test_windows_of_an_empty_field_are_infinitely_far_from_any_particle():
    _, targets = draw_windows("field", named_scene("empty"), 51, 20, seeded())
    assert targets.tolist() == [[0, 0, np.inf]] * 20


def test_some_fields_are_empty_in_every_scene():
    _, targets = draw_windows("field", SPOT, 21, 1200, seeded())
    assert 0 < np.isinf(targets[:, 2]).mean() < 0.2


def test_distractors_are_no_targets():
    scene = SPOT.with_(density=0, distractors=SPOT.particles, distractor_density=5)
    images, targets = draw_windows("field", scene, 21, 30, seeded(), "unit")
    assert np.all(np.isinf(targets[:, 2]))
    assert images.max() > 0.7


@pytest.mark.parametrize("kind", ["field", "thesis"])
def test_two_threads_draw_what_one_draws(kind):
    scene = named_scene("vesicles")

    def batches(seed):
        rng = seeded(seed)
        return [draw_windows(kind, scene, 51, number, rng) for number in (60, 1, 130)]

    with ThreadPoolExecutor(2) as pool:
        together = [*pool.map(batches, range(4))]
    for seed, drawn in enumerate(together):
        for (images, targets), (again, same) in zip(drawn, batches(seed), strict=True):
            np.testing.assert_array_equal(images, again)
            np.testing.assert_array_equal(targets, same)


@pytest.mark.parametrize("module", ["backdrop", "chance", "codec", "drawing", "poisson", "render", "sensor", "windows"])
def test_python_goes_on_while_windows_are_drawn(module):
    module = import_module(f"napari_growtrack.core.simulation.{module}")
    compiled = [value for value in vars(module).values() if hasattr(value, "targetoptions")]
    assert compiled
    assert all(loop.targetoptions.get("nogil") for loop in compiled)


@pytest.mark.parametrize("kind", ["field", "thesis"])
def test_a_generator_gives_other_windows_each_time(kind):
    rng = seeded()
    (once, _), (again, _) = (draw_windows(kind, named_scene("vesicles"), 31, 5, rng) for _ in range(2))
    assert not np.array_equal(once, again)


@pytest.mark.parametrize("kind", ["field", "thesis"])
def test_no_windows_are_an_ordinary_batch(kind):
    images, targets = draw_windows(kind, SPOT, 21, 0, seeded())
    assert (images.shape, targets.shape) == ((0, 21, 21), (0, 3))


@pytest.mark.parametrize("snr", [0.5, 2, 8, 100])
def test_windows_have_the_mean_and_variance_of_counted_photons(snr):
    scene = SPOT.with_(density=0, background=0.3, snr=snr)
    images, _ = draw_windows("field", scene, 11, 240, seeded(), "unit")
    variance = 0.3 / snr**2
    inside = images[np.ptp(images, axis=(1, 2)) > 0].astype(float)
    assert abs(inside.mean() - 0.3) < 6 * np.sqrt(variance / 240 / 5)  # windows overlap: few are independent
    assert inside.var() == pytest.approx(variance, rel=0.06)


def test_fields_vary_in_gain_and_offset_as_frames_do():
    images, _ = draw_windows("field", SPOT.with_(density=0, snr=10), 41, 3600, seeded())
    fields = images.reshape(-1, 12, 41 * 41)
    offset, gain = np.median(fields, axis=(1, 2)), np.log(fields.std(2).max(1))
    assert offset.std() == pytest.approx(0.1, rel=0.2)
    assert gain.std() == pytest.approx(0.8 / np.sqrt(12), rel=0.1)
    assert abs(gain.mean()) < 5 * 0.8 / np.sqrt(12 * len(gain))


def test_beyond_the_edge_of_a_field_lies_its_mean():
    scene = SPOT.with_(density=0, background=0.5, gradient=1, snr=10_000)
    images, _ = draw_windows("field", scene, 101, 240, seeded(), "unit")
    corner = images[:, 0, 0]
    outside = np.array([(image == value).sum() > 101 for image, value in zip(images, corner, strict=True)])
    assert 0.4 < outside.mean() < 0.95
    np.testing.assert_allclose(corner[outside], 0.5, atol=1e-3)


# the windows of the thesis


@pytest.mark.parametrize(
    ("name", "spread", "farthest"),
    [
        ("default", 1, np.inf),
        ("vesicles", 10 / np.sqrt(3), 10),
        ("trapped", 5, np.inf),
        ("film", 2, np.inf),
        ("beads", 10, np.inf),
    ],
)
def test_the_first_particle_lies_where_the_thesis_puts_it(name, spread, farthest):
    rng = seeded()
    first = np.array([draw_window(named_scene(name), 51, rng).positions[0] for _ in range(1500)]) - 25
    assert abs(first).max() <= farthest
    np.testing.assert_allclose(first.mean(0), 0, atol=5 * spread / np.sqrt(len(first)))
    np.testing.assert_allclose(first.std(0), spread, rtol=5 / np.sqrt(2 * len(first)))


@pytest.mark.parametrize(
    ("name", "number", "nearest", "farthest", "apart"), [("vesicles", 4, 0, 25, 10), ("beads", 2, 15, 35, 0)]
)
def test_the_other_particles_lie_where_the_thesis_puts_them(name, number, nearest, farthest, apart):
    rng, scene = seeded(), named_scene(name)
    for _ in range(200):
        positions = draw_window(scene, 51, rng).positions
        assert len(positions) == number
        assert least_distance(positions) >= apart
        others = abs(positions[1:] - 25)
        assert nearest <= others.min() <= others.max() <= farthest


@pytest.mark.parametrize("name", ["default", "vesicles", "trapped", "film", "beads"])
def test_thesis_targets_are_those_of_the_first_particle(name):
    scene = named_scene(name)
    images, targets = draw_windows("thesis", scene, 51, 1, seeded(5), "unit")
    rng = seeded(5)
    again = draw_window(scene, 51, rng)
    np.testing.assert_array_equal(images[0], simulate_frame(again, rng))
    np.testing.assert_allclose(targets[0, :2], again.positions[0] - 25, rtol=1e-5)


def test_thesis_windows_are_normalised_each_by_itself():
    scene = named_scene("vesicles")
    plain, _ = draw_windows("thesis", scene, 51, 40, seeded(), "unit")
    images, _ = draw_windows("thesis", scene, 51, 40, seeded(), "standard")
    np.testing.assert_allclose(images, [normalise(image) for image in plain], atol=1e-5)


def test_windows_without_any_light_are_zeros():
    images, _ = draw_windows(
        "thesis", SPOT.with_(background=0, particles=[BesselParticle(radius=2, rings={1: -1})]), 21, 3, seeded()
    )
    assert not images.any()


ONE_NUMBER = {
    "brightest": lambda images: images.max((1, 2)),
    "darkest": lambda images: images.min((1, 2)),
    "skewness": lambda images: (images**3).mean((1, 2)),
    "neighbours": lambda images: (images[:, 1:] * images[:, :-1]).mean((1, 2)),
    "centre": lambda images: images[:, 15:36, 15:36].mean((1, 2)),
    "edge": lambda images: images[:, 0].mean(1),
    "lit": lambda images: (images > 2).mean((1, 2)),
    "tilt": lambda images: (images[:, :, 26:] - images[:, :, :25]).mean((1, 2)),
}


@pytest.fixture(scope="module")
def simulator():
    """The plain version and its benchmark; the others beside it bring Keras along."""
    from napari_growtrack.core.benchmarks import simulator

    return simulator


@pytest.fixture(scope="module")
def both(simulator):
    scene = named_scene("vesicles")
    plain = np.concatenate([simulator.plain_windows(scene, 32, rng) for rng in seeded().spawn(25)])
    return plain, draw_windows("thesis", scene, 51, 2000, seeded(1))[0]


@pytest.mark.parametrize("number", ONE_NUMBER)
def test_windows_are_distributed_as_those_of_the_plain_version(both, number):
    plain, ours = (ONE_NUMBER[number](images) for images in both)
    assert stats.ks_2samp(plain, ours).pvalue > 1e-3


@pytest.mark.parametrize("snr", [2, 4, 8])
def test_windows_of_one_snr_are_as_noisy_as_those_of_the_plain_version(simulator, snr):
    scene = named_scene("vesicles").with_(snr=snr)
    plain, (ours, _) = simulator.plain_windows(scene, 200, seeded()), draw_windows("thesis", scene, 51, 1000, seeded(1))
    noise = [abs(images[:, 1:] - images[:, :-1]).mean((1, 2)) for images in (plain, ours)]
    assert stats.ks_2samp(*noise).pvalue > 1e-3


def test_particles_lie_as_far_from_the_centre_as_in_the_plain_version(simulator):
    scene = named_scene("vesicles")
    plain = simulator.plain_positions(scene, 3000, seeded())
    _, targets = draw_windows("thesis", scene, 11, 3000, seeded(1))
    assert stats.ks_2samp(np.hypot(*plain[:, 0].T), targets[:, 2]).pvalue > 1e-3
    rng = seeded(2)
    ours = np.array([draw_window(scene, 51, rng).positions - 25 for _ in range(3000)])
    for p in range(4):
        for axis in range(2):
            assert stats.ks_2samp(plain[:, p, axis], ours[:, p, axis]).pvalue > 1e-3


def test_the_plain_version_keeps_particles_apart(simulator):
    assert min(map(least_distance, simulator.plain_positions(named_scene("vesicles"), 200, seeded()))) >= 10


def test_the_simulator_is_measured_against_the_plain_version(simulator, monkeypatch):
    def took(ways, turns):
        for _, work in ways.values():
            work()
        return {way: 10.0 * windows for way, (windows, _) in ways.items()}

    monkeypatch.setattr(simulator, "_rates", took)
    plain, *ours = simulator.measure("smoke")
    assert (plain["way"], plain["times the plain version"]) == ("plain NumPy and SciPy", 1)
    assert [row["times the plain version"] for row in ours] == [600 / 64, 600 / 64, 1200 / 64]


def test_a_rate_is_the_median_of_turns_after_one_that_warms_up(simulator, monkeypatch):
    ticks = iter(np.cumsum([0, 100, 0, 1, 0, 2, 0, 9]))  # begun and done: in 100, 1, 2 and 9 s
    monkeypatch.setattr(simulator, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert simulator._rates({"a way": (10, lambda: None)}, turns=3) == {"a way": 5.0}


def test_a_picture_stays_untouched_when_its_particles_move():
    still = picture((15, 20, 2.5, [0.6]))
    moved = still.moved_to(still.positions + 3)
    assert still.positions.tolist() == [[15, 20]]
    np.testing.assert_array_equal(render(moved), render(replace(still, positions=np.array([[18.0, 23.0]]))))


@pytest.mark.parametrize(
    ("frames", "number", "sentence"), [(0, None, "at least one frame, got 0"), (1, -1, "from 0, got -1")]
)
def test_counts_below_zero_are_refused(frames, number, sentence):
    with pytest.raises(SettingsError, match=sentence):
        simulate_film(named_scene("table42"), frames, (60, 60), np.random.default_rng(0), number)


@pytest.mark.parametrize("value", [True, float("inf"), (1, float("nan"))])
def test_a_number_is_finite_and_no_truth_value(value):
    with pytest.raises(SettingsError, match="cannot be read at 'snr"):
        named_scene("table42").with_(snr=value)
