"""Cameras, uneven light, texture, blur, blinking and codecs do to simulated frames what they say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_growtrack.core.errors import SettingsError
from napari_growtrack.core.films import open_stack
from napari_growtrack.core.progress import finish
from napari_growtrack.core.simulation import (
    CAMERAS,
    SCENES,
    BesselParticle,
    Camera,
    GaussianParticle,
    Motion,
    Scene,
    draw,
    draw_windows,
    named_camera,
    named_scene,
    render,
    simulate_film,
    simulate_frame,
)
from napari_growtrack.core.simulation.bound import cramer_rao
from napari_growtrack.core.simulation.render import sensor_maps
from napari_growtrack.jobs.simulation import SimulateToFile

FLAT = Scene(name="flat", particles=[GaussianParticle(sigma=1.3, intensity=0.5)], density=0, background=0.3, snr=5)
SPOT = FLAT.with_(density=1, background=0.2, snr=100)
EVERYTHING = {
    "vignetting": (0, 0.5),
    "texture": (0, 0.4),
    "motion_blur": (0, 1),
    "compression": (0, 10),
}


def seeded(seed=0):
    return np.random.default_rng(seed)


def frame_of(scene, shape=(300, 300), seed=0):
    """One frame of a scene, as float64."""
    rng = seeded(seed)
    return simulate_frame(draw(scene, shape, rng), rng).astype(float)


# cameras


@pytest.mark.parametrize("background", [0.04, 0.3, 4, 40])  # of 25 photons: few, some, many, counted otherwise
@pytest.mark.parametrize(
    ("camera", "excess"),
    [
        (Camera(gain=2, offset=100), 1),
        (Camera(gain=2, offset=100, read_noise=3), 1),
        (Camera(name="emccd", gain=0.1, offset=200, multiplication=300, read_noise=60), 2),
        (Camera(name="scmos", gain=2, offset=100, read_noise=2), 1),
        (Camera(gain=2, offset=1000, read_noise=3, bit_depth=16), 1),
    ],
)
def test_counts_have_the_mean_and_variance_of_their_camera(camera, excess, background):
    snr = 5 * max(1.0, np.sqrt(background))
    seen = frame_of(FLAT.with_(background=min(background, 0.8), snr=snr, camera=camera))
    electrons = min(background, 0.8) * snr**2
    times, offset, noise = camera.multiplication.low, camera.offset.low, camera.read_noise.low
    gain = camera.gain.low * times
    rounding = 0 if camera.bit_depth is None else 1 / 12
    variance = gain**2 * (excess * electrons + (noise / times) ** 2) + rounding
    assert abs(seen.mean() - offset - gain * electrons) < 5 * np.sqrt(variance / seen.size)
    assert seen.var() == pytest.approx(variance, rel=0.03)


def test_a_camera_that_counts_photons_and_no_more_leaves_frames_as_they_were():
    scene = named_scene("species")
    for kind in ("field", "thesis"):
        once, again = (draw_windows(kind, one, 31, 30, seeded()) for one in (scene, scene.with_(camera=Camera())))
        np.testing.assert_array_equal(once[0], again[0])
    assert Camera().plain


def test_counts_are_whole_and_fit_their_bits():
    seen = frame_of(FLAT.with_(background=1, snr=30, camera=Camera(gain=1, offset=100, bit_depth=10)))
    assert np.all(seen == np.rint(seen))
    assert seen.max() == 1023


def test_a_pixel_holds_no_more_than_its_well():
    seen = frame_of(FLAT.with_(background=1, snr=30, camera=Camera(gain=2, offset=100, full_well=500)))
    assert np.unique(seen).tolist() == [1100]


def test_hot_and_dead_pixels_come_as_often_as_they_are_told():
    camera = Camera(gain=1, offset=10, hot=0.01, dead=0.02)
    picture = draw(FLAT.with_(background=0.1, snr=100, camera=camera), (500, 500), seeded())
    seen = simulate_frame(picture, seeded(1))
    assert np.mean(seen > 10 + 2000) == pytest.approx(0.01, rel=0.1)
    assert np.mean(seen == 10) == pytest.approx(0.02, rel=0.1)


SPREAD = Camera(
    name="scmos", gain=2, offset=100, read_noise=3, offset_spread=4, gain_spread=0.1, read_spread=0.5, columns=2, rows=1
)


def test_pixels_of_an_scmos_differ_as_they_are_told():
    offset, gain, read, _ = sensor_maps(draw(FLAT.with_(camera=SPREAD), (600, 700), seeded())).astype(float)
    own = offset - offset.mean(0) - offset.mean(1)[:, None] + offset.mean()
    assert own.std() == pytest.approx(4, rel=0.02)
    assert offset.mean(0).std() == pytest.approx(2 * 2, rel=0.15)
    assert offset.mean(1).std() == pytest.approx(2 * 1, rel=0.15)
    assert gain.std() == pytest.approx(2 * 0.1, rel=0.02)
    assert np.median(read) == pytest.approx(3, rel=0.02)
    assert np.log(read).std() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("motion", [None, Motion()])
def test_the_pattern_of_a_camera_is_the_same_in_all_frames_of_a_film_and_another_in_the_next(motion):
    dark = FLAT.with_(background=0, camera=SPREAD.with_(read_noise=0), snr=1)
    (film, _), (other, _) = (simulate_film(dark, 3, (60, 70), seeded(seed), 0, motion) for seed in (0, 1))
    assert film[0].std() > 1
    assert np.all(film == film[0])
    assert abs(np.corrcoef(film[0].ravel(), other[0].ravel())[0, 1]) < 0.2


def test_a_camera_of_ranges_is_another_one_in_every_field_and_one_in_a_film():
    scene = FLAT.with_(background=0, camera=Camera(offset=(100, 200)))
    film, _ = simulate_film(scene, 4, (9, 9), seeded(), 0, None)
    assert len(np.unique(film)) == 1
    assert len({draw(scene, (9, 9), seeded(seed)).sensor[1] for seed in range(5)}) == 5


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_has_a_name_and_a_file(name, tmp_path):
    path = tmp_path / "camera.json"
    path.write_text(CAMERAS[name].to_json())
    assert named_camera(path) == CAMERAS[name] == named_camera(name)
    assert np.all(np.isfinite(frame_of(SPOT.with_(camera=CAMERAS[name]), (40, 40))))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gain": 0}, "Camera cannot be read: expected gain from 1e-06 to 1e+06, got 0."),
        ({"hot": 2}, "Camera cannot be read: expected hot from 0 to 1, got 2."),
        ({"hot": 0.6, "dead": 0.6}, "expected hot and dead pixels together from 0 to 1, got 0 to 1.2."),
        ({"multiplication": 300}, "expected a multiplication of 1 where the camera is no emccd, got 300."),
        ({"gain_spread": 0.1}, "expected a gain spread of 0 where the camera is no scmos, got 0.1."),
        ({"name": "film"}, "at 'name': input should be 'poisson', 'emccd' or 'scmos', got \"film\"."),
        ({"bit_depth": 99}, "Camera cannot be read at 'bit_depth': input should be less than or equal to 24, got 99."),
    ],
)
def test_a_camera_that_cannot_be_is_refused(values, sentence):
    with pytest.raises(SettingsError) as caught:
        Camera(**values)
    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"vignetting": 2}, "Scene cannot be read: expected vignetting from 0 to 1, got 2."),
        ({"texture": -1}, "Scene cannot be read: expected texture from 0 to 10, got -1."),
        ({"texture_size": 0}, "Scene cannot be read: expected texture size from 1 to 10000, got 0."),
        ({"compression": (0, 300)}, "Scene cannot be read: expected compression from 0 to 255, got 0 to 300."),
    ],
)
def test_light_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(SettingsError) as caught:
        SPOT.with_(**changes)
    assert str(caught.value) == sentence


def test_an_unknown_camera_is_refused():
    with pytest.raises(SettingsError, match=r"There is no camera 'kodak'\. Choose one of poisson, emccd, scmos, ccd"):
        named_camera("kodak")


# files


@pytest.mark.parametrize("name", [name for name in SCENES if name not in ("tirf", "scmos")])
def test_files_of_scenes_without_what_came_later_are_as_they_were(name):
    fields = json.loads(SCENES[name].to_json())
    assert not {"camera", "vignetting", "texture", "texture_size", "motion_blur", "compression"} & {*fields}


def test_a_scene_with_everything_comes_back_from_json():
    scene = SPOT.with_(camera=CAMERAS["scmos"], texture_size=5, **EVERYTHING)
    assert Scene.from_json(scene.to_json()) == scene


@pytest.mark.parametrize(
    ("changes", "dtype"),
    [
        ({}, np.float32),
        ({"camera": CAMERAS["emccd"]}, np.uint16),
        ({"camera": CAMERAS["emccd"].with_(bit_depth=8, gain=1e-3)}, np.uint8),
        ({"camera": CAMERAS["emccd"].with_(bit_depth=None)}, np.float32),
        ({"camera": CAMERAS["emccd"], "compression": 9}, np.float32),
    ],
)
def test_files_of_films_hold_what_the_camera_wrote(changes, dtype, tmp_path):
    scene = SPOT.with_(**changes)
    finish(SimulateToFile(tmp_path / "film.tif", scene, 3, (40, 50), motion=Motion()).steps())
    film, _ = simulate_film(scene, 3, (40, 50), seeded(), None, Motion())
    read = open_stack(tmp_path / "film.tif")
    assert tifffile.imread(tmp_path / "film.tif").dtype == dtype
    np.testing.assert_array_equal(np.stack([read[t] for t in range(3)]), film)


# light and what lies behind


def test_corners_are_darker_by_the_vignetting():
    image = render(draw(FLAT.with_(vignetting=0.4), (101, 151), seeded()))
    assert image[50, 75] == pytest.approx(0.3)
    assert image[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(0.3 * 0.6)
    assert image[50, 75 + 45] == pytest.approx(0.3 * (1 - 0.4 * 45**2 / (50**2 + 75**2)))


def test_vignetting_darkens_particles_as_well():
    picture = draw(SPOT, (101, 101), seeded(), 1)
    dim = replace(picture, stage=(0.5, *picture.stage[1:]))
    far = ((picture.positions[0] - 50) ** 2).sum() / (2 * 50**2)
    ratio = render(dim).max() / render(picture).max()
    assert ratio == pytest.approx(1 - 0.5 * far, rel=0.02)


@pytest.mark.parametrize("size", [3, 8, 30])
def test_a_texture_varies_as_much_and_as_widely_as_it_is_told(size):
    image = render(draw(FLAT.with_(texture=0.2, texture_size=size), (900, 900), seeded())) / 0.3 - 1
    assert image.mean() == pytest.approx(0, abs=0.02)
    assert image.std() == pytest.approx(0.2, rel=0.1)
    apart = [(image[:, d:] * image[:, :-d]).mean() / image.var() for d in (1, size, 4 * size)]
    assert apart[0] > 0.6
    assert 0.2 < apart[1] < 0.6
    assert abs(apart[2]) < 0.1


@pytest.mark.parametrize("motion", [None, Motion()])
def test_a_texture_stays_where_it_is_over_a_film(motion):
    scene = FLAT.with_(texture=0.5, snr=3000)
    film, _ = simulate_film(scene, 3, (80, 80), seeded(), 0, motion)
    assert film[0].std() > 0.05
    np.testing.assert_allclose(film[1], film[0], atol=0.01)


def test_distractors_far_out_of_focus_make_a_haze():
    haze = [BesselParticle(radius=14, rings={1: 0.2})]
    picture = draw(FLAT.with_(distractors=haze, distractor_density=1), (100, 100), seeded())
    assert np.ptp(render(picture)) > 0.1
    assert len(picture.truth()) == 0


# motion during the exposure, blinking and bleaching


def width_and_centre(image):
    """The variance of an image's light along x, and its centre ``(y, x)``."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    light = image / image.sum()
    centre = np.array([(light * y).sum(), (light * x).sum()])
    return (light * (x - centre[1]) ** 2).sum(), centre


