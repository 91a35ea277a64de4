"""The command line: everything the panels do, without a screen."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import told_of
from .arguments import build_parser
from .console import FramesBar, bar, frames_bar, quiet_import, told_of_compiling, told_on_stderr, watched
from .terminal import heard

if TYPE_CHECKING:
    import numpy as np

    from ..core.networks.card import Card
    from ..core.networks.load import Network
    from ..core.scene_estimate import Likeness
    from ..jobs import Begun, TrackedTable

Arguments = argparse.Namespace

CANCELLED = 130
_MOST_PIXELS = 2**28
"""Of a frame that is simulated."""


@heard
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 refused, 2 wrong usage, 130 cancelled.

    It is 141 where whoever read what was said has left.
    """
    from ..core.errors import GrowtrackError, GrowtrackWarning

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of what is meant to be
    chosen = build_parser(COMMANDS).parse_args(arguments)
    try:
        with told_of_compiling(), warnings.catch_warnings():
            warnings.simplefilter("always", GrowtrackWarning)
            warnings.showwarning = _show_warning
            return chosen.run(chosen) or 0
    except GrowtrackError as error:
        print(f"growtrack: {_reason(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ngrowtrack: cancelled.", file=sys.stderr)
        return CANCELLED
    except Exception as error:
        print(f"growtrack: {told_of(error)}", file=sys.stderr)
        return 1


def _reason(error: BaseException) -> str:
    """Return what to say of an error; what is switched on in Python by an argument, here is by an option."""
    from ..core.errors import GrowtrackError

    told = str(error) if isinstance(error, GrowtrackError) else told_of(error)
    return re.sub(r"\b(resume|anew)=True", r"--\1", told)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    from ..core.errors import GrowtrackWarning

    if issubclass(category, GrowtrackWarning):
        print(f"growtrack: {message}", file=sys.stderr)


# Commands -------------------------------------------------------------------------------------------------------


def demo(chosen: Arguments) -> None:
    """Track a film and leave film, tables, picture and score in a folder."""
    with quiet_import():
        from ..jobs.demo import SHAPE, run_demo
    from ..core.films import open_stack
    from ..core.tables import check_table

    if chosen.film:
        open_stack(chosen.film, time_axis=chosen.time_axis).close()
    else:
        _check_film(Path(chosen.output) / "film.tif", chosen.frames, SHAPE)
    check_table(Path(chosen.output) / "detections.csv")
    network = _network(chosen.network)
    run_demo(network, Path(chosen.output), chosen.film, _say, frames_bar, chosen.frames, chosen.time_axis)


def simulate(chosen: Arguments) -> None:
    """Write a simulated film and its truth."""
    import numpy as np

    from ..core.files import check_apart
    from ..core.films.writing import write_film
    from ..core.packages.version import package_version
    from ..core.simulation import Motion, iter_film, named_scene
    from ..core.tables import PROGRAM, check_table, write_table

    scene = named_scene(chosen.scene)
    if chosen.snr is not None:
        scene = scene.with_(snr=chosen.snr)
    motion = None if chosen.independent else Motion(diffusion=chosen.diffusion, drift=tuple(chosen.drift))
    shape = (chosen.size[0], chosen.size[1])
    check_apart(chosen.output, chosen.truth)
    _check_film(chosen.output, chosen.frames, shape)
    if chosen.truth:
        check_table(chosen.truth)
    film = iter_film(scene, chosen.frames, shape, np.random.default_rng(chosen.seed), chosen.particles, motion)
    watched_film = bar(film, chosen.frames, "simulating", "frame")
    truth = write_film(watched_film, chosen.frames, shape, chosen.output)
    _say(f"{chosen.output}: {chosen.frames} frames of {shape[0]} x {shape[1]} px")
    if chosen.truth:
        recipe = {
            "program": PROGRAM,
            "version": package_version(),
            "scene": json.loads(scene.to_json()),
            "motion": motion and motion.model_dump(),
            "seed": chosen.seed,
        }
        write_table(truth, chosen.truth, recipe)
        _say(f"{chosen.truth}: {len(truth)} true positions")


