"""A mapping file is read whole, and every mistake in it is told with its line and its mend."""

from __future__ import annotations

import pytest

from connector.aspect.mapping.definition import (
    Column,
    Constant,
    Date,
    Expression,
    Number,
    ObjectNode,
    Template,
)
from connector.aspect.mapping.parsing import parse_mapping
from connector.aspect.mapping.tree import DEPTH_MAX, TEXT_CHARACTERS_MAX
from connector.identifiers import SemanticId
from tests.unit.aspect.mapping_files import BOM, READY, SERIAL, mistakes, parsed


def test_a_mapping_without_mistakes_is_read_whole() -> None:
    definition = parsed(SERIAL)

    urn = SemanticId("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
    assert urn == definition.semantic_id
    assert ("Parte", "Serie") == definition.key_columns
    assert {"Parte", "Serie", "Cliente", "VAN", "Fecha"} == set(definition.columns)
    assert not definition.grouped


def test_a_grouped_mapping_reads_the_columns_of_its_items() -> None:
    definition = parsed(BOM)

    assert definition.grouped
    assert ("Padre", "Serie") == definition.key_columns
    assert {"Hija", "Serie hija", "Lote", "Id", "Cantidad", "Unidad"} <= set(definition.columns)


def test_ready_payloads_are_told_apart_by_their_model_and_id() -> None:
    definition = parsed(READY)

    assert definition.semantic_id is None
    assert ("aspectType", "^assetMetaInfo.catenaXId") == definition.key_columns


def test_a_key_that_is_said_wins_over_that_of_the_twin() -> None:
    definition = parsed(f"{SERIAL}rows: {{key: [Parte, Serie, Fecha]}}\n")

    assert ("Parte", "Serie", "Fecha") == definition.key_columns


def test_a_value_keeps_its_line_and_says_what_is_done_to_it() -> None:
    payload = parsed(SERIAL).payload

    assert isinstance(payload, ObjectNode)
    made = payload.members[2].node
    assert isinstance(made, ObjectNode)
    date = made.members[0].node
    assert isinstance(date, Expression)
    assert isinstance(date.conversion, Date)
    assert (18, Column("Fecha"), True) == (date.line, date.source, date.conversion.with_time)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("007", "007"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("0x1F", "0x1F"),
        ('"12"', "12"),
        ("12", 12),
        ("-1.5", -1.5),
        ("true", True),
        ('"true"', "true"),
    ],
)
def test_a_plain_word_is_a_number_or_truth_only_where_json_says_so(
    written: str, value: object
) -> None:
    text = SERIAL.replace("{constant: MEX}", f"{{constant: {written}}}")
    payload = parsed(text).payload

    assert isinstance(payload, ObjectNode)
    made = payload.members[2].node
    assert isinstance(made, ObjectNode)
    country = made.members[1].node
    assert isinstance(country, Expression)
    assert Constant(value) == country.source  # type: ignore[arg-type]


def test_numbers_are_written_as_the_feed_says_unless_a_value_says_otherwise() -> None:
    feed = parsed(BOM.replace('decimal: ","', 'decimal: ","\nthousands: "."'))
    own = parsed(BOM.replace("number: true", 'number: {decimal: "."}'))

    assert [Number(",", ".")] == _numbers(feed.payload)
    assert [Number(".", "")] == _numbers(own.payload)


def _numbers(node: object) -> list[Number]:
    text = repr(node)
    found = [Number(",", "."), Number(".", ""), Number(",", "")]
    return [number for number in found if repr(number) in text]


def test_a_template_names_columns_and_doubles_its_own_braces() -> None:
    text = SERIAL.replace("{column: VAN}", '{template: "{{{A}-{B C}}}"}')

    parts = ("{", Column("A"), "-", Column("B C"), "}")
    assert repr(Template(parts)) in repr(parsed(text).payload)


