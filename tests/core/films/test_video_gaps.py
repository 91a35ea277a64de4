"""Frames that a video has lost, or that are damaged, are told as far as the file lets one know."""

import warnings

import av
import numpy as np
import pytest

from napari_growtrack.core.errors import GrowtrackWarning
from napari_growtrack.core.films import open_stack

SIDE, LENGTH, EVERY = 64, 40, range(40)


def picture(number):
    """A bright square that moves over noise."""
    grey = np.random.default_rng(number).integers(60, 80, (SIDE, SIDE)).astype(np.uint8)
    grey[20:40, number : number + 20] = 200
    return grey


def write(path, codec="libvpx-vp9", lost=(), at=EVERY, rate=25, pixels="yuv420p", group=12, **options):
    """Write pictures that are shown at ticks of the rate, without the packets of some."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, pixels
        stream.codec_context.gop_size = group
        packets = []
        for number, tick in enumerate(at):
            frame = av.VideoFrame.from_ndarray(picture(number), format="gray").reformat(format=pixels)
            frame.pts = tick
            packets += stream.encode(frame)
        packets += stream.encode()
        container.mux([packet for number, packet in enumerate(packets) if number not in lost])
    return path


def told(path):
    """Return how many frames a film has, and what is said when it is opened."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GrowtrackWarning)
        with open_stack(path) as stack:
            return len(stack), [str(warning.message) for warning in caught]


LOST = {
    "one.webm": ([17], "lacks 1 frame, after frame 16."),
    "nine.webm": (range(21, 30), "lacks 9 frames, after frame 20."),
    "here and there.webm": ([7, 21, 22, 30], "lacks 4 frames, after frames 6, 19, 26."),
    "nine.mkv": (range(21, 30), "lacks 9 frames, after frame 20."),
}


@pytest.mark.parametrize(("name", "lost", "sentence"), [(name, *case) for name, case in LOST.items()], ids=LOST)
def test_frames_lost_in_the_middle_are_counted_and_placed(tmp_path, name, lost, sentence):
    frames, said = told(write(tmp_path / name, lost=lost))
    assert frames == LENGTH - len(lost)
    assert said == [
        f"{name} {sentence} The others are numbered as if none were missing: what moves there seems too fast. "
        "Copy or export it again to have them all."
    ]


def test_packets_that_damage_makes_unreadable_are_counted(tmp_path):
    path = write(tmp_path / "film.webm")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    content[places[14] - 8 : places[17]] = bytes(places[17] - places[14] + 8)
    path.write_bytes(content)
    frames, said = told(path)
    assert frames < LENGTH
    assert said[0].startswith(f"film.webm lacks {LENGTH - frames} frames, after frame 13.")


@pytest.mark.parametrize("after", [9, 35])
def test_frames_that_a_camera_dropped_are_counted_in_avi(tmp_path, after):
    at = [tick for tick in range(42) if tick - after not in (1, 2)]
    frames, said = told(write(tmp_path / "film.avi", "mjpeg", at=at, pixels="yuvj420p"))
    assert (frames, [one.partition(". ")[0] for one in said]) == (40, [f"film.avi lacks 2 frames, after frame {after}"])


def test_an_mp4_that_hides_its_first_frames_is_not_called_cut_short(tmp_path):
    """Trimmed without encoding it again, it holds all from the keyframe before."""
    with (
        av.open(str(write(tmp_path / "whole.mp4", "mpeg4"))) as whole,
        av.open(str(tmp_path / "film.mp4"), "w") as film,
    ):
        stream = film.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.pts, packet.dts = packet.pts - 5 * 512, packet.dts - 5 * 512
                packet.stream = stream
                film.mux(packet)
    assert told(tmp_path / "film.mp4") == (LENGTH - 5, [])


