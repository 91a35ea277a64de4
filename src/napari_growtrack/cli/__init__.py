"""The command line: everything the panels do, without a screen."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from . import benchmarks, films, networks, tables
from .arguments import build_parser
from .console import CANCELLED, reason, told_of_compiling
from .terminal import heard

COMMANDS = {
    "demo": films.demo,
    "simulate": films.simulate,
    "match": films.match,
    "adapt": films.adapt,
    "grow": networks.grow,
    "track": films.track,
    "link": tables.link,
    "tracks": tables.tracks,
    "motion": tables.motion,
    "score": tables.score,
    "networks": networks.networks,
    "show": networks.show,
    "calibrate": networks.calibrate,
    "import": networks.import_,
    "export": networks.export,
    "benchmark": benchmarks.benchmark,
}


@heard
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 refused, 2 wrong usage, 130 cancelled.

    It is 141 where whoever read what was said has left.
    """
    from ..core.errors import GrowtrackWarning

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of what is meant to be
    chosen = build_parser(COMMANDS).parse_args(arguments)
    try:
        with told_of_compiling(), warnings.catch_warnings():
            warnings.simplefilter("always", GrowtrackWarning)
            warnings.showwarning = _show_warning
            return chosen.run(chosen) or 0
    except KeyboardInterrupt:
        print("\ngrowtrack: cancelled.", file=sys.stderr)
        return CANCELLED
    except Exception as error:
        print(f"growtrack: {reason(error)}", file=sys.stderr)
        return 1


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    from ..core.errors import GrowtrackWarning

    if issubclass(category, GrowtrackWarning):
        print(f"growtrack: {message}", file=sys.stderr)