MISTAKES = [
    ("payload:\n", "paylod:\n", 11, "mapping_word_misspelt"),
    ("column: VAN", "columna: VAN", 16, "mapping_word_misspelt"),
    ("  type: PartInstance", "  type: PartInstanz", 5, "mapping_twin_type"),
    ("  type: PartInstance", "  type: PartType", 5, "mapping_twin_part_type"),
    ("  partInstanceId: {column: Serie}\n", "", 5, "mapping_twin_instance"),
    ("  manufacturerId: {constant: own}\n", "", 5, "mapping_word_missing"),
    ("America/Mexico_City", "Mexico_City", 2, "mapping_zone_unknown"),
    ("time_zone: America/Mexico_City\n", "", 17, "mapping_zone_missing"),
    ('decimal: ","', 'decimal: ";"', 3, "mapping_decimal_sign"),
    ('decimal: ","', 'decimal: ","\nthousands: ","', 3, "mapping_thousands_sign"),
    ("serial_part:3.0.0#SerialPart", "serial_part#SerialPart", 1, "semantic_id_malformed"),
    ("%d/%m/%Y %H:%M", "%d/%m/%Q", 18, "mapping_date_directive"),
    ("%d/%m/%Y %H:%M", "%d/%m", 18, "mapping_date_incomplete"),
    ("%d/%m/%Y %H:%M", "%d/%m/%Y", 18, "mapping_date_without_time"),
    ("as: datetime", "as: timestamp", 18, "mapping_word_unknown"),
    ("as: datetime", "at: noon", 18, "mapping_time_of_day"),
    ("country: {constant: MEX}", "country: MEX", 19, "mapping_bare_value"),
    ("{constant: MEX}", "{constant: MEX, column: P}", 19, "mapping_sources_many"),
    ("{constant: MEX}", "{first_of: MEX}", 19, "mapping_list_wanted"),
    ("{column: VAN}", "{column: VAN, trim: please}", 16, "mapping_flag_wanted"),
    ("{column: VAN}", "{column: VAN, split: -}", 16, "mapping_words_wanted"),
    ("{column: VAN}", "{column: VAN, split: {by: '-'}}", 16, "mapping_counted_from_one"),
    ("{column: VAN}", "{column: VAN, slice: {from: a, to: 2}}", 16, "mapping_whole_wanted"),
    ("{column: VAN}", "{column: VAN, upper: true, lower: true}", 16, "mapping_words_exclude"),
    ("{column: VAN}", "{column: VAN, number: true, boolean: true}", 16, "mapping_words_exclude"),
    ("{column: VAN}", "{column: VAN, at: '06:00'}", 16, "mapping_word_needs"),
    ("{column: VAN}", "{column: VAN, unit: {from: g, to: kg}}", 16, "mapping_word_needs"),
    ("{column: VAN}", "{column: }", 16, "mapping_text_wanted"),
    ("{column: VAN}", "{template: 'a{b'}", 16, "mapping_template_braces"),
    ("lookup: nombres", "lookup: nombre", 22, "mapping_table_unknown"),
    ("  nombres: {A-1: Bomba, A-2: Eje}", "  nombres: Bomba", 25, "mapping_tables_wanted"),
    (
        "    customerPartId: {column: Cliente}\npay",
        "    a-b: {column: Cliente}\npay",
        10,
        "mapping_asset_id_name",
    ),
    (
        "catenaXId: {twin: self}",
        "catenaXId: {each: row, item: {column: X}}",
        12,
        "mapping_rows_not_grouped",
    ),
    (
        "    - {key: {constant: van}, value: {column: VAN}}",
        "    - {twin: self}",
        16,
        "mapping_item_unfit",
    ),
    ("time_zone: America", "decimal: '.'\ntime_zone: America", 4, "mapping_key_twice"),
    ("{column: Parte}", "&p {column: Parte}", 0, ""),
]


@pytest.mark.parametrize(("good", "bad", "line", "code"), MISTAKES)
def test_one_mistake_is_one_finding_on_its_line(good: str, bad: str, line: int, code: str) -> None:
    assert good in SERIAL

    findings = mistakes(SERIAL.replace(good, bad, 1))

    expected = [(code, line)] if code else []
    assert expected == [(f.code.partition(":")[2], f.where.row) for f in findings]


