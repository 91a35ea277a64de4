"""The command line: everything the panels do, without a screen."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from .core.card import Card, Recipe
    from .core.detection import Cascade
    from .core.networks import Network
    from .core.stacks import Stack

Arguments = argparse.Namespace

CANCELLED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 refused, 2 wrong usage, 130 cancelled."""
    from .core.errors import GrowtrackError

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = _parser().parse_args(arguments)
    warnings.showwarning = _show_warning
    try:
        return chosen.run(chosen) or 0
    except GrowtrackError as error:
        print(f"growtrack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ngrowtrack: cancelled; nothing was written.", file=sys.stderr)
        return CANCELLED


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    from .core.errors import GrowtrackWarning

    if issubclass(category, GrowtrackWarning):
        print(f"growtrack: {message}", file=sys.stderr)


# Commands -------------------------------------------------------------------------------------------------------


def demo(chosen: Arguments) -> None:
    """Track a film and leave film, tables, picture and score in a folder."""
    with _quiet_import():
        from .core.demo import run_demo
    from .core.files import check_writable
    from .core.stacks import open_stack

    check_writable(Path(chosen.output) / "detections.csv")
    if chosen.film:
        open_stack(chosen.film).close()
    network = _network(chosen.network)
    run_demo(network, Path(chosen.output), chosen.film, _say, _frames_bar, chosen.frames)


def simulate(chosen: Arguments) -> None:
    """Write a simulated film and its truth."""
    import numpy as np

    from .core.films import write_film
    from .core.simulation import Motion, iter_film, named_scene
    from .core.tables import write_table

    scene = named_scene(chosen.scene)
    if chosen.snr is not None:
        scene = scene.with_(snr=chosen.snr)
    motion = None if chosen.independent else Motion(diffusion=chosen.diffusion, drift=tuple(chosen.drift))
    shape = (chosen.size[0], chosen.size[1])
    film = iter_film(scene, chosen.frames, shape, np.random.default_rng(chosen.seed), chosen.particles, motion)
    bar = _bar(film, chosen.frames, "simulating", "frame")
    truth = write_film(bar, chosen.frames, shape, chosen.output)
    _say(f"{chosen.output}: {chosen.frames} frames of {shape[0]} x {shape[1]} px")
    if chosen.truth:
        recipe = {
            **_signature(),
            "scene": json.loads(scene.to_json()),
            "motion": motion and motion.model_dump(),
            "seed": chosen.seed,
        }
        write_table(truth, chosen.truth, recipe)
        _say(f"{chosen.truth}: {len(truth)} true positions")


def grow(chosen: Arguments) -> None:
    """Grow a network and save it with thresholds and a report."""
    from .core.files import check_writable, write_or_rescue

    recipe = _recipe(chosen)
    check_writable(chosen.output)
    with _quiet_import():
        from .core.growth import training as _  # noqa: F401  (brings Keras)
        from .core.networks import iter_make
    _say(f"Growing {recipe.name} on the scene {recipe.scene.name}:\n{recipe.plan}")
    network = _watched(iter_make(recipe))
    write_or_rescue(chosen.output, network.save)
    _say(f"\n{network.card}\n\n{chosen.output} is ready: growtrack track FILM -n {chosen.output}")


def track(chosen: Arguments) -> int:
    """Track a film and write its detections."""
    from .core.detection import iter_detections
    from .core.files import check_writable
    from .core.stacks import open_stack

    check_writable(chosen.output)
    with open_stack(chosen.film) as stack:
        network = _network(chosen.network)
        cascade = network.cascade(chosen.stage, chosen.screen, chosen.faithful)
        frames = range(len(stack))[chosen.frames]
        found = iter_detections(stack, network, cascade, frames)
        began = time.perf_counter()
        tables, complete = _kept(_bar(found, len(frames), "tracking", "frame"))
        seconds = time.perf_counter() - began
        detections = _save_detections(tables, chosen, network, cascade, stack)
        if chosen.overlay and len(tables):
            _save_overlay(stack, tables[0].frame, detections, chosen.overlay)
    where = f"in {len(tables)} frames, {1e3 * seconds / max(len(tables), 1):.1f} ms per frame"
    _say(f"{chosen.output}: {len(detections)} detections {where}")
    if not complete:
        print(f"growtrack: cancelled after {len(tables)} of {len(frames)} frames; they are kept.", file=sys.stderr)
    return 0 if complete else CANCELLED


