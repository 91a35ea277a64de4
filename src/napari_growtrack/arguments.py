"""The words of the command line: commands, options, their defaults and help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from .core.zoo import DEFAULT

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


def _positive(text: str) -> int:
    return _whole(text, 1)


def _seed(text: str) -> int:
    return _whole(text, 0)


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


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "film", nargs="?", metavar="FILM", help="your film (TIFF or video); without it, a simulated one"
    )
    command.add_argument("-n", "--network", default=DEFAULT, metavar="NAME|FILE", help="default: %(default)s")
    command.add_argument("-o", "--output", default="demo", metavar="FOLDER", help="default: %(default)s")
    command.add_argument(
        "--frames", type=_positive, default=60, metavar="N", help="frames at most, default: %(default)s"
    )


def _simulate(command: argparse.ArgumentParser) -> None:
    command.epilog = "Scenes: default, vesicles, trapped, film, beads, table42, species, empty."
    command.add_argument("scene", metavar="SCENE", help="a named scene, or a .json file")
    command.add_argument("-o", "--output", required=True, metavar="FILM.tif", help="film to write (float32 TIFF)")
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
    command.add_argument("--independent", action="store_true", help="scatter the particles anew in every frame")


def _grow(command: argparse.ArgumentParser) -> None:
    command.add_argument("--scene", metavar="SCENE", help="a named scene, or a .json file")
    command.add_argument(
        "--snr", type=float, nargs=2, metavar=("LOW", "HIGH"), help="signal-to-noise ratios; default: the scene's"
    )
    command.add_argument(
        "--plan", default="depth", metavar="PLAN", help="depth, breadth or a .json file; default: depth"
    )
    how = command.add_mutually_exclusive_group()
    how.add_argument("--minutes", type=float, default=5, metavar="M", help="time for growing, default: %(default)s")
    how.add_argument("--schedule", choices=["thesis"], help="the thesis's own schedule (hours)")
    command.add_argument("--one-by-one", action="store_true", help="one stage after the other, not side by side")
    command.add_argument("--recipe", metavar="FILE.json", help="scene, plan, schedule and seed from a file")
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write at the end")
    command.add_argument("--seed", type=_seed, default=0, metavar="N", help="default: %(default)s")


def _track(command: argparse.ArgumentParser) -> None:
    command.add_argument("film", metavar="FILM", help="TIFF or video")
    command.add_argument("-n", "--network", default=DEFAULT, metavar="NAME|FILE", help="default: %(default)s")
    command.add_argument("--stage", type=int, metavar="S", help="stage that answers; default: the last")
    command.add_argument("--screen", type=int, metavar="S", help="stage that screens; default: the cheapest good one")
    command.add_argument("--faithful", action="store_true", help="the thesis's cascade instead of recentred windows")
    command.add_argument(
        "--frames", type=_slice, default=slice(None), metavar="A:B", help="frames A up to B, or only A"
    )
    command.add_argument(
        "-o", "--output", default="detections.csv", metavar="DETECTIONS.csv", help="default: %(default)s"
    )
    command.add_argument("--overlay", metavar="PICTURE.png", help="picture of the first frame with its detections")


def _score(command: argparse.ArgumentParser) -> None:
    command.add_argument("detections", metavar="DETECTIONS.csv")
    command.add_argument("truth", metavar="TRUTH.csv")
    command.add_argument(
        "--within", type=float, default=5.0, metavar="PX", help="farthest a pair may be apart, default: 5"
    )
    command.add_argument("--json", action="store_true", help="numbers for programs")


def _networks(command: argparse.ArgumentParser) -> None:
    more = command.add_subparsers(metavar="show NAME")
    command.set_defaults(show=None)
    one = more.add_parser("show", help="show a network's card")
    one.add_argument("show", metavar="NAME|FILE")


def _benchmark(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="a benchmark, `all`, or `list`")
    command.add_argument("--scale", choices=["smoke", "laptop"], default="laptop", help="default: %(default)s")
    command.add_argument("-o", "--output", metavar="FOLDER", help="also write the results as JSON here")


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "demo": _demo,
    "simulate": _simulate,
    "grow": _grow,
    "track": _track,
    "score": _score,
    "networks": _networks,
    "benchmark": _benchmark,
}
