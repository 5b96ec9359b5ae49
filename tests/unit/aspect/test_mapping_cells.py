"""What a cell may be turned into, and what is said where it cannot be."""

from __future__ import annotations

import pytest

from tests.unit.aspect.mapping_files import draft_of, value_of

ZONE = "time_zone: America/Mexico_City"
COMMA = 'decimal: ","'
DAY = '{column: C, date: "%d/%m/%Y"}'
TIME = '{column: C, date: "%d/%m/%Y %H:%M"}'


@pytest.mark.parametrize(
    ("expression", "cell", "expected"),
    [
        ("{column: C}", "Bomba", "Bomba"),
        ("{column: C}", " Bomba ", " Bomba "),
        ("{column: C}", "", None),
        ("{column: C}", None, None),
        ("{column: C}", "  ", None),
        ("{column: C, default: n/a}", "", "n/a"),
        ("{column: C, default: n/a}", "x", "x"),
        ("{column: C, trim: true}", " x ", "x"),
        ("{column: C, split: {by: '-', part: 1}}", "a-b-c", "a"),
        ("{column: C, split: {by: '-', part: -1}}", "a-b-c", "c"),
        ("{column: C, split: {by: '-', part: 4}}", "a-b-c", None),
        ("{column: C, slice: {from: 2, to: 3}}", "abcd", "bc"),
        ("{column: C, slice: {from: 2}}", "abcd", "bcd"),
        ("{column: C, upper: true}", "señal", "SEÑAL"),
        ("{column: C, lower: true}", "SEÑAL", "señal"),
        ("{column: C, trim: true, split: {by: ' ', part: 2}, upper: true}", " a b ", "B"),
        ("{template: 'urn:gtin:{C}'}", "75", "urn:gtin:75"),
        ("{template: 'urn:gtin:{C}'}", "", None),
        ("{first_of: [{column: C}, {constant: 7}]}", "", 7),
        ("{first_of: [{column: C}, {constant: 7}]}", "x", "x"),
        ("{when: {column: C, equals: S, then: {constant: ja}}}", "S", "ja"),
        ("{when: {column: C, equals: S, then: {constant: ja}}}", "N", None),
        ("{when: {column: C, equals: [S, T], then: {constant: 1}, else: {column: C}}}", "N", "N"),
    ],
)
def test_text_is_read_as_the_mapping_says(expression: str, cell: object, expected: object) -> None:
    assert expected == value_of(expression, cell)


def test_a_whole_number_of_a_json_source_is_written_out_as_text() -> None:
    assert "4711" == value_of("{template: '{C}'}", 4711)
    assert "4711" == value_of("{column: C, trim: true}", 4711)


@pytest.mark.parametrize("cell", [1.5, True, {"a": 1}, [1]])
def test_what_cannot_be_a_text_without_guessing_is_told(cell: object) -> None:
    assert ["cell_not_text"] == value_of("{column: C, trim: true}", cell)


@pytest.mark.parametrize(
    ("feed", "cell", "expected"),
    [
        ("", "12", 12),
        ("", "-12.50", -12.5),
        ("", "+0.1", 0.1),
        ("", "1e3", 1000),
        ("", "2.0", 2),
        ("", " 7 ", 7),
        ("", 7, 7),
        ("", 0.1, 0.1),
        (COMMA, "0,1", 0.1),
        (COMMA, "1234,50", 1234.5),
        (f'{COMMA}\nthousands: "."', "1.234,50", 1234.5),
        (f'{COMMA}\nthousands: "."', "1.234.567", 1234567),
        (f'{COMMA}\nthousands: "."', "1234,5", 1234.5),
        ('thousands: ","', "1,234.5", 1234.5),
    ],
)
def test_numbers_are_read_in_the_notation_of_the_feed(
    feed: str, cell: object, expected: float
) -> None:
    value = value_of("{column: C, number: true}", cell, feed=feed)

    assert (expected, type(expected)) == (value, type(value))


@pytest.mark.parametrize(
    ("feed", "cell"),
    [
        ("", "1,5"),
        ("", "1.234.567"),
        ("", "12 kg"),
        ("", "--1"),
        ("", "nan"),
        ("", "inf"),
        ("", "1_000"),
        ("", "٣"),
        ("", "1e1000"),
        ("", "1" * 65),
        ("", True),
        ("", float("nan")),
        ("", [1]),
        (COMMA, "1.5"),
        (f'{COMMA}\nthousands: "."', "1.23,4"),
        (f'{COMMA}\nthousands: "."', "12.34"),
    ],
)
def test_what_is_no_number_in_that_notation_is_told(feed: str, cell: object) -> None:
    assert ["cell_not_number"] == value_of("{column: C, number: true}", cell, feed=feed)


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    assert ["cell_number_too_large"] == value_of("{column: C, number: true}", "1e400")


