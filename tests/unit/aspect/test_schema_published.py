"""Our schemas against the published ones: same meaning, nearly always the same words."""

from __future__ import annotations

import json
from functools import cache

import pytest

from connector.aspect.library import CompiledModel, ModelLibrary, shipped_folder
from tests.unit.aspect.model_files import Case, published_cases, published_folder
from tests.unit.aspect.schema_comparison import differences, normal_form

CASES = published_cases()
SHIPPED_IDS = ModelLibrary([shipped_folder()]).list()
SHIPPED = [c for c in CASES if c.values[0] is None or c.values[0].semantic_id in SHIPPED_IDS]
# In no published case: each was compared with its published schema when it was written.
UNPROVEN = {
    "urn:samm:io.catenax.binary_exchange:1.0.0#BinaryExchange",
    "urn:samm:io.catenax.business_partner_certificate:3.0.0#BusinessPartnerCertificate",
    "urn:samm:io.catenax.business_partner_certificate:3.1.0#BusinessPartnerCertificate",
    "urn:samm:io.catenax.certificate_of_analysis:2.0.0#CertificateOfAnalysis",
    "urn:samm:io.catenax.customs_information:2.0.0#CustomsInformation",
    "urn:samm:io.catenax.early_warning_notification:1.0.0#EarlyWarningNotification",
    "urn:samm:io.catenax.material.certificate_of_analysis:1.0.0#CertificateOfAnalysis",
    "urn:samm:io.catenax.material.safety_data_sheet:1.0.0#SafetyDataSheet",
    "urn:samm:io.catenax.material.technical_information:1.0.0#TechnicalInformation",
    "urn:samm:io.catenax.parts_analyses:4.0.0#PartsAnalyses",
    "urn:samm:io.catenax.pcf:10.0.0#Pcf",
    "urn:samm:io.catenax.pcf_for_battery_component_supplier:1.0.0#PcfForBatteryComponentSupplier",
    "urn:samm:io.catenax.secondary_material_content_calculated:1.0.0#SecondaryMaterialContentCalculated",
    "urn:samm:io.catenax.secondary_material_content_verifiable:1.0.0#SecondaryMaterialContentVerifiable",
    "urn:samm:io.catenax.software_information:1.0.0#SoftwareInformation",
    "urn:samm:io.catenax.special_characteristics.measurement:2.0.0#SpecialCharacteristicsMeasurement",
    "urn:samm:io.catenax.us_tariff_information:1.0.0#UsTariffInformation",
    "urn:samm:io.catenax.us_tariff_information:2.0.0#UsTariffInformation",
    "urn:samm:io.catenax.zero_km_failure:1.0.0#ZeroKmFailure",
}
# Published by an older generator, which named definitions by whole URNs.
OTHER_NAMES = {"io.catenax.pcf/2.0.0/Pcf"}


@cache
def _library() -> ModelLibrary:
    folder = published_folder()
    assert folder is not None
    return ModelLibrary([folder / "models"])


def _compiled(case: Case) -> CompiledModel:
    return _library().get(case.semantic_id)


@pytest.mark.parametrize("case", CASES)
def test_a_published_model_means_the_same_here(case: Case) -> None:
    assert [] == differences(_compiled(case).schema, case.schema)


@pytest.mark.parametrize("case", [c for c in CASES if c.id not in OTHER_NAMES])
def test_a_published_model_is_written_the_same_here(case: Case) -> None:
    assert normal_form(case.schema) == normal_form(_compiled(case).schema)


@pytest.mark.parametrize("case", CASES)
def test_every_edited_payload_is_judged_as_published(case: Case) -> None:
    compiled = _compiled(case)

    assert [] == [p for p, is_valid in case.mutants() if compiled.is_valid(p) != is_valid]


@pytest.mark.parametrize("case", CASES)
def test_findings_are_given_exactly_where_a_payload_is_invalid(case: Case) -> None:
    compiled = _compiled(case)

    assert [] == [p for p, is_valid in case.mutants() if bool(compiled.findings(p)) == is_valid]


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_in_a_valid_payload_gives_one_finding(case: Case) -> None:
    compiled = _compiled(case)
    if not compiled.is_valid(case.payload):
        pytest.skip("the published payload is invalid itself")

    assert [] == [
        json.dumps(edit) for edit, count in _single_mistakes(case, compiled) if count != 1
    ]


@pytest.mark.parametrize("case", SHIPPED)
def test_a_shipped_model_means_the_same_as_the_published_one(case: Case) -> None:
    shipped = ModelLibrary([shipped_folder()]).get(case.semantic_id)

    assert [] == differences(shipped.schema, case.schema)
    assert [] == [p for p, is_valid in case.mutants() if shipped.is_valid(p) != is_valid]
    assert case.facts["payloadValid"]["formatsOff"] == shipped.is_valid(case.payload)


@pytest.mark.skipif(published_folder() is None, reason="needs the published models")
def test_every_other_shipped_model_is_compared_with_a_published_one() -> None:
    compared = {case.values[0].semantic_id for case in CASES}

    assert sorted(UNPROVEN) == [found for found in SHIPPED_IDS if found not in compared]


def _single_mistakes(case: Case, compiled: CompiledModel) -> list[tuple[object, int]]:
    mutants = (case.folder / case.facts["mutantsFile"]).read_text().splitlines()
    edits = [json.loads(line) for line in mutants]
    # Such an edit makes several mistakes: an empty object lacks all that it must have.
    single = [
        (edit, payload)
        for edit, (payload, is_valid) in zip(edits, case.mutants(), strict=True)
        if not is_valid and not isinstance(edit.get("value"), dict | list)
    ]
    return [(edit, len(compiled.findings(payload))) for edit, payload in single]


@pytest.mark.parametrize(
    "narrower",
    [
        {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}},
        {"type": "object", "properties": {"a": {"type": "number"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"b": {"type": "string"}}},
    ],
)
def test_the_comparison_sees_a_difference(narrower: dict[str, object]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    assert [] != differences(schema, narrower)