def match(chosen: Arguments) -> None:
    """Describe a film's particles, by a few you point at, as a scene to simulate and to grow on."""
    from ..core.files import check_apart, write_whole
    from ..core.films import open_stack
    from ..core.scene_estimate import match_film

    check_apart(chosen.film, chosen.points, chosen.output, chosen.picture)
    _check_scene(chosen.output)
    _check_picture(chosen.picture)
    with open_stack(chosen.film, chosen.channel, chosen.z, chosen.time_axis) as stack:
        found = match_film(stack, _clicked(chosen), chosen.name or Path(chosen.output).stem, diameter=chosen.diameter)
    write_whole(chosen.output, lambda file: file.write(found.scene.to_json().encode()))
    _say(f"{chosen.output}: {found}\nWhat the fits leave is {found.residual:.1f} times the noise; 1 is perfect.")
    if chosen.picture:
        _save_likeness(found, chosen.picture)


def grow(chosen: Arguments) -> None:
    """Grow a network and save it with thresholds and a report."""
    from ..core.files.holding import Hold

    _check_network(chosen.output)
    with Hold(chosen.output):
        _grow(chosen)


def _grow(chosen: Arguments) -> None:
    from ..core.errors import GrowtrackError
    from ..core.files import write_or_rescue
    from .growing import begin

    with quiet_import():
        from ..core.growth import training as _  # noqa: F401  (brings Keras)
        from ..core.networks.build import iter_make
    job = begin(chosen)
    _say(f"Growing {job.recipe.name} on {job.teacher}:\n{job.recipe.plan}")
    try:
        network = watched(iter_make(job.recipe, job.data, job.start, job.kept, chosen.resume))
    except (KeyboardInterrupt, GrowtrackError) as stop:
        if job.kept.exists() and (isinstance(stop, KeyboardInterrupt) or not chosen.resume):
            _say(f"\nWhat was grown is kept in {job.kept}. Go on with: {_going_on(chosen)}")
        raise
    write_or_rescue(chosen.output, network.save)
    job.kept.unlink(missing_ok=True)
    if network.plan.stages < job.recipe.plan.stages:
        _say(f"\nGrowing ended at stage {network.plan.stages} of {job.recipe.plan.stages}: it was enough.")
    ready = f": growtrack track FILM -n {chosen.output}" if job.recipe.scene else ""
    _say(f"\n{network.card}\n\n{chosen.output} is ready{ready}")


def track(chosen: Arguments) -> int:
    """Track films and write their detections."""
    from ..core.films import films_in

    films = [str(film) for told in chosen.films for film in films_in(told) or [told]]
    if films == chosen.films and len(films) == 1:
        return _track(chosen, films[0], chosen.output)
    return _track_each(chosen, films)


def _track_each(chosen: Arguments, films: list[str]) -> int:
    """Track several films into a folder, a table each; one that cannot be tracked does not stop the others."""
    from ..core.errors import OutputError

    if chosen.overlay:
        raise OutputError("A picture is drawn of one film. Leave --overlay out, or give one film.")
    outputs = {film: Path(chosen.output) / f"{Path(film).stem}.csv" for film in films}
    if len(set(outputs.values())) < len(films):
        raise OutputError("Two films have the same name, and so would their tables. Track them into different folders.")
    failed = 0
    for film, output in outputs.items():
        try:
            code = _track(chosen, film, str(output))
        except Exception as error:  # whatever ended one is no reason to leave out the others
            print(f"growtrack: {film}: {_reason(error)}", file=sys.stderr)
            code = 1
        if code == CANCELLED:
            return code
        failed += code != 0
    if failed:
        print(f"growtrack: {failed} of {len(outputs)} films could not be tracked to their end.", file=sys.stderr)
    return int(failed > 0)


def _track(chosen: Arguments, film: str, output: str) -> int:
    from ..core.detection import FrameDetections
    from ..core.files import check_apart
    from ..core.progress import finish
    from ..jobs import Begun, TrackToTable

    check_apart(film, output, chosen.overlay)
    _check_picture(chosen.overlay)
    if chosen.threads:
        os.environ["GROWTRACK_THREADS"] = str(chosen.threads)
    same = {name: vars(chosen)[name] for name in (field.name for field in fields(TrackToTable)) if name in vars(chosen)}
    job = TrackToTable(film, output, fit=not chosen.no_polish, **same)
    with FramesBar() as shown:

        def watch(step: Begun | FrameDetections) -> None:
            if isinstance(step, Begun):
                _check_overlay_frame(chosen, step)
                _load_backend()
                shown.total = len(step.frames) - step.done
            else:
                shown.advance()

        result = finish(job.steps(), watch)
    if chosen.overlay and result.in_place:
        _save_overlay(result, film, chosen)
    if result.in_place:
        number = len(result.frames)
        _say(f"{output}: {result.rows} detections in {number} frames, {result.milliseconds:.1f} ms per frame")
    return _stopped(result)