def test_a_number_with_too_many_digits_is_taken_with_a_warning() -> None:
    draft = draft_of("{column: C, number: true}", {"C": "0.12345678901234567890"})

    (finding,) = draft.findings
    assert 0.12345678901234568 == draft.payload["value"]
    assert ("aspect:cell_number_rounded", "warning") == (finding.code, finding.severity)


@pytest.mark.parametrize(
    ("given", "wanted", "cell", "expected"),
    [
        ("g", "kg", "310", 0.31),
        ("g", "kg", "0.1", 0.0001),
        ("t", "kg", "1.2", 1200),
        ("lb", "kg", "1", 0.45359237),
        ("kg", "lb", "0.45359237", 1),
        ("in", "mm", "1", 25.4),
        ("kWh", "MJ", "1", 3.6),
        ("MJ", "kWh", "3.6", 1),
        ("unit:gram", "unit:kilogram", "5", 0.005),
        ("%", "ratio", "46.5", 0.465),
        ("min", "h", "20", 0.3333333333333333),
    ],
)
def test_units_are_converted_exactly(given: str, wanted: str, cell: str, expected: float) -> None:
    expression = f"{{column: C, number: true, unit: {{from: '{given}', to: '{wanted}'}}}}"

    assert expected == value_of(expression, cell)


MEASURED = "{column: C, number: true, unit: {from: {column: U, lookup: u}, to: kg}}"
UNITS = "lookups: {u: {KG: kg, G: g, M: m, X: kilo}}"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("KG", 2.5),
        ("G", 0.0025),
        ("M", "cell_units_differ"),
        ("X", "cell_unit_unknown"),
        ("L", "cell_not_listed"),
        ("", "cell_empty"),
    ],
)
def test_the_unit_may_stand_in_the_row(unit: str, expected: object) -> None:
    draft = draft_of(MEASURED, {"C": "2.5", "U": unit}, more=UNITS)

    codes = [finding.code.partition(":")[2] for finding in draft.findings]
    assert expected == (codes[0] if codes else draft.payload["value"])


@pytest.mark.parametrize(
    ("expression", "cell", "expected"),
    [
        (DAY, "05/03/2026", "2026-03-05"),
        (DAY, "5/3/2026", "2026-03-05"),
        (DAY, " 05/03/2026 ", "2026-03-05"),
        ('{column: C, date: "%d-%b-%y"}', "05-mar-26", "2026-03-05"),
        ('{column: C, date: "%d-%b-%y"}', "05-Ene.-71", "1971-01-05"),
        ('{column: C, date: "%b %d, %Y"}', "Aug 5, 2026", "2026-08-05"),
        ('{column: C, date: "%Y%m%d"}', "20260305", "2026-03-05"),
        (TIME, "05/03/2026 08:30", "2026-03-05T08:30:00-06:00"),
        (TIME, " 05/03/2026 8:30 ", "2026-03-05T08:30:00-06:00"),
        (TIME, "05/07/2022 08:30", "2022-07-05T08:30:00-05:00"),
        ('{column: C, date: "%d/%m/%Y %H:%M", as: date}', "05/03/2026 08:30", "2026-03-05"),
        ('{column: C, date: "%d/%m/%Y", at: "06:00"}', "05/03/2026", "2026-03-05T06:00:00-06:00"),
        ('{column: C, date: "%d %m %Y %H:%M"}', "05 03 2026 08:30", "2026-03-05T08:30:00-06:00"),
        ('{column: C, date: "%H:%M %d/%m/%Y"}', "08:30 05/03/2026", "2026-03-05T08:30:00-06:00"),
        (
            '{column: C, date: "%d/%m/%Y %I:%M:%S %p"}',
            "05/03/2026 12:30:05 p. m.",
            "2026-03-05T12:30:05-06:00",
        ),
        (
            '{column: C, date: "%d/%m/%Y %I:%M %p"}',
            "05/03/2026 12:30 AM",
            "2026-03-05T00:30:00-06:00",
        ),
        (
            '{column: C, date: "%Y-%m-%d %H:%M:%S.%f"}',
            "2026-03-05 08:30:05.250",
            "2026-03-05T08:30:05.250000-06:00",
        ),
        (
            '{column: C, date: "%Y-%m-%dT%H:%M:%S%z"}',
            "2026-03-05T08:30:05+0100",
            "2026-03-05T08:30:05+01:00",
        ),
        (
            '{column: C, date: "%Y-%m-%dT%H:%M:%S%z"}',
            "2026-03-05T08:30:05Z",
            "2026-03-05T08:30:05Z",
        ),
        ("{column: C, date: iso}", "2026-03-05", "2026-03-05"),
        (
            "{column: C, date: iso, as: datetime}",
            "2026-03-05T08:30:00",
            "2026-03-05T08:30:00-06:00",
        ),
        (
            "{column: C, date: iso, as: datetime}",
            "2026-03-05T08:30:00.000Z",
            "2026-03-05T08:30:00Z",
        ),
        ("{column: C, date: epoch_seconds}", 1772721000, "2026-03-05T14:30:00Z"),
        ("{column: C, date: epoch_milliseconds}", "1772721000500", "2026-03-05T14:30:00.500000Z"),
        ("{column: C, date: epoch_seconds, as: date}", 1772721000, "2026-03-05"),
    ],
)
def test_dates_become_iso_with_the_offset_of_their_zone(
    expression: str, cell: object, expected: str
) -> None:
    assert expected == value_of(expression, cell, feed=ZONE)


