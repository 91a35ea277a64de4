"""From the words of `growtrack grow` to a recipe, the images it needs, and the network it begins with."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .arguments import PLANS
from .core.archive import SUFFIX, read_card
from .core.card import Recipe
from .core.datasets import Augmentation, Dataset, load_dataset
from .core.errors import SettingsError
from .core.growth.plan import Plan
from .core.growth.schedule import Schedule, Until
from .core.networks import Network, load_network, network_path, recipe_kept
from .core.simulation import named_scene
from .core.zoo import bundled

Data = tuple[Dataset, Dataset]


@dataclass(frozen=True)
class Job:
    """What is to be grown, from what, and where it is kept meanwhile."""

    recipe: Recipe
    data: Data | None
    start: Network | None
    kept: Path

    @property
    def teacher(self) -> str:
        """What it learns from."""
        scene = self.recipe.scene
        return f"the scene {scene.name}" if scene else self.recipe.dataset


def begin(chosen: argparse.Namespace) -> Job:
    """Read the command's words.

    Raises
    ------
    SettingsError
        When they contradict one another.
    """
    kept = Path(f"{chosen.output}.growing")
    if chosen.resume:
        return _resumed(chosen, kept)
    if kept.exists():
        raise SettingsError(
            f"{kept} keeps a run that was stopped. Add --resume to go on with it, or delete it to begin anew."
        )
    data = load_dataset(chosen.dataset) if chosen.dataset else None
    if chosen.recipe:
        return Job(_stored(chosen), data, None, kept)
    if (chosen.scene is None) == (data is None) and not chosen.start:
        raise SettingsError("Expected --scene NAME, --dataset PATH or --recipe FILE. See growtrack grow --help.")
    start = load_network(chosen.start) if chosen.start else None
    return Job(_recipe(chosen, data, start), data, start, kept)


def _resumed(chosen: argparse.Namespace, kept: Path) -> Job:
    if not kept.exists():
        raise SettingsError(f"There is no {kept} to go on with. Begin without --resume.")
    recipe = recipe_kept(kept)
    if recipe.scene is None and not chosen.dataset:
        raise SettingsError(f"{recipe.name} learns from {recipe.dataset}. Give its --dataset again.")
    return Job(recipe, load_dataset(chosen.dataset) if recipe.scene is None else None, None, kept)


def _stored(chosen: argparse.Namespace) -> Recipe:
    if chosen.scene or chosen.schedule or chosen.snr or chosen.plan or chosen.start:
        raise SettingsError("A recipe holds scene, plan and schedule: give --recipe, or the others, not both.")
    if Path(chosen.recipe).suffix == SUFFIX or chosen.recipe in bundled():
        return read_card(network_path(chosen.recipe)).again()
    return Recipe.from_file(chosen.recipe)


def _recipe(chosen: argparse.Namespace, data: Data | None, start: Network | None) -> Recipe:
    scene = None if data else named_scene(chosen.scene) if chosen.scene else None
    if start is not None and scene is None and data is None:
        scene = start.card.recipe.located_scene
    if scene is not None and chosen.snr:
        scene = scene.with_(snr=tuple(chosen.snr))
    taught = f"on the scene {scene.name}. {scene.about}" if scene else f"on {data[0].name}." if data else ""
    return Recipe(
        name=Path(chosen.output).stem,
        about=f"Grown {taught}",
        plan=_further(chosen, start) if start is not None else _plan(chosen.plan or "depth", data),
        scene=scene,
        dataset=data[0].name if data else "",
        schedule=_schedule(chosen, data),
        seed=chosen.seed,
    )


def _further(chosen: argparse.Namespace, start: Network) -> Plan:
    """Return the table of a network with the stages that are asked for."""
    if chosen.plan:
        plan = Plan.from_file(chosen.plan)
    else:
        plan = start.plan
        for word in chosen.deeper:
            kind, _, units = word.partition(":")
            plan = plan.deeper(kind, _number(units, word))  # type: ignore[arg-type]  # checked there
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
    if name == "depth":
        return Plan.depth(**fit)
    if name == "breadth":
        return Plan.breadth((4, 8, 16, 8, 8), (8, 16, 32, 16, 16), (16, 32, 64, 32, 32), **fit)
    if name == "depth+breadth":
        return Plan.depth(**fit).wider((8, 16, 32, 16, 16)).wider((8, 16, 32, 16, 16))
    return Plan.features(**fit) if name == "features" else Plan.plain(**fit)


def _schedule(chosen: argparse.Namespace, data: Data | None) -> Schedule:
    until = Until(bound=chosen.until_bound, gain=chosen.until_gain, patience=chosen.patience)
    together = not (chosen.one_by_one or until.between_stages)
    if chosen.schedule == "thesis":
        return Schedule.thesis().with_(until=until)
    if data is not None:
        size = chosen.batch or 32
        usual = Schedule.images(chosen.epochs or 5, size, until=until)
        usual = usual.with_(augmentation=Augmentation() if chosen.augment else None)
        if chosen.minutes:
            usual = usual.with_(minutes=chosen.minutes, epochs=None)
        return usual
    if chosen.epochs or chosen.batch or chosen.augment:
        raise SettingsError("--epochs, --batch and --augment are for a --dataset; a scene takes --minutes.")
    return Schedule(minutes=chosen.minutes or 5, together=together, until=until)