def score(chosen: Arguments) -> None:
    """Compare detections with the truth."""
    from ..core.scoring import score as score_tables
    from ..core.scoring import thesis_score
    from ..core.tables import read_table

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


def link(chosen: Arguments) -> None:
    """Link detections to trajectories."""
    from ..core.files import check_apart
    from ..core.linking import Linking, drop_doubtful, iter_linkage, story_of, suggest_radius
    from ..core.tables import check_table, read_recipe, read_table, write_table

    check_apart(chosen.detections, chosen.output)
    check_table(chosen.output)
    detections = read_table(chosen.detections)
    asked = {"search_radius": chosen.radius, "memory": chosen.memory, "min_length": chosen.min_length}
    given = {name: value for name, value in asked.items() if value is not None}
    linking = Linking(keep_repeats=chosen.keep_repeats, **given)
    if linking.search_radius is None:
        suggestion = suggest_radius(detections, linking.keep_repeats)
        _say(f"Search radius {suggestion.radius:.3g} px. {suggestion.reason}")
        linking = linking.with_(search_radius=suggestion.radius)
    linkage = watched(iter_linkage(detections, linking), at_once=True)
    for told in (linkage.left_out, linkage.warning):
        if told:
            _say(told)
    kept_ = drop_doubtful(linkage.trajectories, chosen.max_distance, chosen.min_significance)
    detected: dict[str, Any] = read_recipe(chosen.detections) or {}
    name = Path(chosen.detections).name
    recipe = story_of(linkage, name, detected, detected, chosen.max_distance, chosen.min_significance)
    write_table(kept_, chosen.output, recipe)
    lengths = kept_.groupby("particle").size()
    typical = f", {lengths.median():g} detections long typically" if len(lengths) else ""
    _say(f"{chosen.output}: {len(lengths)} trajectories of {len(kept_)} of {len(detections)} detections{typical}")


def motion(chosen: Arguments) -> None:
    """Tell diffusion, localisation error, drift and trap stiffness of trajectories, each with its interval."""
    from ..core.motion import Units
    from ..core.motion.report import report_motion, write_motion
    from ..core.tables import read_recipe, read_table

    known: dict[str, Any] = read_recipe(chosen.trajectories) or {}
    given = {name: getattr(chosen, name) for name in ("pixel_size", "frame_time")}
    told = {name: known.get(name) if value is None else value for name, value in given.items()}
    units = Units.told(chosen.exposure, **told, exposure_time=known.get("exposure_time"))
    trajectories = read_table(chosen.trajectories, ("frame", "y", "x", "particle"))
    report = report_motion(trajectories, units, chosen.remove_drift, chosen.trap, chosen.temperature)
    if chosen.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        _say(str(report))
        if report.drift.is_sure and report.drift.trajectories > 1 and not chosen.remove_drift:
            _say("The particles drift in common; --remove-drift takes it away, which D gains from.")
    if chosen.output:
        for path in write_motion(trajectories, chosen.output, units, chosen.remove_drift):
            print(path, file=sys.stderr if chosen.json else sys.stdout)


def networks(_: Arguments) -> None:
    """List the bundled networks."""
    from ..core.networks.archive import read_card
    from ..core.networks.bundled import bundled

    for name, path in bundled().items():
        card = read_card(path)
        _say(f"{name:10} {card.recipe.about}\n{_in_short(card)}")
    _say("Show a network's card: growtrack show NAME")


def show(chosen: Arguments) -> None:
    """Show a network: its growth table, costs, errors and history."""
    from ..core.networks.archive import read_card
    from ..core.networks.load import network_path

    card = read_card(network_path(chosen.network))
    _say(str(card))
    if chosen.output:
        with quiet_import():
            from ..core.insight import write_insight
        for path in write_insight(_network(chosen.network), chosen.output, say=_say):
            _say(str(path))


def import_(chosen: Arguments) -> None:
    """Make a network of DeepTrack 1.0 ready to track with."""
    from ..core.simulation import named_scene

    scene = named_scene(chosen.scene)
    _check_network(chosen.output)
    with quiet_import():
        from ..core.networks.build import iter_import
    network = watched(iter_import(chosen.file, scene, chosen.box))
    _keep(network, chosen.output)


