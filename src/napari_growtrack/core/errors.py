"""Everything the core refuses, each with what was expected, what came and what to do.

::

    GrowtrackError
    ├── SettingsError       a scene, plan, schedule or cascade that cannot be
    ├── StackError          images that are not a stack of grey frames
    ├── DatasetError        labelled images that cannot be learned from
    ├── TableError          a table of points without the columns or values it needs
    ├── LinkingError        detections too crowded to be linked
    ├── MotionError         trajectories that do not tell what was asked
    ├── NetworkFileError    a file that is not a grown network, or not a whole one
    ├── OutputError         a result that could not be written
    └── EngineError         the process that works beside a window has ended

    GrowtrackWarning        work goes on, but the person should know
"""

from __future__ import annotations


class GrowtrackError(Exception):
    """Base of all errors a person can mend; the message says how."""


class SettingsError(GrowtrackError, ValueError):
    """A scene, plan, schedule or cascade that cannot be."""


class StackError(GrowtrackError, ValueError):
    """Images that are not a stack of grey frames."""


class DatasetError(GrowtrackError, ValueError):
    """Labelled images that cannot be learned from."""


class TableError(GrowtrackError, ValueError):
    """A table of points without the columns or values it needs."""


class LinkingError(GrowtrackError, ValueError):
    """Detections too crowded to be linked."""


class MotionError(GrowtrackError, ValueError):
    """Trajectories that do not tell what was asked."""


class NetworkFileError(GrowtrackError, ValueError):
    """A file that is not a grown network, or not a whole one."""


class OutputError(GrowtrackError, OSError):
    """A result that could not be written."""


class EngineError(GrowtrackError, RuntimeError):
    """The process that works beside a window has ended, or could not be started."""


class GrowtrackWarning(UserWarning):
    """Work goes on, but the person should know."""
