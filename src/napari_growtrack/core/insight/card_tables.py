"""What a network's card tells of its growing: how the loss fell, and how many answers were right."""

from __future__ import annotations

import pandas as pd

from ..networks.card import Card


def history(card: Card) -> pd.DataFrame:
    """Return how the loss fell while the network grew.

    Returns
    -------
    DataFrame
        ``images`` used so far, over all stages; ``stage``; and the mean loss since
        the last point: ``loss_px`` for the robust loss, ``loss_px2`` for the
        squared one, ``loss_mixed`` where the network also says how uncertain it
        is (then it falls below 0), ``loss_nat`` for the cross-entropy of classes.
    """
    schedule, points = card.recipe.schedule, card.history
    name, scale = "loss_nat", 1.0
    if card.plan.task == "locate":
        name, scale = ("loss_px", 1.0) if schedule.loss == "robust" else ("loss_px2", schedule.unit**2)
        name = "loss_mixed" if card.plan.outputs == 4 else name
    rows = [(point.images, point.stage, scale * point.loss) for point in points]
    return pd.DataFrame(rows, columns=["images", "stage", name])


def accuracies(card: Card) -> pd.DataFrame:
    """Return how many images that it never learned from each stage gives the right class.

    Returns
    -------
    DataFrame
        ``stage``; ``right_share``, 0 to 1; ``images`` it was asked about.
    """
    rows = [(one.stage, one.right, one.images) for one in card.accuracies]
    return pd.DataFrame(rows, columns=["stage", "right_share", "images"])
