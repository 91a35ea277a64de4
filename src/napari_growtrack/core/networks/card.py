"""A network's card: what it is for, how it was grown, what it reached. Readable without Keras."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator

from ..detection.calibrate import Calibration
from ..detection.cascade import Cascade
from ..errors import SettingsError
from ..growth.plan import Plan
from ..growth.schedule import Record, Schedule
from ..packages.version import package_version
from ..settings import Name, Settings, Text
from ..simulation.scene import Scene
from ..tables import PROGRAM

_ENLARGED, _SHRUNK = 4.0, 8.0


class Recipe(Settings):
    """Everything that makes a network.

    A schedule in batches or epochs grows the same network again on the same machine; one in minutes grows one as good,
    because the clock decides how many images it sees. `Card.again` repeats even that exactly.
    """

    name: Name = Field(description="Short name.")
    about: Text = Field("", description="What the network is for, in a sentence.")
    plan: Plan
    scene: Scene | None = Field(None, description="What it learns to locate particles in.")
    dataset: Text = Field("", description="Name of the labelled images it learns classes from.")
    schedule: Schedule
    seed: int = Field(0, ge=0)
    zoom: float = Field(1.0, ge=0.125, le=8, description="How much larger the network sees a frame than it is.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.scene is None) == (not self.dataset):
            raise ValueError("expected a scene to locate particles in, or the name of a dataset, and not both")
        if self.scene is None and self.plan.task == "locate":
            raise ValueError("locating is learned from a scene, not from a dataset")
        if self.scene is not None and (self.plan.task, self.plan.channels) != ("locate", 1):
            raise ValueError(
                f"tracking needs 1 channel and the task 'locate', got {self.plan.channels} and {self.plan.task!r}"
            )
        if self.plan.task == "locate" and self.plan.outputs == 4:
            schedule = self.schedule
            if schedule.loss != "robust" or schedule.unit != 1:
                raise ValueError(
                    "a fourth output, the uncertainty, learns by the robust loss with outputs in pixels, "
                    f"got loss {schedule.loss!r} and unit {schedule.unit:g}"
                )
        return self

    @property
    def located_scene(self) -> Scene:
        """The scene of a network that locates.

        Raises
        ------
        SettingsError
            When this one tells classes apart.
        """
        if self.scene is None:
            raise SettingsError(
                f"{self.name} tells classes of {self.dataset} apart; it does not locate particles. Choose another "
                "network, such as vesicles."
            )
        return self.scene


class Report(Settings):
    """What one stage reached on simulated frames at one signal-to-noise ratio."""

    stage: PositiveInt
    screen: PositiveInt
    snr: float
    found: float
    false: float
    median_error: float = Field(description="Pixels.")
    bound: float = Field(description="Median error at the Cramer-Rao bound, in pixels.")
    milliseconds: float = Field(description="Per frame of 251 x 251 px, on the computer that grew it.")


class Accuracy(Settings):
    """How many of some images that it never learned from one stage gives the right class."""

    stage: PositiveInt
    right: float = Field(ge=0, le=1, description="Share of right answers.")
    images: int = Field(ge=1, description="Images it was asked about.")


class Provenance(Settings):
    """Where a network comes from."""

    version: Text = Field(description="Version of napari-growtrack.")
    backend: Text = Field(description="Keras backend and version.")
    images: int = Field(description="Images it learned from.")
    batches: int
    seconds: float = Field(description="Time it took to grow.")
    record: Record = Field((), description="Of a schedule by the clock: batches at each moment of every round.")
    began_with: Text = Field("", description="Network and scene that the first stages come from.")
    imported_from: Text = Field("", description="File and kind of a network that was trained elsewhere.")


class HistoryPoint(Settings):
    """How well a stage did on the images it was learning from."""

    images: int = Field(description="Images used so far.")
    stage: PositiveInt
    loss: float = Field(description="Mean loss since the last point.")


class Card(Settings):
    """What a network is, without its weights."""

    recipe: Recipe
    provenance: Provenance
    calibration: Calibration = Calibration()
    reports: tuple[Report, ...] = ()
    accuracies: tuple[Accuracy, ...] = ()
    history: tuple[HistoryPoint, ...] = ()

    @model_validator(mode="after")
    def _stages_exist(self) -> Self:
        told = [one.stage for many in (self.reports, self.accuracies, self.history) for one in many]
        if max(told, default=1) > self.plan.stages:
            raise ValueError(f"expected stages up to {self.plan.stages}, got {max(told)}")
        return self

    @property
    def name(self) -> str:
        """The network's name."""
        return self.recipe.name

    @property
    def plan(self) -> Plan:
        """The growth table."""
        return self.recipe.plan

    @property
    def diameters(self) -> tuple[float, float]:
        """The least and the greatest width of particles that frames can be resampled for, in pixels.

        Enlarged more than four times, single noisy pixels would look like particles;
        and enlarged at all, noise looks like one kind or another to networks that
        know several.
        """
        scene = self.recipe.located_scene
        at_no_zoom = scene.diameter * self.recipe.zoom
        least = at_no_zoom / max(_ENLARGED, self.recipe.zoom)
        return (scene.diameters[0] if scene.kinds > 1 else least), at_no_zoom * _SHRUNK

    def magnification(self, diameter: float) -> float:
        """Return how much larger frames are made for the network, than it was grown for, where particles are this wide.

        Particles of the scene's own sizes need no resampling, and get none.

        Raises
        ------
        SettingsError
            When frames would have to be made too large or too small; see `diameters`.
        """
        scene, (least, most) = self.recipe.located_scene, self.diameters
        if not least <= diameter <= most:
            raise SettingsError(
                f"{self.name} knows particles about {scene.diameter:.3g} px wide, and frames are resampled for others; "
                f"expected a diameter from {least:.3g} to {most:.3g} px, got {diameter:g}.{self._smaller(diameter)}"
            )
        low, high = scene.diameters
        return 1.0 if low <= diameter <= high else scene.diameter / diameter

    def _smaller(self, diameter: float) -> str:
        """Return what to do about particles too small for a network that knows several kinds."""
        scene = self.recipe.located_scene
        if scene.kinds == 1 or not 0 < diameter < self.diameters[0]:
            return ""
        return (
            f" It knows {scene.kinds} kinds of particles, and would take the noise of enlarged frames for one of them: "
            "choose a network of a single kind, such as vesicles for spots."
        )

    def cascade(
        self, stage: int | None = None, screen: int | None = None, faithful: bool = False, polish: bool = True
    ) -> Cascade:
        """Return the calibrated cascade for a stage, the last by default, and a screening stage.

        Raises
        ------
        SettingsError
            When the network has no such stages, or does not locate.
        """
        stage = self.plan.stages if stage is None else stage
        self.plan.check(stage)
        _ = self.recipe.located_scene
        return self.calibration.cascade(stage, screen, faithful, polish)

    def again(self) -> Recipe:
        """Return the recipe that grows this network again, bit by bit on the same machine.

        Raises
        ------
        SettingsError
            When it was grown from another network's stages, or trained elsewhere.
        """
        made = self.provenance
        if made.began_with or made.imported_from:
            came = f"began with {made.began_with}" if made.began_with else f"was imported from {made.imported_from}"
            raise SettingsError(f"{self.name} {came}, so its recipe alone does not make it again.")
        return self.recipe.with_(schedule=self.recipe.schedule.with_(record=made.record or None))

    def made_with(self, cascade: Cascade) -> dict[str, Any]:
        """Return what a result of this network carries: program, version, network, seed and settings."""
        return {
            "program": PROGRAM,
            "version": package_version(),
            "network": self.name,
            "seed": self.recipe.seed,
            "settings": cascade.model_dump(),
        }

    def __str__(self) -> str:
        """Return the card as text."""
        plan, recipe = self.plan, self.recipe
        lines = [f"{self.name}: {recipe.about}", "", str(plan), ""]
        lines += [f"stage {stage}: {plan.describe(stage)}" for stage in _shown(plan.stages)]
        window = " x ".join(map(str, plan.shape))
        if recipe.scene is not None:
            lines += ["", f"scene {recipe.scene.name}: SNR {recipe.scene.snr}, window {window} px"]
        else:
            lines += ["", f"dataset {recipe.dataset}: {plan.task}, window {window} px"]
        lines += [self._origin(), ""]
        if self.reports:
            lines += ["stage  screen   SNR   found   false   median error   bound   ms/frame"]
        lines += [
            f"{r.stage:5d}  {r.screen:6d}  {r.snr:4g}  {r.found:6.1%}  {r.false:6.1%}  "
            f"{r.median_error:9.3f} px  {r.bound:.3f} px  {r.milliseconds:7.1f}"
            for r in self.reports
        ]
        if self.reports and recipe.scene is not None:
            lines += [
                "",
                f"measured on the scene {recipe.scene.name} itself (how crowded and how dim it is, its file tells);",
                "errors are of the particles found, the bound of all, also of those too dim to be found",
            ]
        if self.accuracies:
            lines += ["stage   right   of images"]
            shown = {*_shown(plan.stages)}
            lines += [f"{a.stage:5d}  {a.right:6.2%}  {a.images:9,d}" for a in self.accuracies if a.stage in shown]
        return "\n".join(lines)

    def _origin(self) -> str:
        made = self.provenance
        if made.imported_from:
            return f"imported from {made.imported_from}"
        began = f", beginning with {made.began_with}" if made.began_with else ""
        return f"grown in {made.seconds / 60:.1f} min on {made.images:,} images{began}, {made.backend}"


def _shown(stages: int) -> list[int]:
    """Return the stages worth a line: all, or of very many the first, the last and some between."""
    if stages <= 24:
        return list(range(1, stages + 1))
    return sorted({1, *range(stages // 10, stages + 1, stages // 10), stages})
