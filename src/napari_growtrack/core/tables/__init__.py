"""Points in films as pandas tables, with trackpy's column names, in everybody's files.

Coordinates are in pixels, pixel centres on integers; frames count from 0.
"""

from .columns import DETECTION_COLUMNS, MEASURES, TRUTH_COLUMNS, check, empty
from .csv_files import PROGRAM, as_csv
from .files import SUFFIXES, check_table, check_table_path, read_recipe, read_table, write_table
from .likeness import UNLIKE_PARTICLES, look_like_particles
from .limits import NO_LIMITS, Limits
from .lineages import RELATIVES, relatives_of_joined, relatives_of_parts

__all__ = [
    "DETECTION_COLUMNS",
    "MEASURES",
    "NO_LIMITS",
    "PROGRAM",
    "RELATIVES",
    "SUFFIXES",
    "TRUTH_COLUMNS",
    "UNLIKE_PARTICLES",
    "Limits",
    "as_csv",
    "check",
    "check_table",
    "check_table_path",
    "empty",
    "look_like_particles",
    "read_recipe",
    "read_table",
    "relatives_of_joined",
    "relatives_of_parts",
    "write_table",
]
