"""The words of the command line: commands, options, their defaults and help."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

from ..core.networks.bundled import AUTO

# The names alone: the scenes themselves bring numba along.
SCENES = (
    "default", "vesicles", "trapped", "film", "beads",
    "table42", "dense", "gradient", "mixed", "rings", "wide", "big", "species", "general",
    "tirf", "scmos", "empty",
)  # fmt: skip
CAMERAS = ("poisson", "emccd", "scmos", "ccd")
PLANS = (
    "strided", "depth", "breadth", "breadth-4", "breadth-8", "breadth-16", "breadth-32", "depth+breadth", "features",
    "plain",
)  # fmt: skip
TRACKS = (
    "particle", "first_frame", "last_frame", "length", "gaps", "missed_frames", "duration", "y", "x", "net_distance",
    "path_length", "straightness", "mean_speed", "max_speed", "radius_of_gyration", "diffusion_coefficient",
    "diffusion_low", "diffusion_high", "exponent", "exponent_low", "exponent_high", "mean_signal", "signal_slope", "q",
)  # fmt: skip

_MOST_THREADS = 1024

Run = Callable[[argparse.Namespace], int | None]


def _slice(text: str) -> slice:
    """Read frames as FIRST:LAST, the last one not included, as in Python."""
    parts = text.split(":")
    try:
        if len(parts) == 1:
            frame = int(text)
            return slice(frame, frame + 1 or None)
        first, last = (int(part) if part else None for part in parts)
        return slice(first, last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a frame, or FIRST:LAST, got {text!r}") from None


def _limit(text: str) -> tuple[str, tuple[float | None, float | None]]:
    """Read a column with its least and its greatest value, as NAME=LOW..HIGH."""
    name, _, span = text.partition("=")
    low, dots, high = span.partition("..")
    try:
        ends = tuple(float(end) if end else None for end in (low, high))
    except ValueError:
        ends = ()
    if not (name and dots and len(ends) == 2 and ends != (None, None)):
        raise argparse.ArgumentTypeError(f"expected COLUMN=LEAST..GREATEST as in radius=1..3, got {text!r}")
    return name, (ends[0], ends[1])


def _point(text: str) -> tuple[float, float, float]:
    try:
        frame, y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected FRAME,Y,X as in 0,59.5,55, got {text!r}") from None
    return frame, y, x


def _positive(text: str) -> int:
    return _whole(text, 1)


def _seed(text: str) -> int:
    return _whole(text, 0)


def _size(text: str) -> float:
    """Read a length or a time: a finite number above 0."""
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not (math.isfinite(size) and size > 0):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return size


def _threads(text: str) -> int:
    """Read a number of threads, of which no machine has more than `_MOST_THREADS`."""
    threads = _whole(text, 1)
    if threads > _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"expected a whole number up to {_MOST_THREADS}, got {text[:40]!r}")
    return threads


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return int(text)


def build_parser(commands: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Return the parser; each command's function stands in its name's place, its docstring is its help."""
    parser = argparse.ArgumentParser(
        prog="growtrack",
        description="Find particles in microscopy films with networks that are grown stage by stage.",
        epilog="Begin with `growtrack demo`. Help on a command: growtrack COMMAND --help.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run in commands.items():
        about = run.__doc__ or ""
        command = subparsers.add_parser(name, help=about.rstrip("."), description=about)
        command.set_defaults(run=run)
        _OPTIONS[name](command)
    return parser


def _network(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-n",
        "--network",
        default=AUTO,
        metavar="NAME|FILE",
        help="default: %(default)s, the one that explains a few frames best, with size and contrast",
    )


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "film", nargs="?", metavar="FILM", help="your film (TIFF or video); without it, a simulated one"
    )
    _time_axis(command)
    _network(command)
    command.add_argument("-o", "--output", default="demo", metavar="FOLDER", help="default: %(default)s")
    command.add_argument(
        "--frames", type=_positive, default=60, metavar="N", help="frames at most, default: %(default)s"
    )


