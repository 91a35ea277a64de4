"""What each stage's answer costs, in parameters and operations, by the growth table alone."""

from __future__ import annotations

import pandas as pd

from ..growth.plan import Plan, Stage
from .asking import stages_of


def costs(plan: Plan) -> pd.DataFrame:
    """Return what each stage's answer costs, by the table alone.

    Returns
    -------
    DataFrame
        ``stage``; ``layers`` reached; ``units`` of each layer so far, as text;
        ``first_layer_units``, the units that read the image's layer so far;
        ``parameters``; ``operations_per_window``, equations (2.15) to (2.18);
        ``share_of_last``, relative to the last stage's.

    Examples
    --------
    >>> costs(Plan.depth((16, 32), (32,)))[["stage", "units", "parameters"]]
       stage     units  parameters
    0      1        16       27811
    1      2     16 32       16419
    2      3  16 32 32      128835
    """
    operations = [plan.cost(stage) for stage in stages_of(plan)]
    units = [_units(plan, stage) for stage in stages_of(plan)]
    return pd.DataFrame(
        {
            "stage": stages_of(plan),
            "layers": list(map(len, units)),
            "units": [" ".join(map(str, row)) for row in units],
            "first_layer_units": [row[0] for row in units],
            "parameters": [plan.parameters(stage) for stage in stages_of(plan)],
            "operations_per_window": operations,
            "share_of_last": [cost / operations[-1] for cost in operations],
        }
    )


def breadth_against_plain(plan: Plan) -> pd.DataFrame:
    """Return how many connections each layer has, beside those of a plain network of the same width (thesis 4.1.2).

    A kernel of a convolution counts as one connection. Where equal networks were
    added, these are equations (4.1) and (4.2).

    Returns
    -------
    DataFrame
        ``layer``; ``networks`` that have units in it; ``units``; ``units_below``,
        for the first layer the image's channels; ``connections``;
        ``plain_connections``; ``share_of_plain``.
    """
    blocks = plan.blocks(plan.stages)
    below, rows = plan.channels, []
    for row, name in enumerate(plan.row_names(), start=1):
        here = [block for block in blocks if block.row == row]
        units = sum(map(plan.width, here))
        connections = sum(plan.width(block) * plan.inputs(block) for block in here)
        rows.append((name, len(here), units, below, connections, units * below, connections / (units * below)))
        below = units
    names = ["layer", "networks", "units", "units_below", "connections", "plain_connections", "share_of_plain"]
    return pd.DataFrame(rows, columns=names)


def _units(plan: Plan, stage: Stage) -> list[int]:
    """Return the units of each layer up to a stage."""
    return [sum(plan.units[row][:stage]) for row in range(plan.top(stage))]
