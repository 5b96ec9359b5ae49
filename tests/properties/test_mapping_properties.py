"""Whatever a source writes comes through as what it means, and no text breaks the reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from connector.aspect.mapping.checking import check_mapping
from connector.aspect.mapping.compiling import CompiledMapping, compile_mapping
from connector.aspect.mapping.parsing import parse_mapping
from connector.errors import Severity

OWN = "BPNL00000000PUE1"
ZONES = ("America/Mexico_City", "America/Tijuana", "Europe/Berlin", "Asia/Kolkata", "UTC")
URN = "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"

# Fifteen digits are what a double keeps of any decimal.
decimals = st.decimals(
    min_value=Decimal("-1e11"), max_value=Decimal("1e11"), places=3, allow_nan=False
)
moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2037, 12, 30))  # noqa: DTZ001
texts = st.text(min_size=1).filter(lambda text: not text.isspace())


def _compiled(expression: str, feed: str = "") -> CompiledMapping:
    definition, findings = parse_mapping(
        f"""\
model: {URN}
{feed}
twin: {{type: PartType, manufacturerId: {{constant: own}}, manufacturerPartId: {{column: K}}}}
payload: {{value: {expression}}}
""",
        "feed.yaml",
    )
    assert definition, findings
    return compile_mapping(definition, None, ("K", "C"), OWN, {})


AS_IT_IS = _compiled("{column: C}")
COMMA = _compiled("{column: C, number: true}", 'decimal: ","\nthousands: "."')
POINT = _compiled("{column: C, number: true}", 'thousands: ","')
GRAMS = _compiled("{column: C, number: true, unit: {from: g, to: kg}}")
BACK = _compiled("{column: C, number: true, unit: {from: kg, to: g}}")
FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%H:%M:%S %d.%m.%Y",
    "%m/%d/%Y %I:%M:%S %p",
)
STAMPS = {
    (zone, form): _compiled(f"{{column: C, date: '{form}'}}", f"time_zone: {zone}")
    for zone in ZONES
    for form in FORMATS
}


@given(texts)
def test_any_text_comes_through_unchanged(text: str) -> None:
    draft = AS_IT_IS.apply([("k", text)], [1])

    assert (text, ()) == (draft.payload["value"], draft.findings)


@given(texts)
def test_any_key_is_kept_as_it_is(text: str) -> None:
    draft = AS_IT_IS.apply([(text, "x")], [1])

    assert draft.identity
    assert text == draft.identity.manufacturer_part_id
    assert bool(draft.findings) is (text.strip() != text)


@given(decimals, st.booleans())
def test_numbers_round_trip_in_both_notations(number: Decimal, grouped: bool) -> None:
    english = f"{number:,}" if grouped else f"{number}"
    spanish = english.replace(",", " ").replace(".", ",").replace(" ", ".")

    read = [
        mapping.apply([("k", text)], [1]).payload["value"]
        for mapping, text in ((POINT, english), (COMMA, spanish))
    ]

    assert read[0] == read[1]
    assert number == Decimal(repr(read[0]))
    assert isinstance(read[0], int) is (number == number.to_integral_value())


@given(st.decimals(min_value=0, max_value=Decimal("1e9"), places=3))
def test_a_unit_and_back_is_the_same_number(number: Decimal) -> None:
    there = GRAMS.apply([("k", str(number))], [1]).payload["value"]
    back = BACK.apply([("k", f"{Decimal(repr(there)):f}")], [1]).payload["value"]

    assert number == Decimal(repr(back))


@given(moments, st.sampled_from(ZONES), st.sampled_from(FORMATS))
def test_a_local_time_becomes_the_moment_that_it_was(
    moment: datetime, zone: str, form: str
) -> None:
    there = moment.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    exists = there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    draft = STAMPS[zone, form].apply([("k", there.strftime(form))], [1])

    errors = [f.code for f in draft.findings if f.severity is Severity.ERROR]
    if exists != there.replace(tzinfo=None):
        assert ["aspect:cell_time_skipped"] == errors
    else:
        written = str(draft.payload["value"])
        assert ([], there.astimezone(UTC)) == (errors, datetime.fromisoformat(written))


@given(st.datetimes(min_value=datetime(1970, 1, 2)), st.integers(-720, 720))  # noqa: DTZ001
def test_a_time_with_its_offset_needs_no_zone(moment: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    text = f"{moment.isoformat()}{'-' if minutes < 0 else '+'}{abs(offset)!s:0>8}"[:-3]
    mapping = _compiled("{column: C, date: iso, as: datetime}")

    read = datetime.fromisoformat(str(mapping.apply([("k", text)], [1]).payload["value"]))

    assert (moment, offset) == (read.replace(tzinfo=None), read.utcoffset())


scalars = st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.booleans())


@given(st.one_of(scalars, st.lists(st.text())))
def test_no_cell_breaks_a_conversion(cell: object) -> None:
    for mapping in (COMMA, POINT, GRAMS, AS_IT_IS, *STAMPS.values()):
        draft = mapping.apply([("k", cell)], [1])

        assert all(str(finding.text()) for finding in draft.findings)


pieces = st.sampled_from(
    f"model: twin: payload: rows: lookups: {URN} column constant each row item group true {{ }}"
    " [ ] - : , # & * ' \" | > \n \n \t first_of when date number \x00 self type id".split(" ")
)


@given(st.one_of(st.text(), st.lists(pieces).map(" ".join)))
def test_no_text_breaks_the_reader(text: str) -> None:
    definition, findings = parse_mapping(text, "feed.yaml")

    assert (definition is None) is bool(findings)
    assert all(str(finding.text()) and finding.where.row for finding in findings)
    if definition:
        check_mapping(definition, lambda _: None)