@pytest.mark.parametrize("blur", [0.5, 2])
def test_blurred_particles_are_wider_by_a_third_of_the_diffusion_and_lie_at_the_mean_of_their_paths(blur):
    scene = SPOT.with_(background=0, rim=0.4, motion_blur=blur)
    widths, off = [], []
    rng = seeded()
    for _ in range(400):
        picture = draw(scene, (61, 61), rng, 1)
        width, centre = width_and_centre(render(picture).astype(float))
        widths.append(width)
        off.append(centre - picture.positions[0])
    assert np.mean(widths) == pytest.approx(1.3**2 + 1 / 12 + blur / 3, rel=0.05)
    assert np.abs(off).max() < 0.01


def test_motion_blur_takes_from_what_places_spread_between_frames():
    scene = SPOT.with_(density=1, motion_blur=0.6)
    _, truth = simulate_film(scene, 60, (500, 500), seeded(), 100, Motion(diffusion=1))
    steps = np.diff(truth[["y", "x"]].to_numpy().reshape(60, 100, 2), axis=0)
    free = np.abs(steps) < 8  # not turned back at a wall
    assert (steps[free] ** 2).mean() / 2 == pytest.approx(1 - 0.6 / 3, rel=0.05)
    assert (steps[1:] * steps[:-1]).mean() / 2 == pytest.approx(0.6 / 6, abs=0.03)