UNEVEN = {
    "phone.mp4": (
        "mpeg4",
        1000,
        np.cumsum([33, 31, 36, 34, 66, 35, 32, 68, 30, 90] * 4),
        "3, 6, 8, 13, 16 and 7 more places",
    ),
    "screen.webm": (
        "libvpx-vp9",
        25,
        np.cumsum([1, 1, 1, 2, 1, 7, 1, 1, 3, 1] * 4),
        "2, 4, 7, 12, 14 and 7 more places",
    ),
    "slower from the middle on.mkv": ("ffv1", 25, [*range(20), *range(20, 60, 2)], "20 to 38"),
    "a pause.mp4": ("mpeg4", 25, [*range(20), *range(25, 45)], "19"),
    "a pause of no whole number.mkv": ("ffv1", 1000, [*range(0, 800, 40), *range(860, 1660, 40)], "19"),
}


@pytest.mark.parametrize(("name", "codec", "rate", "at", "places"), [(n, *c) for n, c in UNEVEN.items()], ids=UNEVEN)
def test_a_film_whose_rate_may_change_is_not_called_damaged(tmp_path, name, codec, rate, at, places):
    frames, said = told(write(tmp_path / name, codec, at=[int(tick) for tick in at], rate=rate))
    number = "frame" if places.isdigit() else "frames"
    assert (frames, said) == (
        LENGTH,
        [
            f"In {name} frames are missing, or its rate changes, after {number} {places}. "
            "All are taken to be equally far apart in time: what moves there may seem too fast."
        ],
    )


STEADY = {
    "webcam.webm": ("libvpx-vp9", 1000, np.cumsum([33, 38, 29, 41, 30] * 8)),  # jitters
    "30 frames a second.mkv": ("ffv1", 30, EVERY),  # Matroska counts milliseconds
    "700 frames a second.mkv": ("ffv1", 700, EVERY),
    "960 frames a second.mkv": ("ffv1", 960, EVERY),
    "a start that was moved.mkv": ("ffv1", 1000, [0, 63, 103, 143, 160, *range(223, 1623, 40)]),
    "reordered.mkv": ("libx264", 25, EVERY),
    "three.mp4": ("mpeg4", 25, range(3)),
    "two.mkv": ("ffv1", 25, [0, 50]),
    "one.mkv": ("ffv1", 25, [0]),
}


@pytest.mark.parametrize(("name", "codec", "rate", "at"), [(n, *c) for n, c in STEADY.items()], ids=STEADY)
def test_nothing_is_said_of_a_film_that_lacks_nothing(tmp_path, name, codec, rate, at):
    assert told(write(tmp_path / name, codec, at=[int(tick) for tick in at], rate=rate)) == (len(at), [])


# Checksums ------------------------------------------------------------------------------------------------------------

CODECS = {
    "ffv1": "yuv420p",
    "libx264": "yuv420p",
    "libx265": "yuv420p",
    "mjpeg": "yuvj420p",
    "mpeg1video": "yuv420p",
    "mpeg2video": "yuv420p",
    "mpeg4": "yuv420p",
    "rawvideo": "gray",
    "libvpx": "yuv420p",
    "libvpx-vp9": "yuv420p",
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("options", [{}, {"live": "1"}, {"cluster_size_limit": "9000"}, {"cues_to_front": "1"}])
def test_no_sound_matroska_is_called_damaged(tmp_path, codec, options):
    names = ["film.mkv", *["film.webm"] * codec.startswith("libvpx")]
    for name in names:
        assert told(write(tmp_path / name, codec, pixels=CODECS[codec], **options)) == (LENGTH, [])


@pytest.mark.parametrize(("codec", "group", "places"), [("rawvideo", 1, "frame 17"), ("ffv1", 12, "frames 12 to 23")])
def test_bytes_of_a_matroska_that_changed_are_told_though_no_decoder_sees_them(tmp_path, codec, group, places):
    path = write(tmp_path / "film.mkv", codec, pixels=CODECS[codec], group=group)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][17]
    content = bytearray(path.read_bytes())
    content[packet.pos + packet.size // 2] ^= 255
    path.write_bytes(content)
    assert told(path) == (
        LENGTH,
        [
            f"film.mkv is damaged: something in {places} is not as it was written. It is read as it is; what is found "
            "there, or soon after, may be wrong."
        ],
    )