@pytest.mark.parametrize(
    ("expression", "cell", "code"),
    [
        (DAY, "2026-03-05", "cell_not_date"),
        (DAY, "05/03/26", "cell_not_date"),
        (DAY, "31/02/2026", "cell_date_impossible"),
        (DAY, "01/13/2026", "cell_date_impossible"),
        (DAY, "01/01/0000", "cell_date_impossible"),
        (DAY, 20260305, "cell_not_date"),
        (DAY, 1.5, "cell_not_text"),
        ('{column: C, date: "%d-%b-%y"}', "05-xyz-26", "cell_date_impossible"),
        (TIME, "05/03/2026", "cell_not_date"),
        (TIME, "05/03/2026 24:00", "cell_date_impossible"),
        (TIME, "31/02/2026 10:00", "cell_date_impossible"),
        (TIME, "03/04/2022 02:30", "cell_time_skipped"),
        ('{column: C, date: "%d/%m/%Y %I:%M"}', "05/03/2026 13:30", "cell_date_impossible"),
        ("{column: C, date: iso}", "5/3/2026", "cell_not_date"),
        ("{column: C, date: iso, as: datetime}", "2026-03-05", "cell_time_absent"),
        ("{column: C, date: epoch_seconds}", "1e300", "cell_date_impossible"),
        ("{column: C, date: epoch_seconds}", "x", "cell_not_number"),
    ],
)
def test_what_is_no_date_of_the_calendar_and_the_zone_is_told(
    expression: str, cell: object, code: str
) -> None:
    assert [code] == value_of(expression, cell, feed=ZONE)


def test_a_time_that_came_twice_is_taken_as_the_first_with_a_warning() -> None:
    draft = draft_of(TIME, {"C": "30/10/2022 01:30"}, feed=ZONE)

    (finding,) = draft.findings
    assert "2022-10-30T01:30:00-05:00" == draft.payload["value"]
    assert ("aspect:cell_time_twice", "warning") == (finding.code, finding.severity)


def test_a_day_on_which_the_clocks_change_has_both_offsets() -> None:
    before, after = (
        value_of(TIME, f"30/10/2022 {clock}", feed=ZONE) for clock in ("00:30", "02:30")
    )

    assert ("2022-10-30T00:30:00-05:00", "2022-10-30T02:30:00-06:00") == (before, after)


def test_a_time_without_offset_needs_a_zone() -> None:
    assert ["cell_zone_absent"] == value_of(
        "{column: C, date: iso, as: datetime}", "2026-03-05T08:30:00"
    )


WORDS = '{column: C, boolean: {"true": [SI, S], "false": [NO, N]}}'


@pytest.mark.parametrize(
    ("expression", "cell", "expected"),
    [
        (WORDS, "SI", True),
        (WORDS, "s ", True),
        (WORDS, "no", False),
        (WORDS, False, False),
        (WORDS, "quizá", ["cell_not_boolean"]),
        ("{column: C, boolean: true}", "TRUE", True),
        ("{column: C, boolean: true}", "1", ["cell_not_boolean"]),
    ],
)
def test_words_mean_true_and_false_as_the_mapping_says(
    expression: str, cell: object, expected: object
) -> None:
    assert expected == value_of(expression, cell)


TABLE = "lookups: {t: {A: uno, B: 2, 7: siete}}"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("A", "uno"), ("B", 2), (7, "siete"), ("a", ["cell_not_listed"]), ("", None)],
)
def test_what_a_lookup_table_lacks_is_told_not_guessed(cell: object, expected: object) -> None:
    assert expected == value_of("{column: C, lookup: t}", cell, more=TABLE)


def test_a_looked_up_text_is_converted_after_the_lookup() -> None:
    table = 'lookups: {t: {A: "1,5"}}'

    assert 1.5 == value_of("{column: C, lookup: t, number: true}", "A", feed=COMMA, more=table)


def test_a_long_value_is_shortened_in_its_finding() -> None:
    draft = draft_of("{column: C, number: true}", {"C": "x" * 500})

    assert f"{'x' * 59}…" == draft.findings[0].params["value"]
