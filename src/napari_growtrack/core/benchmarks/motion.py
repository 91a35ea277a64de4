"""What is told of simulated motion against the truth: how far off on average, and how often the interval holds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..motion import Estimate, Units
from ..motion.exponent import exponent_of
from ..motion.states import diffusive_states
from ..simulation.paths import fractional_paths, switching_paths
from .case import Bench, Claim, Piece, Rows, Scale, Tables, Work

_EXPONENTS = (0.5, 0.75, 1.0, 1.25, 1.5)
_NOISES = (1.0, 3.0)
_SIGMA_OFF = 0.1
"""What `sigma` is told wrong by: its logarithm is off by a tenth, typically, another in each set."""

_SLOW, _FAST, _SWITCHING = 0.05, 1.0, 0.05
_COEFFICIENTS, _SHARE = ("D of the slow", "D of the fast"), "share of the fast"
_RATES = ("slow to fast", "fast to slow")
_ERROR = 0.2


class _Sizes(NamedTuple):
    sets: int
    particles: int
    frames: int
    state_frames: int


_SIZES: dict[str, _Sizes] = {"smoke": _Sizes(2, 12, 12, 25), "laptop": _Sizes(200, 100, 40, 50)}


class _Seen(NamedTuple):
    truth: float
    told: Estimate


def settings(scale: Scale) -> dict[str, Any]:
    """Return the numbers that a scale stands for."""
    return _SIZES[scale]._asdict() | {"sigma off by": _SIGMA_OFF}


def pieces(bench: Bench) -> list[Piece]:
    """Return a piece for each kind of motion, shutter and noise."""
    sizes = _SIZES[bench.scale]
    exponents = [(share, noise, one) for share in (0.0, 1.0) for noise in _NOISES for one in _EXPONENTS]
    found = [
        Piece(
            f"exponent-{one}-{noise}-{share:.0f}",
            partial(_coverage, sizes, partial(_exponent, sizes, one, noise, share)),
        )
        for share, noise, one in exponents
    ]
    found += [
        Piece(f"states-{share:.0f}", partial(_coverage, sizes, partial(_two_states, sizes, share)), 3.0)
        for share in (0.0, 1.0)
    ]
    return [*found, Piece("one-state", partial(_one_state, sizes), 2.0)]


def _coverage(sizes: _Sizes, simulate: Callable[[int], tuple[str, dict[str, _Seen]]]) -> Work:
    seen: dict[str, list[_Seen]] = {}
    what = ""
    for seed in range(sizes.sets):
        yield seed / sizes.sets
        what, told = simulate(seed)
        for name, one in told.items():
            seen.setdefault(name, []).append(one)
    return {"": [_row(what, name, found) for name, found in seen.items()]}


def _row(what: str, name: str, seen: list[_Seen]) -> dict[str, Any]:
    told = [one for one in seen if one.told.is_told]
    values = np.array([one.told.value for one in told]) if told else np.array([np.nan])
    return {
        "motion": what,
        "told": name,
        "truth": seen[0].truth,
        "mean": float(values.mean()),
        "scatter": float(values.std()),
        "held": float(np.mean([one.told.holds(one.truth) for one in told])) if told else float("nan"),
        "not told": 1 - len(told) / len(seen),
        "sets": len(seen),
    }


def _shutter(share: float) -> str:
    return "open shutter" if share else "short exposure"


def _exponent(sizes: _Sizes, exponent: float, noise: float, share: float, seed: int) -> tuple[str, dict[str, _Seen]]:
    rng = np.random.default_rng([seed, round(100 * exponent), round(10 * noise), int(share)])
    table = fractional_paths(rng, sizes.particles, sizes.frames, exponent, noise, share)
    off = float(np.exp(rng.normal(0, _SIGMA_OFF)))
    found = exponent_of(table.assign(sigma=noise * off), Units(exposure_share=share))
    return f"fractional, noise {noise:g} of a step, {_shutter(share)}", {"exponent": _Seen(exponent, found.exponent)}


def _two_states(sizes: _Sizes, share: float, seed: int) -> tuple[str, dict[str, _Seen]]:
    rng = np.random.default_rng([seed, 2, int(share)])
    table = switching_paths(rng, sizes.particles, sizes.state_frames, (_SLOW, _FAST), _SWITCHING, _ERROR, share)
    sigma = _ERROR * float(np.exp(rng.normal(0, _SIGMA_OFF)))
    found = diffusive_states(table.assign(sigma=sigma), Units(exposure_share=share), 2)
    (slow, fast), (first, second) = found.coefficients, found.rates
    told = {
        "D of the slow": _Seen(_SLOW, slow),
        "D of the fast": _Seen(_FAST, fast),
        "share of the fast": _Seen(0.5, found.shares[1]),
        "slow to fast": _Seen(_SWITCHING, first[1]),
        "fast to slow": _Seen(_SWITCHING, second[0]),
        "dwell time of the fast": _Seen(1 / _SWITCHING, found.dwell_times[1]),
    }
    return f"two states, {_shutter(share)}", told


def _one_state(sizes: _Sizes) -> Work:
    """Count how often one state is told to be one, and two to be two."""
    numbers: dict[int, list[int]] = {1: [], 2: []}
    sets = max(sizes.sets // 2, 1)
    for seed in range(sets):
        yield seed / sets
        for number, found in numbers.items():
            rng = np.random.default_rng([seed, 3, number])
            diffusion = (_FAST,) if number == 1 else (_SLOW, _FAST)
            table = switching_paths(rng, sizes.particles, sizes.state_frames, diffusion, _SWITCHING, _ERROR)
            found.append(diffusive_states(table.assign(sigma=_ERROR), Units(exposure_share=0)).number)
    rows: Rows = [
        {
            "states": number,
            "told 1": found.count(1) / sets,
            "told 2": found.count(2) / sets,
            "told 3": found.count(3) / sets,
            "sets": sets,
        }
        for number, found in numbers.items()
    ]
    return {"numbers": rows}


def numbers(tables: Tables) -> Rows:
    """Return how many states were told of how many."""
    return tables["numbers"]


def claims(tables: Tables) -> list[Claim]:
    """Return what was asked for, and whether it is reached."""
    rows = tables[""]
    off = max(abs(row["mean"] - row["truth"]) for row in rows if row["told"] == "exponent")
    held = [row["held"] for row in rows]
    alone = next(row["told 1"] for row in tables["numbers"] if row["states"] == 1)
    coefficients, rates = (_farthest(rows, names) for names in (_COEFFICIENTS, _RATES))
    shares = max(abs(row["mean"] - row["truth"]) for row in rows if row["told"] == _SHARE)
    return [
        Claim("exponent", "within 0.02 on average", f"{off:.3f} at most", off <= 0.02),
        Claim(
            "intervals",
            "hold 92 to 98 %",
            f"{min(held):.1%} to {max(held):.1%}",
            0.92 <= min(held) <= max(held) <= 0.98,
        ),
        Claim("D of states", "within 15 %", f"{coefficients:.1%} at most", coefficients <= 0.15),
        Claim("shares of states", "within 0.05", f"{shares:.3f} at most", shares <= 0.05),
        Claim("rates of states", "within 25 %", f"{rates:.1%} at most", rates <= 0.25),
        Claim("states", "one told as one in 95 %", f"{alone:.0%}", alone >= 0.95),
    ]


def _farthest(rows: Rows, names: tuple[str, ...]) -> float:
    """Return how far the worst of some numbers is off, on average, over its truth."""
    return max(abs(row["mean"] / row["truth"] - 1) for row in rows if row["told"] in names)