def _simulate(command: argparse.ArgumentParser) -> None:
    command.epilog = f"Scenes: {', '.join(SCENES)}."
    command.add_argument("scene", metavar="SCENE", help="a named scene, or a .json file")
    command.add_argument("-o", "--output", required=True, metavar="FILM.tif", help="film to write (TIFF)")
    command.add_argument("--truth", metavar="TRUTH.csv", help="true positions to write")
    command.add_argument("--frames", type=_positive, default=100, metavar="N", help="default: %(default)s")
    command.add_argument(
        "--size", type=_positive, nargs=2, default=(251, 251), metavar=("H", "W"), help="pixels, default: 251 251"
    )
    command.add_argument(
        "--particles", type=_seed, metavar="N", help="particles in a frame; default: by the scene's density"
    )
    command.add_argument("--snr", type=float, metavar="S", help="signal-to-noise ratio; default: the scene's")
    command.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: %(default)s")
    command.add_argument("--diffusion", type=float, default=0.5, metavar="D", help="px^2 a frame, default: %(default)s")
    command.add_argument(
        "--drift", type=float, nargs=2, default=(0.0, 0.0), metavar=("DY", "DX"), help="px a frame, default: none"
    )
    command.add_argument(
        "--blinking",
        type=float,
        nargs=2,
        metavar=("ON", "OFF"),
        help="frames that a particle is on and off, on average; default: always on",
    )
    command.add_argument(
        "--bleaching", type=float, metavar="N", help="frames until a particle is gone, on average; default: it stays"
    )
    command.add_argument(
        "--camera", metavar="NAME|FILE", help=f"{', '.join(CAMERAS)}, or a .json file; default: the scene's"
    )
    command.add_argument("--independent", action="store_true", help="scatter the particles anew in every frame")


def _match(command: argparse.ArgumentParser) -> None:
    command.add_argument("film", metavar="FILM", help="TIFF, video, OME-Zarr, folder of pictures, or pattern of names")
    _plane(command)
    clicks = command.add_mutually_exclusive_group()
    clicks.add_argument(
        "--at",
        type=_point,
        nargs="+",
        action="extend",
        metavar="FRAME,Y,X",
        help="where a few particles of one kind are, in pixels, within 4 px of their centres; default: some that the "
        "network finds which explains the film best",
    )
    clicks.add_argument(
        "--points", metavar="POINTS.csv", help="the same as a table with columns frame, y, x, or saved by napari"
    )
    command.add_argument(
        "--diameter", type=float, metavar="PX", help="how wide the particles look, where they are not found otherwise"
    )
    command.add_argument(
        "--shape",
        metavar="SHAPE",
        help="of the particles, as scenes name it; default: rings, or what fits far better",
    )
    command.add_argument("--name", metavar="NAME", help="of the scene; default: as the file is called")
    command.add_argument("-o", "--output", required=True, metavar="SCENE.json", help="scene to write")
    command.add_argument("--picture", metavar="PICTURE.png", help="the film's particles above simulated ones")


def _adapt(command: argparse.ArgumentParser) -> None:
    command.add_argument("film", metavar="FILM", help="TIFF, video, OME-Zarr, folder of pictures, or pattern of names")
    _plane(command)
    command.add_argument(
        "--minutes",
        type=float,
        default=1.0,
        metavar="M",
        help="of growing; a minute of calibrating follows; default: %(default)g",
    )
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write")


