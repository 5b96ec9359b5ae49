"""A mapping is held against its model before a row is read."""

from __future__ import annotations

import pytest

from tests.unit.aspect.mapping_files import BOM, READY, SERIAL, mistakes

PCF = """\
model: urn:samm:io.catenax.pcf:9.0.0#Pcf
time_zone: UTC
twin: {type: PartType, manufacturerId: {constant: own}, manufacturerPartId: {column: P}}
payload:
"""


def test_mappings_that_fit_their_model_have_no_findings() -> None:
    assert [[], [], []] == [mistakes(text) for text in (SERIAL, BOM, READY)]


MISTAKES = [
    ("catenaXId: {twin: self}", "catenaxId: {twin: self}", 12, "property_misspelt"),
    ("    country:", "    land:", 19, "property_unknown"),
    ("  catenaXId: {twin: self}\n", "", 12, "property_missing"),
    ("    manufacturerPartId: {column: Parte}\n    name", "    name", 21, "property_missing"),
    ("date: {column: Fecha, date: ", "date: {template: '{Fecha}', default: 1, trim: ", 18, None),
    ("country: {constant: MEX}", "country: {constant: Mexico}", 19, "pattern_broken"),
    ("country: {constant: MEX}", "country: {constant: 484}", 19, "text_property"),
    ("country: {constant: MEX}", "country: {column: P, number: true}", 19, "text_property"),
    ("country: {constant: MEX}", "country: {column: P, boolean: true}", 19, "text_property"),
    ("country: {constant: MEX}", "country: {column: P, default: true}", 19, "text_property"),
    ("country: {constant: MEX}", "country: [{constant: MEX}]", 19, "list_unwanted"),
    ("country: {constant: MEX}", "country: {iso: {constant: MEX}}", 19, "value_wanted"),
    ("country: {constant: MEX}", "country: {column: P, lookup: nombres}", 19, "pattern_broken"),
    (
        "  manufacturingInformation:\n",
        "  manufacturingInformation:\n    sites: {column: S}\n",
        18,
        "list_wanted",
    ),
    ("serial_part:3.0.0", "serial_part:3.0.9", 1, "model_unknown"),
]


@pytest.mark.parametrize(("good", "bad", "line", "code"), MISTAKES)
def test_what_does_not_fit_is_told_with_its_line(
    good: str, bad: str, line: int, code: str | None
) -> None:
    assert good in SERIAL

    findings = mistakes(SERIAL.replace(good, bad, 1))

    if code is None:
        assert findings
    else:
        assert (f"aspect:mapping_{code}", line) in [(f.code, f.where.row) for f in findings]
        assert len({f.where.row for f in findings}) == 1


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [
        ("number: true", "trim: true", "number_wanted"),
        ("{column: Cantidad, number: true}", "{constant: '1'}", "number_wanted"),
        ("{column: Cantidad, number: true}", "{twin: self}", "number_wanted"),
        ("{constant: false}", "{column: Alt}", "boolean_wanted"),
        ("{constant: false}", "{constant: 'false'}", "boolean_wanted"),
        ('KG: "unit:kilogram"', "KG: kg", "value_not_allowed"),
        (
            "      quantity:\n",
            "      cantidad: {a: {column: B}}\n      quantity:\n",
            "property_unknown",
        ),
    ],
)
def test_values_must_come_out_as_the_model_wants_them(good: str, bad: str, code: str) -> None:
    assert [f"aspect:mapping_{code}"] == [f.code for f in mistakes(BOM.replace(good, bad))]


def test_what_fits_in_another_way_is_accepted() -> None:
    number = BOM.replace("{column: Cantidad, number: true}", "{constant: 1}")
    first = "{first_of: [{column: C, number: true}, {constant: 2}]}"
    either = BOM.replace("{column: Cantidad, number: true}", first)
    chosen = "{column: A, equals: S, then: {constant: true}, else: {constant: false}}"
    when = BOM.replace("{constant: false}", f"{{when: {chosen}}}")

    assert [[], [], []] == [mistakes(text) for text in (number, either, when)]


