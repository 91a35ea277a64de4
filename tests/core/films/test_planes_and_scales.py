"""Films of many kinds: one channel, one plane, any order of frames, and the scale their files tell."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_growtrack.cli import main
from napari_growtrack.core.errors import StackError
from napari_growtrack.core.films import films_in, open_stack
from napari_growtrack.core.tables import read_recipe, read_table
from nd2_files import write_nd2

FULL = np.random.default_rng(0).integers(0, 60_000, (5, 3, 2, 10, 14), dtype=np.uint16)  # T, C, Z, Y, X


# Channels and planes --------------------------------------------------------------------------------------------------

ORDERS = {
    "OME, TCZYX": ("TCZYX", {"ome": True}),
    "OME, TZCYX": ("TZCYX", {"ome": True}),
    "OME, CTZYX": ("CTZYX", {"ome": True}),
    "OME, compressed": ("TCZYX", {"ome": True, "compression": "zlib"}),
    "ImageJ": ("TZCYX", {"imagej": True}),
}


def written(path, order, options, image=FULL):
    moved = np.moveaxis(image, range(5), [order.index(letter) for letter in "TCZYX"])
    tifffile.imwrite(path, np.ascontiguousarray(moved), metadata={"axes": order}, **options)
    return path


@pytest.mark.parametrize(("order", "options"), ORDERS.values(), ids=ORDERS)
def test_a_channel_and_a_plane_are_a_film(tmp_path, order, options):
    with open_stack(written(tmp_path / "film.tif", order, options), channel=2, z=1) as stack:
        assert stack.shape == (5, 10, 14)
        for frame in (3, 0, 4, 1):
            np.testing.assert_array_equal(stack[frame], FULL[frame, 2, 1])


def test_what_is_to_be_chosen_is_asked_for(tmp_path):
    path = written(tmp_path / "film.tif", "TCZYX", {"ome": True})
    with pytest.raises(
        StackError, match=r"axes TCZYX of .* Choose one of 3 channels with channel=0 to 2 \(--channel\)"
    ):
        open_stack(path)
    with pytest.raises(StackError, match=r"Choose one of 2 z planes with z=0 to 1 \(--z\)"):
        open_stack(path, channel=0)
    with pytest.raises(StackError, match="channel=0 to 2"):
        open_stack(path, channel=3, z=0)
    tifffile.imwrite(tmp_path / "plain.tif", FULL[:, 0, 0])
    with pytest.raises(StackError, match=r"has no channels to choose among\. Leave channel out"):
        open_stack(tmp_path / "plain.tif", channel=1)


def test_a_channel_of_a_single_picture_is_a_film_of_one_frame(tmp_path):
    tifffile.imwrite(tmp_path / "one.tif", FULL[0, :, 0], ome=True, metadata={"axes": "CYX"})
    with open_stack(tmp_path / "one.tif", channel=1) as stack:
        assert stack.shape == (1, 10, 14)
        np.testing.assert_array_equal(stack[0], FULL[0, 1, 0])


# Scales ---------------------------------------------------------------------------------------------------------------


def test_the_scale_is_read_from_ome_and_imagej(tmp_path):
    film = FULL[:, 0, 0]
    told = {
        "axes": "TYX",
        "PhysicalSizeX": 108,
        "PhysicalSizeXUnit": "nm",
        "TimeIncrement": 20,
        "TimeIncrementUnit": "ms",
    }
    tifffile.imwrite(tmp_path / "ome.tif", film, ome=True, metadata=told)
    imagej = {"axes": "TYX", "unit": "um", "finterval": 0.5}
    tifffile.imwrite(tmp_path / "ij.tif", film, imagej=True, resolution=(8.0, 8.0), metadata=imagej)
    tifffile.imwrite(tmp_path / "plain.tif", film)
    scales = []
    for name in ("ome", "ij", "plain"):
        with open_stack(tmp_path / f"{name}.tif") as stack:
            scales.append((stack.pixel_size, stack.frame_time))
    assert scales[0] == pytest.approx((0.108, 0.02))
    assert scales[1] == pytest.approx((0.125, 0.5))
    assert scales[2] == (None, None)


def test_detections_carry_the_films_scale_and_plane(tmp_path):
    from napari_growtrack.core.simulation import named_scene, simulate_film

    film, _ = simulate_film(named_scene("table42").with_(snr=8), 4, (96, 96), np.random.default_rng(0), 3)
    both = np.stack([np.zeros_like(film), film], 1)[:, :, None]
    told = {"axes": "TCZYX", "PhysicalSizeX": 0.1, "TimeIncrement": 0.02}
    tifffile.imwrite(tmp_path / "film.ome.tif", both, ome=True, metadata=told)
    out = tmp_path / "d.parquet"
    assert main(["track", str(tmp_path / "film.ome.tif"), "-o", str(out)]) == 1
    assert main(["track", str(tmp_path / "film.ome.tif"), "--channel", "1", "-o", str(out)]) == 0
    recipe = read_recipe(out)
    assert (recipe["pixel_size"], recipe["frame_time"], recipe["channel"]) == (0.1, 0.02, 1)
    assert len(read_table(out)) == 12


# Pictures, a frame a file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_a_folder_of_pictures_is_a_film_in_the_order_of_their_numbers(tmp_path, suffix):
    frames = (FULL[0, 0, 0] // 256).astype(np.uint8) // 2 + np.arange(12, dtype=np.uint8)[:, None, None]
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"img_{number}{suffix}")  # img_10 comes after img_9
    (tmp_path / "notes.txt").write_text("of the day")
    for source in (tmp_path, tmp_path / f"img_*{suffix}"):
        with open_stack(source) as stack:
            assert stack.shape == (12, 10, 14)
            assert stack.full_scale == 255
            np.testing.assert_array_equal(list(stack), frames)


def test_pictures_that_do_not_belong_together_are_named(tmp_path):
    for number, side in enumerate((8, 8, 9)):
        Image.fromarray(np.zeros((side, side), np.uint8)).save(tmp_path / f"{number}.png")
    stack = open_stack(tmp_path)
    with pytest.raises(StackError, match=r"2\.png is 9 x 9 px of uint8, the first picture of .* 8 x 8 px"):
        stack[2]
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(tmp_path / "0.png")
    with pytest.raises(StackError, match=r"0\.png looks like colour: its red, green and blue differ"):
        open_stack(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(StackError, match=r"Cannot read 1\.png"):
        stack[1]
    with pytest.raises(StackError, match="No file is called"):
        open_stack(tmp_path / "none_*.png")


# Zarr -----------------------------------------------------------------------------------------------------------------


def ome_zarr(path, version):
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    array = group.create_array("0", shape=FULL.shape, chunks=(1, 1, 1, 10, 14), dtype=FULL.dtype)
    array[...] = FULL
    axes = [
        {"name": "t", "type": "time", "unit": "millisecond"},
        {"name": "c", "type": "channel"},
        *({"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"),
    ]
    scale = [{"type": "scale", "scale": [20.0, 1.0, 0.5, 0.1, 0.1]}]
    images = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
    group.attrs.update(
        {"multiscales": images} if version == "0.4" else {"ome": {"version": "0.5", "multiscales": images}}
    )


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_read_plane_by_plane_with_its_scale(tmp_path, version):
    ome_zarr(tmp_path / "film.zarr", version)
    with open_stack(tmp_path / "film.zarr", channel=1, z=1) as stack:
        assert stack.shape == (5, 10, 14)
        assert (stack.pixel_size, stack.frame_time) == pytest.approx((0.1, 0.02))
        np.testing.assert_array_equal(stack[3], FULL[3, 1, 1])
    with pytest.raises(StackError, match="Choose one of 3 channels"):
        open_stack(tmp_path / "film.zarr")


def test_a_plain_zarr_array_is_a_film_and_an_empty_group_is_none(tmp_path):
    import zarr

    array = zarr.create_array(tmp_path / "a.zarr", shape=(5, 10, 14), chunks=(1, 10, 14), dtype="u2")
    array[...] = FULL[:, 0, 0]
    with open_stack(tmp_path / "a.zarr") as stack:
        np.testing.assert_array_equal(list(stack), FULL[:, 0, 0])
    zarr.open_group(tmp_path / "g.zarr", mode="w")
    with pytest.raises(StackError, match="group without an image"):
        open_stack(tmp_path / "g.zarr")


# ND2 ------------------------------------------------------------------------------------------------------------------


def nikon(path, frames=FULL, pixel_size=0.11, period=50.0):
    """Write T, C, Z, Y, X as an ND2 file, whose frames are Y, X, C."""
    write_nd2(path, np.moveaxis(frames, 1, -1), pixel_size, period)
    return path


def test_a_channel_and_a_plane_of_an_nd2_file_are_a_film(tmp_path):
    with open_stack(nikon(tmp_path / "fïlm.nd2"), channel=2, z=1) as stack:
        assert stack.shape == (5, 10, 14)
        assert (stack.pixel_size, stack.frame_time) == (0.11, 0.05)
        for frame in (3, 0, 4, 1):
            np.testing.assert_array_equal(stack[frame], FULL[frame, 2, 1])


@pytest.mark.parametrize("channels", [1, 2])
def test_an_nd2_film_of_one_plane_needs_no_choice_of_one(tmp_path, channels):
    film = nikon(tmp_path / "film.nd2", FULL[:, :channels, :1], pixel_size=0.0, period=0.0)
    with open_stack(film, channel=0 if channels > 1 else None) as stack:
        assert (stack.pixel_size, stack.frame_time) == (None, None)
        np.testing.assert_array_equal(stack[4], FULL[4, 0, 0])


def test_an_nd2_film_of_several_channels_asks_which(tmp_path):
    with pytest.raises(StackError, match=r"Choose one of 2 z planes with z=0 to 1 \(--z\)"):
        open_stack(nikon(tmp_path / "film.nd2"), channel=1)
    with pytest.raises(StackError, match=r"Choose one of 3 channels with channel=0 to 2 \(--channel\)"):
        open_stack(nikon(tmp_path / "film.nd2"), z=1)


def test_a_damaged_nd2_file_ends_in_a_sentence(tmp_path):
    whole = nikon(tmp_path / "film.nd2").read_bytes()
    for name, content in (("cut.nd2", whole[: len(whole) // 2]), ("none.nd2", b"nothing"), ("empty.nd2", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StackError, match=f"Cannot read {name}: .* It may be damaged or cut short"):
            open_stack(tmp_path / name)


# Folders of films -----------------------------------------------------------------------------------------------------


def test_a_folder_of_films_is_told_from_a_folder_of_pictures(tmp_path):
    films, pictures = tmp_path / "films", tmp_path / "pictures"
    films.mkdir()
    pictures.mkdir()
    for number in (10, 2):
        tifffile.imwrite(films / f"film{number}.tif", FULL[:, 0, 0], photometric="minisblack")
        tifffile.imwrite(pictures / f"{number}.tif", FULL[0, 0, 0])
    nikon(films / "film3.nd2")
    (films / "notes.txt").write_text("")
    assert [path.name for path in films_in(films)] == ["film2.tif", "film3.nd2", "film10.tif"]
    assert films_in(pictures) == []
    assert films_in(films / "film2.tif") == []
    with open_stack(pictures) as stack:
        assert len(stack) == 2


def test_a_folder_of_films_is_tracked_into_a_folder_of_tables(tmp_path, capsys):
    from napari_growtrack.core.simulation import named_scene, simulate_film

    films = tmp_path / "films"
    films.mkdir()
    for number in range(2):
        frames, _ = simulate_film(named_scene("table42").with_(snr=8), 3, (96, 96), np.random.default_rng(number), 3)
        tifffile.imwrite(films / f"film{number}.tif", frames.astype(np.float32), photometric="minisblack")
    assert main(["track", str(films), "-n", "vesicles", "-o", str(tmp_path / "tables")]) == 0
    for number in range(2):
        assert read_recipe(tmp_path / "tables" / f"film{number}.csv")["film"] == f"film{number}.tif"
        assert len(read_table(tmp_path / "tables" / f"film{number}.csv")) > 4
