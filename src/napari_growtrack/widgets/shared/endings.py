"""Endings of file names, which a person need not type; free of Qt."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import SettingsError


def with_ending(picked: Path, ending: str) -> Path:
    """Return a picked path with its ending, such as ``.json``.

    Raises
    ------
    SettingsError
        When that is another file, which is there already: nobody was asked whether to replace it.

    Examples
    --------
    >>> with_ending(Path("mine"), ".json").name, with_ending(Path("mine.JSON"), ".json").name
    ('mine.json', 'mine.JSON')
    """
    if picked.suffix.lower() == ending:
        return picked
    path = picked.with_name(f"{picked.name}{ending}")
    if path.exists():
        raise SettingsError(f"{path} is there already. Choose it by its whole name to replace it.")
    return path