def _grow(command: argparse.ArgumentParser) -> None:
    what = command.add_argument_group("what to learn")
    what.add_argument("--scene", metavar="SCENE", help="locate particles in a named scene, or one from a .json file")
    what.add_argument(
        "--snr", type=float, nargs=2, metavar=("LOW", "HIGH"), help="signal-to-noise ratios; default: the scene's"
    )
    what.add_argument("--dataset", metavar="PATH", help="tell classes of images apart: .npz, .zip or a folder")
    what.add_argument("--augment", action="store_true", help="vary the images of a dataset")
    what.add_argument("--recipe", metavar="FILE", help="all of this from a .json file, or as a .growtrack file grew")
    how = command.add_argument_group("the growth table")
    how.add_argument(
        "--plan", metavar="PLAN", help=f"{', '.join(PLANS)}, or a .json file; default: strided, for a dataset depth"
    )
    how.add_argument("--from", dest="start", metavar="NET", help="grow further from a bundled network or a file")
    how.add_argument(
        "--deeper", action="append", default=[], metavar="KIND:UNITS", help="with --from: one more layer, as dense:32"
    )
    how.add_argument(
        "--wider", action="append", default=[], metavar="UNITS", help="with --from: one more network, as 8,16,32,16,16"
    )
    time = command.add_argument_group("how long")
    budget = time.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="of growing, for the whole network; a minute of calibrating follows; default: 5 for a scene",
    )
    budget.add_argument("--epochs", type=_positive, metavar="N", help="for every stage; default: 5 for a dataset")
    budget.add_argument("--schedule", choices=["thesis"], help="the thesis's own schedule (hours)")
    time.add_argument("--batch", type=_positive, metavar="N", help="images in a batch of a dataset; default: 32")
    time.add_argument("--one-by-one", action="store_true", help="one stage after the other, not side by side")
    time.add_argument(
        "--until-bound", type=float, metavar="RATIO", help="no further stage once the error is so near the bound (1.2)"
    )
    time.add_argument(
        "--until-gain", type=float, metavar="SHARE", help="no further stage once one gains less than this share (0.03)"
    )
    time.add_argument("--patience", type=_positive, metavar="N", help="end a stage after N of 20 looks without gain")
    command.add_argument("--resume", action="store_true", help="go on where a stopped run to the same -o was left")
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write at the end")
    command.add_argument("--seed", type=_seed, metavar="N", help="default: 0")


def _show(command: argparse.ArgumentParser) -> None:
    command.add_argument("network", metavar="NET", help="a bundled network's name, or a file")
    command.add_argument("-o", "--output", metavar="FOLDER", help="measure it, and write tables and figures here")


def _import(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE.h5", help="network of DeepTrack 1.0, in Keras's HDF5 format")
    command.add_argument("--scene", required=True, metavar="SCENE", help="what its particles look like, for thresholds")
    command.add_argument(
        "--box", type=_positive, metavar="PX", help="side of the boxes in your film; default: the network's window"
    )
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write")


def _calibrate(command: argparse.ArgumentParser) -> None:
    command.add_argument("network", metavar="NET", help="a bundled network's name, or a file")
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write")


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="NET|TABLE", help="a network, or a table of detections or trajectories")
    command.add_argument("--stage", type=int, metavar="S", help="of a network; default: the last")
    command.add_argument(
        "--pixel-size", type=_size, metavar="UM", help="of a table: side of a pixel in micrometres, if it does not tell"
    )
    command.add_argument("--frame-time", type=_size, metavar="S", help="of a table: seconds from frame to frame")
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=".keras, .h5 or .onnx; of a table .csv, .parquet, .geff or .xml (TrackMate)",
    )


def _plane(command: argparse.ArgumentParser) -> None:
    command.add_argument("--channel", type=int, metavar="N", help="of a film that has several, from 0")
    command.add_argument("--z", type=int, metavar="N", help="plane of a film that has several, from 0")
    _time_axis(command)


def _time_axis(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--time-axis",
        choices=["t", "z"],
        help="z takes a file's slices as time, t never does; default: z where nothing else is time",
    )


