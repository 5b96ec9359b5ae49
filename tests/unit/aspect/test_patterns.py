"""A regular expression is known by what it accepts."""

from __future__ import annotations

import pytest

from connector.aspect.patterns import choices, matches, what_is_asked, zone_is_missing

UUID = (
    "(^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$)|"
    "(^urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$)"
)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (UUID, "no_uuid"),
        (r"^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$", "no_uuid"),
        ("^BPNL[a-zA-Z0-9]{12}$", "no_bpnl"),
        ("^BPNS[0-9A-Z]{12}$", "no_bpns"),
        ("^BPNA[0-9A-Z]{12}$", "no_bpna"),
        (r"^\d{4}-\d\d-\d\d$", "no_date"),
        (r"^\d{4}-\d\d-\d\dT.*Z$", "no_datetime"),
        (r"^\d{4}-\d\d-\d\d(T.*Z)?$", "no_date_or_datetime"),
        ("[a-zA-Z]*:[a-zA-Z]+", "no_unit"),
        ("^[A-Z]{3}$", "no_country"),
        ("([A-Z]{2}-[A-Z0-9]{1,3}|[A-Z]{2}-[0-9]{2})", "no_subdivision"),
    ],
)
def test_a_form_that_people_know_is_recognised(pattern: str, code: str) -> None:
    asked = what_is_asked(pattern)

    assert f"aspect:value_{code}" == (asked.code if asked else None)
    assert asked
    assert matches(pattern, asked.example)


@pytest.mark.parametrize("pattern", [".*", "^.+$", "^[A-Z0-9]{4}$", "^[a-z]+@[a-z]+$", "^P[0-9]$"])
def test_a_form_that_could_be_anything_has_no_name(pattern: str) -> None:
    assert None is what_is_asked(pattern)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^(a|b|customKey:\\w+)$", ("a", "b", "customKey:…")),
        ("(full hybrid|battery)", ("full hybrid", "battery")),
        ("^(1[0-8]|[1-9]|R)$", ()),
        ("^[A-Z]$", ()),
    ],
)
def test_a_pattern_that_lists_words_is_read_as_the_list(
    pattern: str, expected: tuple[str, ...]
) -> None:
    assert expected == choices(pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-03-17T06:12:09", True), ("2026-03-17T06:12:09.5", True), ("2026-03-17", False)],
)
def test_a_time_that_only_lacks_its_zone_is_recognised(text: str, expected: bool) -> None:
    assert expected == zone_is_missing(r"^\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)$", text)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^a$", "a\n", False),
        (r"^\d$", "٣", False),
        (r"^\w$", "ñ", False),
        (r"^[^\w]$", "ñ", True),
        (r"^\W$", "ñ", True),
        (r"^[\d$]+$", "1$", True),
        (r"^\$$", "$", True),
        (r"^[]]$", "]", True),
        (r"^[^]]$", "x", True),
    ],
)
def test_patterns_mean_what_ecma_262_says(pattern: str, text: str, expected: bool) -> None:
    assert expected == matches(pattern, text)
