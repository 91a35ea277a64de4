"""How large a pixel of an OME-Zarr image is, and how long a frame, by the transformations beside it.

Up to NGFF 0.5 the transformations of a resolution are followed by those of the whole image. Since 0.6 they lead from
named coordinate systems to others: first to the image's own, and from there perhaps to more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

Scales = dict[str, tuple[float, str | None]]
"""Scale and unit by an axis's letter."""

_LETTERS = tuple("TCZYX")


def scales_of(image: Mapping[str, Any], name: str) -> tuple[list[dict[str, Any]], Scales, str | None]:
    """Return an image's axes, the scale and unit of each, and what is to be said where two systems disagree.

    Parameters
    ----------
    image : mapping
        One entry of ``multiscales``.
    name : str
        Of the film, for what is said.
    """
    first, further = _transformations(image["datasets"][0]), _transformations(image)
    if "coordinateSystems" in image:
        return _by_systems(image["coordinateSystems"], first, further, name)
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in image.get("axes", list("tczyx"))]
    return axes, _scales(axes, _factors([*first, *further], axes)), None


def letters_of(axes: list[dict[str, Any]]) -> str:
    """Return a letter for each axis: its name, or else one by its type; axes of space are z, y, x in this order."""
    spaces = iter("XYZ")
    letters = []
    for axis in reversed(axes):
        kind, name = axis.get("type"), str(axis["name"]).upper()
        letter = next(spaces, "?") if kind == "space" else "T" if kind == "time" else "C"
        letters.append(name if name in _LETTERS else letter)
    return "".join(reversed(letters))


def _transformations(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("coordinateTransformations") or [])


def _by_systems(
    systems: list[dict[str, Any]], first: list[dict[str, Any]], further: list[dict[str, Any]], name: str
) -> tuple[list[dict[str, Any]], Scales, str | None]:
    """Follow the transformations from pixels to the image's own coordinate system, and from there to others."""
    known = {system["name"]: system["axes"] for system in systems}
    own = next((end for step in first if (end := _end(step, "output")) in known), systems[0]["name"])
    axes = known[own]
    factors = _factors(first, axes)
    others: Scales = {}
    for step in further:
        back = _end(step, "output") == own
        other, more = _end(step, "input" if back else "output"), _factors([step], axes)
        if other in known and other != own and factors and more:
            both = [a / b if back else a * b for a, b in zip(factors, more, strict=True)]
            others |= {letter: told for letter, told in _scales(known[other], both).items() if told[1]}
    return axes, *_agreed(_scales(axes, factors), others, name)


def _agreed(found: Scales, others: Scales, name: str) -> tuple[Scales, str | None]:
    """Take the image's own system, and another one's scales where its own has no unit or leaves pixels as they are."""
    unlike = []
    for letter, told in others.items():
        scale, unit = found.get(letter, (1.0, None))
        if unit is None or scale == 1.0:
            found[letter] = told
        elif unit != told[1] or not math.isclose(scale, told[0], rel_tol=1e-6):
            unlike.append(f"{scale:g} or {told[0]:g} {unit} along {letter.lower()}")
    said = f"{name} tells two scales: {', '.join(unlike)}. The first, its own, is taken." if unlike else None
    return found, said


def _end(step: Mapping[str, Any], which: str) -> str | None:
    """Return the coordinate system at an end of a transformation; None for one that lies elsewhere."""
    end = step.get(which)
    if isinstance(end, Mapping):
        return None if end.get("path") not in (None, "", ".") else end.get("name")
    return end


def _scales(axes: list[dict[str, Any]], factors: list[float] | None) -> Scales:
    if factors is None:
        return {}
    units = [axis.get("unit") for axis in axes]
    return {letter: (f, unit) for letter, f, unit in zip(letters_of(axes), factors, units, strict=True)}


def _factors(steps: list[dict[str, Any]], axes: list[dict[str, Any]]) -> list[float] | None:
    """Return by what pixels are multiplied along each axis; None where nobody tells, or more than scales are needed."""
    flat = list(_flat(steps, [axis.get("name") for axis in axes]))
    kinds = {step.get("type") for step in flat}
    scales: list[Any] = [step.get("scale") for step in flat if step.get("type") == "scale"]
    if kinds <= {"scale", "identity", "translation"} and kinds & {"scale", "identity"} and None not in scales:
        for scale in scales:
            if len(scale) != len(axes):
                raise ValueError(f"a scale of {len(scale)} numbers stands beside {len(axes)} axes")
        return [math.prod(map(float, along)) for along in zip([1.0] * len(axes), *scales, strict=True)]
    return None


def _flat(steps: list[dict[str, Any]], names: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield transformations of all axes, one after the other."""
    for step in steps:
        if step.get("type") == "sequence":
            yield from _flat(step["transformations"], names)
        elif step.get("type") == "byDimension":
            for part in step["transformations"]:
                yield from _of_some(part, names)
        else:
            yield step


def _of_some(part: dict[str, Any], names: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield a transformation of some axes, by their names or numbers, as one of all of them."""
    some = part.get("input_axes", part.get("input"))
    if not isinstance(some, list) or some != part.get("output_axes", part.get("output")):
        yield {}  # axes that change places
        return
    at = [names.index(axis) if axis in names else int(axis) for axis in some]
    for step in _flat([part.get("transformation", part)], [names[k] for k in at]):
        known = dict(zip(at, step.get("scale", []), strict=False))
        yield {**step, "scale": [known.get(k, 1.0) for k in range(len(names))]}