def score(chosen: Arguments) -> None:
    """Compare detections with the truth."""
    from .core.scoring import score as score_tables
    from .core.scoring import thesis_score
    from .core.tables import read_table

    truth, detections = read_table(chosen.truth), read_table(chosen.detections)
    result = score_tables(truth, detections, chosen.within)
    thesis = thesis_score(truth, detections) if "radius" in truth else None
    if chosen.json:
        both = {**json.loads(result.to_json()), "thesis": thesis and json.loads(thesis.to_json())}
        print(json.dumps(_no_nan(both), indent=2))
        return
    _say(f"one to one within {result.within:g} px: {result}")
    if thesis:
        _say(
            f"the thesis's measures: missed {thesis.missed:.1%}, false {thesis.false:.1%}, "
            f"median error {thesis.median_error:.3f} px, mean {thesis.mean_error:.3f} px"
        )


def networks(chosen: Arguments) -> None:
    """List the bundled networks, or show one network's card."""
    from .core.archive import read_card
    from .core.networks import network_path
    from .core.zoo import bundled

    if chosen.show:
        _say(str(read_card(network_path(chosen.show))))
        return
    for name, path in bundled().items():
        card = read_card(path)
        _say(f"{name:10} {card.recipe.about}\n{_in_short(card)}")
    _say("Show a card: growtrack networks show NAME")


def benchmark(chosen: Arguments) -> None:
    """Run a benchmark and print its table."""
    from .core.benchmarks import CASES, run

    if chosen.name == "list":
        for name, case in CASES.items():
            _say(f"{name:10} {case.about}")
        return
    for name in CASES if chosen.name == "all" else (chosen.name,):
        with _quiet_import():
            from .core import networks as _  # noqa: F401
        _say(run(name, chosen.scale, chosen.output))


# Pieces ---------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    print(text, flush=True)


def _in_short(card: Card) -> str:
    """Return what each stage costs and reaches, one line a stage."""
    lines = []
    for stage in range(1, card.plan.stages + 1):
        errors = [f"{r.median_error:.2f} px at SNR {r.snr:g}" for r in card.reports if r.stage == stage]
        lines.append(f"{'':10} stage {stage}: {card.plan.describe(stage)}; error {', '.join(errors) or 'not measured'}")
    return "\n".join(lines)


def _network(name: str) -> Network:
    with _quiet_import():
        from .core.networks import load_network, network_path

        path = network_path(name)
    with _quiet_import():
        return load_network(path)


def _recipe(chosen: Arguments) -> Recipe:
    from .core.card import Recipe
    from .core.errors import SettingsError
    from .core.simulation import named_scene

    if chosen.recipe:
        return Recipe.from_file(chosen.recipe)
    if not chosen.scene:
        raise SettingsError("Expected --scene NAME or --recipe FILE.json. See growtrack grow --help.")
    scene = named_scene(chosen.scene)
    if chosen.snr:
        scene = scene.with_(snr=(min(chosen.snr), max(chosen.snr)))
    return Recipe(
        name=Path(chosen.output).stem,
        about=f"Grown on the scene {scene.name}. {scene.about}",
        plan=_plan(chosen.plan),
        scene=scene,
        schedule=_schedule(chosen),
        seed=chosen.seed,
    )


def _plan(name: str) -> Any:
    from .core.errors import SettingsError
    from .core.growth.plan import Plan

    if name == "depth":
        return Plan.depth()
    if name == "breadth":
        return Plan.breadth((4, 8, 16, 8, 8), (8, 16, 32, 16, 16), (16, 32, 64, 32, 32))
    if Path(name).suffix == ".json":
        return Plan.from_file(name)
    raise SettingsError(f"There is no plan {name!r}. Choose depth, breadth, or a .json file.")


def _schedule(chosen: Arguments) -> Any:
    from .core.growth.schedule import Schedule

    if chosen.schedule == "thesis":
        return Schedule.thesis()
    return Schedule(minutes=chosen.minutes, together=not chosen.one_by_one)


