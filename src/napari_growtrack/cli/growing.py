"""From the words of `growtrack grow` to a recipe, the images it needs, and the network it begins with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.datasets import Augmentation, Dataset, load_dataset
from ..core.errors import SettingsError
from ..core.growth.plan import Plan
from ..core.growth.presets import PLANS
from ..core.growth.schedule import Schedule, Until
from ..core.networks.archive import SUFFIX, read_card
from ..core.networks.build import recipe_kept
from ..core.networks.bundled import bundled
from ..core.networks.card import Recipe
from ..core.networks.load import Network, load_network, network_path
from ..core.simulation import Scene, named_scene
from ..jobs.growing import KEPT, Grow

Data = tuple[Dataset, Dataset]
Chosen = argparse.Namespace

MOST_MINUTES = 365 * 24 * 60

_RUN = ("output", "dataset", "run")
_OF_A_SCENE = ("snr", "scene")
_OF_A_DATASET = ("epochs", "batch", "augment")


def begin(chosen: Chosen) -> Grow:
    """Return the job that the command's words ask for.

    Raises
    ------
    SettingsError
        When they contradict one another.
    """
    path = Path(chosen.output)
    kept = Path(f"{path}{KEPT}")
    if chosen.resume:
        return _resumed(chosen, path, kept)
    if kept.exists():
        raise SettingsError(
            f"{kept} keeps a run that was stopped. Add --resume to go on with it, or delete it to begin anew."
        )
    if chosen.recipe:
        _refuse_others(chosen, "recipe", _RUN, "A recipe holds scene, plan and schedule")
        recipe = _stored(chosen.recipe)
        return Grow(recipe, path, data=_images(chosen, recipe))
    _refuse_contradictions(chosen)
    start = load_network(chosen.start) if chosen.start else None
    data = load_dataset(chosen.dataset) if chosen.dataset else None
    return Grow(_recipe(chosen, data, start), path, start=start, data=data)


def _resumed(chosen: Chosen, path: Path, kept: Path) -> Grow:
    _refuse_others(chosen, "resume", _RUN, "A run that goes on keeps its recipe")
    if not kept.exists():
        raise SettingsError(f"There is no {kept} to go on with. Begin without --resume.")
    recipe = recipe_kept(kept)
    return Grow(recipe, path, data=_images(chosen, recipe), resume=True)


def _images(chosen: Chosen, recipe: Recipe) -> Data | None:
    if recipe.scene is not None:
        return None
    if not chosen.dataset:
        raise SettingsError(f"{recipe.name} learns from {recipe.dataset}. Give its --dataset again.")
    return load_dataset(chosen.dataset)


def _stored(name: str) -> Recipe:
    if Path(name).suffix == SUFFIX or name in bundled():
        return read_card(network_path(name)).again()
    return Recipe.from_file(name)


# Contradictions -------------------------------------------------------------------------------------------------------


def _refuse_others(chosen: Chosen, one: str, allowed: tuple[str, ...], why: str) -> None:
    others = [name for name in _given(chosen) if name not in (*allowed, one)]
    if others:
        raise SettingsError(f"{why}: give --{one}, or {_options(others)}, not both.")


def _refuse_contradictions(chosen: Chosen) -> None:
    given = _given(chosen)
    if "scene" in given and "dataset" in given:
        raise SettingsError("A network learns from a scene or from a dataset: give --scene or --dataset, not both.")
    if not {"scene", "dataset", "start"} & {*given}:
        raise SettingsError("Expected --scene NAME, --dataset PATH or --recipe FILE. See growtrack grow --help.")
    wrong = [name for name in (_OF_A_SCENE if "dataset" in given else _OF_A_DATASET) if name in given]
    if wrong:
        taught = "a scene" if "dataset" in given else "a --dataset"
        raise SettingsError(f"{_options(wrong)}: only for {taught}. Leave it out, or learn from {taught}.")
    steps = [name for name in ("deeper", "wider") if name in given]
    if steps and "start" not in given:
        raise SettingsError(f"{_options(steps)} adds to a network: give it with --from.")
    if steps and "plan" in given:
        raise SettingsError(f"Say what to add by --plan or by {_options(steps)}, not both.")
    if chosen.minutes is not None and not 0 < chosen.minutes <= MOST_MINUTES:
        raise SettingsError(
            f"Expected --minutes greater than 0 and up to {MOST_MINUTES:g} (a year), got {chosen.minutes:g}."
        )


def _given(chosen: Chosen) -> list[str]:
    return [name for name, value in vars(chosen).items() if value not in (None, False, [])]


def _options(names: Sequence[str]) -> str:
    words = {"start": "from", "one_by_one": "one-by-one"}
    return ", ".join(f"--{words.get(name, name).replace('_', '-')}" for name in names)


# The recipe -----------------------------------------------------------------------------------------------------------


def _recipe(chosen: Chosen, data: Data | None, start: Network | None) -> Recipe:
    scene = None if data else _scene(chosen, start)
    taught = f"on the scene {scene.name}. {scene.about}" if scene else f"on {data[0].name}." if data else ""
    plan = (
        _plan(chosen.plan or ("depth" if data or chosen.schedule else "strided"), data)
        if start is None
        else _further(chosen, start)
    )
    if (plan.task == "locate") == (scene is None):
        needs = "a --scene needs one that locates" if scene else "a --dataset needs one that tells classes apart"
        raise SettingsError(f"{chosen.plan or chosen.start} is for the task {plan.task!r}; {needs}.")
    return Recipe(
        name=Path(chosen.output).stem,
        about=f"Grown {taught}",
        plan=plan,
        scene=scene,
        dataset=data[0].name if data else "",
        schedule=_schedule(chosen, data),
        seed=chosen.seed or 0,
    )


def _scene(chosen: Chosen, start: Network | None) -> Scene:
    if chosen.scene:
        scene = named_scene(chosen.scene)
    elif start is not None and start.card.recipe.scene is not None:
        scene = start.card.recipe.scene
    else:
        raise SettingsError(f"{chosen.start} tells classes apart. Give the --dataset that it is to grow further on.")
    return scene.with_(snr=tuple(chosen.snr)) if chosen.snr else scene


def _further(chosen: Chosen, start: Network) -> Plan:
    """Return the table of a network with the stages that are asked for."""
    plan = start.plan
    if chosen.plan:
        if Path(chosen.plan).suffix != ".json":
            raise SettingsError("With --from, a --plan is a .json file that begins with the network's own table.")
        plan = Plan.from_file(chosen.plan)
    for word in chosen.deeper:
        kind, _, units = word.partition(":")
        if kind not in ("conv", "dense"):
            raise SettingsError(f"Expected --deeper conv:UNITS or dense:UNITS, got {word!r}.")
        plan = plan.deeper(kind, _number(units, word))  # type: ignore[arg-type]  # one of the two
    for word in chosen.wider:
        plan = plan.wider([_number(units, word) for units in word.split(",")])
    if plan == start.plan:
        raise SettingsError("Say what to add: --deeper dense:32, --wider 8,16,32,16,16, or a --plan that goes on.")
    return plan


def _number(text: str, word: str) -> int:
    if not text.strip().isdecimal():
        raise SettingsError(f"Expected whole numbers, as in dense:32 or 8,16,32,16,16, got {word!r}.")
    return int(text)


def _plan(name: str, data: Data | None) -> Plan:
    """Return a named plan, or one from a file; named ones take the shape of a dataset."""
    if Path(name).suffix == ".json":
        return Plan.from_file(name)
    if name not in PLANS:
        raise SettingsError(f"There is no plan {name!r}. Choose {', '.join(PLANS)}, or a .json file.")
    fit: dict[str, Any] = {}
    if data is not None:
        binary = data[0].number_of_classes == 2
        fit = {
            "window": data[0].shape,
            "channels": data[0].channels,
            "outputs": 1 if binary else data[0].number_of_classes,
            "task": "binary" if binary else "classes",
        }
    if name == "strided" and data is not None:
        raise SettingsError("The plan strided locates; for a dataset choose another, or give a .json file.")
    return PLANS[name](**fit)


def _schedule(chosen: Chosen, data: Data | None) -> Schedule:
    until = Until(bound=chosen.until_bound, gain=chosen.until_gain, patience=chosen.patience)
    if chosen.schedule == "thesis":
        return Schedule.thesis().with_(until=until)
    if data is None:
        together = not (chosen.one_by_one or until.between_stages)
        return Schedule(minutes=chosen.minutes or 5, together=together, until=until)
    usual = Schedule.images(chosen.epochs or 5, chosen.batch or 32, until=until)
    if chosen.minutes:
        usual = usual.with_(minutes=chosen.minutes, epochs=None)
    return usual.with_(augmentation=Augmentation() if chosen.augment else None)
