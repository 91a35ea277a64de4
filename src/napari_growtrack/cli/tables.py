"""Commands about tables: link, tracks, motion, score."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from .console import say, watched

if TYPE_CHECKING:
    from ..core.linking import Suggestion

Arguments = argparse.Namespace


def score(chosen: Arguments) -> None:
    """Compare detections, or trajectories, with the truth."""
    from ..core.scoring import score as score_tables
    from ..core.scoring import thesis_score
    from ..core.scoring.trajectories import score_tracks
    from ..core.tables import read_table

    truth, detections = read_table(chosen.truth), read_table(chosen.detections)
    result = score_tables(truth, detections, chosen.within)
    thesis = thesis_score(truth, detections) if "radius" in truth else None
    tracks = score_tracks(truth, detections) if "particle" in truth and "particle" in detections else None
    if chosen.json:
        both = {**json.loads(result.to_json()), "thesis": thesis and json.loads(thesis.to_json())}
        both["trajectories"] = tracks and json.loads(tracks.to_json())
        print(json.dumps(_no_nan(both), indent=2))
        return
    say(f"one to one within {result.within:g} px: {result}")
    if thesis:
        say(
            f"the thesis's measures: missed {thesis.missed:.1%}, false {thesis.false:.1%}, "
            f"median error {thesis.median_error:.3f} px, mean {thesis.mean_error:.3f} px"
        )
    if tracks:
        say(f"trajectories, by the ISBI challenge's measures within {tracks.gate:g} px: {tracks}")


def link(chosen: Arguments) -> None:
    """Link detections to trajectories."""
    from ..core.linking import Linking
    from ..jobs.linking import LinkTable

    asked = {
        "linker": chosen.linker,
        "search_radius": chosen.radius,
        "memory": chosen.memory,
        "min_length": chosen.min_length,
        "most_false": chosen.most_false,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    linking = Linking(keep_repeats=chosen.keep_repeats, directed=not chosen.undirected, **given)
    job = LinkTable(chosen.detections, chosen.output, linking, chosen.max_distance, chosen.min_significance)

    def told(suggestion: Suggestion) -> None:
        say(f"Search radius {suggestion.radius:.3g} px. {suggestion.reason}")

    linked = watched(job.steps(), told, at_once=True)
    for sentence in (linked.linkage.left_out, linked.linkage.doubts, linked.linkage.warning):
        if sentence:
            say(sentence)
    kept = linked.linkage.trajectories
    lengths = kept.groupby("particle").size()
    typical = f", {lengths.median():g} detections long typically" if len(lengths) else ""
    say(f"{linked.path}: {len(lengths)} trajectories of {len(kept)} of {linked.detections} detections{typical}")


def tracks(chosen: Arguments) -> None:
    """Tell of each trajectory how long, fast, straight and bright it is, and choose among them."""
    from ..core.motion.tracks import TrackLimits
    from ..jobs.tracks import MeasureTracks

    job = MeasureTracks(
        chosen.trajectories,
        chosen.output,
        TrackLimits.of(dict(chosen.limit)),
        chosen.kept,
        chosen.pixel_size,
        chosen.frame_time,
        chosen.exposure,
        chosen.remove_drift,
        chosen.exponent,
    )
    found = watched(job.steps(), at_once=True)
    for path in found.files:
        say(f"{path}: {len(found.tracks):,} of {found.measured:,} trajectories")


def motion(chosen: Arguments) -> None:
    """Tell diffusion, localisation error, drift and trap stiffness of trajectories, each with its interval."""
    from ..core.motion.tracks import TrackLimits
    from ..core.progress import finish
    from ..jobs.motion import MeasureTable

    job = MeasureTable(
        chosen.trajectories,
        chosen.output,
        chosen.pixel_size,
        chosen.frame_time,
        chosen.exposure,
        chosen.remove_drift,
        chosen.trap,
        chosen.temperature,
        TrackLimits.of(dict(chosen.limit)),
        chosen.states,
        chosen.viscosity,
        chosen.particle_radius,
        chosen.steps,
        chosen.confined,
    )
    report, files = finish(job.steps())
    if chosen.json:
        print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        say(str(report))
        if report.drift.is_sure and report.drift.trajectories > 1 and not chosen.remove_drift:
            say("The particles drift in common; --remove-drift takes it away, which D gains from.")
    for path in files:
        print(path, file=sys.stderr if chosen.json else sys.stdout)


def _no_nan(values: Any) -> Any:
    """Replace nan, which JSON does not know, by null."""
    if isinstance(values, dict):
        return {key: _no_nan(value) for key, value in values.items()}
    return None if isinstance(values, float) and values != values else values
