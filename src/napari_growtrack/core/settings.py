"""Settings are frozen values: one declaration serves Python, JSON files and panels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    model_serializer,
    model_validator,
)

from .errors import SettingsError, check_regular, cut, short

_LONGEST_NAME = 1000

T = TypeVar("T", bound="Settings")


class Settings(BaseModel):
    """Base of all settings: frozen, closed to unknown names, JSON in and out.

    Raises
    ------
    SettingsError
        When a value is missing, unknown or out of bounds; the sentence names
        the field, what it expects and what it got.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_sentence(type(self).__name__, error)) from error

    # Settings inside settings are validated by pydantic itself, so that one sentence names the whole path.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def with_(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})

    def to_json(self) -> str:
        """Return these settings as indented JSON text."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read settings from JSON text.

        Raises
        ------
        SettingsError
            When the text is not JSON or does not describe these settings.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SettingsError(_sentence(cls.__name__, error)) from error

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read settings from a JSON file."""
        try:
            check_regular(Path(path))
            return cls.from_json(Path(path).read_bytes())
        except OSError as error:
            raise SettingsError(f"Cannot read {path}: {error.strerror}. Check the path.") from error


def named(name: str | Path, known: Mapping[str, T], what: str, kind: type[T]) -> T:
    """Return settings by a name, or read them from a JSON file.

    Parameters
    ----------
    name : str or path
    known : mapping of str to Settings
        By their names.
    what : str
        What they are called in a sentence.
    kind : type
        What a file holds.

    Raises
    ------
    SettingsError
        When there is neither such a name nor such a file.
    """
    if str(name) in known:
        return known[str(name)]
    if Path(name).suffix == ".json":
        return kind.from_file(name)
    raise SettingsError(f"There is no {what} {str(name)!r}. Choose one of {', '.join(known)}, or give a .json file.")


class Span(Settings):
    """A number that is either fixed or drawn evenly from a range.

    Written as ``3`` or ``(2, 3)`` wherever a span is expected.

    Examples
    --------
    >>> str(Span(low=2, high=3))
    '2 to 3'
    """

    low: FiniteFloat
    high: FiniteFloat

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.high:
            raise ValueError(f"a range runs from low to high, got {self.low} to {self.high}")
        return self

    @property
    def middle(self) -> float:
        """The mean of the range."""
        return (self.low + self.high) / 2

    def draw(self, rng: Any, size: int | tuple[int, ...] | None = None) -> Any:
        """Draw `size` values evenly from the range with a numpy generator."""
        return rng.uniform(self.low, self.high, size)

    @model_serializer
    def _plain(self) -> float | list[float]:
        return self.low if self.low == self.high else [self.low, self.high]

    def __str__(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


def _as_span(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"low": value, "high": value}
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return {"low": value[0], "high": value[1]}
    if isinstance(value, (Span, dict)):
        return value
    raise ValueError("expected a number or a pair (low, high)")


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def _name(text: str) -> str:
    text = _printable(text)
    if not 1 <= len(text) <= _LONGEST_NAME:
        raise ValueError(f"expected a name of 1 to {_LONGEST_NAME} letters, got {len(text)}")
    return text


Text = Annotated[str, AfterValidator(_printable)]
"""Text to be shown: what would steer a terminal, or turn a line round, is left out."""

Name = Annotated[str, AfterValidator(_name)]
"""Text that something is called by."""

Number = Annotated[Span, BeforeValidator(_as_span)]
"""A value or a ``(low, high)`` range."""


def _sentence(what: str, error: ValidationError) -> str:
    """Turn pydantic's report into one sentence about its first complaint."""
    first, *others = error.errors(include_url=False)
    parts = [str(part) for part in first["loc"] if not str(part).endswith(":")]  # the marks of unions
    where = cut(".".join(parts), 80)
    together = not where and first["type"] == "value_error"  # one of our own rules, about several fields
    place = "" if together else f" at {where or 'the text'!r}"
    message = first["msg"].removeprefix("Value error, ")
    message = cut(message[:1].lower() + message[1:])
    told = together or first["type"] in {"missing", "json_invalid"} or ", got " in message
    got = "" if told else f", got {short(first['input'])}"
    more = f" ({len(others)} more to mend after it)" if others else ""
    return f"{what} cannot be read{place}: {message}{got}{more}."
