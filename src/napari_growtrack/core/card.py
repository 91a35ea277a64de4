"""A network's card: what it is for, how it was grown, what it reached. Readable without Keras."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from .detection.calibrate import Calibration
from .detection.cascade import Cascade
from .growth.plan import Plan
from .growth.schedule import Schedule
from .settings import Settings
from .simulation.scene import Scene
from .tables import PROGRAM
from .version import package_version


class Recipe(Settings):
    """Everything that makes a network.

    A schedule in batches grows the same network again on the same machine; one in minutes grows one as good, because
    the clock decides how many windows it sees.
    """

    name: str = Field(min_length=1, description="Short name.")
    about: str = Field("", description="What the network is for, in a sentence.")
    plan: Plan
    scene: Scene
    schedule: Schedule
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _tracks(self) -> Self:
        if (self.plan.channels, self.plan.outputs) != (1, 3):
            raise ValueError(
                f"tracking needs 1 channel and 3 outputs, got {self.plan.channels} and {self.plan.outputs}"
            )
        return self


class Report(Settings):
    """What one stage reached on simulated frames at one signal-to-noise ratio."""

    stage: int
    screen: int
    snr: float
    found: float
    false: float
    median_error: float = Field(description="Pixels.")
    bound: float = Field(description="Median error at the Cramer-Rao bound, in pixels.")
    milliseconds: float = Field(description="Per frame of 251 x 251 px, on the computer that grew it.")


class Provenance(Settings):
    """Where a network comes from."""

    version: str = Field(description="Version of napari-growtrack.")
    backend: str = Field(description="Keras backend and version.")
    images: int = Field(description="Windows it learned from.")
    batches: int
    seconds: float = Field(description="Time it took to grow.")


class HistoryPoint(Settings):
    """How well a stage did on the windows it was learning from."""

    images: int = Field(description="Windows used so far.")
    stage: int
    loss: float = Field(description="Mean loss since the last point, in pixels for the robust loss.")


class Card(Settings):
    """What a network is, without its weights."""

    recipe: Recipe
    provenance: Provenance
    calibration: Calibration = Calibration()
    reports: tuple[Report, ...] = ()
    history: tuple[HistoryPoint, ...] = ()

    @property
    def name(self) -> str:
        """The network's name."""
        return self.recipe.name

    @property
    def plan(self) -> Plan:
        """The growth table."""
        return self.recipe.plan

    def cascade(self, stage: int | None = None, screen: int | None = None, faithful: bool = False) -> Cascade:
        """Return the calibrated cascade for a stage, the last by default, and a screening stage.

        Raises
        ------
        SettingsError
            When the network has no such stages.
        """
        stage = self.plan.stages if stage is None else stage
        self.plan.check(stage)
        return self.calibration.cascade(stage, screen, faithful)

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
        plan, made = self.plan, self.provenance
        lines = [f"{self.name}: {self.recipe.about}", "", str(plan), ""]
        lines += [f"stage {stage}: {plan.describe(stage)}" for stage in range(1, plan.stages + 1)]
        lines += ["", f"scene {self.recipe.scene.name}: SNR {self.recipe.scene.snr}, window {plan.window} px"]
        lines += [f"grown in {made.seconds / 60:.1f} min on {made.images:,} windows, {made.backend}", ""]
        if self.reports:
            lines += ["stage  screen   SNR   found   false   median error   bound   ms/frame"]
        lines += [
            f"{r.stage:5d}  {r.screen:6d}  {r.snr:4g}  {r.found:6.1%}  {r.false:6.1%}  "
            f"{r.median_error:9.3f} px  {r.bound:.3f} px  {r.milliseconds:7.1f}"
            for r in self.reports
        ]
        return "\n".join(lines)