def _track(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "films",
        metavar="FILM",
        nargs="+",
        help="TIFF, video, ND2, OME-Zarr, folder of pictures or pattern of their names; of several, or of a folder of "
        "films, -o is a folder",
    )
    _plane(command)
    _network(command)
    command.add_argument("--stage", type=int, metavar="S", help="stage that answers; default: the last")
    command.add_argument("--screen", type=int, metavar="S", help="stage that screens; default: the cheapest good one")
    command.add_argument(
        "--diameter",
        type=float,
        metavar="PX",
        help="how wide the particles look; default: as the network knows them, or as the film shows them",
    )
    command.add_argument(
        "--contrast",
        choices=["auto", "normal", "inverted"],
        default="auto",
        help="inverted tracks the negative; auto does where it shows far more; default: %(default)s",
    )
    command.add_argument("--no-polish", action="store_true", help="leave positions as the network gives them")
    command.add_argument(
        "--threads", type=_threads, metavar="N", help="threads of TensorFlow; default: $OMP_NUM_THREADS, or all cores"
    )
    _thresholds(command)
    command.add_argument(
        "--frames", type=_slice, default=slice(None), metavar="A:B", help="frames A up to B, or only A"
    )
    command.add_argument(
        "-o", "--output", default="detections.csv", metavar="DETECTIONS.csv", help="default: %(default)s"
    )
    command.add_argument("--workers", type=_positive, metavar="N", help="track in so many processes of this machine")
    command.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="track on the workers of a dask scheduler that you trust, such as tls://node1:8786",
    )
    going_on = command.add_mutually_exclusive_group()
    going_on.add_argument("--resume", action="store_true", help="go on where an earlier run was stopped or killed")
    going_on.add_argument("--anew", action="store_true", help="throw away what an earlier run left")
    command.add_argument("--overlay", metavar="PICTURE.png", help="picture of a frame with its detections")
    command.add_argument(
        "--overlay-frame", type=_seed, metavar="N", help="which frame; default: the one with the most detections"
    )


def _thresholds(command: argparse.ArgumentParser) -> None:
    command.add_argument("--faithful", action="store_true", help="the thesis's cascade instead of recentred windows")
    command.add_argument(
        "--screen-distance",
        type=float,
        metavar="PX",
        help="T1: pass on windows below, in pixels of the film; default: calibrated",
    )
    command.add_argument(
        "--accept-distance",
        type=float,
        metavar="PX",
        help="T2: accept detections below, in pixels of the film; default: calibrated",
    )
    command.add_argument(
        "--false-share",
        type=float,
        metavar="SHARE",
        help="false detections to expect, by the film's own noise: 0.01 is one in a hundred; default: 0.01",
    )
    _limits(command, "leave out detections outside: signal=500.., radius=1..3; may be given for several columns")


def _limits(command: argparse.ArgumentParser, about: str) -> None:
    command.add_argument("--limit", type=_limit, action="append", default=[], metavar="COLUMN=A..B", help=about)


def _score(command: argparse.ArgumentParser) -> None:
    command.add_argument("detections", metavar="DETECTIONS.csv")
    command.add_argument("truth", metavar="TRUTH.csv")
    command.add_argument(
        "--within", type=float, default=5.0, metavar="PX", help="farthest a pair may be apart, default: 5"
    )
    command.add_argument("--json", action="store_true", help="numbers for programs")


def _link(command: argparse.ArgumentParser) -> None:
    command.add_argument("detections", metavar="DETECTIONS.csv", help="table with columns frame, y, x")
    command.add_argument("-o", "--output", required=True, metavar="TRAJECTORIES.csv", help="table to write")
    command.add_argument(
        "--linker",
        choices=["evidence", "trackpy"],
        help="by all evidence, or trackpy's; default: evidence, and trackpy's where a radius or a memory is given",
    )
    command.add_argument(
        "--radius", type=float, metavar="PX", help="farthest move from frame to frame; default: by the data"
    )
    command.add_argument(
        "--memory",
        type=int,
        metavar="FRAMES",
        help="how long a particle may be lost; default: by the data, trackpy's: 0",
    )
    command.add_argument("--undirected", action="store_true", help="no particle goes straight for a while")
    command.add_argument(
        "--most-false",
        type=float,
        metavar="SHARE",
        help="drop trajectories that are false with a larger chance; default: 0.01",
    )
    command.add_argument(
        "--min-length",
        type=int,
        metavar="N",
        help="drop trajectories of fewer detections; 1: all stay; default: 3",
    )
    command.add_argument(
        "--keep-repeats", action="store_true", help="link frames that repeat the one before, too; default: left out"
    )
    command.add_argument(
        "--max-distance", type=float, metavar="PX", help="drop trajectories whose typical distance is larger"
    )
    command.add_argument(
        "--min-significance", type=float, metavar="S", help="drop trajectories that typically stand out less"
    )


