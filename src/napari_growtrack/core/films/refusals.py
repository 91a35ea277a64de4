"""What no film may be: each refusal says what was expected, what came and what to do."""

from __future__ import annotations

from typing import Any

from ..errors import StackError

PICK_COLOUR = "Convert it to grey or pick one channel, for example stack[..., 0]."

LARGEST_FRAME = 2**28
"""Pixels; as float32 they take a gigabyte."""

_LONGEST_FILM = 2**40


def refuse_shape(shape: tuple[int, ...], name: str) -> None:
    """Refuse an array that is neither (T, Y, X) nor (Y, X)."""
    got = f"{name} has shape {shape}; expected (T, Y, X) or (Y, X)"
    if any(length != length for length in shape):
        raise StackError(f"{got}. Ask dask for the lengths first, with compute_chunk_sizes().")
    if len(shape) >= 3 and shape[-1] in (3, 4):
        raise StackError(f"{got} and this looks like colour. {PICK_COLOUR}")
    if len(shape) > 3:
        first = ", ".join("0" * (len(shape) - 3))
        raise StackError(f"{got}. Choose one channel and one z plane, for example stack[:, {first}].")
    if len(shape) < 2:
        raise StackError(f"{got}. Pass grey frames, one after the other.")
    refuse_empty(shape, name)


def refuse_empty(shape: tuple[int, ...], name: str) -> None:
    """Refuse a film without frames or without pixels."""
    if len(shape) == 3 and shape[0] == 0:
        raise StackError(f"{name} is a film without frames: got shape {shape}. Choose another film.")
    if 0 in shape:
        raise StackError(f"{name} has frames without pixels: got shape {shape}. Choose another film.")


def refuse_large(shape: tuple[int, int, int], name: str) -> None:
    """Refuse frames that would fill the memory, and films longer than any: a damaged header announces them."""
    frames, height, width = shape
    if height * width > LARGEST_FRAME:
        raise StackError(
            f"{name} has frames of {height} x {width} px; expected {LARGEST_FRAME:,} pixels at most. "
            "Cut it into smaller frames; if it is no such film, its header is damaged: copy or export it again."
        )
    if frames > _LONGEST_FILM:
        raise StackError(f"{name} announces {frames:.3g} frames. Its header is damaged; copy or export it again.")


def refuse_kind(dtype: Any, name: str) -> None:
    """Refuse values that are not real numbers; booleans count as 0 and 1."""
    if getattr(dtype, "kind", "f") not in "biuf":
        raise StackError(f"{name} holds {dtype} values; expected real numbers. Convert them first.")


def shortened(text: str, most: int = 80) -> str:
    """Return a name that fits a sentence."""
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 4 :]}"
