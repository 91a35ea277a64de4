"""The command that measures: benchmarks, and the pages made of their results."""

from __future__ import annotations

import argparse

from .console import quiet_import, say, told_on_stderr, watched

Arguments = argparse.Namespace


def benchmark(chosen: Arguments) -> None:
    """Run a benchmark and print what came out."""
    with quiet_import():
        from ..core.benchmarks.catalogue import CASES, iter_case, refusal
        from ..core.growth import backend as _  # noqa: F401  (brings Keras)

    if chosen.name == "list":
        _list_benchmarks()
        return
    if chosen.name == "pages":
        _write_pages(chosen.output)
        return
    with told_on_stderr():
        for name in CASES if chosen.name == "all" else (chosen.name,):
            reason = refusal(name, CASES[name], chosen.scale, chosen.data) if chosen.name == "all" else None
            if reason is not None:
                say(f"{name} is left out. {reason}\n")
                continue
            steps = iter_case(name, chosen.scale, chosen.output, chosen.data)
            say(f"{watched(steps, at_once=True)}\n")


def _write_pages(folder: str | None) -> None:
    from ..core.benchmarks.pages import write_pages
    from ..core.errors import OutputError

    if folder is None:
        raise OutputError("The pages are made of the results in a folder. Give it with -o.")
    for path in write_pages(folder):
        say(str(path))


def _list_benchmarks() -> None:
    from ..core.benchmarks.catalogue import CASES

    for name, case in CASES.items():
        shown = f" ({', '.join(case.shows)})" if case.shows else ""
        needs = f"; needs {', '.join(map(str, case.needs))}" if case.needs else ""
        say(f"{name:15} {case.about}{shown}{needs}")
    say("\nNumbers are figures and tables of the thesis; a benchmark can be called by them, too.")