def test_particles_blink_as_long_as_they_are_told():
    _, truth = simulate_film(SPOT, 300, (60, 60), seeded(), 60, Motion(diffusion=0.1, blinking=(6, 3)))
    lit = np.zeros((300, 60), bool)
    lit[truth.frame, truth.particle] = True
    assert lit.mean() == pytest.approx(6 / 9, rel=0.05)
    assert (lit[:-1] & ~lit[1:]).sum() / lit[:-1].sum() == pytest.approx(1 / 6, rel=0.1)
    assert (~lit[:-1] & lit[1:]).sum() / (~lit[:-1]).sum() == pytest.approx(1 / 3, rel=0.1)


def test_particles_bleach_and_stay_gone():
    film, truth = simulate_film(SPOT, 60, (200, 200), seeded(), 300, Motion(diffusion=0.1, bleaching=20))
    lit = np.zeros((60, 300), bool)
    lit[truth.frame, truth.particle] = True
    assert not np.any(~lit[:-1] & lit[1:])
    for frame in (0, 10, 20, 40):
        expected = 300 * (1 - 1 / 20) ** frame
        assert abs(lit[frame].sum() - expected) < 5 * np.sqrt(expected)
    assert film[-1].mean() < film[0].mean()


def test_a_particle_that_is_off_sends_no_light():
    film, truth = simulate_film(
        SPOT.with_(density=0), 40, (30, 30), seeded(), 1, Motion(diffusion=0.1, blinking=(2, 2))
    )
    seen = np.isin(np.arange(40), truth.frame)
    brightest = film.max((1, 2))
    assert 5 < seen.sum() < 35
    assert brightest[seen].min() > brightest[~seen].max() + 0.1


