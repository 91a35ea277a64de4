"""Films of others, odd, damaged or hostile: read as they are meant, or refused or warned of in a sentence."""

import json
import os
import warnings
import zlib
from contextlib import suppress
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import av
import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from test_opening import LENGTH, decoded, write_video

from napari_growtrack.cli import main
from napari_growtrack.core.errors import GrowtrackWarning, OutputError, StackError
from napari_growtrack.core.films import film_identity, films_in, open_stack
from napari_growtrack.core.films.nikon import _frame_time, _pixel_sides
from napari_growtrack.core.films.pixels import as_float32
from napari_growtrack.core.films.sequence import natural
from napari_growtrack.core.films.stack import decoding, in_short
from napari_growtrack.core.films.video import _Packet, _without_ragged_end
from napari_growtrack.core.films.video_losses import announced_frames
from napari_growtrack.core.films.writing import write_film
from napari_growtrack.core.tables import read_recipe
from nd2_files import write_nd2

FILM = np.random.default_rng(0).integers(0, 60_000, (5, 12, 18)).astype(np.uint16)


@pytest.fixture(autouse=True)
def _silence_is_meant():
    """A warning that no test asks for fails it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GrowtrackWarning)
        yield


def written(path, image=FILM, axes="TYX", **options):
    tifffile.imwrite(path, image, metadata={"axes": axes, **options.pop("told", {})}, **options)
    return path


# Slices as time -------------------------------------------------------------------------------------------------------

SLICES = {
    "ImageJ": {"axes": "ZYX", "imagej": True},
    "ImageJ, compressed": {"axes": "ZYX", "imagej": True, "compression": "zlib"},
    "OME": {"axes": "ZYX", "ome": True},
    "OME with one time": {"axes": "TZYX", "ome": True, "image": FILM[None]},
}


@pytest.mark.parametrize("options", SLICES.values(), ids=SLICES)
def test_slices_are_time_where_nothing_else_is_and_this_is_said(tmp_path, options):
    path = written(tmp_path / "film.tif", **options)
    with pytest.warns(GrowtrackWarning, match=r"no time axis, but 5 z slices: they are taken as its frames.*with --z"):
        stack = open_stack(path)
    assert stack.told == {"time_axis": "z"}
    np.testing.assert_array_equal(list(stack), FILM)


@pytest.mark.parametrize("options", SLICES.values(), ids=SLICES)
def test_slices_are_time_by_choice_without_a_word_and_depths_by_choice_too(tmp_path, options):
    path = written(tmp_path / "film.tif", **options)
    np.testing.assert_array_equal(list(open_stack(path, time_axis="z")), FILM)
    np.testing.assert_array_equal(list(open_stack(path, z=3)), FILM[3:4])
    np.testing.assert_array_equal(list(open_stack(path, z=3, time_axis="t")), FILM[3:4])
    with pytest.raises(StackError, match=r"Choose one of 5 z planes with z=0 to 4"):
        open_stack(path, time_axis="t")


def test_slices_are_not_time_where_something_else_is_or_there_are_none(tmp_path):
    both = written(tmp_path / "both.tif", FILM.reshape(5, 2, 6, 18), "TZYX", ome=True)
    with pytest.raises(StackError, match=r"Its slices cannot be time: another axis is time"):
        open_stack(both, time_axis="z")
    with pytest.raises(StackError, match=r"Choose one of 2 z planes"):
        open_stack(both)
    with pytest.raises(StackError, match=r"cannot be time: it has no z planes"):
        open_stack(written(tmp_path / "plain.tif"), time_axis="z")
    with pytest.raises(StackError, match=r"array has no z planes to take as time"):
        open_stack(FILM, time_axis="z")
    with pytest.raises(StackError, match=r"Time can be the axis t or z, got 'c'"):
        open_stack(both, time_axis="c")
    for options in ({"channel": 1}, {"z": 1}):
        with pytest.raises(StackError, match=r"array has no (channels|z planes) to choose among"):
            open_stack(FILM, **options)


def test_slices_of_a_channel_are_time(tmp_path):
    path = written(tmp_path / "film.tif", np.stack([FILM, FILM + 1], 1), "ZCYX", imagej=True)
    np.testing.assert_array_equal(list(open_stack(path, channel=1, time_axis="z")), FILM + 1)


def test_tracking_says_that_slices_were_taken_as_time_and_keeps_it(tmp_path, capsys):
    from napari_growtrack.core.simulation import named_scene, simulate_film

    film, _ = simulate_film(named_scene("table42").with_(snr=8), 3, (96, 96), np.random.default_rng(0), 3)
    path = written(tmp_path / "film.tif", film.astype(np.float32), "ZYX", imagej=True)
    assert main(["track", str(path), "-n", "vesicles", "-o", str(tmp_path / "d.csv")]) == 0
    assert "film.tif has no time axis, but 3 z slices" in capsys.readouterr().err
    assert read_recipe(tmp_path / "d.csv")["time_axis"] == "z"
    assert main(["track", str(path), "-n", "vesicles", "--time-axis", "z", "-o", str(tmp_path / "e.csv")]) == 0
    assert "slices" not in capsys.readouterr().err
    assert read_recipe(tmp_path / "e.csv")["time_axis"] == "z"


# Scales and times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (("20", "ms"), 0.02),
        (("0.25", None), 0.25),
        (("500", "µs"), 5e-4),
        (("0", "s"), None),
        (("abc", "s"), None),
        (("1", "parsec"), None),
    ],
)
def test_the_exposure_is_read_from_ome(tmp_path, told, seconds):
    number, unit = told
    plane = {"ExposureTime": [number] * 5, **({"ExposureTimeUnit": [unit] * 5} if unit else {})}
    path = written(tmp_path / "film.tif", ome=True, told={"Plane": plane})
    stack = open_stack(path)
    assert stack.exposure_time == (None if seconds is None else pytest.approx(seconds))


def test_exposures_that_differ_within_a_channel_are_no_exposure_of_the_film(tmp_path):
    two = np.stack([FILM, FILM], 1)
    times = [0.01, 0.03] * 5
    path = written(tmp_path / "two.tif", two, "TCYX", ome=True, told={"Plane": {"ExposureTime": times}})
    assert [open_stack(path, channel=channel).exposure_time for channel in (0, 1)] == [0.01, 0.03]
    times = [0.01, 0.02, 0.01, 0.01, 0.01]
    path = written(tmp_path / "one.tif", ome=True, told={"Plane": {"ExposureTime": times}})
    assert open_stack(path).exposure_time is None


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        ("Exposure-ms: 12.5\nGain: 3", 0.0125),
        ("Exposure = 50 ms\nBinning 2", 0.05),
        ("Exposure Time: 0.2 s", 0.2),
        ("Exposure: 50", None),
        ("Exposure 1: 50 ms\nExposure 2: 20 ms", None),
        ("no word of it", None),
    ],
)
def test_the_exposure_is_read_from_what_imagej_files_say_with_a_unit(tmp_path, info, seconds):
    stack = open_stack(written(tmp_path / "film.tif", imagej=True, told={"Info": info}))
    assert stack.exposure_time == (None if seconds is None else pytest.approx(seconds))


def test_the_exposure_is_read_from_micro_manager(tmp_path):
    tag = (51123, 2, None, b'{"Exposure-ms": 30.0, "Width": 18}', False)
    tifffile.imwrite(tmp_path / "film.tif", FILM, extratags=[tag], photometric="minisblack")
    assert open_stack(tmp_path / "film.tif").exposure_time == pytest.approx(0.03)


def test_the_exposure_is_read_from_nd2_and_the_channel_of_the_scale_is_the_first(tmp_path):
    frames = np.zeros((3, 1, 10, 14, 2), np.uint16)
    write_nd2(tmp_path / "film.nd2", frames, 0.11, 50.0, said="Sample 1:\r\n  Exposure: 25 ms\r\n")
    with open_stack(tmp_path / "film.nd2", channel=1) as stack:
        assert stack.told == {"pixel_size": 0.11, "frame_time": 0.05, "exposure_time": 0.025}


def test_a_recipe_keeps_what_the_film_tells(tmp_path):
    from napari_growtrack.core.simulation import named_scene, simulate_film

    film, _ = simulate_film(named_scene("table42").with_(snr=8), 2, (96, 96), np.random.default_rng(0), 3)
    told = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "TimeIncrement": 0.02, "Plane": {"ExposureTime": [0.01] * 2}}
    path = written(tmp_path / "film.ome.tif", film.astype(np.float32), ome=True, told=told)
    assert main(["track", str(path), "-n", "vesicles", "-o", str(tmp_path / "d.csv")]) == 0
    assert main(["link", str(tmp_path / "d.csv"), "--radius", "5", "-o", str(tmp_path / "t.csv")]) == 0
    for table in ("d.csv", "t.csv"):
        recipe = read_recipe(tmp_path / table)
        assert [recipe[name] for name in ("pixel_size", "frame_time", "exposure_time")] == [0.1, 0.02, 0.01]


def nd2_of(calibrated=True, sides=(0.1, 0.2, 0.5)):
    volume = SimpleNamespace(axesCalibrated=(calibrated, True, True), axesCalibration=sides)
    return SimpleNamespace(metadata=SimpleNamespace(channels=[SimpleNamespace(volume=volume)]))


def test_an_nd2_films_pixels_have_a_width_and_a_height_where_they_are_calibrated():
    assert _pixel_sides(nd2_of()) == (0.1, 0.2)
    for file in (
        nd2_of(calibrated=False),
        SimpleNamespace(metadata={}),
        SimpleNamespace(metadata=SimpleNamespace(channels=[])),
    ):
        assert _pixel_sides(file) == (None, None)


@pytest.mark.parametrize(
    ("loop", "time"),
    [
        ({"type": "TimeLoop", "parameters": {"average": 51.0, "set": 50.0}}, 0.051),
        ({"type": "TimeLoop", "parameters": {"average": 0.0, "set": 50.0}}, 0.05),
        ({"type": "NETimeLoop", "parameters": {"average": 51.0, "set": 50.0}}, 0.051),
        ({"type": "ZStackLoop", "parameters": {"average": 51.0, "set": 50.0}}, None),
    ],
)
def test_an_nd2_films_frame_time_is_the_measured_one_or_else_the_one_set(loop, time):
    told = loop["parameters"]
    one = SimpleNamespace(periodDiff=SimpleNamespace(avg=told["average"]), periodMs=told["set"])
    parameters = SimpleNamespace(periods=[one, None]) if loop["type"] == "NETimeLoop" else one
    found = _frame_time(SimpleNamespace(experiment=[SimpleNamespace(type=loop["type"], parameters=parameters)]))
    assert found == (None if time is None else pytest.approx(time))


@pytest.mark.parametrize("options", [{"ome": True, "told": {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2}},
                                     {"imagej": True, "resolution": (10.0, 5.0), "told": {"unit": "um"}}])  # fmt: skip
def test_pixels_that_are_not_square_are_told_and_have_no_size(tmp_path, options):
    path = written(tmp_path / "film.tif", **options)
    with pytest.warns(GrowtrackWarning, match=r"film.tif has pixels of 0.1 x 0.2 µm \(width, height\)"):
        assert open_stack(path).pixel_size is None


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ({"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1005}, 0.1),
        ({"PhysicalSizeX": 0.1}, 0.1),
        ({"PhysicalSizeY": 0.2}, 0.2),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "furlong"}, None),
        ({"PhysicalSizeX": 2, "PhysicalSizeXUnit": "Å"}, 2e-4),
    ],
)
def test_a_pixel_size_that_one_side_tells_is_taken(tmp_path, told, size):
    found = open_stack(written(tmp_path / "film.tif", ome=True, told=told)).pixel_size
    assert found == (None if size is None else pytest.approx(size))


# Grey as colour -------------------------------------------------------------------------------------------------------

SMALL = (FILM // 256).astype(np.uint8)


def as_colour(film, channels, axis=-1):
    return np.stack([film] * 3 + [np.full_like(film, 255)] * (channels - 3), axis)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"planarconfig": "separate"},
                                     {"planarconfig": "separate", "compression": "zlib"}])  # fmt: skip
def test_grey_that_a_tiff_stores_as_colour_is_grey(tmp_path, channels, options):
    axis = -3 if options.get("planarconfig") else -1
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, as_colour(SMALL, channels, axis), photometric="rgb", **options)
    np.testing.assert_array_equal(list(open_stack(path)), SMALL)
    colours = as_colour(SMALL, channels, axis)
    colours[(3, 1, 2, 2) if axis == -3 else (3, 2, 2, 1)] += 1
    tifffile.imwrite(path, colours, photometric="rgb", **options)
    stack = open_stack(path)
    np.testing.assert_array_equal(stack[2], SMALL[2])
    with pytest.raises(StackError, match=r"Frame 3 of film.tif looks like colour: its red, green and blue differ"):
        stack[3]


KINDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "P": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_grey_pictures_of_any_kind_are_grey(tmp_path, kind):
    for number, frame in enumerate(SMALL):
        picture = Image.fromarray(frame)
        picture.convert(kind).save(tmp_path / f"{number}.png")
    np.testing.assert_array_equal(list(open_stack(tmp_path)), SMALL)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_palettes_numbers_are_looked_up_where_it_is_grey_and_refused_where_it_is_coloured(tmp_path, suffix):
    values = np.random.default_rng(1).permutation(256).astype(np.uint8)
    for name, table in (("grey", np.stack([values] * 3, 1)), ("colour", np.stack([values, values, 255 - values], 1))):
        (tmp_path / name).mkdir()
        picture = Image.fromarray(SMALL[0])
        picture.putpalette(table.tobytes())
        picture.save(tmp_path / name / f"0.{suffix}")
    np.testing.assert_array_equal(open_stack(tmp_path / "grey")[0], values[SMALL[0]])
    with pytest.raises(StackError, match=r"colour"):
        open_stack(tmp_path / "colour")


@pytest.mark.parametrize("imagej", [True, False])
def test_a_tiffs_colours_over_intensities_leave_the_intensities(tmp_path, imagej):
    ramp = np.arange(256, dtype=np.uint16) * 257
    over = {True: {"imagej": True, "metadata": {"axes": "TYX"}}, False: {"metadata": None}}[imagej]
    table = np.stack([ramp[::-1] if imagej else ramp * 0, ramp, ramp * 0])
    tifffile.imwrite(tmp_path / "film.tif", SMALL, photometric="palette", colormap=table, **over)
    np.testing.assert_array_equal(list(open_stack(tmp_path / "film.tif")), SMALL)


def test_a_picture_that_is_transparent_in_parts_is_refused(tmp_path):
    picture = as_colour(SMALL[0], 4)
    picture[0, 0, 3] = 0
    Image.fromarray(picture).save(tmp_path / "0.png")
    with pytest.raises(StackError, match=r"0.png is transparent in parts"):
        open_stack(tmp_path)


# Values ---------------------------------------------------------------------------------------------------------------

SPOT = 100 + 20 * np.exp(-((np.mgrid[:24, :24] - 12) ** 2).sum(0) / 8)
LOST = {
    "offset of 1e7": SPOT / 20 + 1e7,
    "uint64 of 1e9": (SPOT + 1e9).astype(np.uint64),
    "times 1e20": SPOT * 1e20,
    "times 1e-24": SPOT * 1e-24,
    "times 1e-50": SPOT * 1e-50,
    "one pixel of 1e30": np.where(SPOT.max() == SPOT, 1e30, SPOT),
    "one pixel of -1e30": np.where(SPOT.max() == SPOT, -1e30, SPOT),
    "float32 times 1e20": np.float32(SPOT) * np.float32(1e20),
}


@pytest.mark.parametrize("frame", LOST.values(), ids=LOST)
def test_values_that_do_not_fit_single_precision_are_refused(frame):
    stack = open_stack(frame[None])
    with pytest.raises(StackError, match=r"Frame 0 of array (reaches|varies by) .*(Multiply the film|stack\.min)"):
        stack[0]


KEPT = {
    "offset of 1e5": SPOT + 1e5,
    "times 1e12": SPOT * 1e12,
    "times 1e-12": SPOT * 1e-12,
    "all zero": SPOT * 0,
    "constant": SPOT * 0 + 1e9,
    "constant but for rounding": (SPOT * 0 + 0.1) * np.linspace(1, 1 + 1e-16, 24),
    "a step of whole numbers": np.where(SPOT.max() == SPOT, 65535, 65534).astype(np.uint16),
    "hot": np.where(SPOT.max() == SPOT, 1e7, SPOT),
}


@pytest.mark.parametrize("frame", KEPT.values(), ids=KEPT)
def test_values_that_fit_single_precision_are_kept(frame):
    np.testing.assert_array_equal(as_float32(frame, "it"), frame.astype(np.float32))


def test_masked_pixels_are_refused_and_masks_of_nothing_are_not():
    film = np.ma.array(FILM, mask=np.zeros(FILM.shape, bool))
    film.mask[2, 1:3, 4] = True
    for source in (film, da.from_array(film, asarray=False)):
        stack = open_stack(source)
        np.testing.assert_array_equal(stack[1], FILM[1])
        with pytest.raises(StackError, match=r"Frame 2 of array holds 2 masked pixels\. Fill them first"):
            stack[2]


def test_a_lazy_frame_of_another_shape_than_it_said_is_refused():
    film = da.map_blocks(lambda block: block[:, :10], da.from_array(FILM, chunks=(1, 12, 18)), dtype=FILM.dtype,
                         chunks=(1, 12, 18))  # fmt: skip
    with pytest.raises(StackError, match=r"Frame 1 of array has shape \(10, 18\); the film was said to be 12 x 18 px"):
        open_stack(film)[1]


# Hostile and odd files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 300 + ".tif", "~nouser_/x.tif", "a\0b.tif", "x" * 300, "/dev/null/x.tif"])
def test_a_path_that_cannot_be_is_refused_in_a_short_sentence(name):
    with pytest.raises(StackError, match=r"^Cannot find .{4,200}$"):
        open_stack(name)
    with suppress(StackError):
        assert films_in(name) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    for name in ("film.tif", "film.mp4", "film.nd2"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(StackError, match=rf"{name} is no regular file"):
            open_stack(tmp_path / name)
    (tmp_path / "pictures").mkdir()
    os.mkfifo(tmp_path / "pictures" / "0.png")
    with pytest.raises(StackError, match=r"0.png is no regular file"):
        open_stack(tmp_path / "pictures")


def test_names_with_digits_that_are_no_numbers_are_sorted():
    names = ["1²3.png", "1²10.png", "٣.png", "2.png", "10.png", "a.png"]
    assert [p.name for p in sorted(map(Path, names), key=natural)] == [*names[:2], "2.png", "10.png", "a.png", "٣.png"]


@pytest.mark.parametrize("side", [2**15, 2**30])
def test_frames_that_would_fill_the_memory_are_refused(tmp_path, side):
    tifffile.imwrite(tmp_path / "film.tif", FILM[0], compression="zlib")
    content = bytearray((tmp_path / "film.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "film.tif") as file:
        places = [file.pages[0].tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    for place in places:
        content[place : place + 4] = side.to_bytes(4, "little")
    (tmp_path / "film.tif").write_bytes(content)
    with pytest.raises(StackError, match=rf"film.tif has frames of {side} x {side} px; expected 268,435,456 pixels"):
        open_stack(tmp_path / "film.tif")
    (tmp_path / "in").mkdir()
    (tmp_path / "film.tif").rename(tmp_path / "in" / "film.tif")
    with pytest.raises(StackError, match=rf"film.tif has {side} x {side} px"):
        open_stack(tmp_path / "in")


def test_arrays_larger_than_any_film_are_refused():
    with pytest.raises(StackError, match=r"announces 1.13e\+15 frames"):
        open_stack(np.broadcast_to(np.uint8(0), (2**50, 4, 5)))


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_a_page_that_unpacks_to_far_more_than_its_pixels_is_refused(tmp_path, compression, monkeypatch):
    import lzma

    monkeypatch.setattr("napari_growtrack.core.films.bombs.find_spec", lambda _: None)
    monkeypatch.setattr("napari_growtrack.core.films.bombs._HARMLESS", 2**10)
    packed = {"zlib": zlib.compress, "lzma": lzma.compress}[compression](bytes(2**25))
    tifffile.imwrite(
        tmp_path / "film.tif", iter([packed]), shape=FILM[0].shape, dtype=np.uint16, compression=compression
    )
    with pytest.raises(StackError, match=r"film.tif holds a page that unpacks to far more than its pixels"):
        open_stack(tmp_path / "film.tif")[0]
    large = np.random.default_rng(0).integers(0, 60_000, (2, 200, 100), np.uint16)
    tifffile.imwrite(tmp_path / "film.tif", large, compression=compression, rowsperstrip=200)
    np.testing.assert_array_equal(list(open_stack(tmp_path / "film.tif")), large)


def test_a_film_that_no_disk_holds_is_refused_before_it_is_made(tmp_path):
    with pytest.raises(OutputError, match=r"film.tif would take .* free"):
        write_film(iter(()), 99_999_999_999, (251, 251), tmp_path / "film.tif")
    assert list(tmp_path.iterdir()) == []
    out = str(tmp_path / "film.tif")
    assert main(["simulate", "default", "--frames", "99999999999", "-o", out]) == 1


# OME-Zarr -------------------------------------------------------------------------------------------------------------


def axes_of(*names, time="millisecond", space="micrometer"):
    units = {"t": {"type": "time", "unit": time}, "c": {"type": "channel"}}
    return [{"name": name, **units.get(name, {"type": "space", "unit": space})} for name in names]


def scale(*factors, **ends):
    return {"type": "scale", "scale": list(factors), **ends}


def ngff(path, image, version="0.5", film=FILM, **storing):
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    array = group.create_array("s0", shape=film.shape, dtype=film.dtype, **{"chunks": (1, *film.shape[1:]), **storing})
    array[...] = film
    image = {"datasets": [{"path": "s0", **image.pop("dataset", {})}], **image}
    about = {"multiscales": [image]}
    group.attrs.update(about if version == "0.4" else {"ome": {"version": version, **about}})
    return path


def by_dataset(*steps):
    return {"dataset": {"coordinateTransformations": list(steps)}}


OLD = {"axes": axes_of("t", "y", "x")}
BESIDE = {
    "time beside the datasets, as in the specification": (
        OLD | by_dataset(scale(1, 0.1, 0.1)) | {"coordinateTransformations": [scale(20, 1, 1)]},
        (0.1, 0.02),
    ),
    "both multiply": (
        OLD | by_dataset(scale(2, 0.05, 0.05)) | {"coordinateTransformations": [scale(10, 2, 2)]},
        (0.1, 0.02),
    ),
    "all beside": (OLD | {"coordinateTransformations": [scale(20, 0.1, 0.1)]}, (0.1, 0.02)),
    "with shifts": (
        OLD | by_dataset(scale(20, 0.1, 0.1), {"type": "translation", "translation": [0, 5, 5]}),
        (0.1, 0.02),
    ),
    "none": (OLD | by_dataset({"type": "translation", "translation": [0, 5, 5]}), (None, None)),
    "in a file": (OLD | by_dataset({"type": "scale", "path": "elsewhere"}), (None, None)),
}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(("image", "told"), BESIDE.values(), ids=BESIDE)
def test_scales_beside_the_datasets_of_an_ome_zarr_count(tmp_path, image, told, version):
    stack = open_stack(ngff(tmp_path / "film.zarr", dict(image), version))
    np.testing.assert_array_equal(list(stack), FILM)
    assert (stack.pixel_size, stack.frame_time) == tuple(None if one is None else pytest.approx(one) for one in told)


def system(name, *names, **units):
    return {"name": name, "axes": axes_of(*(names or ("t", "y", "x")), **units)}


def by_axes(*parts):
    """A transformation of some axes after the others."""
    return {"type": "byDimension",
            "transformations": [{**part, "input_axes": axes, "output_axes": axes} for part, axes in parts]}  # fmt: skip


TO_OWN = {"input": {"path": "s0"}, "output": {"name": "own"}}
ON = {"input": {"name": "own"}, "output": {"name": "world"}}
OWN = {"coordinateSystems": [system("world"), system("own")]}
SEQUENCE = {
    "type": "sequence",
    "transformations": [scale(20, 0.1, 0.1), {"type": "translation", "translation": [0, 1, 1]}],
}
SYSTEMS = {
    "a scale": (OWN | by_dataset(scale(20, 0.1, 0.1, **TO_OWN)), (0.1, 0.02)),
    "ends by their names alone": (OWN | by_dataset(scale(20, 0.1, 0.1, input="s0", output="own")), (0.1, 0.02)),
    "a sequence": (OWN | by_dataset(SEQUENCE | TO_OWN), (0.1, 0.02)),
    "on to another system": (
        OWN | by_dataset(scale(1, 1, 1, **TO_OWN)) | {"coordinateTransformations": [scale(20, 0.1, 0.1, **ON)]},
        (0.1, 0.02),
    ),
    "from another system": (
        OWN
        | by_dataset({"type": "identity", **TO_OWN})
        | {"coordinateTransformations": [scale(0.05, 10, 10, input=ON["output"], output=ON["input"])]},
        (0.1, 0.02),
    ),
    "pixels without a unit": (
        {"coordinateSystems": [system("world"), system("own", time=None, space=None)]}
        | by_dataset(scale(2, 2, 2, **TO_OWN))
        | {"coordinateTransformations": [scale(10, 0.05, 0.05, **ON)]},
        (0.1, 0.02),
    ),
    "a shift on": (
        OWN
        | by_dataset(scale(20, 0.1, 0.1, **TO_OWN))
        | {"coordinateTransformations": [{"type": "translation", "translation": [1, 2, 3], **ON}]},
        (0.1, 0.02),
    ),
    "a rotation on": (
        OWN
        | by_dataset(scale(20, 0.1, 0.1, **TO_OWN))
        | {"coordinateTransformations": [{"type": "rotation", "rotation": [[1, 0], [0, 1]], **ON}]},
        (0.1, 0.02),
    ),
    "to labels": (
        OWN
        | by_dataset(scale(20, 0.1, 0.1, **TO_OWN))
        | {"coordinateTransformations": [scale(9, 9, 9, **ON | {"output": {"name": "world", "path": "labels/a"}})]},
        (0.1, 0.02),
    ),
    "axis by axis, by their names": (
        OWN
        | by_dataset(scale(1, 0.1, 0.1, **TO_OWN))
        | {"coordinateTransformations": [by_axes(({"transformation": scale(20)}, ["t"]),
                                                 ({"transformation": {"type": "identity"}}, ["y", "x"])) | ON]},
        (0.1, 0.02),
    ),
    "axis by axis, by their numbers": (
        OWN | by_dataset(by_axes((scale(0.1, 0.1), [1, 2]), (scale(20), [0])) | TO_OWN),
        (0.1, 0.02),
    ),
    "axes that change places": (
        OWN
        | by_dataset(scale(20, 0.1, 0.1, **TO_OWN))
        | {"coordinateTransformations": [{"type": "byDimension", **ON, "transformations": [
            {**scale(7, 7), "input_axes": ["y", "x"], "output_axes": ["x", "y"]}]}]},
        (0.1, 0.02),
    ),
    "other names": (
        {"coordinateSystems": [{"name": "own", "axes": [{"name": "time", "type": "time", "unit": "second"},
                                                        {"name": "row", "type": "space", "unit": "nanometer"},
                                                        {"name": "column", "type": "space", "unit": "nanometer"}]}]}
        | by_dataset(scale(0.02, 100, 100, **TO_OWN)),
        (0.1, 0.02),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("image", "told"), SYSTEMS.values(), ids=SYSTEMS)
def test_ome_zarr_0_6_is_read_by_its_coordinate_systems(tmp_path, image, told):
    stack = open_stack(ngff(tmp_path / "film.zarr", dict(image), "0.6"))
    np.testing.assert_array_equal(list(stack), FILM)
    assert (stack.pixel_size, stack.frame_time) == pytest.approx(told)


def test_a_scale_for_other_axes_than_there_are_is_said(tmp_path):
    with pytest.raises(StackError, match=r"a scale of 2 numbers stands beside 3 axes"):
        open_stack(ngff(tmp_path / "film.zarr", OLD | by_dataset(scale(0.1, 0.1)), "0.5"))


def test_the_first_resolution_of_the_first_image_of_an_ome_zarr_is_the_film(tmp_path):
    path = ngff(tmp_path / "film.zarr", dict(OLD))
    group = zarr.open_group(path)
    for name in ("s1", "other"):
        group.create_array(name, shape=(5, 6, 9), chunks=(1, 6, 9), dtype="u2")[...] = 1
    about = dict(group.attrs)["ome"]
    about["multiscales"][0]["datasets"].append({"path": "s1"})
    about["multiscales"].append({"axes": OLD["axes"], "datasets": [{"path": "other"}]})
    group.attrs["ome"] = about
    np.testing.assert_array_equal(list(open_stack(path)), FILM)


def test_two_scales_of_one_ome_zarr_are_told(tmp_path):
    image = OWN | by_dataset(scale(20, 0.1, 0.1, **TO_OWN)) | {"coordinateTransformations": [scale(1, 3, 3, **ON)]}
    with pytest.warns(GrowtrackWarning, match=r"tells two scales: 0.1 or 0.3 micrometer along y, 0.1 or 0.3 .* taken"):
        assert open_stack(ngff(tmp_path / "film.zarr", image, "0.6")).pixel_size == pytest.approx(0.1)


def test_slices_of_an_ome_zarr_are_time_where_nothing_else_is(tmp_path):
    image = {"axes": axes_of("z", "y", "x")} | by_dataset(scale(1, 0.1, 0.2))
    with pytest.warns(GrowtrackWarning) as said:
        stack = open_stack(ngff(tmp_path / "film.zarr", image))
    assert (len(stack), stack.told) == (5, {"time_axis": "z"})
    assert [word for warning in said for word in ("slices", "0.2 x 0.1 µm") if word in str(warning.message)] == [
        "slices", "0.2 x 0.1 µm"]  # fmt: skip


STORED = {
    "0.4": ("0.4", {}),
    "0.5": ("0.5", {}),
    "shards": ("0.5", {"chunks": (1, 6, 9), "shards": (1, 6, 18)}),
    "parts": ("0.5", {"chunks": (1, 5, 18)}),
}


@pytest.mark.parametrize(("version", "storing"), STORED.values(), ids=STORED)
def test_lost_chunks_of_an_ome_zarr_are_told_and_named(tmp_path, version, storing):
    path = ngff(tmp_path / "film.zarr", dict(OLD), version, **storing)
    lost = {"0.4": "s0/{}.0.0"}.get(version, "s0/c/{}/0/0")
    for frame in (1, 3):
        (path / lost.format(frame)).unlink()
    chunks = {(1, 6, 18): 2, (1, 5, 18): 3}.get(storing.get("shards", storing.get("chunks")), 1)
    stack = open_stack(path)
    np.testing.assert_array_equal(stack[0], FILM[0])
    sentence = rf"Frame 1 of film.zarr is damaged: 1 of its {chunks} chunks are not stored, and read as 0"
    with pytest.warns(GrowtrackWarning, match=sentence):
        stack[1]
    stack[3]
    with pytest.warns(GrowtrackWarning, match=r"2 frames of film.zarr that were read are damaged: 1, 3\."):
        stack.close()


def test_ome_zarrs_that_cannot_be_are_refused(tmp_path):
    for number, (image, sentence) in enumerate([
        ({"axes": axes_of("t", "c", "y", "x")}, r"has axes TCYX of lengths \(5, 12, 18\); expected TYX"),
        ({"axes": axes_of("c", "y", "x")}, r"Choose one of 5 channels"),
        ({"axes": [{"type": "space"}] * 3}, r"Cannot read \d.zarr: 'name' is missing\. It may be damaged"),
        (OLD | by_dataset(scale(1, 2)), r"Cannot read \d.zarr: "),
        (OLD | by_dataset(scale("a", "b", "c")), r"Cannot read \d.zarr: "),
        ({"coordinateSystems": []}, r"Cannot read \d.zarr: "),
        ({"datasets": []}, r"Cannot read \d.zarr: "),
        ({"datasets": [{"path": "none"}]}, r"Cannot read \d.zarr: "),
    ]):  # fmt: skip
        with pytest.raises(StackError, match=sentence):
            open_stack(ngff(tmp_path / f"{number}.zarr", dict(image)))


def test_a_zarr_of_frames_or_chunks_that_no_memory_holds_is_refused(tmp_path):
    zarr.create_array(tmp_path / "wide.zarr", shape=(10**6, 10**9, 10**9), chunks=(1, 100, 100), dtype="u1")
    with pytest.raises(StackError, match=r"wide.zarr has frames of 1000000000 x 1000000000 px"):
        open_stack(tmp_path / "wide.zarr")
    zarr.create_array(tmp_path / "deep.zarr", shape=(10**6, 500, 500), chunks=(10**6, 500, 500), dtype="u2")
    with pytest.raises(StackError, match=r"deep.zarr is stored in chunks of 466 GiB"):
        open_stack(tmp_path / "deep.zarr")


# What tells films apart -----------------------------------------------------------------------------------------------


def pictures(folder, count=3):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.fromarray(SMALL[number]).save(folder / f"img_{number}.png")
    return folder


FILMS = {
    "a file": (lambda place: written(place / "film.tif"), "film.tif", "film.tif"),
    "a folder": (lambda place: pictures(place / "film") and None, "film", "film/img_1.png"),
    "a pattern": (lambda place: pictures(place / "film") and None, "film/img_*.png", "film/img_2.png"),
    "OME-Zarr": (lambda place: ngff(place / "film.zarr", dict(OLD)), "film.zarr", "film.zarr/s0/c/3/0/0"),
}


@pytest.mark.parametrize(("make", "name", "inside"), FILMS.values(), ids=FILMS)
def test_a_film_is_told_from_one_written_anew_in_its_place(tmp_path, make, name, inside):
    make(tmp_path)
    first = film_identity(tmp_path / name)
    assert first == film_identity(str(tmp_path / name)) == json.loads(json.dumps(first))
    file = tmp_path / inside
    content, times = file.read_bytes(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    os.utime(file, ns=(times[0], times[1] + 1))
    assert film_identity(tmp_path / name) != first  # written again
    file.write_bytes(content + b" ")
    os.utime(file, ns=times)
    assert film_identity(tmp_path / name) != first  # of another size
    file.write_bytes(content)
    os.utime(file, ns=times)
    assert film_identity(tmp_path / name) == first
    file.rename(file.with_name(f"new{file.suffix}"))
    assert film_identity(tmp_path / name) != first


def test_what_is_no_part_of_a_film_of_pictures_does_not_tell_films_apart(tmp_path):
    folder = pictures(tmp_path / "film")
    before = film_identity(folder)
    (folder / "detections.csv").write_text("frame,y,x")
    assert film_identity(folder) == before


def test_the_place_alone_tells_a_film_that_is_not_there(tmp_path):
    assert film_identity(tmp_path / "film.tif") == [str(tmp_path / "film.tif")]
    assert film_identity("x" * 300) == ["x" * 300] or film_identity("x" * 300)[0].endswith("x" * 300)
    assert film_identity("~nouser_/x.tif") == ["~nouser_/x.tif"]


def test_metadata_written_in_place_tell_an_ome_zarr_apart_however_many_files_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_growtrack.core.films.identity._LISTED", 2)
    path = ngff(tmp_path / "film.zarr", dict(OLD))
    before, about = film_identity(path), path / "zarr.json"
    times = (about.stat().st_atime_ns, about.stat().st_mtime_ns)
    about.write_text(about.read_text().replace("micrometer", "nanometers"))
    os.utime(about, ns=times)
    assert film_identity(path) != before


# Compressions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package"), "LZW requires"),
        (ValueError("<PREDICTOR.FLOATINGPOINT: 3> requires the 'imagecodecs' package"), "FLOATINGPOINT requires"),
        (ModuleNotFoundError("No module named 'compression'"), "ZSTD requires"),
    ],
)
def test_what_imagecodecs_unpacks_is_refused_with_how_to_install_it(error, reason):
    remedy = r"the 'imagecodecs' package\. Install it \(pip install \"napari-growtrack\[formats\]\"\), or save the film"
    with pytest.raises(StackError, match=rf"^Cannot read film.tif: {reason} {remedy}"), decoding("film.tif"):
        raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyError("fill_value"), "'fill_value' is missing"), (ZeroDivisionError(), "a length in it is 0")],
)
def test_what_a_decoder_trips_over_is_said_in_words(error, reason):
    with pytest.raises(StackError, match=rf"^Cannot read it: {reason}\. It may be damaged"), decoding("it"):
        raise error


@pytest.mark.skipif(find_spec("imagecodecs") is None, reason="needs imagecodecs")
@pytest.mark.parametrize("compression", ["lzw", "zstd", "packbits", "zlib", "lzma"])
@pytest.mark.parametrize("predictor", [None, 2])
def test_a_tiff_of_any_lossless_compression_is_read(tmp_path, compression, predictor):
    path = written(tmp_path / "film.tif", compression=compression, predictor=predictor)
    np.testing.assert_array_equal(list(open_stack(path)), FILM)


@pytest.mark.skipif(find_spec("imagecodecs") is None, reason="needs imagecodecs")
def test_a_tiff_of_predicted_floats_is_read(tmp_path):
    path = written(tmp_path / "film.tif", FILM.astype(np.float32), compression="zlib", predictor=3)
    np.testing.assert_array_equal(list(open_stack(path)), FILM)


def test_want_of_memory_is_a_refusal():
    with pytest.raises(StackError, match=r"Cannot read it: it asks for more memory than there is"), decoding("it"):
        raise MemoryError


def test_a_reason_of_a_thousand_letters_is_shortened():
    with pytest.raises(StackError, match=r"^Cannot read it: .{50,220}\. It may be damaged"), decoding("it"):
        raise ValueError("x" * 1000)


# Damaged videos -------------------------------------------------------------------------------------------------------


def damaged(path, number):
    """Overwrite half of a packet."""
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][number]
        start, size = packet.pos + packet.size // 2, packet.size // 2
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xa5" * size
    path.write_bytes(content)
    return path


def test_damaged_frames_of_a_video_are_counted_and_named_up_to_the_next_keyframe(tmp_path):
    path = write_video(tmp_path / "film.mp4")  # a keyframe every twelve
    shown = decoded(path)
    stack = open_stack(damaged(path, 15))
    with pytest.warns(GrowtrackWarning, match=r"Frame 15 of film.mp4 is damaged: its decoder had to guess"):
        frames = list(stack)
    with pytest.warns(GrowtrackWarning, match=r"^9 frames of film.mp4 that were read are damaged: 15 to 23\."):
        stack.close()
    for number in (*range(15), *range(24, LENGTH)):
        np.testing.assert_array_equal(frames[number], shown[number])
    again = open_stack(path)
    again[14], again[24]
    with pytest.warns(GrowtrackWarning, match="Frame 20 of film.mp4 is damaged"):
        again[20]
    again.close()


STAMPS = [500, 540, 580, 620]
ENDS = {
    "told by number": (40, None, STAMPS, None, 40),
    "whole": (0, 660_000, STAMPS, None, 0),
    "two missing": (0, 740_000, STAMPS, None, 6),
    "one missing is the end of a container's rounding": (0, 710_000, STAMPS, None, 0),
    "one missing, and the file is cut": (0, 700_000, STAMPS, b"RIFF\xff\0\0\0", 5),
    "cut in its index": (0, 660_000, STAMPS, b"RIFF\xff\0\0\0", 4),
    "cut after a frame": (0, 660_000, STAMPS[:1], b"RIFF\xff\0\0\0", 4),
    "no end told": (0, 700_000, STAMPS, b"RIFF\xff\xff\xff\xff", 0),
    "no duration": (0, None, STAMPS, None, 0),
    "no stamps": (0, 700_000, [None] * 4, None, 0),
    "Matroska, cut": (0, 700_000, STAMPS, bytes.fromhex("1a45dfa3 81 00 18538067 4100"), 5),
    "Matroska, whole": (0, 700_000, STAMPS, bytes.fromhex("1a45dfa3 81 00 18538067 81 00"), 0),
    "Matroska, of unknown length": (0, 700_000, STAMPS, bytes.fromhex("1a45dfa3 81 00 18538067 ff"), 0),
    "Matroska, of unknown length in eight bytes": (
        0,
        700_000,
        STAMPS,
        bytes.fromhex("1a45dfa3 81 00 18538067 01") + b"\xff" * 7,
        0,
    ),
}


@pytest.mark.parametrize(("number", "duration", "stamps", "content", "announced"), ENDS.values(), ids=ENDS)
def test_how_many_frames_a_video_announces(tmp_path, number, duration, stamps, content, announced):
    stream = SimpleNamespace(frames=number, time_base=Fraction(1, 1000), average_rate=25)
    container = SimpleNamespace(streams=_Streams([stream]), duration=duration)
    (tmp_path / "film").write_bytes(content or b"")
    assert announced_frames(container, tmp_path / "film", stamps) == announced


RAGGED = {
    "whole": ([0, 1, 2, 3], False, 99, [0, 1, 2, 3]),
    "the last packet is cut": ([0, 1, 2, 3], False, 48, [0, 1, 2]),
    "frames are lost before the last": ([0, 1, 2, 5], False, 99, [0, 1, 2]),
    "reordered": ([0, 3, 1, 2, 6, 4], False, 99, [0, 3, 1, 2, 4]),
    "a pause long before the end": ([0, *range(50, 80)], False, 999, [0, *range(50, 80)]),
    "times that are guessed": (list(range(20)), True, 999, [0, 1, 2, 3]),
    "nothing": ([], False, 99, []),
}


@pytest.mark.parametrize(("stamps", "guessed", "size", "kept"), RAGGED.values(), ids=RAGGED)
def test_frames_after_lost_ones_at_the_end_of_a_cut_video_are_left_out(stamps, guessed, size, kept):
    packets = [_Packet(stamp, stamp, True, True, 10 * (place + 1)) for place, stamp in enumerate(stamps)]
    assert [packet.pts for packet in _without_ragged_end(packets, guessed, size)] == kept


class _Streams(list):
    @property
    def video(self):
        return self


def test_frame_numbers_are_told_in_short():
    assert in_short([3]) == "3"
    assert in_short({9, 2, 5, 6, 7}) == "2, 5 to 7, 9"
    assert in_short(range(0, 20, 2)) == "0, 2, 4, 6, 8 and 5 more places"
