"""What panels take from napari's image layers, and the points they give back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Points

from ..core.errors import StackError
from ..core.stacks import ArrayStack, Stack

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

RING = {
    "symbol": "disc",
    "size": 12,
    "face_color": "transparent",
    "border_color": "#ff4fd8",
    "border_width": 0.12,
    "border_width_is_relative": True,
}
"""A magenta ring shows on black, on grey and on white."""


@dataclass(frozen=True)
class Detected:
    """What a run found in an image.

    Attributes
    ----------
    table : DataFrame
        ``frame, y, x, distance, votes, sigma``.
    frames : sequence of int
        The frames that were looked at, with or without particles.
    recipe : dict
        How it was found.
    """

    table: pd.DataFrame
    frames: Sequence[int]
    recipe: dict[str, Any]


def open_film(image: Image) -> Stack:
    """Return an image layer as a lazy stack; of a multiscale one, its finest level.

    Raises
    ------
    StackError
        When it is in colour, or has more axes than (T, Y, X).
    """
    if image.rgb:
        raise StackError(
            f"{image.name} is a colour image; expected grey frames. Right-click the layer, choose Split RGB, "
            "and take one of its channels."
        )
    return ArrayStack(image.data[0] if image.multiscale else image.data, image.name)


def shown_frame(viewer: Viewer, image: Image, film: Stack) -> int:
    """Return the number of the frame that the slider shows.

    Raises
    ------
    StackError
        When the slider stands before or behind the film.
    """
    if image.ndim == 2:
        return 0
    frame = int(np.rint(image.world_to_data(viewer.dims.point)[0]))
    if not 0 <= frame < len(film):
        raise StackError(
            f"The slider shows no frame of {image.name}, which has {len(film)}. Move it onto the film and try again."
        )
    return frame


def show_detections(viewer: Viewer, image: Image, detected: Detected) -> Points:
    """Show detections as rings over their image, and return their layer.

    The layer ``<image> detections`` is used again, unless a run of more than
    one frame would give way to a shorter one, or the person has renamed it:
    then a new layer is added.
    """
    data = detected.table[["frame", "y", "x"]].to_numpy(float)[:, -min(image.ndim, 3) :]
    about = {**detected.recipe, "image": image.name, "frames": list(detected.frames)}
    placed = _placed(image)
    layer = _earlier(viewer, image, detected)
    if layer is None:
        layer = viewer.add_points(data, ndim=data.shape[1], name=_title(image), **placed, **RING)
    else:
        layer.selected_data = set()
        layer.data = data
        for name, value in placed.items():
            setattr(layer, name, value)
    layer.features = detected.table.reset_index(drop=True)
    layer.metadata = {**layer.metadata, "growtrack": about}
    return layer


def _title(image: Image) -> str:
    return f"{image.name} detections"


def _placed(image: Image) -> dict[str, Any]:
    """Return what puts a layer where the image is."""
    return {
        "scale": image.scale,
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": np.array(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def _earlier(viewer: Viewer, image: Image, detected: Detected) -> Points | None:
    """Return the layer of an earlier run that may give way to this one."""
    title = _title(image)
    for layer in viewer.layers:
        about = layer.metadata.get("growtrack", {})
        ours = isinstance(layer, Points) and about.get("image") == image.name
        named = layer.name == title or layer.name.startswith(f"{title} [")
        if ours and named and layer.ndim == image.ndim and len(about["frames"]) <= max(len(detected.frames), 1):
            return layer
    return None
