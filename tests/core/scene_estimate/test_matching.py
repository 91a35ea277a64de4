"""Of a few clicks on a film, a scene is made whose particles, light, noise and number are the film's."""

import os
from pathlib import Path

import numpy as np
import pytest

from napari_growtrack.core.errors import GrowtrackWarning, SettingsError, StackError
from napari_growtrack.core.scene_estimate import estimate_sentence, match_film
from napari_growtrack.core.scene_estimate.picture import side_by_side
from napari_growtrack.core.simulation import BesselParticle, Scene, named_scene, simulate_film

DATA = Path(os.environ.get("GROWTRACK_DATA", Path(__file__).parents[4] / "shared" / "data")) / "deeptrack1"
BROWNIAN = np.array([[64, 296], [71, 417], [83, 54], [132, 445], [137, 396], [178, 348], [180, 115], [193, 227]])
TRAPPED = np.array([[0, 59, 55]])
BRIGHT_SPOT, DARK_SPOT, BRIGHT_RING, DARK_RING = {1: 1}, {1: -1}, {2: 1}, {2: -1}
RINGED = {1: 1, 2: -1}


def of_one_kind(index):
    """Return the scene of mixed particles with one kind only, bright or dark, spot or ring."""
    mixed = named_scene("mixed")
    return mixed.with_(particles=[mixed.particles[index]], snr=20, background=(0.35, 0.65))


def trapped(**changes):
    bead = BesselParticle(**{"radius": (2.5, 4), "rings": {1: (-0.4, -0.2)}, **changes})
    return named_scene("trapped").with_(particles=[bead], snr=40, density=0.5, background=(0.4, 0.7))


FILMS = {
    "vesicles at SNR 3": (named_scene("vesicles").with_(snr=3), BRIGHT_SPOT),
    "vesicles at SNR 5": (named_scene("vesicles").with_(snr=5), BRIGHT_SPOT),
    "vesicles at SNR 10": (named_scene("vesicles").with_(snr=10), BRIGHT_SPOT),
    "a crowd": (named_scene("dense"), BRIGHT_SPOT),
    "a gradient": (named_scene("gradient"), BRIGHT_SPOT),
    "beads": (named_scene("beads").with_(snr=20), RINGED),
    "rings": (named_scene("rings"), RINGED),
    "trapped": (trapped(), DARK_SPOT),
    "bright spots": (of_one_kind(0), BRIGHT_SPOT),
    "dark spots": (of_one_kind(1), DARK_SPOT),
    "bright rings": (of_one_kind(2), BRIGHT_RING),
    "dark rings": (of_one_kind(3), DARK_RING),
}


def clicked(scene, seed=1, frames=2, number=8, off=3.5):
    """Simulate a film, and click some particles of its first frame a little off their centres."""
    rng = np.random.default_rng(seed)
    film, truth = simulate_film(scene, frames, (220, 220), rng)
    inside = truth[(truth.frame == 0) & truth.y.between(10, 209) & truth.x.between(10, 209)][:number]
    angle, far = rng.uniform(0, 2 * np.pi, len(inside)), rng.uniform(0, off, len(inside))
    points = inside[["frame", "y", "x"]].to_numpy() + np.column_stack(
        [0 * far, far * np.sin(angle), far * np.cos(angle)]
    )
    return film, points, truth, inside


@pytest.mark.parametrize(("scene", "signs"), FILMS.values(), ids=FILMS)
def test_a_simulated_films_scene_is_found_again(scene, signs):
    film, points, truth, inside = clicked(scene)
    found = match_film(film, points)
    (kind,) = found.scene.particles
    assert {order: np.sign(scale.middle) for order, scale in kind.rings.items()} == signs
    assert kind.radius.middle == pytest.approx(inside.radius.mean(), rel=0.15)
    assert found.scene.density.middle == pytest.approx(len(truth) / len(film) / 2.2**2, rel=0.4)
    contrast = found.scene.snr.high / 1.5 / np.sqrt(found.scene.background.middle) / found.unit
    assert contrast == pytest.approx(truth.snr[0] / np.sqrt(film_level(film)), rel=0.25)
    assert 0.8 < found.residual < 1.4


