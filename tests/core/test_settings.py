"""Settings come back from JSON as they were, and what they refuse is one sentence that names the field."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import Field, PositiveInt, ValidationError, model_validator

from napari_growtrack.core.errors import SettingsError, cut, short
from napari_growtrack.core.settings import Number, Settings, Span, Text


class Lamp(Settings):
    power: Number = Field(description="Watts.")
    colours: tuple[str, ...] = ()


class Bench(Settings):
    lamps: tuple[Lamp, ...] = ()
    seats: PositiveInt = 1
    length: float = 1.0


BENCH = Bench(lamps=[{"power": 3, "colours": ["red"]}, {"power": (2, 5.5)}], seats=2)


# spans


@pytest.mark.parametrize("value", [3, 3.0, (3, 3), [3, 3], {"low": 3, "high": 3}, Span(low=3, high=3)])
def test_a_number_may_be_written_in_several_ways(value):
    assert Lamp(power=value).power == Span(low=3, high=3)


@pytest.mark.parametrize(("value", "text"), [(3, '"power":3.0'), ((2, 3), '"power":[2.0,3.0]')])
def test_a_span_is_stored_as_it_is_written(value, text):
    assert text in Lamp(power=value).model_dump_json()


@pytest.mark.parametrize("value", [0, -1.5, (2, 3), (-0.3, -0.2), (1e-9, 1e9)])
def test_a_span_comes_back_from_json(value):
    lamp = Lamp(power=value)
    assert Lamp.from_json(lamp.to_json()) == lamp


@pytest.mark.parametrize(
    ("value", "text", "middle"), [(3, "3", 3), ((2, 3), "2 to 3", 2.5), ((-1, 0.5), "-1 to 0.5", -0.25)]
)
def test_a_span_reads_as_words_and_has_a_middle(value, text, middle):
    span = Lamp(power=value).power
    assert (str(span), span.middle) == (text, middle)


def test_draws_fill_the_range_and_nothing_else():
    drawn = Span(low=2, high=3).draw(np.random.default_rng(0), (50, 20))
    assert drawn.shape == (50, 20)
    assert 2 <= drawn.min() < 2.01
    assert 2.99 < drawn.max() <= 3


def test_a_fixed_span_always_draws_its_value():
    assert set(Span(low=2, high=2).draw(np.random.default_rng(0), 9)) == {2}


# settings


def test_settings_come_back_from_json():
    assert Bench.from_json(BENCH.to_json()) == BENCH


def test_settings_come_back_from_a_file(tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(BENCH.to_json())
    assert Bench.from_file(path) == BENCH
    assert Bench.from_file(str(path)) == BENCH


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_numbers_without_end_come_back_from_json(value):
    np.testing.assert_equal(Bench.from_json(Bench(length=value).to_json()).length, value)


def test_a_change_leaves_the_first_settings_untouched():
    wider = BENCH.with_(seats=3)
    assert (wider.seats, BENCH.seats) == (3, 2)
    assert wider.lamps == BENCH.lamps


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        BENCH.seats = 5


# what is refused


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seats": 0}, "Bench cannot be read at 'seats': input should be greater than 0, got 0."),
        ({"seets": 2}, "Bench cannot be read at 'seets': extra inputs are not permitted, got 2."),
        ({"lamps": [{}]}, "Bench cannot be read at 'lamps.0.power': field required."),
        (
            {"lamps": [{"power": 1}, {"power": 2, "colours": ["red", 7]}]},
            "Bench cannot be read at 'lamps.1.colours.1': input should be a valid string, got 7.",
        ),
        (
            {"lamps": [{"power": 1, "shade": "green"}]},
            "Bench cannot be read at 'lamps.0.shade': extra inputs are not permitted, got \"green\".",
        ),
        (
            {"lamps": [{"power": "bright"}]},
            "Bench cannot be read at 'lamps.0.power': expected a number or a pair (low, high), got \"bright\".",
        ),
        (
            {"lamps": [{"power": (1, 2, 3)}]},
            "Bench cannot be read at 'lamps.0.power': expected a number or a pair (low, high), got [1, 2, 3].",
        ),
        (
            {"lamps": [{"power": (3, 2)}]},
            "Bench cannot be read at 'lamps.0.power': a range runs from low to high, got 3.0 to 2.0.",
        ),
        (
            {"lamps": [{"power": ("a", 2)}]},
            "Bench cannot be read at 'lamps.0.power.low': input should be a valid number, "
            'unable to parse string as a number, got "a".',
        ),
        (
            {"seats": -1, "length": "long", "seets": 2},
            "Bench cannot be read at 'seats': input should be greater than 0, got -1 (2 more to mend after it).",
        ),
    ],
)
def test_the_sentence_names_the_field_and_what_came(values, sentence):
    with pytest.raises(SettingsError) as caught:
        Bench(**values)
    assert str(caught.value) == sentence


def test_a_long_value_is_shortened_in_the_sentence():
    with pytest.raises(SettingsError, match=r"got \"a{58}…\.$"):
        Bench(seats="a" * 500)


def test_a_rule_about_several_fields_has_no_place():
    with pytest.raises(SettingsError, match=r"^Span cannot be read: a range runs from low to high, got 3.0 to 2.0.$"):
        Span(low=3, high=2)


def test_a_change_is_checked_again():
    with pytest.raises(SettingsError, match="Bench cannot be read at 'seats'"):
        BENCH.with_(seats=0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"^Bench cannot be read at 'the text': invalid JSON: EOF .*\.$"),
        ('{"seats": 2', r"^Bench cannot be read at 'the text': invalid JSON: EOF .*\.$"),
        ("[1]", r"^Bench cannot be read at 'the text': input should be an object, got \[1\]\.$"),
        ('{"seats": 0}', r"^Bench cannot be read at 'seats': input should be greater than 0, got 0\.$"),
        (b'{"seats": "\xff"}', r"^Bench cannot be read at 'the text': invalid JSON"),
    ],
)
def test_text_that_does_not_describe_the_settings_is_refused(text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Bench.from_json(text)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.json", "No such file or directory"), (".", "(Is a directory|Permission denied)")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, reason):
    with pytest.raises(SettingsError, match=rf"^Cannot read .*{tmp_path.name}.*: {reason}\. Check the path\.$"):
        Bench.from_file(tmp_path / name)


# thousand-letter sentences


@pytest.mark.parametrize(
    "values",
    [
        {"seats": [*range(100_000)]},
        {"x" * 100_000: 1},
        {"seats": "\x1b[2J" * 1000},
        {"\x1b[2J" * 100: 1},
        {"seats": {str(number): number for number in range(10_000)}},
        {"lamps": [{"power": 1, "y" * 9000: {"z" * 9000: 1}}]},
        {"seats": float("nan")},
        {"seats": object()},
    ],
    ids=range(8),
)
def test_no_sentence_is_longer_than_a_person_reads_or_steers_a_terminal(values):
    with pytest.raises(SettingsError) as caught:
        Bench(**values)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


class Ruled(Settings):
    values: tuple[int, ...]

    @model_validator(mode="after")
    def _few(self):
        raise ValueError(f"expected others, got {self.values}")


def test_what_a_rule_says_is_shortened_too():
    with pytest.raises(SettingsError, match=r"^Ruled cannot be read: expected others, got \(0, 1, .*…\.$") as caught:
        Ruled(values=range(10_000))
    assert len(str(caught.value)) < 400


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, "two"], '[1, "two"]'),
        (None, "null"),
        ("a" * 60, '"' + "a" * 58 + "…"),
        ("a" * 58, '"' + "a" * 58 + '"'),
        ({1, 2}, "{1, 2}"),
        (nested(100_000), "list"),
        ("a\nb", '"a\\nb"'),
        (b"\x1b", "b'\\x1b'"),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, list) else "list",
)
def test_a_value_is_shown_as_a_sentence_can_hold_it(value, text):
    assert short(value) == text


def test_a_cut_text_is_one_line_without_what_steers_a_terminal():
    assert cut("two\nlines \x1b[31mred\u202e", 300) == "two lines  [31mred "
    assert cut("a" * 11, 10) == "a" * 9 + "…"
    assert cut("a" * 10, 10) == "a" * 10


class Named(Settings):
    name: Text


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("beads", "beads"),
        ("\x1b[2Jbeads\x07", "[2Jbeads"),
        ("two\nlines", "two\nlines"),
        ("\u202eabc", "abc"),
        ("µ-Kügelchen", "µ-Kügelchen"),
    ],
)
def test_text_loses_what_steers_a_terminal(told, kept):
    assert Named(name=told).name == kept