def _save_detections(
    tables: list[Any], chosen: Arguments, network: Network, cascade: Cascade, stack: Stack
) -> pd.DataFrame:
    from .core.detection import collect
    from .core.files import write_or_rescue
    from .core.tables import write_table

    detections = collect(found.table for found in tables)
    recipe = {
        **_signature(),
        "film": stack.name,
        "frames": [found.frame for found in (*tables[:1], *tables[-1:])],
        "network": {"name": network.card.name, "from": str(chosen.network), "seed": network.card.recipe.seed},
        "settings": cascade.model_dump(),
    }
    write_or_rescue(chosen.output, lambda path: write_table(detections, path, recipe))
    return detections


def _save_overlay(stack: Stack, frame: int, detections: pd.DataFrame, path: str) -> None:
    from .core.pictures import overlay, save

    mine = detections[detections.frame == frame]
    save(overlay(stack[frame], mine, title=f"{stack.name}, frame {frame}: {len(mine)} found"), path)
    _say(f"{path}: frame {frame} with its detections")


def _signature() -> dict[str, str]:
    from .core.version import package_version

    return {"program": "napari-growtrack", "version": package_version()}


def _no_nan(values: Any) -> Any:
    """Replace nan, which JSON does not know, by null."""
    if isinstance(values, dict):
        return {key: _no_nan(value) for key, value in values.items()}
    return None if isinstance(values, float) and values != values else values


def _kept(steps: Iterator[Any]) -> tuple[list[Any], bool]:
    """Collect steps; on Ctrl-C return those done so far, and False."""
    done: list[Any] = []
    try:
        for step in steps:
            done.append(step)
    except KeyboardInterrupt:
        return done, False
    return done, True


def _bar(steps: Iterator[Any], total: int, doing: str, unit: str) -> Iterator[Any]:
    from tqdm import tqdm

    return iter(tqdm(steps, total=total, desc=doing, unit=f" {unit}", leave=False, disable=None))


def _frames_bar(steps: Iterator[Any], total: int) -> Iterator[Any]:
    return _bar(steps, total, "tracking", "frame")