def calibrate(chosen: Arguments) -> None:
    """Find a network's thresholds again, and measure what it reaches; its weights stay."""
    _check_network(chosen.output)
    with quiet_import():
        from ..core.networks.build import iter_calibrate
    network = watched(iter_calibrate(_network(chosen.network)))
    _keep(network, chosen.output)


def export(chosen: Arguments) -> None:
    """Write a stage as a Keras or ONNX model, or a table in another format, for other programs."""
    from ..core.files import check_writable
    from ..core.tables import SUFFIXES

    if Path(chosen.what).suffix.lower() in SUFFIXES:
        _export_table(chosen)
        return
    check_writable(chosen.output)
    with quiet_import():
        from ..core.growth.export import export as write_model
    network = _network(chosen.what)
    with quiet_import():
        write_model(network.grown, chosen.output, chosen.stage)
    _say(f"{chosen.output}: stage {chosen.stage or network.stages} of {network.card.name}")


def _export_table(chosen: Arguments) -> None:
    from ..core.files import check_apart
    from ..core.tables import PROGRAM, check_table, read_recipe, read_table, write_table

    check_apart(chosen.what, chosen.output)
    check_table(chosen.output)
    table, recipe = read_table(chosen.what), {"program": PROGRAM} | (read_recipe(chosen.what) or {})
    told = {name: getattr(chosen, name) for name in ("pixel_size", "frame_time")}
    write_table(table, chosen.output, recipe | {name: value for name, value in told.items() if value is not None})
    _say(f"{chosen.output}: {len(table)} rows, {', '.join(map(str, table))}")


def benchmark(chosen: Arguments) -> None:
    """Run a benchmark and print what came out."""
    with quiet_import():
        from ..core.benchmarks import CASES, iter_case, refusal
        from ..core.growth import backend as _  # noqa: F401  (brings Keras)

    if chosen.name == "list":
        _list_benchmarks()
        return
    if chosen.name == "pages":
        _write_pages(chosen.output)
        return
    with told_on_stderr():
        for name in CASES if chosen.name == "all" else (chosen.name,):
            reason = refusal(name, CASES[name], chosen.scale, chosen.data) if chosen.name == "all" else None
            if reason is not None:
                _say(f"{name} is left out. {reason}\n")
                continue
            steps = iter_case(name, chosen.scale, chosen.output, chosen.data)
            _say(f"{watched(steps, at_once=True)}\n")


def _write_pages(folder: str | None) -> None:
    from ..core.benchmarks.pages import write_pages
    from ..core.errors import OutputError

    if folder is None:
        raise OutputError("The pages are made of the results in a folder. Give it with -o.")
    for path in write_pages(folder):
        _say(str(path))


def _list_benchmarks() -> None:
    from ..core.benchmarks import CASES

    for name, case in CASES.items():
        shown = f" ({', '.join(case.shows)})" if case.shows else ""
        needs = f"; needs {', '.join(map(str, case.needs))}" if case.needs else ""
        _say(f"{name:15} {case.about}{shown}{needs}")
    _say("\nNumbers are figures and tables of the thesis; a benchmark can be called by them, too.")


# Pieces ---------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    print(text, flush=True)


def _keep(network: Network, path: str) -> None:
    """Save a network for tracking, and say what it is and how to use it."""
    from ..core.files import write_or_rescue

    write_or_rescue(path, network.save)
    _say(f"{network.card}\n\n{path} is ready: growtrack track FILM -n {path}")


def _check_film(path: str | os.PathLike[str], frames: int, shape: tuple[int, int]) -> None:
    """Refuse a film that no memory or disk would hold, before it is drawn."""
    from ..core.errors import SettingsError
    from ..core.files import check_room, check_writable

    height, width = shape
    if height * width > _MOST_PIXELS:
        raise SettingsError(
            f"A frame of {height} x {width} px takes {4 * height * width / 2**30:.3g} GiB of memory for its pixels "
            f"alone. Expected a --size of up to {_MOST_PIXELS:.2g} pixels, which take 1 GiB."
        )
    check_room(path, 4 * frames * height * width)
    check_writable(path, "a film", (".tif", ".tiff"))


def _check_network(path: str) -> None:
    from ..core.files import check_writable
    from ..core.networks.archive import SUFFIX

    check_writable(path, "a network", (SUFFIX,))


def _check_picture(path: str | None) -> None:
    from ..core.files import check_writable

    if path is not None:
        check_writable(path, "a picture", (".png", ".pdf", ".svg"))