def test_units_are_checked_when_the_mapping_is_read() -> None:
    other = BOM.replace("number: true", "number: true, unit: {from: kg, to: m}")
    unknown = BOM.replace("number: true", "number: true, unit: {from: kilo, to: kg}")

    assert ["aspect:mapping_units_differ"] == [f.code for f in mistakes(other)]
    assert ["aspect:mapping_unit_unknown"] == [f.code for f in mistakes(unknown)]


def test_all_mistakes_are_told_at_once() -> None:
    text = SERIAL.replace("column: VAN", "columna: VAN").replace("{constant: MEX}", "MEX")
    text = text.replace("type: PartInstance", "type: Part")

    told = [(f.where.row, f.code) for f in mistakes(text)]

    assert [
        (5, "aspect:mapping_twin_type"),
        (16, "aspect:mapping_word_misspelt"),
        (19, "aspect:mapping_bare_value"),
    ] == told


def test_a_finding_says_what_why_and_fix() -> None:
    (finding,) = mistakes(SERIAL.replace("column: VAN", "columna: VAN"))

    assert ("feed.yaml", 16) == (finding.where.source, finding.where.row)
    assert (
        "“columna” is not a word of the mapping language\n"
        "  why: most like it is “column”\n"
        "  fix: write “column”"
    ) == str(finding.text())
    assert "«columna» no es una palabra del lenguaje de mapeo" == finding.text("es").what


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "mapping_word_missing"),
        ("- a", 1, "mapping_words_wanted"),
        ("model: [", 1, "mapping_yaml"),
        ("model: a\n  twin: b", 2, "mapping_yaml"),
        ("model: a: b", 1, "mapping_yaml"),
        ("a: \x00", 1, "mapping_yaml"),
        ("a: &x 1\nb: *x", 2, "mapping_alias"),
        ("? [a]\n: b", 1, "mapping_key_unreadable"),
        ("[" * (DEPTH_MAX + 1), 1, "mapping_yaml"),
        ("x" * (TEXT_CHARACTERS_MAX + 1), 1, "mapping_too_large"),
    ],
)
def test_what_is_no_mapping_at_all_is_refused(text: str, line: int, code: str) -> None:
    definition, findings = parse_mapping(text, "feed.yaml")

    assert definition is None
    assert (line, f"aspect:{code}") == (findings[0].where.row, findings[0].code)


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [
        ("payload: {column: payload}", "payload: {a: {column: payload}}", "payload_column_wanted"),
        ("{column: aspectType}", "urn:samm:a.b:1.0.0#C", ""),
        ("from_payload: true", "from_payload: true\n  batchId: {column: B}", "words_exclude"),
        ("  id: {column: ^assetMetaInfo.catenaXId}\n", "", ""),
    ],
)
def test_ready_payloads_have_rules_of_their_own(good: str, bad: str, code: str) -> None:
    findings = mistakes(READY.replace(good, bad))

    assert code in "".join(finding.code for finding in findings)


def test_a_twin_without_columns_names_no_record() -> None:
    text = SERIAL.replace("{column: Parte}\n  part", "{constant: A}\n  part")
    text = text.replace(
        "partInstanceId: {column: Serie}\n  asset", "batchId: {constant: B}\n  asset"
    )

    assert ["aspect:mapping_key_absent"] == [finding.code for finding in mistakes(text)]


def test_a_payload_without_columns_says_nothing() -> None:
    text = f"{READY}".replace("{column: aspectType}", "urn:samm:a.b:1.0.0#C")
    text = text.replace("payload: {column: payload}", "payload: {a: {constant: 1}}")

    codes = {finding.code for finding in parse_mapping(text, "feed.yaml")[1]}

    assert {"aspect:mapping_from_payload_alone", "aspect:mapping_payload_constant"} == codes
