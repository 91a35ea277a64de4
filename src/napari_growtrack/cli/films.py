"""Commands about films: the demonstration, simulate, match, track."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import CANCELLED, FramesBar, load_backend, quiet_import, reason, say, watched

if TYPE_CHECKING:
    import numpy as np

    from ..core.detection import FrameDetections
    from ..core.scene_estimate import SceneEstimate
    from ..core.simulation import Motion
    from ..jobs import Begun, TrackedTable

Arguments = argparse.Namespace


def demo(chosen: Arguments) -> None:
    """Track a film and leave film, tables, picture and score in a folder."""
    from ..core.progress import finish

    with quiet_import():
        from ..jobs.context import Loading
        from ..jobs.demo import Demo, Said
        from ..jobs.track_to_table import Begun
    job = Demo(Path(chosen.output), chosen.film, chosen.network, chosen.frames, chosen.time_axis)
    with FramesBar() as shown:

        def watch(step: Any) -> None:
            if isinstance(step, Said):
                shown.close()
                say(step.text)
            elif isinstance(step, Loading):
                load_backend()
            elif isinstance(step, Begun):
                shown.total = len(step.frames)
            else:
                shown.advance()

        finish(job.steps(), watch)


def simulate(chosen: Arguments) -> None:
    """Write a simulated film and its truth."""
    from ..core.progress import finish
    from ..core.simulation import named_camera, named_scene
    from ..jobs.simulation import SimulateToFile

    scene = named_scene(chosen.scene)
    if chosen.snr is not None:
        scene = scene.with_(snr=chosen.snr)
    if chosen.camera is not None:
        scene = scene.with_(camera=named_camera(chosen.camera))
    motion = _motion(chosen)
    shape = (chosen.size[0], chosen.size[1])
    told = (chosen.truth, chosen.seed, chosen.particles, motion)
    job = SimulateToFile(chosen.output, scene, chosen.frames, shape, *told)
    with FramesBar("simulating", chosen.frames) as shown:
        truth = finish(job.steps(), lambda _: shown.advance())
    say(f"{chosen.output}: {chosen.frames} frames of {shape[0]} x {shape[1]} px")
    if chosen.truth:
        say(f"{chosen.truth}: {len(truth)} true positions")


def _motion(chosen: Arguments) -> Motion | None:
    """Return how particles move, blink and bleach; None where each frame is drawn anew."""
    from ..core.errors import SettingsError
    from ..core.simulation import Motion

    if not chosen.independent:
        drift, blinking = tuple(chosen.drift), chosen.blinking and tuple(chosen.blinking)
        return Motion(diffusion=chosen.diffusion, drift=drift, blinking=blinking, bleaching=chosen.bleaching)
    if chosen.blinking or chosen.bleaching:
        raise SettingsError("Particles that are scattered anew in every frame do not blink or bleach. Leave it out.")
    return None


def match(chosen: Arguments) -> None:
    """Describe a film's particles, by a few you point at or that are found, as a scene to simulate and to grow on."""
    from ..core.files import check_apart
    from ..core.networks.choice import Chosen
    from ..core.progress import finish
    from ..core.scene_estimate.match import POOR
    from ..jobs.scene_estimate import MatchToFile, check_scene

    check_apart(chosen.film, chosen.points, chosen.output, chosen.picture)
    check_scene(chosen.output)
    _check_picture(chosen.picture)
    told = (chosen.name, chosen.diameter, chosen.shape, chosen.channel, chosen.z, chosen.time_axis)
    if chosen.at or chosen.points:
        points = _clicked(chosen)
    else:
        points = None
        load_backend()
    job = MatchToFile(chosen.film, points, chosen.output, *told)
    found = finish(job.steps(), lambda step: say(str(step)) if isinstance(step, Chosen) else None)
    say(f"{chosen.output}: {found}\nWhat the fits leave is {found.residual:.1f} times the noise; 1 is perfect.")
    if points is None:
        say(f"These are found already: growtrack track {chosen.film}. Grow a network where its rings are wrong.")
    if found.residual > POOR:
        say("The particles look otherwise than such a scene shows them. Look at the --picture; try another --shape.")
    if chosen.picture:
        _save_likeness(found, chosen.picture)


