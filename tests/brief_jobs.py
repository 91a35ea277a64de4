"""Jobs for an engine of the tests that grows: its process calibrates and measures next to nothing, or is killed."""

import os
import signal
from dataclasses import dataclass

from napari_growtrack.jobs.growing import Grow


@dataclass(frozen=True, eq=False)
class GrowUntilKilled(Grow):
    """Grow and be killed as soon as something was kept; what goes on with that is judged on a frame or two."""

    def steps(self, context=None):
        from napari_growtrack.core.networks import build, checkpoints, monitoring
        from napari_growtrack.core.networks.calibration import Effort

        def write(*given):
            written(*given)
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

        written = checkpoints.write_archive
        if not self.resume:
            checkpoints.write_archive = write
        build.QUICK = monitoring.PROVISIONAL = Effort(samples=2, faithful=False, frames=1, levels=1)
        return (yield from super().steps(context))
