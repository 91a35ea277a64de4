"""Plant faults in the core, one at a time, and see whether the tests of their room notice.

    python tests/sample_mutations.py motion linking --count 40 --seed 1

A fault is one changed token: a comparison, an arithmetic or boolean operator, a sign, a number, a truth value.
Each is planted in a copy of the sources. Then the tests run that coverage saw on its line, the quickest first, until
one fails; where it saw none, as in compiled loops, all tests of the room run, first those that need no compiling.
Survivors are printed with file, line and change: each is either a test that is missing or a change that alters no
answer. Not a test itself: `make mutations` runs it, on systems that fork.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import coverage
import numba
import pytest

for beneath in ("matplotlib.figure", "pydantic", "scipy.stats", "tifffile", "trackpy", "zarr"):
    importlib.import_module(beneath)  # every fork of this process has it then

ROOT = Path(__file__).parents[1]
PACKAGE = Path("src/napari_growtrack")

ROOMS: dict[str, tuple[list[str], list[str]]] = {
    "motion": (["core/motion"], ["core/motion"]),
    "linking": (["core/linking"], ["core/linking"]),
    "scoring": (["core/scoring"], ["core/scoring"]),
    "tables": (["core/tables"], ["core/tables"]),
    "films": (["core/films"], ["core/films"]),
    "tracking": (["core/tracking", "core/files"], ["core/tracking", "core/test_files.py", "core/test_holding.py"]),
    "fitting": (
        ["core/detection/fit"],
        [
            *(f"core/detection/test_{name}.py" for name in ("compiled", "splits_by_hand", "measures_by_hand")),
            *(f"core/detection/test_{name}.py" for name in ("pairs", "fitting")),
            "core/simulation/test_shapes.py",
        ],
    ),
    "detection": (["core/detection"], ["core/detection", "core/networks/test_bundled.py"]),
    "choice": (["core/networks/choice.py", "core/detection/evidence.py"], ["core/networks/test_choice.py"]),
    "shapes": (["core/simulation/shapes", "core/simulation/render.py"], ["core/simulation/test_shapes.py"]),
}
"""What belongs to a room: its sources, below the package, and its tests."""

UNCOMPILED = [f"core/detection/test_{name}.py" for name in ("compiled", "splits_by_hand", "judging_by_hand")]
"""Tests that run compiled loops over little: as plain Python they tell in seconds, where compiling takes a minute."""

_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One place in one file, and what it becomes."""

    path: Path
    number: int
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before} -> {self.after}"


def changed(node: ast.AST) -> ast.AST | None:
    """Return a node with one token changed, or None where there is nothing to change."""
    new = copy.deepcopy(node)
    if isinstance(new, ast.Compare) and type(new.ops[0]) in _COMPARISONS:
        new.ops[0] = _COMPARISONS[type(new.ops[0])]()
    elif isinstance(new, ast.BinOp | ast.AugAssign) and type(new.op) in _ARITHMETIC:
        new.op = _ARITHMETIC[type(new.op)]()
    elif isinstance(new, ast.BoolOp):
        new.op = ast.Or() if isinstance(new.op, ast.And) else ast.And()
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.USub | ast.Not | ast.Invert):
        return new.operand
    elif isinstance(new, ast.Constant) and isinstance(new.value, bool):
        new.value = not new.value
    elif isinstance(new, ast.Constant) and isinstance(new.value, int):
        new.value += 1
    elif isinstance(new, ast.Constant) and isinstance(new.value, float):
        new.value *= 1.5
    else:
        return None
    return None if ast.unparse(new) == ast.unparse(node) else new


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something: no annotations, no docstrings, nothing for the type checker alone."""
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_beside_the_point(child):
                continue
            yield child
            yield from places(child)


def _is_beside_the_point(node: ast.AST) -> bool:
    """Tell whether nothing an answer depends on is in a node: imports, sentences of errors, what only types need."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Raise | ast.Import | ast.ImportFrom)