@pytest.mark.parametrize(("width", "snr"), [(2, 10), (3, 5), (3, 10), (4, 5), (4, 10)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spots_as_narrow_as_optics_draw_them_are_matched(width, snr, seed):
    film, points, truth, _ = clicked(narrow(width, snr), seed, off=1.5)
    found = match_film(film, points)
    (kind,) = found.scene.particles
    assert {*kind.rings} == {1}
    assert kind.radius.middle == pytest.approx(width / 4, rel=0.15)
    contrast = found.scene.snr.high / 1.5 / np.sqrt(found.scene.background.middle) / found.unit
    assert contrast == pytest.approx(snr / np.sqrt(film_level(film)), rel=0.25)
    assert found.scene.density.middle == pytest.approx(len(truth) / len(film) / 2.2**2, rel=0.4)


@pytest.mark.parametrize("seed", [3, 4])
def test_spots_of_one_pixel_that_noise_hides_are_refused_in_a_sentence(seed):
    film, points, *_ = clicked(narrow(2, 5), seed, off=1.5)
    with pytest.raises(SettingsError, match="nothing but noise"):
        match_film(film, points)


def narrow(width, snr):
    spot = BesselParticle(radius=width / 4, rings={1: (0.4, 0.7)})
    changes = {"particles": [spot], "snr": snr, "density": 2.0, "apart": 8, "background": 0.3, "gradient": 0}
    return named_scene("vesicles").with_(**changes)


def film_level(film):
    return float(np.median(film[0]))


def test_a_film_in_the_scenes_units_keeps_them():
    film, points, _, _ = clicked(FILMS["vesicles at SNR 5"][0])
    found = match_film(film, points)
    assert (found.unit, found.offset) == (1, 0)
    assert found.scene.snr.low < 5 < found.scene.snr.high


@pytest.mark.parametrize("name", ["rings", "dark spots"])
def test_the_cameras_gain_and_offset_do_not_matter(name):
    film, points, _, _ = clicked(FILMS[name][0])
    plain, counts = match_film(film, points), match_film(np.rint(9000 * film + 5000).astype(np.uint16), points)
    assert counts.scene.particles[0].radius.middle == pytest.approx(plain.scene.particles[0].radius.middle, rel=0.02)
    stands_out = [
        abs(one.scene.particles[0].rings[1].middle) * one.scene.snr.high / np.sqrt(one.scene.background.middle)
        for one in (plain, counts)
    ]
    assert stands_out[1] == pytest.approx(stands_out[0], rel=0.1)
    assert 0.1 < counts.scene.background.low < counts.scene.background.high < 0.85


def test_real_and_simulated_crops_are_alike():
    found = match_film(*clicked(FILMS["rings"][0])[:2])
    assert found.real.shape == found.simulated.shape
    assert found.real.dtype == found.simulated.dtype == np.float32
    rim = found.real.shape[1] // 5
    real, simulated = (crops.mean(0)[rim:-rim, rim:-rim] for crops in (found.real, found.simulated))
    assert np.corrcoef(real.ravel(), simulated.ravel())[0, 1] > 0.95
    assert simulated.max() == pytest.approx(real.max(), rel=0.2)
    assert simulated.min() == pytest.approx(real.min(), rel=0.3)


def test_beyond_the_film_crops_show_the_background_around_their_particle():
    film, points, *_ = clicked(FILMS["rings"][0], off=0)
    top = int(points[0, 1]) - 3
    found = match_film(film[:, top:], (points - [0, top, 0])[:1])
    (beyond,) = (crop[: len(crop) // 2 - 4] for crop in found.real)
    assert np.ptp(beyond) == 0
    assert found.real[0][:, -1].mean() == pytest.approx(beyond[0, 0], abs=0.1)


@pytest.mark.parametrize("number", [1, 2])
def test_few_clicks_give_wider_ranges(number):
    film, points, _, _ = clicked(
        named_scene("table42").with_(snr=10, particles=[BesselParticle(radius=2.5, rings={1: 0.5})])
    )
    many, few = (match_film(film, some).scene.particles[0] for some in (points, points[:number]))
    assert few.radius.high / few.radius.low > many.radius.high / many.radius.low
    assert few.radius.low < 2.5 < few.radius.high


def test_stretched_particles_are_seen_to_be():
    film, points, _, _ = clicked(trapped(radius=3, ellipticity=1.5))
    (kind,) = match_film(film, points).scene.particles
    assert kind.ellipticity.low < 1.5 < kind.ellipticity.high
    assert kind.radius.middle == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    ("bright", "dark", "sentence"),
    [
        (4, 1, "Left out 1 of 5 clicks because what is there is dark, and bright at the others"),
        (2, 4, "Left out 2 of 6 clicks because what is there is bright, and dark at the others"),
    ],
)
def test_clicks_of_the_rarer_kind_are_left_out_with_a_word_of_warning(bright, dark, sentence):
    left, right = (clicked(of_one_kind(index).with_(background=0.5)) for index in (0, 1))
    film = np.concatenate([left[0], right[0]], axis=2)
    points = np.concatenate([left[1][:bright], right[1][:dark] + np.array([0, 0, 220])])
    with pytest.warns(GrowtrackWarning, match=sentence):
        found = match_film(film, points)
    assert len(found.real) == max(bright, dark)
    assert np.sign(found.scene.particles[0].rings[1].middle) == np.sign(bright - dark)


def test_points_without_a_frame_lie_on_the_first():
    film, points, _, _ = clicked(FILMS["rings"][0])
    assert match_film(film, points[:, 1:]).scene == match_film(film, points).scene


def test_a_known_diameter_finds_what_is_larger_than_usual():
    scene = named_scene("rings").with_(particles=[BesselParticle(radius=22, rings={1: 0.5})], density=0.6, apart=90)
    film, points, _, _ = clicked(scene, frames=1)
    assert match_film(film, points, diameter=80).scene.particles[0].radius.middle == pytest.approx(22, rel=0.1)


def test_a_picture_shows_the_film_above_its_simulation():
    found = match_film(*clicked(FILMS["rings"][0])[:2])
    above, below = side_by_side(found).axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("film", "simulated")
    side = found.real.shape[1]
    for axes, crops in ((above, found.real), (below, found.simulated)):
        np.testing.assert_array_equal(axes.images[0].get_array()[:, :side], crops[0])
    assert above.images[0].get_clim() == below.images[0].get_clim()


def test_the_scene_can_be_kept_and_the_same_seed_gives_the_same_pictures():
    film, points, _, _ = clicked(FILMS["rings"][0])
    first, again = match_film(film, points, "mine", 3), match_film(film, points, "mine", 3)
    np.testing.assert_array_equal(first.simulated, again.simulated)
    assert first.scene.name == "mine"
    assert Scene.from_json(first.scene.to_json()) == first.scene


def test_a_sentence_tells_what_was_found():
    found = match_film(*clicked(FILMS["rings"][0])[:2])
    assert estimate_sentence(found).startswith("bright spots with a dark ring, ")
    assert "SNR about 1" in str(found)
    assert "per 100 x 100 px" in found.scene.about


NOISE = np.random.default_rng(0).normal(100, 5, (2, 90, 90)).astype(np.float32)


@pytest.mark.parametrize(
    ("film", "points", "error", "sentence"),
    [
        (NOISE, np.empty((0, 3)), SettingsError, "Click at least one particle"),
        (NOISE, [[40, 40], [20, 60]], SettingsError, "nothing but noise"),
        (np.pad(NOISE, ((0, 0), (0, 0), (0, 200))), [[40, 250], [20, 200]], SettingsError, "nothing but noise"),
        (NOISE, [[0, 40, 95]], SettingsError, "outside array"),
        (NOISE, [[2, 40, 40]], SettingsError, "outside array"),
        (NOISE, [[np.nan, 40]], SettingsError, "NaN"),
        (NOISE, [40, 40], SettingsError, "shape"),
        (NOISE, [["a", "b"]], SettingsError, "numbers"),
        (NOISE[:, :7], [[3, 40]], SettingsError, "at least 8 x 8"),
        (np.ones((40, 40)), [[20, 20]], SettingsError, "same everywhere"),
        (np.full((40, 40), np.nan), [[20, 20]], StackError, "NaN"),
    ],
)
def test_what_cannot_be_matched_is_refused_in_a_sentence(film, points, error, sentence):
    with pytest.raises(error, match=sentence):
        match_film(film, points)


@pytest.mark.parametrize(
    ("film", "points", "diameter"),
    [("brownian_particles", BROWNIAN, (18, 26)), ("optically_trapped_good", TRAPPED, (20, 32))],
)
def test_beads_in_bright_field_look_like_their_simulation(film, points, diameter):
    path = DATA / f"{film}.mp4"
    if not path.exists():
        pytest.skip(f"no film at {path}; set GROWTRACK_DATA to the folder that holds deeptrack1")
    found = match_film(path, points)
    (kind,) = found.scene.particles
    assert kind.rings[1].low > 0 > kind.rings[2].high
    assert diameter[0] < found.scene.diameter < diameter[1]
    assert 0.5 < found.scene.density.middle < 1.5
    assert np.corrcoef(found.real.mean(0).ravel(), found.simulated.mean(0).ravel())[0, 1] > 0.95