def _check_scene(path: str) -> None:
    """Refuse a place where no scene can be written, or where something else lies, as how a table was made."""
    from ..core.errors import OutputError, SettingsError
    from ..core.files import check_writable
    from ..core.simulation import Scene

    check_writable(path, "a scene", (".json",))
    if Path(path).exists():
        try:
            Scene.from_file(path)
        except SettingsError as error:
            raise OutputError(f"Cannot write {path}: what is there is no scene. Choose another name.") from error


def _clicked(chosen: Arguments) -> np.ndarray:
    """Return where particles are, (n, 3), as typed, or from a table of ours or of napari's."""
    import numpy as np

    from ..core.tables import check, read_table

    if chosen.at:
        return np.array(chosen.at)
    table = read_table(chosen.points, ()).rename(columns={"axis-0": "frame", "axis-1": "y", "axis-2": "x"})
    return check(table)[["frame", "y", "x"]].to_numpy()


def _save_likeness(likeness: Likeness, path: str) -> None:
    from ..core.figures.pictures import save
    from ..core.scene_estimate.picture import side_by_side

    save(side_by_side(likeness), path)
    _say(f"{path}: the film's particles above simulated ones")


def _going_on(chosen: Arguments) -> str:
    dataset = f" --dataset {chosen.dataset}" if chosen.dataset else ""
    return f"growtrack grow --resume{dataset} -o {chosen.output}"


def _in_short(card: Card) -> str:
    """Return what each stage costs and reaches, one line a stage."""
    lines = []
    for stage in range(1, card.plan.stages + 1):
        mine = [r for r in card.reports if r.stage == stage]
        reached = [f"{r.found:.0%} found to {r.median_error:.2f} px at SNR {r.snr:g}" for r in mine]
        lines.append(f"{'':10} stage {stage}: {card.plan.describe(stage)}; {', '.join(reached) or 'not measured'}")
    return "\n".join(lines)


def _load_backend() -> None:
    """Import Keras and its backend, without what that writes on stderr."""
    with quiet_import():
        from ..core.growth import backend  # noqa: F401


def _network(name: str) -> Network:
    from ..core.networks.load import load_network

    _load_backend()
    return load_network(name)


def _check_overlay_frame(chosen: Arguments, begun: Begun) -> None:
    """Refuse a picture of a frame that is not tracked."""
    from ..core.errors import SettingsError

    frame, frames = chosen.overlay_frame, begun.frames
    if frame is not None and frame not in frames:
        raise SettingsError(f"Expected --overlay-frame from {frames[0]} to {frames[-1]}, got {frame}.")


def _stopped(result: TrackedTable) -> int:
    """Say what stopped a run, if anything, and return the exit code."""
    if result.stopped is None:
        return 0
    by_hand = isinstance(result.stopped, KeyboardInterrupt)
    how = "cancelled" if by_hand else f"{_reason(result.stopped)} Stopped"
    print(
        f"growtrack: {how} after {len(result.frames)} of {result.wanted} frames; they are kept. Go on with --resume.",
        file=sys.stderr,
    )
    return CANCELLED if by_hand else 1


def _save_overlay(result: TrackedTable, film: str, chosen: Arguments) -> None:
    """Draw the frame that was asked for, or else the one with the most detections."""
    from ..core.errors import GrowtrackWarning
    from ..core.figures.pictures import overlay, save
    from ..core.films import open_stack
    from ..core.tables import read_table

    detections = read_table(result.path)
    most = int(detections["frame"].mode().min()) if len(detections) else result.frames[0]
    frame = chosen.overlay_frame if chosen.overlay_frame in result.frames else most
    mine = detections[detections.frame == frame]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GrowtrackWarning)  # it was said when the film was opened to be tracked
        with open_stack(film, chosen.channel, chosen.z, chosen.time_axis) as stack:
            title = f"{stack.name}, frame {frame}: {len(mine)} found"
            save(overlay(stack[frame], mine, title=title, diameter=result.diameter), chosen.overlay)
    _say(f"{chosen.overlay}: frame {frame} with its detections")


def _no_nan(values: Any) -> Any:
    """Replace nan, which JSON does not know, by null."""
    if isinstance(values, dict):
        return {key: _no_nan(value) for key, value in values.items()}
    return None if isinstance(values, float) and values != values else values


COMMANDS = {
    command.__name__.rstrip("_"): command
    for command in (
        demo,
        simulate,
        match,
        grow,
        track,
        link,
        motion,
        score,
        networks,
        show,
        calibrate,
        import_,
        export,
        benchmark,
    )
}