def faults(path: Path) -> list[Fault]:
    """Return every fault that can be planted in a file."""
    tree = ast.parse((ROOT / PACKAGE / path).read_text(encoding="utf-8"))
    found = []
    for number, node in enumerate(places(tree)):
        new = changed(node)
        if new is not None:
            found.append(Fault(path, number, getattr(node, "lineno", 0), _short(node), _short(new)))
    return found


def _short(node: ast.AST) -> str:
    return ast.unparse(node)[:90]


def planted(fault: Fault) -> str:
    """Return a file's source with a fault in it."""
    tree = ast.parse((ROOT / PACKAGE / fault.path).read_text(encoding="utf-8"))
    target = next(node for number, node in enumerate(places(tree)) if number == fault.number)
    new = changed(target)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is target for item in value):
                value[[item is target for item in value].index(True)] = new
    return ast.unparse(ast.fix_missing_locations(tree))


def room_files(sources: list[str]) -> list[Path]:
    """Return a room's modules, relative to the package."""
    base = ROOT / PACKAGE
    paths = [base / source for source in sources]
    found = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    return sorted(file.relative_to(base) for file in found)


def is_noticed(fault: Fault, near: Sequence[str], tests: Sequence[str], copied: Path, limit: float) -> bool:
    """Plant a fault in the copy, run the tests near it, or all where none is known, and take it out again.

    What runs longer than `limit` seconds counts as noticed: the fault made something run on.
    """
    file = copied / PACKAGE / fault.path
    kept = file.read_bytes()
    stamp = file.stat()
    file.write_text(planted(fault), encoding="utf-8")
    caches = {cache: cache.read_bytes() for cache in _compiled_beside(file)}
    in_a_loop = "njit" in kept.decode() and not near
    try:
        first = _uncompiled(tests) if in_a_loop else []
        if first and _call(first, copied, limit, compiled=False) != 0:
            return True
        for cache in caches if in_a_loop else []:
            cache.unlink()
        ended = _call(near or tests, copied, limit)
        if near and ended == pytest.ExitCode.USAGE_ERROR:  # a name that the shell's words cannot say
            ended = _call(tests, copied, limit)
        return ended != 0
    finally:
        file.write_bytes(kept)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        for cache in {*_compiled_beside(file)} - {*caches}:
            cache.unlink()
        for cache, content in caches.items():
            cache.write_bytes(content)


def _uncompiled(tests: Sequence[str]) -> list[str]:
    """Return which of a room's tests run its compiled loops as plain Python."""
    return [f"tests/{test}" for test in UNCOMPILED if f"tests/{test}".startswith(tuple(tests))]


def _compiled_beside(file: Path) -> list[Path]:
    """Return what numba keeps of a folder: compiled callers hold the code of what they call."""
    return [path for path in (file.parent / "__pycache__").glob("*") if path.suffix in {".nbi", ".nbc"}]


def _call(words: Sequence[str], copied: Path, limit: float = math.inf, compiled: bool = True) -> int:
    """Run pytest on the copy, and return how it ended.

    In a fork of this process, which has loaded what the package builds on, and nothing of the package.
    """
    pid = os.fork()
    if pid == 0:
        numba.config.DISABLE_JIT = not compiled  # type: ignore[attr-defined]
        _run_tests(words, copied)
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return pytest.ExitCode.INTERRUPTED


def _run_tests(words: Sequence[str], copied: Path) -> NoReturn:
    """Run pytest here, silently, in a group of processes of its own, and end."""
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    places = [str(copied / "src"), str(copied / "tests")]
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GROWTRACK_DATA": os.environ.get("GROWTRACK_DATA", str(ROOT.parent / "shared" / "data")),
    }
    sys.dont_write_bytecode = True
    sys.path[:0] = places
    os.chdir(copied)
    ended: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        ended = pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", *words])
    finally:
        os._exit(ended)


