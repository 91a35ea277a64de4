"""Grow a network and save it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.files import check_writable, write_or_rescue
from ..core.files.holding import Hold
from ..core.networks.card import Recipe
from .context import Context, Loading, NetworkFile


@dataclass(frozen=True)
class Grow:
    """Grow a network and save it.

    Attributes
    ----------
    recipe : Recipe
    path : Path
        Where the network goes.
    start : NetworkFile, optional
        A network whose stages the recipe's plan begins with.
    keep : Path
        Where growing is kept when it is paused or stopped.
    usable : Path
        Where a network that can be used already is left meanwhile.
    resume : bool
        Go on from what was kept, if anything was.
    quick : bool
        Calibrate on fewer frames.
    """

    recipe: Recipe
    path: Path
    keep: Path
    usable: Path
    start: NetworkFile | None = None
    resume: bool = False
    quick: bool = False

    def steps(self, context: Context) -> Generator[Any, None, Path]:
        """Yield `Loading` and `MakingProgress`; return the path of the finished network.

        Raises
        ------
        OutputError
            Before growing, when `path` cannot be written, or another process grows
            the same network; or after it: then the network lies in the temporary
            folder, and what was kept is still there.
        """
        check_writable(self.path)
        with Hold(self.keep), Hold(self.path):
            return (yield from self._grown(context))

    def _grown(self, context: Context) -> Generator[Any, None, Path]:
        from ..core.networks.build import iter_make, recipe_kept

        yield Loading(self.recipe.name)
        resume = self.resume and self.keep.exists()
        recipe = recipe_kept(self.keep) if resume else self.recipe
        start = None if self.start is None or resume else context.network(self.start)
        network = yield from iter_make(
            recipe,
            start=start,
            keep=self.keep,
            resume=resume,
            watch=True,
            usable=self.usable,
            quick=self.quick,
        )
        write_or_rescue(self.path, network.save)
        for path in (self.keep, self.usable):
            with suppress(OSError):  # somebody may have it open
                path.unlink(missing_ok=True)
        return self.path