def _watched(making: Any) -> Any:
    """Follow the making of a network with a progress bar and return it."""
    from tqdm import tqdm

    layout = "{desc:45.45} {percentage:3.0f}%|{bar}| {elapsed} gone, {postfix}"
    with tqdm(total=1000, bar_format=layout, disable=None) as bar:
        while True:
            try:
                step = next(making)
            except StopIteration as end:
                return end.value
            bar.n = round(1000 * step.fraction)
            bar.set_description_str(step.doing, refresh=False)
            bar.set_postfix_str(f"{step.seconds_left:.0f} s left")


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Hold back what Keras's backend writes on stderr while it is loaded; show it if loading fails."""
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # no stderr to speak of
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except ImportError:
            sink.seek(0)
            os.write(saved, sink.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


# Parser ---------------------------------------------------------------------------------------------------------


def _slice(text: str) -> slice:
    """Read frames as FIRST:LAST, the last one not included, as in Python."""
    parts = text.split(":")
    if len(parts) == 1:
        return slice(int(text), int(text) + 1 or None)
    return slice(*(int(part) if part else None for part in parts))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="growtrack",
        description="Find particles in microscopy films with networks that are grown stage by stage.",
        epilog="Begin with `growtrack demo`. Help on a command: growtrack COMMAND --help.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_demo, _add_simulate, _add_grow, _add_track, _add_score, _add_networks, _add_benchmark):
        add(commands)
    return parser


def _command(commands: Any, run: Callable[[Arguments], int | None], **about: Any) -> argparse.ArgumentParser:
    command = commands.add_parser(run.__name__, help=(run.__doc__ or "").rstrip("."), description=run.__doc__, **about)
    command.set_defaults(run=run)
    return command


def _add_demo(commands: Any) -> None:
    command = _command(commands, demo)
    command.add_argument(
        "film", nargs="?", metavar="FILM", help="your film (TIFF or video); without it, a simulated one"
    )
    command.add_argument("-n", "--network", default="vesicles", metavar="NAME|FILE", help="default: %(default)s")
    command.add_argument("-o", "--output", default="demo", metavar="FOLDER", help="default: %(default)s")
    command.add_argument(
        "--frames", type=_positive, default=60, metavar="N", help="frames at most, default: %(default)s"
    )


def _add_simulate(commands: Any) -> None:
    command = _command(
        commands, simulate, epilog="Scenes: default, vesicles, trapped, film, beads, table42, species, empty."
    )
    command.add_argument("scene", metavar="SCENE", help="a named scene, or a .json file")
    command.add_argument("-o", "--output", required=True, metavar="FILM.tif", help="film to write (float32 TIFF)")
    command.add_argument("--truth", metavar="TRUTH.csv", help="true positions to write")
    command.add_argument("--frames", type=_positive, default=100, metavar="N", help="default: %(default)s")
    command.add_argument(
        "--size", type=_positive, nargs=2, default=(251, 251), metavar=("H", "W"), help="pixels, default: 251 251"
    )
    command.add_argument(
        "--particles", type=int, metavar="N", help="particles in a frame; default: by the scene's density"
    )
    command.add_argument("--snr", type=float, metavar="S", help="signal-to-noise ratio; default: the scene's")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    command.add_argument("--diffusion", type=float, default=0.5, metavar="D", help="px^2 a frame, default: %(default)s")
    command.add_argument(
        "--drift", type=float, nargs=2, default=(0.0, 0.0), metavar=("DY", "DX"), help="px a frame, default: none"
    )
    command.add_argument("--independent", action="store_true", help="scatter the particles anew in every frame")


def _add_grow(commands: Any) -> None:
    command = _command(commands, grow)
    command.add_argument("--scene", metavar="SCENE", help="a named scene, or a .json file")
    command.add_argument(
        "--snr", type=float, nargs="+", metavar="S", help="signal-to-noise ratio, one value or a range"
    )
    command.add_argument(
        "--plan", default="depth", metavar="PLAN", help="depth, breadth or a .json file; default: depth"
    )
    how = command.add_mutually_exclusive_group()
    how.add_argument("--minutes", type=float, default=5, metavar="M", help="time for growing, default: %(default)s")
    how.add_argument("--schedule", choices=["thesis"], help="the thesis's own schedule (hours)")
    command.add_argument("--one-by-one", action="store_true", help="one stage after the other, not side by side")
    command.add_argument("--recipe", metavar="FILE.json", help="everything above from a file")
    command.add_argument("-o", "--output", required=True, metavar="NET.growtrack", help="network to write")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")


def _add_track(commands: Any) -> None:
    command = _command(commands, track)
    command.add_argument("film", metavar="FILM", help="TIFF or video")
    command.add_argument("-n", "--network", default="vesicles", metavar="NAME|FILE", help="default: %(default)s")
    command.add_argument("--stage", type=int, metavar="S", help="stage that answers; default: the last")
    command.add_argument("--screen", type=int, metavar="S", help="stage that screens; default: the cheapest good one")
    command.add_argument("--faithful", action="store_true", help="the thesis's cascade instead of recentred windows")
    command.add_argument("--frames", type=_slice, default=slice(None), metavar="A:B", help="frames A up to B, from 0")
    command.add_argument(
        "-o", "--output", default="detections.csv", metavar="DETECTIONS.csv", help="default: %(default)s"
    )
    command.add_argument("--overlay", metavar="PICTURE.png", help="picture of the first frame with its detections")


def _add_score(commands: Any) -> None:
    command = _command(commands, score)
    command.add_argument("detections", metavar="DETECTIONS.csv")
    command.add_argument("truth", metavar="TRUTH.csv")
    command.add_argument(
        "--within", type=float, default=5.0, metavar="PX", help="farthest a pair may be apart, default: 5"
    )
    command.add_argument("--json", action="store_true", help="numbers for programs")


def _add_networks(commands: Any) -> None:
    command = _command(commands, networks)
    more = command.add_subparsers(metavar="show NAME")
    command.set_defaults(show=None)
    one = more.add_parser("show", help="show a network's card")
    one.add_argument("show", metavar="NAME|FILE")


def _add_benchmark(commands: Any) -> None:
    command = _command(commands, benchmark)
    command.add_argument("name", metavar="NAME", help="a benchmark, `all`, or `list`")
    command.add_argument("--scale", choices=["smoke", "laptop"], default="laptop", help="default: %(default)s")
    command.add_argument("-o", "--output", metavar="FOLDER", help="also write the results as JSON here")


if __name__ == "__main__":
    sys.exit(main())
