"""Any film is read one grey frame at a time, or refused in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr

from napari_growtrack.core.errors import GrowtrackWarning, StackError
from napari_growtrack.core.films import Stack, open_stack

DATA = Path(os.environ.get("GROWTRACK_DATA", Path(__file__).parents[4] / "shared" / "data")) / "deeptrack1"
FILM = np.random.default_rng(0).integers(0, 60_000, (7, 12, 18)).astype(np.uint16)
LENGTH, HEIGHT, WIDTH = 40, 48, 64


class Recorder:
    """An array that remembers what was asked of it."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.asked = array, array.shape, array.dtype, []

    def __getitem__(self, key):
        self.asked.append(key)
        return self.array[key]

    def __array__(self, *_args, **_kwargs):
        raise AssertionError("the whole film was read")


def luma(number):
    """A spot that moves one pixel per frame over a background that brightens."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (40 + 4 * number + 50 * np.exp(-((y - 24) ** 2 + (x - 10 - number) ** 2) / 20)).astype(np.uint8)


def write_video(path, codec="mpeg4", pixels="yuv420p", b_frames=0, options=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.codec_context.gop_size, stream.codec_context.bit_rate = 12, 4_000_000
        stream.codec_context.max_b_frames = b_frames
        for number in range(LENGTH):
            picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            picture[:HEIGHT] = luma(number)
            if pixels == "gray":
                frame = av.VideoFrame.from_ndarray(luma(number), format="gray")
            elif pixels == "bgr24":
                frame = av.VideoFrame.from_ndarray(np.stack([luma(number)] * 3, -1), format="bgr24")
            elif pixels == "pal8":
                greys = np.stack([np.full(256, 255, np.uint8), *[np.arange(256, dtype=np.uint8)] * 3], -1)
                frame = av.VideoFrame.from_ndarray((luma(number), greys), format="pal8")
            else:
                frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decoded(path):
    """The luma planes in the order a player shows them."""
    with av.open(str(path)) as container:
        return [plane(frame) for frame in container.decode(video=0)]


def plane(frame):
    rows = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)
    return rows[:, : frame.width].astype(np.float32)


def refusal_or_stack(path):
    try:
        return None, open_stack(path)
    except StackError as refusal:
        return str(refusal), None


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


# arrays


@pytest.mark.parametrize("wrap", [np.asarray, da.from_array, zarr.array, Recorder])
def test_any_array_gives_its_frames_as_float32(wrap):
    stack = open_stack(wrap(FILM))
    assert (len(stack), stack.shape, stack.name) == (7, FILM.shape, "array")
    assert stack[3].dtype == np.float32
    np.testing.assert_array_equal(list(stack), FILM)
    np.testing.assert_array_equal(stack[-1], FILM[-1])


def test_only_the_frames_asked_for_are_read():
    recorder = Recorder(FILM)
    stack = open_stack(recorder)
    assert recorder.asked == []
    stack[2], stack[-1]
    assert recorder.asked == [2, 6]


def test_a_single_picture_is_a_film_of_one_frame():
    stack = open_stack(Recorder(FILM[0]))
    assert stack.shape == (1, 12, 18)
    np.testing.assert_array_equal(stack[0], FILM[0])


def test_frames_are_copies_so_the_source_stays_untouched():
    film = np.zeros((2, 5, 5), np.float32)
    open_stack(film)[0][:] = 1
    assert not film.any()


def test_booleans_count_as_zero_and_one():
    assert open_stack(np.eye(5, dtype=bool)[None])[0].sum() == 5


FULL_SCALES = {"u1": 255, "u2": 65535, ">u2": 65535, "i2": 32767, "u4": 2**32 - 1, "?": 1, "f4": 1, "f8": 1}


@pytest.mark.parametrize(("kind", "full_scale"), FULL_SCALES.items())
def test_the_full_scale_of_an_array_is_that_of_its_number_type(kind, full_scale):
    film = np.zeros((2, 8, 9), kind)
    assert open_stack(film).full_scale == open_stack(da.from_array(film)).full_scale == full_scale


def test_an_array_that_does_not_tell_its_number_type_counts_as_floats():
    class Film:
        shape = (2, 8, 9)

        def __getitem__(self, number):
            return np.zeros((8, 9))

    assert open_stack(Film()).full_scale == 1


@pytest.mark.parametrize(("kind", "full_scale"), [("u1", 255), (">u2", 65535), ("f4", 1)])
def test_the_full_scale_of_a_tiff_is_that_of_its_number_type(tmp_path, kind, full_scale):
    tifffile.imwrite(tmp_path / "film.tif", np.zeros((3, 8, 9), kind), photometric="minisblack")
    with open_stack(tmp_path / "film.tif") as stack:
        assert stack.full_scale == full_scale


def test_constant_frames_are_not_refused():
    assert open_stack(np.full((1, 5, 5), 7))[0].min() == 7


def test_an_open_stack_is_returned_as_it_is():
    stack = open_stack(FILM)
    assert open_stack(stack) is stack
    assert isinstance(stack, Stack)


@pytest.mark.parametrize("number", [7, -8])
def test_there_is_no_frame_past_the_end(number):
    with pytest.raises(IndexError, match=f"Frame {number} is outside array, which holds 7 frames"):
        open_stack(FILM)[number]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((), r"array has shape \(\); expected \(T, Y, X\) or \(Y, X\)\. Pass grey frames"),
        ((5,), r"array has shape \(5,\); expected"),
        ((2, 3, 8, 8), r"Choose one channel and one z plane, for example stack\[:, 0\]\."),
        ((2, 3, 5, 8, 8), r"for example stack\[:, 0, 0\]\."),
        ((8, 8, 3), r"looks like colour\. Convert it to grey or pick one channel"),
        ((2, 8, 8, 4), r"looks like colour"),
        ((0, 8, 8), r"array is a film without frames: got shape \(0, 8, 8\)"),
        ((2, 0, 8), r"array has frames without pixels: got shape \(2, 0, 8\)"),
        ((0, 8), r"array has frames without pixels"),
    ],
)
def test_what_is_not_a_film_of_grey_frames_is_refused(shape, sentence):
    with pytest.raises(StackError, match=sentence):
        open_stack(np.zeros(shape))


@pytest.mark.parametrize("kind", [np.complex64, object, "U3", "datetime64[s]"])
def test_values_that_are_not_real_numbers_are_refused(kind):
    with pytest.raises(StackError, match=r"array holds .* values; expected real numbers\. Convert them first"):
        open_stack(np.zeros((2, 8, 8), kind))


def test_a_dask_array_of_unknown_length_is_refused():
    film = da.from_array(FILM)
    with pytest.raises(StackError, match=r"compute_chunk_sizes\(\)"):
        open_stack(film[film.max(axis=(1, 2)) > 0])


@pytest.mark.parametrize("source", [None, 3, [[1, 2], [3, 4]]])
def test_what_is_neither_array_nor_path_is_refused(source):
    with pytest.raises(StackError, match=r"Expected an array or the path of a TIFF or video, got "):
        open_stack(source)


def test_a_frame_with_nan_is_refused_when_it_is_read():
    film = np.zeros((9, 5, 5))
    film[7, :2, :5] = np.nan
    film[7, 3, :2] = np.inf
    film[8, 0, 0] = 1e300
    stack = open_stack(film)
    assert stack[6].shape == (5, 5)
    with pytest.raises(StackError, match=r"Frame 7 of array holds 12 NaN or infinite pixels; replace them"):
        stack[7]
    with pytest.raises(StackError, match=r"Frame 8 of array holds 1 NaN or infinite pixel;"):
        stack[-1]


# TIFF

TIFFS = {
    "plain": {},
    "page by page": {"compression": "zlib"},
    "ImageJ": {"imagej": True, "metadata": {"axes": "TYX"}},
    "OME": {"ome": True, "metadata": {"axes": "TYX"}},
    "big-endian": {"byteorder": ">"},
    "without metadata": {"metadata": None},
}


@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
def test_every_tiff_gives_its_frames(tmp_path, options):
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, FILM, **options)
    with open_stack(path) as stack:
        assert (stack.shape, stack.name) == (FILM.shape, "film.tif")
        np.testing.assert_array_equal(stack[-2], FILM[-2])
        np.testing.assert_array_equal(list(stack), FILM)


def test_a_tiff_of_one_page_is_a_film_of_one_frame(tmp_path):
    tifffile.imwrite(tmp_path / "one.tiff", FILM[0])
    assert open_stack(str(tmp_path / "one.tiff")).shape == (1, 12, 18)


def test_a_tiff_is_never_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(tifffile.TiffFile, "asarray", None)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", None)
    for name, options in TIFFS.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", FILM, **options)
        assert open_stack(tmp_path / f"{name}.tif")[1].sum() == FILM[1].sum()


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        (
            (3, 4, 9, 9),
            {"imagej": True, "metadata": {"axes": "ZCYX"}},
            r"axes ZCYX .*; expected TYX or YX\. Choose one of 4 channels",
        ),
        ((5, 4, 9, 9), {"imagej": True, "metadata": {"axes": "TCYX"}}, r"has axes TCYX of lengths"),
        ((5, 4, 9, 9), {"ome": True, "metadata": {"axes": "TZYX"}}, r"has axes TZYX of lengths"),
        ((5, 6, 9, 9), {"photometric": "minisblack", "planarconfig": "separate"}, r"axes QSYX .*looks like colour"),
        ((4, 9, 9), {"dtype": np.complex64, "photometric": "minisblack"}, r"film.tif holds complex64 values"),
    ],
)
def test_a_tiff_with_further_axes_is_refused(tmp_path, shape, options, sentence):
    dtype = options.pop("dtype", np.uint8)
    tifffile.imwrite(tmp_path / "film.tif", np.zeros(shape, dtype), **options)
    with pytest.raises(StackError, match=sentence):
        open_stack(tmp_path / "film.tif")


def test_a_tiff_of_unlike_images_is_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "film.tif") as writer:
        for size in (8, 9):
            writer.write(np.zeros((size, size)))
    with pytest.raises(StackError, match=r"film.tif holds 2 images of different kinds; expected one film"):
        open_stack(tmp_path / "film.tif")


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.8])
@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
def test_a_tiff_cut_short_is_refused(tmp_path, options, share):
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, FILM, **options)
    with pytest.raises(StackError, match=r"film.tif.*(C|c)opy or export it again\.$"):
        open_stack(cut(path, share))


def test_a_page_that_cannot_be_decoded_is_named(tmp_path):
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, FILM, compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as file:
        start, size = file.pages[3].dataoffsets[0], file.pages[3].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + size] = bytes(size)
    path.write_bytes(content)
    stack = open_stack(path)
    np.testing.assert_array_equal(stack[2], FILM[2])
    with pytest.raises(StackError, match=r"Cannot read frame 3 of film.tif: .* damaged or cut short"):
        stack[3]


# video

VIDEOS = {
    "mpeg4.mp4": {},
    "mpeg4 with B-frames.mp4": {"b_frames": 2},
    "mpeg4 with B-frames.avi": {"b_frames": 2},
    "mpeg2 with B-frames.mkv": {"codec": "mpeg2video", "b_frames": 2},
    "h264.mp4": {"codec": "libx264", "b_frames": 3},
    "h264.mov": {"codec": "libx264", "b_frames": 3},
    "h264.mkv": {"codec": "libx264", "b_frames": 3},
    "h264.avi": {"codec": "libx264", "b_frames": 3},
    "open groups.mp4": {"codec": "libx264", "b_frames": 3, "options": {"x264-params": "open-gop=1"}},
    "open groups.mkv": {"codec": "libx264", "b_frames": 3, "options": {"x264-params": "open-gop=1"}},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "full range.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "grey.avi": {"codec": "rawvideo", "pixels": "gray"},
    "grey.mkv": {"codec": "ffv1", "pixels": "gray"},
}


@pytest.fixture
def video(tmp_path, request):
    name, options = request.param
    codec = options.get("codec", "mpeg4")
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV cannot write {codec}")
    return write_video(tmp_path / name, **options)


every_video = pytest.mark.parametrize("video", VIDEOS.items(), ids=VIDEOS, indirect=True)


@every_video
def test_every_frame_of_a_video_is_found_in_any_order(video):
    shown = decoded(video)
    with open_stack(video) as stack:
        assert stack.shape == (LENGTH, HEIGHT, WIDTH)
        np.testing.assert_array_equal(list(stack), shown)
        for number in np.random.default_rng(1).permutation(LENGTH):
            np.testing.assert_array_equal(stack[number], shown[number], err_msg=f"frame {number}")
        for number in reversed(range(LENGTH)):
            np.testing.assert_array_equal(stack[number], shown[number], err_msg=f"frame {number}")


@every_video
def test_video_frames_come_in_the_order_they_were_drawn(video):
    brightness = [frame.mean() for frame in open_stack(video)]
    assert np.all(np.diff(brightness) > 2)


@pytest.mark.parametrize("pixels", ["gray", "bgr24", "pal8"])
def test_uncompressed_video_keeps_its_values(tmp_path, pixels):
    stack = open_stack(write_video(tmp_path / "raw.avi", "rawvideo", pixels))
    np.testing.assert_array_equal(list(stack), [luma(number) for number in range(LENGTH)])


@pytest.mark.parametrize(("pixels", "bits"), [("gray", 8), ("yuv420p", 8), ("gray10le", 10), ("gray16le", 16)])
def test_the_full_scale_of_a_video_is_that_of_its_bits(tmp_path, pixels, bits):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        white = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH), 255, np.uint8), format="gray")
        container.mux([*stream.encode(white), *stream.encode()])
    with open_stack(path) as stack:
        assert stack.full_scale == 2**bits - 1
        assert 0.9 * stack.full_scale < stack[0].max() <= stack.full_scale


def test_a_damaged_packet_spoils_only_the_frames_that_need_it(tmp_path):
    path = write_video(tmp_path / "film.mp4", "mjpeg", "yuvj420p")
    shown = decoded(path)
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][20]
        start, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[start : start + size] = bytes(size)
    path.write_bytes(content)
    stack = open_stack(path)
    np.testing.assert_array_equal(stack[19], shown[19])
    with pytest.raises(StackError, match=r"Cannot read frame 20 of film.mp4: .* damaged or cut short"):
        stack[20]
    np.testing.assert_array_equal(stack[21], shown[21])


def test_reading_onwards_never_seeks_and_never_starts_again(tmp_path, monkeypatch):
    stack = open_stack(write_video(tmp_path / "film.mp4", b_frames=2))
    opened, jump = [], type(stack)._jump
    monkeypatch.setattr(type(stack), "_jump", lambda self, number: (opened.append(number), jump(self, number)))
    list(stack)
    assert opened == [0]


def test_opening_a_video_decodes_nothing(tmp_path, monkeypatch):
    path = write_video(tmp_path / "film.mp4")
    monkeypatch.setattr("napari_growtrack.core.films.video._luma", None)
    assert len(open_stack(path)) == LENGTH


def test_several_threads_may_read_one_video(tmp_path):
    path = write_video(tmp_path / "film.mp4", b_frames=2)
    shown, stack = decoded(path), open_stack(path)
    numbers = np.random.default_rng(2).integers(0, LENGTH, 200)
    with ThreadPoolExecutor(8) as pool:
        for number, frame in zip(numbers, pool.map(stack.__getitem__, numbers), strict=True):
            np.testing.assert_array_equal(frame, shown[number])


@every_video
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.98, 0.995])
def test_what_is_there_of_a_video_cut_short_is_read_and_counted_or_refused(video, share, recwarn):
    shown = decoded(video)
    refusal, stack = refusal_or_stack(cut(video, share))
    if stack is None:  # where the index lies at the end, or no keyframe is left
        assert re.search(r"(C|c)opy or export it again\.$|without frames", refusal)
        assert video.suffix in (".mp4", ".mov") or share < 0.9
        return
    told = [str(warning.message) for warning in recwarn if issubclass(warning.category, GrowtrackWarning)]
    assert len(told) == (len(stack) < LENGTH)
    assert all(re.search(rf"is cut short: {len(stack)} of (38|40) frames are there", sentence) for sentence in told)
    for number in (len(stack) - 1, 0, len(stack) // 2):
        np.testing.assert_array_equal(stack[number], shown[number])


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(StackError, match=r"sound.mp4 holds no pictures; expected a video"):
        open_stack(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("brownian_particles", (50, 500, 500)), ("optically_trapped_good", (100, 120, 120))],
)
def test_the_films_of_deeptrack_1_are_read(name, shape):
    path = DATA / f"{name}.mp4"
    if not path.exists():
        pytest.skip(f"needs {path}")
    shown, stack = decoded(path), open_stack(path)
    assert stack.shape == shape
    for number in (shape[0] - 1, 25, 26, 0, 12):
        np.testing.assert_array_equal(stack[number], shown[number])


# files


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.tif", r"Cannot find .*missing.tif\. Check the path\."),
        ("folder.tif", r"folder.tif is a folder; expected one TIFF or video\. Choose a file inside it, or a folder of"),
        ("notes.txt", r"Cannot open notes.txt: expected .tif, .tiff, .mp4, .*, got '.txt'\. Save the film"),
        ("notes.tif", r"Cannot read notes.tif: not a TIFF file.*\. It may be damaged or cut short"),
        ("notes.mp4", r"Cannot read notes.mp4: Invalid data found when processing input\. It may be damaged"),
    ],
)
def test_a_file_that_is_no_film_is_refused(tmp_path, name, sentence):
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    elif name.startswith("notes"):
        (tmp_path / name).write_text("no film at all" * 100)
    with pytest.raises(StackError, match=sentence):
        open_stack(tmp_path / name)


@pytest.mark.parametrize("name", ["film.tif", "film.mp4"])
def test_a_closed_stack_says_so(tmp_path, name):
    path = tmp_path / name
    tifffile.imwrite(path, FILM) if name.endswith("tif") else write_video(path)
    with open_stack(path) as stack:
        stack[0]
    stack.close()
    with pytest.raises(StackError, match=f"{name} is closed. Open it again with open_stack"):
        stack[0]


def test_stacks_load_no_file_libraries_before_they_are_needed():
    code = "import sys, napari_growtrack.core.films; assert not {'av', 'tifffile', 'dask'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_whole_tiff_whose_program_counted_bits_for_bytes_is_read(tmp_path):
    """As a real film of spheres is: 8 times as many bytes told as are there, and all pixels at their place."""
    path, film = tmp_path / "bits.tif", np.arange(64 * 48, dtype=np.uint16).reshape(64, 48)
    tifffile.imwrite(path, film, rowsperstrip=64, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[0].tags["StripByteCounts"]
        tag.overwrite((8 * tag.value[0],), dtype=tag.dtype)
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack[0], film)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1000)
    with pytest.raises(StackError, match="cut short"):
        open_stack(path)[0]