def test_a_group_that_the_model_wraps_in_a_list_must_be_a_list() -> None:
    findings = mistakes(f"{PCF}  general: {{comment: {{column: P}}}}\n")

    told = {f.params["word"] for f in findings if f.code == "aspect:mapping_list_wanted"}
    missing = [f for f in findings if f.code == "aspect:mapping_property_missing"]
    assert {"general"} == told
    assert 5 == len(missing)


def test_dates_must_come_out_as_the_model_wants_them() -> None:
    time = """\
  pcfAssessmentAndMethodology:
    - dataSourcesAndQuality: [{technologicalDQR: {constant: 1}}]
      pcfAssessmentInformation:
        - time:
            - referencePeriodStart: {column: A}
              referencePeriodEnd: {column: B, date: "%d/%m/%Y"}
              created: {constant: "2026-01-01T00:00:00Z"}
              validityPeriodEnd: {constant: "2026-01-01"}
"""
    findings = mistakes(PCF + time)

    wanted = [f.where.row for f in findings if f.code == "aspect:mapping_datetime_wanted"]
    assert [9, 10, 12] == wanted


def test_constants_are_held_against_the_allowed_values_of_an_enumeration() -> None:
    scope = "  scopeOfPcfForm: [{partialFullPcf: {constant: Cradle-to-gate},"

    good = mistakes(f"{PCF}{scope} specVersion: {{column: V}}}}]\n")
    bad = mistakes(f"{PCF}{scope.replace('gate', 'gates')} specVersion: {{column: V}}}}]\n")

    (finding,) = [f for f in bad if f not in good]
    assert (
        "“Cradle-to-gates” is not allowed for “partialFullPcf”\n"
        "  why: the model allows only: Cradle-to-gate, Cradle-to-grave\n"
        "  fix: write one of them, such as “Cradle-to-gate”"
    ) == str(finding.text())


TEXTS = [
    (
        SERIAL.replace("catenaXId:", "catenaXid:"),
        "SerialPart has no property “catenaXid”",
        "most like it is “catenaXId”",
        "SerialPart no tiene la propiedad «catenaXid»",
    ),
    (
        SERIAL.replace("    nameAtManufacturer: {column: Parte, lookup: nombres}\n", ""),
        "partTypeInformation lacks “nameAtManufacturer”",
        "the model requires it, as string",
        "a partTypeInformation le falta «nameAtManufacturer»",
    ),
    (
        BOM.replace(", number: true", ""),
        "“value” is a number",
        "what the mapping puts there is something else",
        "«value» es un número",
    ),
    (
        SERIAL.replace("{constant: MEX}", "{constant: Mexico}"),
        "“Mexico” does not have the form of “country”",
        "the model wants what matches ^[A-Z][A-Z][A-Z]$",
        "«Mexico» no tiene la forma de «country»",
    ),
    (
        SERIAL.replace("3.0.0", "2.9.9"),
        "no model is known for urn:samm:io.catenax.serial_part:2.9.9#SerialPart",
        "neither the shipped models nor those of your model folder hold it",
        "no se conoce ningún modelo para urn:samm:io.catenax.serial_part:2.9.9#SerialPart",
    ),
    (
        SERIAL.replace("time_zone: America/Mexico_City\n", ""),
        "times as %d/%m/%Y %H:%M need a time zone",
        "they do not say how far from UTC they are",
        "las horas con la forma %d/%m/%Y %H:%M necesitan una zona horaria",
    ),
    (
        SERIAL.replace("{constant: MEX}", "MEX"),
        "“country” says “MEX”, but not where it comes from",
        "a value is either the same always or read from a column",
        "«country» dice «MEX», pero no de dónde sale",
    ),
]


@pytest.mark.parametrize(("text", "what", "why", "spanish"), TEXTS)
def test_mistakes_are_worded_in_both_languages(
    text: str, what: str, why: str, spanish: str
) -> None:
    (finding,) = mistakes(text)

    english = finding.text()
    assert (what, why, spanish) == (english.what, english.why, finding.text("es").what)
    assert english.fix