def test_blinking_shorter_than_a_frame_is_refused():
    with pytest.raises(SettingsError, match=r"Motion cannot be read at 'blinking\.0': input should be greater than or"):
        Motion(blinking=(0.5, 2))


# compression


def test_a_codec_leaves_out_faint_waves_and_keeps_blocks_means():
    scene = FLAT.with_(snr=20)
    picture = draw(scene, (64, 64), seeded())
    coded = replace(picture, stage=(*picture.stage[:4], 20.0, picture.stage[5]))
    plain, seen = simulate_frame(picture, seeded(1)), simulate_frame(coded, seeded(1))
    blocks = [image.reshape(8, 8, 8, 8).mean((1, 3)) for image in (plain, seen)]
    assert seen.std() < 0.8 * plain.std()
    np.testing.assert_allclose(blocks[1], blocks[0], atol=2.5 / 255)
    np.testing.assert_allclose(seen * 255, np.rint(seen * 255), atol=1e-3)


def test_what_is_smooth_passes_a_codec():
    scene = SPOT.with_(compression=5, snr=5000)
    picture = draw(scene, (64, 64), seeded(), 1)
    np.testing.assert_allclose(simulate_frame(picture, seeded()), render(picture), atol=0.04)


@pytest.mark.parametrize("shape", [(1, 1), (5, 23), (8, 8)])
def test_frames_of_any_size_pass_a_codec(shape):
    assert frame_of(FLAT.with_(compression=5), shape).shape == shape


# together


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("kind", ["field", "thesis"])
def test_windows_of_everything_are_finite_and_repeatable(kind, camera):
    scene = named_scene("vesicles").with_(camera=CAMERAS[camera], **EVERYTHING)
    once, again = (draw_windows(kind, scene, 31, 40, seeded(3)) for _ in range(2))
    assert np.all(np.isfinite(once[0]))
    np.testing.assert_array_equal(once[0], again[0])


@pytest.mark.parametrize("motion", [None, Motion(blinking=(3, 2), bleaching=9)])
def test_films_of_everything_are_repeatable(motion):
    scene = SPOT.with_(camera=CAMERAS["scmos"], **EVERYTHING)
    once, again, other = (simulate_film(scene, 4, (50, 60), seeded(seed), 3, motion) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once[0], again[0])
    assert once[1].equals(again[1])
    assert not np.array_equal(once[0], other[0])


# the bound


def errors(**changes):
    """The least standard error along x of one particle in the middle of a frame."""
    scene = SPOT.with_(rim=0.45, snr=20, **changes)
    return np.sqrt(cramer_rao(draw(scene, (41, 41), seeded(), 1))[0, 1, 1])


def test_the_bound_does_not_depend_on_gain_and_offset():
    assert errors(camera=Camera(gain=3, offset=100)) == pytest.approx(errors(), rel=1e-4)


def test_multiplication_costs_the_root_of_two():
    camera = Camera(name="emccd", multiplication=300)
    assert errors(camera=camera) == pytest.approx(np.sqrt(2) * errors(), rel=1e-4)


def test_reading_and_rounding_widen_the_bound():
    plain = errors()
    assert errors(camera=Camera(read_noise=5)) > 1.05 * plain
    assert errors(camera=Camera(gain=0.1, bit_depth=16)) == pytest.approx(
        errors(camera=Camera(read_noise=10 / np.sqrt(12))), rel=1e-4
    )


def test_blur_and_vignetting_widen_the_bound():
    assert errors(motion_blur=2) > 1.05 * errors()
    away = draw(SPOT.with_(vignetting=0), (61, 61), seeded(3), 1)
    dim = replace(away, stage=(0.5, *away.stage[1:]))
    assert cramer_rao(dim)[0, 0, 0] > cramer_rao(away)[0, 0, 0]
