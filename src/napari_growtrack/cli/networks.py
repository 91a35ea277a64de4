"""Commands about networks: grow, list, show, calibrate, import, export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .console import load_backend, quiet_import, say, watched

if TYPE_CHECKING:
    from ..core.networks.card import Card
    from ..core.networks.load import Network
    from ..jobs.growing import SavedNetwork

Arguments = argparse.Namespace


def grow(chosen: Arguments) -> None:
    """Grow a network and save it with thresholds and a report."""
    from ..core.errors import GrowtrackError
    from ..core.files.holding import check_free
    from ..jobs.growing import check_network

    check_network(chosen.output)
    check_free(chosen.output)
    with quiet_import():
        from ..core.growth import training as _  # noqa: F401  (brings Keras)
        from .growing import begin
    job = begin(chosen)
    scene = job.recipe.scene
    say(
        f"Growing {job.recipe.name} on {f'the scene {scene.name}' if scene else job.recipe.dataset}:\n{job.recipe.plan}"
    )
    try:
        saved = watched(job.steps())
    except (KeyboardInterrupt, GrowtrackError) as stop:
        if job.kept.exists() and (isinstance(stop, KeyboardInterrupt) or not chosen.resume):
            say(f"\nWhat was grown is kept in {job.kept}. Go on with: {_going_on(chosen)}")
        raise
    stages, wanted = saved.card.plan.stages, job.recipe.plan.stages
    if stages < wanted:
        say(f"\nGrowing ended at stage {stages} of {wanted}: it was enough.")
    _ready(saved)


def networks(_: Arguments) -> None:
    """List the bundled networks."""
    from ..core.networks.archive import read_card
    from ..core.networks.bundled import bundled

    for name, path in bundled().items():
        card = read_card(path)
        say(f"{name:10} {card.recipe.about}\n{_in_short(card)}")
    say("Show a network's card: growtrack show NAME")


def show(chosen: Arguments) -> None:
    """Show a network: its growth table, costs, errors and history."""
    from ..core.networks.archive import read_card
    from ..core.networks.load import network_path

    card = read_card(network_path(chosen.network))
    say(str(card))
    if chosen.output:
        with quiet_import():
            from ..core.insight import write_insight
        for path in write_insight(_network(chosen.network), chosen.output, say=say):
            say(str(path))


def import_(chosen: Arguments) -> None:
    """Make a network of DeepTrack 1.0 ready to track with."""
    from ..core.simulation import named_scene

    with quiet_import():
        from ..jobs.growing import ImportDeepTrack
    _ready(watched(ImportDeepTrack(chosen.file, chosen.output, named_scene(chosen.scene), chosen.box).steps()))


def calibrate(chosen: Arguments) -> None:
    """Find a network's thresholds again, and measure what it reaches; its weights stay."""
    from ..jobs.growing import Calibrate

    _ready(watched(Calibrate(chosen.network, chosen.output).steps(), lambda _: load_backend()))


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
    say(f"{chosen.output}: stage {chosen.stage or network.stages} of {network.card.name}")


def _export_table(chosen: Arguments) -> None:
    from ..core.files import check_apart
    from ..core.tables import PROGRAM, check_table, read_recipe, read_table, write_table

    check_apart(chosen.what, chosen.output)
    check_table(chosen.output)
    table, recipe = read_table(chosen.what), {"program": PROGRAM} | (read_recipe(chosen.what) or {})
    told = {name: getattr(chosen, name) for name in ("pixel_size", "frame_time")}
    write_table(table, chosen.output, recipe | {name: value for name, value in told.items() if value is not None})
    say(f"{chosen.output}: {len(table)} rows, {', '.join(map(str, table))}")


def _ready(saved: SavedNetwork) -> None:
    """Say what a network is that was saved, and how to use it."""
    how = f": growtrack track FILM -n {saved.path}" if saved.card.recipe.scene else ""
    say(f"\n{saved.card}\n\n{saved.path} is ready{how}")


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


def _network(name: str) -> Network:
    from ..core.networks.load import load_network

    load_backend()
    return load_network(name)
