"""How far everybody gets on films of another world than the one that networks are grown on.

Optics, cameras, backgrounds and codecs of these films are written anew, from physics, and share no line with the
simulation. A rung's `film` has its truth, the Cramér-Rao bound under the true noise, and an empty twin; `judge` gives
the row of any detector on it.

Examples
--------
>>> from napari_growtrack.core.benchmarks.world import Ours, film, judge, rung, told
>>> film("airy", frames=2).empty.shape
(2, 192, 192)
>>> judge(told(rung("airy"), "vesicles"), "airy", frames=20)["F1"]  # doctest: +SKIP
0.97
"""

from .films import Judged, film, rung
from .judging import judge
from .methods import Ours, told, untold
from .rungs import RUNGS, Rung, rungs

__all__ = ["RUNGS", "Judged", "Ours", "Rung", "film", "judge", "rung", "rungs", "told", "untold"]
