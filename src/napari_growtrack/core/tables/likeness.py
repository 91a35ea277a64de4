"""Tell whether what a table lists looks like particles, by how long and wide each is."""

from __future__ import annotations

import numpy as np
import pandas as pd

_TWICE_AS_LONG, _MANY, _FEWEST = 2.0, 1 / 3, 20
_ALIKE = 1.5

UNLIKE_PARTICLES = (
    "Many detections are more than twice as long as wide, and no two alike: edges, lines, texture or halos rather than "
    "particles. Look at them before you believe any number. Another network, size or contrast may be right."
)


def look_like_particles(table: pd.DataFrame) -> bool:
    """Return whether detections look like particles, as far as their column ``axis_ratio`` tells.

    They do not where a third of them are more than twice as long as wide, each
    in its own way. Rods are so too, but alike. Measured on real films, of
    right detections 0 to 10 % are so long, of those on edges, texture and
    halos 34 to 90 %. Of fewer than 20 nothing is said.

    Examples
    --------
    >>> look_like_particles(pd.DataFrame({"axis_ratio": np.linspace(1, 6, 30)}))
    False
    >>> look_like_particles(pd.DataFrame({"axis_ratio": [2.9, 3.0, 3.1] * 10}))
    True
    """
    ratios = table["axis_ratio"].to_numpy(float) if "axis_ratio" in table else np.empty(0)
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < _FEWEST or np.mean(ratios > _TWICE_AS_LONG) <= _MANY:
        return True
    low, high = np.percentile(ratios, (25, 75))
    return bool(high < _ALIKE * low)