class Tracer:
    """A plugin of pytest: which lines each test reaches, and how long it takes."""

    def __init__(self, sources: Sequence[str], database: Path, times: Path) -> None:
        self.times = times
        self.coverage = coverage.Coverage(data_file=database, include=list(sources), config_file=False)

    def pytest_sessionstart(self) -> None:
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        began = time.perf_counter()
        self.coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")
            with self.times.open("a", encoding="utf-8") as file:
                file.write(json.dumps([item.nodeid, time.perf_counter() - began]) + "\n")

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()


def pytest_configure(config: pytest.Config) -> None:
    """Trace, where this module is given to pytest as a plugin."""
    if folder := os.environ.get("SAMPLE_MUTATIONS_TRACE"):
        traced = Path(folder)
        sources = json.loads((traced / "sources.json").read_text(encoding="utf-8"))
        config.pluginmanager.register(Tracer(sources, traced / "lines", traced / "times"))


Reach = Mapping[tuple[str, int], Sequence[str]]


def reach_of(room: str, tests: Sequence[str], copied: Path) -> Reach:
    """Return for every line of a room's files the tests that run it, the quickest first."""
    files = [str(copied / PACKAGE / file) for file in room_files(ROOMS[room][0])]
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder)
        (traced / "sources.json").write_text(json.dumps(files), encoding="utf-8")
        os.environ["SAMPLE_MUTATIONS_TRACE"] = folder
        try:
            ended = _call(["-p", Path(__file__).stem, *tests], copied)
            first = _uncompiled(tests)
            if ended != 0 or (first and _call(first, copied, compiled=False) != 0):
                raise SystemExit(f"{room}: its tests fail without any fault. Mend them first.")
        finally:
            del os.environ["SAMPLE_MUTATIONS_TRACE"]
        seconds = dict(json.loads(line) for line in (traced / "times").read_text(encoding="utf-8").splitlines())
        lines = coverage.CoverageData(str(traced / "lines"))
        lines.read()
        reach = defaultdict(list)
        for file in lines.measured_files():
            for line, contexts in lines.contexts_by_lineno(file).items():
                reach[file, line] = sorted((test for test in contexts if test), key=lambda test: seconds[test])
        return reach


def sample(room: str, count: int, seed: int, copied: Path) -> tuple[int, int]:
    """Plant faults in a room, tell which survive, and return how many were noticed and how many planted."""
    sources, tests = ROOMS[room]
    files = room_files(sources)
    there = [f"tests/{test}" for test in tests if (copied / "tests" / test).exists()]
    everything = [fault for file in files for fault in faults(file)]
    chosen = random.Random(seed).sample(everything, min(count, len(everything)))
    began = time.monotonic()
    reach = reach_of(room, there, copied)
    limit = 60 + 3 * (time.monotonic() - began)
    noticed = 0
    for fault in chosen:
        near = reach.get((str(copied / PACKAGE / fault.path), fault.line), [])
        if is_noticed(fault, near, there, copied, limit):
            noticed += 1
        else:
            print(f"survived  {fault}", flush=True)
    print(f"{room}: {noticed} of {len(chosen)} noticed, of {len(everything)} that could be planted", flush=True)
    return noticed, len(chosen)


def main() -> None:
    """Read the words of the command line and sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"{', '.join(ROOMS)}; default: all")
    parser.add_argument("--count", type=int, default=25, help="faults in each room, default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    asked = parser.parse_args()
    unknown = sorted(set(asked.rooms) - set(ROOMS))
    if unknown:
        parser.error(f"no room is called {', '.join(unknown)}; there are {', '.join(ROOMS)}")
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder)
        for part in ("src", "tests", "pyproject.toml"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, copied / part)
        sums = [sample(room, asked.count, asked.seed, copied) for room in asked.rooms or ROOMS]
    noticed, planted_ = map(sum, zip(*sums, strict=True))
    print(f"together: {noticed} of {planted_} noticed ({noticed / planted_:.0%})")


if __name__ == "__main__":
    main()