def _tracks(command: argparse.ArgumentParser) -> None:
    command.epilog = f"Columns: {', '.join(TRACKS)}."
    _moving(command)
    _limits(command, "keep trajectories between: length=10.., straightness=..0.5, q=..0.01; may be given several times")
    command.add_argument("--exponent", action="store_true", help="tell the exponent of each, too; it takes long")
    command.add_argument(
        "-o", "--output", default="tracks.csv", metavar="TRACKS.csv", help=".csv or .parquet; default: %(default)s"
    )
    command.add_argument(
        "--trajectories",
        dest="kept",
        metavar="KEPT.csv",
        help="also write the trajectories that are kept: .csv, .parquet, .geff or .xml (TrackMate)",
    )


def _moving(command: argparse.ArgumentParser) -> None:
    command.add_argument("trajectories", metavar="TRAJECTORIES.csv", help="table with columns frame, y, x, particle")
    command.add_argument("--pixel-size", type=_size, metavar="UM", help="side of a pixel in micrometres")
    command.add_argument("--frame-time", type=_size, metavar="S", help="seconds from frame to frame")
    command.add_argument(
        "--exposure", metavar="S", help="seconds that the shutter is open in each frame, or a share of it, such as 50%%"
    )
    command.add_argument("--remove-drift", action="store_true", help="take common motion away first")


def _motion(command: argparse.ArgumentParser) -> None:
    _moving(command)
    _limits(command, "leave out trajectories outside, as `growtrack tracks` does: length=10.., straightness=..0.5")
    command.add_argument(
        "--states", type=int, nargs="?", const=0, metavar="N", choices=(0, 1, 2, 3),
        help="states of diffusion that particles switch between: how many, fast and lasting each is; N to say how many",
    )  # fmt: skip
    command.add_argument(
        "--steps", type=int, nargs="?", const=0, metavar="N", choices=(0, 1, 2, 3),
        help="populations of diffusing particles by the lengths of steps: D and share of each; N to say how many",
    )  # fmt: skip
    command.add_argument("--confined", action="store_true", help="the radius of the rooms that particles stay in")
    command.add_argument("--trap", action="store_true", help="one bead in an optical trap: also its stiffness")
    command.add_argument("--temperature", type=float, metavar="K", help="in kelvin, for a stiffness in pN/µm")
    command.add_argument(
        "--viscosity", type=float, metavar="MPAS", help="of the liquid, in mPa s: also the particles' radius"
    )
    command.add_argument(
        "--particle-radius", type=float, metavar="UM", help="in micrometres: also the liquid's viscosity"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("-o", "--output", metavar="FOLDER", help="leave tables and figures here")


def _networks(_: argparse.ArgumentParser) -> None:
    pass


def _benchmark(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "name",
        metavar="NAME",
        help="a benchmark, a figure or table of the thesis such as 3.21, `all`, `list`, or `pages` (made of results)",
    )
    command.add_argument(
        "--scale",
        choices=["smoke", "laptop", "paper"],
        default="laptop",
        help="seconds, at most half an hour each, or the thesis's own settings; default: %(default)s",
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="also write settings, tables and figures here; a run that was stopped goes on there",
    )
    command.add_argument(
        "--data",
        metavar="FOLDER",
        help="films and data sets that some need, or one of their files; default: $GROWTRACK_DATA, and Keras's cache",
    )


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "demo": _demo,
    "simulate": _simulate,
    "match": _match,
    "adapt": _adapt,
    "grow": _grow,
    "track": _track,
    "link": _link,
    "tracks": _tracks,
    "motion": _motion,
    "score": _score,
    "networks": _networks,
    "show": _show,
    "calibrate": _calibrate,
    "import": _import,
    "export": _export,
    "benchmark": _benchmark,
}