def adapt(chosen: Arguments) -> None:
    """Grow the network that explains a film best one stage further on what its particles look like."""
    from ..core.networks.choice import Chosen
    from ..core.scene_estimate import SceneEstimate

    load_backend()
    with quiet_import():
        from ..jobs.scene_estimate import AdaptToFilm
    job = AdaptToFilm(chosen.film, chosen.output, chosen.minutes, chosen.channel, chosen.z, chosen.time_axis)
    result = watched(job.steps(), lambda step: say(str(step)) if isinstance(step, Chosen | SceneEstimate) else None)
    say(f"\n{result.chosen}\n{result.saved.path} is ready: growtrack track {chosen.film} -n {result.saved.path}")


def track(chosen: Arguments) -> int:
    """Track films and write their detections."""
    from ..core.errors import StackError
    from ..core.films import films_in

    if "" in chosen.films:
        raise StackError("Expected the name of a film, got an empty one.")
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
            print(f"growtrack: {film}: {reason(error)}", file=sys.stderr)
            code = 1
        if code == CANCELLED:
            return code
        failed += code != 0
    if failed:
        print(f"growtrack: {failed} of {len(outputs)} films could not be tracked to their end.", file=sys.stderr)
    return int(failed > 0)


def _track(chosen: Arguments, film: str, output: str) -> int:
    from ..core.files import check_apart
    from ..core.networks.choice import Chosen
    from ..core.progress import finish
    from ..core.tables import Limits
    from ..jobs import Begun, TrackToTable

    check_apart(film, output, chosen.overlay)
    _check_picture(chosen.overlay)
    if chosen.threads:
        os.environ["GROWTRACK_THREADS"] = str(chosen.threads)
    same = {name: vars(chosen)[name] for name in (field.name for field in fields(TrackToTable)) if name in vars(chosen)}
    job = TrackToTable(film, output, fit=not chosen.no_polish, limits=Limits.of(dict(chosen.limit)), **same)
    with FramesBar() as shown:

        def watch(step: Begun | Chosen | FrameDetections) -> None:
            if isinstance(step, Begun):
                _check_overlay_frame(chosen, step)
                load_backend()
                shown.total = len(step.frames) - step.done
            elif isinstance(step, Chosen):
                say(str(step))
            else:
                shown.advance()

        result = finish(job.steps(), watch)
    if chosen.overlay and result.in_place:
        _save_overlay(result, film, chosen)
    if result.in_place:
        number = len(result.frames)
        noise = "" if result.noise is None else f", of which about {result.noise:.2g} are expected to be noise"
        say(f"{output}: {result.rows} detections in {number} frames, {result.milliseconds:.1f} ms per frame{noise}")
    return _stopped(result)


def _check_picture(path: str | None) -> None:
    from ..core.files import check_writable

    if path is not None:
        check_writable(path, "a picture", (".png", ".pdf", ".svg"))


def _clicked(chosen: Arguments) -> np.ndarray:
    """Return where particles are, (n, 3), as typed, or from a table of ours or of napari's."""
    import numpy as np

    from ..core.tables import check, read_table

    if chosen.at:
        return np.array(chosen.at)
    table = read_table(chosen.points, ()).rename(columns={"axis-0": "frame", "axis-1": "y", "axis-2": "x"})
    return check(table)[["frame", "y", "x"]].to_numpy()


def _save_likeness(likeness: SceneEstimate, path: str) -> None:
    from ..core.figures.pictures import save
    from ..core.scene_estimate.picture import side_by_side

    save(side_by_side(likeness), path)
    say(f"{path}: the film's particles above simulated ones")


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
    how = "cancelled" if by_hand else f"{reason(result.stopped)} Stopped"
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
    say(f"{chosen.overlay}: frame {frame} with its detections")
