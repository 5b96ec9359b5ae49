"""Payloads from one version of a model to another: kept, lost or missing, never invented."""

from __future__ import annotations

import hashlib
import json
import tomllib
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.aspect.exact_numbers import parse_json
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.migration import Migrated, migrate, without_repeats
from connector.aspect.migration_steps import (
    Drop,
    Flag,
    Rewrite,
    read_migrations,
    shipped_migrations,
)
from connector.errors import Finding, SetupError
from connector.identifiers import SemanticId
from connector.texts import LANGUAGES, catalogue

FOLDER = shipped_folder().parent / "migrations"
NEW_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
OLD_ID = "6b3b0695-5517-4a17-82c6-dedb41259f33"
OLDEST_ID = "0c9e3f52-77b6-4c1d-8f07-6a3a2d1f9b10"
PART = "urn:uuid:8f1a6a4e-52c9-4d7e-9d1b-0a9f6f1c2b11"
CHILD = "urn:uuid:1d0b8e6f-1f4b-4b6e-a9b5-6a0f8a5f7c22"
SERIAL_PART = {
    "catenaXId": PART,
    "localIdentifiers": [
        {"key": "partInstanceId", "value": "P1-26-000417"},
        {"key": "customKey:mould", "value": "M7"},
    ],
    "manufacturingInformation": {
        "date": "2026-03-17T06:12:09-06:00",
        "country": "MEX",
        "sites": [{"catenaXsiteId": "BPNS00000000PUE1", "function": "production"}],
    },
    "partTypeInformation": {"manufacturerPartId": "8000-4711-03", "nameAtManufacturer": "Hub"},
}
QUANTITY = {"value": 4.0, "unit": "unit:piece"}
BOM = {
    "catenaXId": PART,
    "childItems": [
        {
            "catenaXId": CHILD,
            "quantity": QUANTITY,
            "hasAlternatives": False,
            "createdOn": "2026-03-17T06:15:00Z",
            "businessPartner": "BPNL00000000PUE1",
        }
    ],
}
FOOTPRINT = {
    "id": OLD_ID,
    "specVersion": "urn:io.catenax.pcf:datamodel:version:7.0.0",
    "partialFullPcf": "Cradle-to-gate",
    "precedingPfIds": [{"id": OLDEST_ID}],
    "version": 2,
    "created": "2026-02-01T12:00:00Z",
    "extWBCSD_pfStatus": "Active",
    "validityPeriodEnd": "2028-12-31T23:59:59Z",
    "companyName": "Autopartes Puebla",
    "companyIds": ["urn:bpn:id:BPNL00000000PUE1"],
    "productIds": ["urn:example.com:product-id:8000-4711-03"],
    "extWBCSD_productCodeCpc": "491-29000",
    "productName": "Wheel hub left",
    "pcf": {
        "declaredUnit": "kilogram",
        "unitaryProductAmount": 3,
        "productMassPerDeclaredUnit": 1.1,
        "exemptedEmissionsPercent": 0,
        "geographyRegionOrSubregion": "Latin America and the Caribbean",
        "referencePeriodStart": "2025-01-01T00:00:00Z",
        "referencePeriodEnd": "2025-12-31T23:59:59Z",
        "crossSectoralStandardsUsed": [
            {"crossSectoralStandard": "ISO Standard 14067"},
            {"crossSectoralStandard": "ISO Standard 14044"},
        ],
        "productOrSectorSpecificRules": [
            {
                "extWBCSD_operator": "PEF",
                "productOrSectorSpecificRules": [{"ruleName": "A"}, {"ruleName": "B"}],
            },
            {"extWBCSD_operator": "PEF", "productOrSectorSpecificRules": [{"ruleName": "C"}]},
        ],
        "extWBCSD_characterizationFactors": "AR6",
        "extTFS_allocationWasteIncineration": "cut-off",
        "primaryDataShare": 56.12,
        "secondaryEmissionFactorSources": [{"secondaryEmissionFactorSource": "ecoinvent 3.8"}],
        "dataQualityRating": {"technologicalDQR": 2},
        "extWBCSD_packagingEmissionsIncluded": True,
        "pcfExcludingBiogenic": 0.1,
        "pcfIncludingBiogenic": 0.2,
        "extTFS_luGhgEmissions": -0.7,
    },
}
MISSING_OF_FOOTPRINT = {
    "retroOrProspectivePcfType",
    "ccsTechnologicalCO2CaptureIncluded",
    "massBalancingUsed",
    "distributionStageIncluded",
}


def urn(model: str, version: str) -> SemanticId:
    names = {
        "pcf": "Pcf",
        "batch": "Batch",
        "serial_part": "SerialPart",
        "just_in_sequence_part": "JustInSequencePart",
        "single_level_bom_as_built": "SingleLevelBomAsBuilt",
        "single_level_usage_as_built": "SingleLevelUsageAsBuilt",
    }
    return SemanticId(f"urn:samm:io.catenax.{model}:{version}#{names[model]}")


def migrated(model: str, source: str, target: str, payload: Any) -> Migrated:
    before = deepcopy(payload)
    way = shipped_migrations().way(urn(model, source), urn(model, target))
    done = migrate(payload, way, lambda: NEW_ID)
    assert before == payload
    return done


def findings_after(model: str, target: str, done: Migrated) -> list[Finding]:
    compiled = ModelLibrary([shipped_folder()]).get(urn(model, target))
    return without_repeats([*done.findings, *compiled.findings(done.payload)])


def codes(findings: list[Finding] | tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {
        (f.code.removeprefix("aspect:migration_"), f.path.rpartition("/")[2]) for f in findings
    }


def at(payload: Any, *way: str | int) -> Any:
    for step in way:
        payload = payload[step]
    return payload


def inside(payload: Any, *names: str) -> Any:
    """Return what lies under names, each of them a list of one object."""
    for name in names:
        payload = payload[name][0]
    return payload


@pytest.mark.parametrize("source", ["3.0.0", "3.0.1"])
def test_a_serial_part_gets_the_newer_names(source: str) -> None:
    done = migrated("serial_part", source, "4.0.0", SERIAL_PART)

    assert {
        "globalAssetId": PART,
        "localIdentifiers": [
            {"key": "partInstanceId", "value": "P1-26-000417"},
            {"key": "customKey", "value": "M7"},
        ],
        "manufacturingInformation": {
            "productionDate": "2026-03-17",
            "country": "MEX",
            "sites": [{"siteId": "BPNS00000000PUE1", "function": "production"}],
        },
        "partTypeInformation": {
            "manufacturerPartId": "8000-4711-03",
            "nameAtManufacturer": "Hub",
        },
    } == done.payload


def test_a_serial_part_says_what_it_lost_and_what_the_customer_has_to_tell() -> None:
    done = migrated("serial_part", "3.0.0", "4.0.0", SERIAL_PART)

    assert {
        ("lost_custom_key", "key"),
        ("lost_time", "date"),
        ("missing", "nameAtCustomer"),
        ("missing", "customerPartId"),
        ("missing", "partClassification"),
    } == codes(findings_after("serial_part", "4.0.0", done))


@pytest.mark.parametrize("model", ["batch", "just_in_sequence_part"])
def test_parts_that_need_no_more_than_their_names_are_valid_at_once(model: str) -> None:
    key = {"batch": "batchId", "just_in_sequence_part": "jisNumber"}[model]
    payload = {
        **SERIAL_PART,
        "localIdentifiers": [{"key": key, "value": "7"}],
        "manufacturingInformation": {"date": "2026-03-17"},
    }

    assert [] == findings_after(model, "4.0.0", migrated(model, "3.0.0", "4.0.0", payload))


def test_a_bill_of_material_gets_the_newer_names_at_both_levels() -> None:
    done = migrated("single_level_bom_as_built", "3.0.0", "4.0.0", BOM)

    assert PART == done.payload["globalAssetId"]
    assert CHILD == at(done.payload, "childItems", 0, "globalAssetId")
    assert [] == findings_after("single_level_bom_as_built", "4.0.0", done)


def test_a_day_alone_is_kept_and_found_wrong() -> None:
    payload = deepcopy(BOM)
    payload["childItems"][0]["createdOn"] = "2026-03-17"  # type: ignore[index]
    done = migrated("single_level_bom_as_built", "3.0.0", "4.0.0", payload)

    assert "2026-03-17" == at(done.payload, "childItems", 0, "createdOn")
    assert ["createdOn"] == [
        f.path.rpartition("/")[2]
        for f in findings_after("single_level_bom_as_built", "4.0.0", done)
    ]


def test_a_usage_gets_the_newer_names() -> None:
    parent = {**BOM["childItems"][0], "isOnlyPotentialParent": False}  # type: ignore[dict-item]
    del parent["hasAlternatives"]
    payload = {"catenaXId": PART, "customers": ["BPNL00000000OEM1"], "parentItems": [parent]}
    done = migrated("single_level_usage_as_built", "3.0.0", "4.0.0", payload)

    assert CHILD == at(done.payload, "parentItems", 0, "globalAssetId")
    assert [] == findings_after("single_level_usage_as_built", "4.0.0", done)


def test_lists_without_items_stay() -> None:
    payload = {**BOM, "childItems": []}

    assert {"globalAssetId": PART, "childItems": []} == (
        migrated("single_level_bom_as_built", "3.0.0", "4.0.0", payload).payload
    )


def test_items_keep_their_places_where_some_lack_a_value() -> None:
    first, second = {"key": "van"}, {"key": "batchId", "value": "7"}
    payload = {"localIdentifiers": [first, second]}

    assert [first, second] == (
        migrated("batch", "3.0.0", "4.0.0", payload).payload["localIdentifiers"]
    )


def test_keys_that_neither_version_knows_travel_where_they_stood() -> None:
    payload = deepcopy(BOM)
    payload["plant"] = {"line": [1, None]}  # type: ignore[assignment]
    payload["childItems"][0]["quantity"]["note"] = "x"  # type: ignore[index]
    done = migrated("single_level_bom_as_built", "3.0.0", "4.0.0", payload)

    assert {"line": [1, None]} == done.payload["plant"]
    assert "x" == at(done.payload, "childItems", 0, "quantity", "note")
    assert {("unknown_key", "plant"), ("unknown_key", "note")} == codes(done.findings)
    del payload["childItems"][0]["quantity"]["note"]  # type: ignore[index]


def test_a_footprint_is_stated_for_its_declared_amount() -> None:
    done = migrated("pcf", "7.0.0", "9.0.0", FOOTPRINT)
    product = inside(done.payload, "companyAndProductInformation", "productInformation")
    stage = inside(done.payload, "productLifeCycleStagesAndEmissions", "productionStage")

    assert ("kilogram", 3) == (
        product["declaredUnitOfMeasurement"],
        product["declaredUnitAmount"],
    )
    assert {
        "pcfExcludingBiogenicUptake": 0.3,
        "pcfIncludingBiogenicUptake": 0.6,
        "landManagementBiogenicCO2Removals": -2.1,
    } == stage
    assert 3.3 == product["productMassPerDeclaredUnit"]
    assert ("per_product", "unitaryProductAmount") in codes(done.findings)


def test_a_footprint_for_one_unit_is_not_suspected() -> None:
    payload = {**FOOTPRINT, "pcf": {**FOOTPRINT["pcf"], "unitaryProductAmount": 1.0}}  # type: ignore[dict-item]
    done = migrated("pcf", "7.0.0", "9.0.0", payload)

    assert "per_product" not in {code for code, _ in codes(done.findings)}


def test_numbers_are_multiplied_without_rounding() -> None:
    text = '{"pcf": {"unitaryProductAmount": 3, "pcfExcludingBiogenic": 0.12345678901234567891}}'
    done = migrated("pcf", "7.0.0", "9.0.0", parse_json(text))
    stage = inside(done.payload, "productLifeCycleStagesAndEmissions", "productionStage")

    assert Decimal("0.37037036703703703673") == stage["pcfExcludingBiogenicUptake"]


@pytest.mark.parametrize(
    ("target", "preceding"),
    [("9.0.0", [{"id": OLD_ID}, {"id": OLDEST_ID}]), ("10.0.0", [OLD_ID, OLDEST_ID])],
)
def test_a_footprint_gets_a_new_id_once_and_names_those_before_it(
    target: str, preceding: object
) -> None:
    done = migrated("pcf", "7.0.0", target, FOOTPRINT)
    found = inside(
        done.payload, "pcfAssessmentAndMethodology", "pcfAssessmentInformation", "idAndVersion"
    )

    assert {"id": NEW_ID, "precedingPfIds": preceding, "version": 0, "status": "Active"} == found


@pytest.mark.parametrize("target", ["9.0.0", "10.0.0"])
def test_a_footprint_lacks_only_what_the_older_version_did_not_hold(target: str) -> None:
    also = {"freeAttributionInMassBalancing", "massBalancingCertificateScheme"}
    done = migrated("pcf", "7.0.0", target, FOOTPRINT)
    found = findings_after("pcf", target, done)

    assert MISSING_OF_FOOTPRINT | (also if target == "9.0.0" else set()) == {
        f.path.rpartition("/")[2] for f in found if f.severity == "error"
    }


def test_a_footprint_says_what_it_lost_on_a_way_over_several_versions() -> None:
    done = migrated("pcf", "7.0.0", "10.0.0", FOOTPRINT)

    assert {
        ("per_product", "unitaryProductAmount"),
        ("lost_scale", "technologicalDQR"),
        ("lost", "version"),
        ("lost", "extWBCSD_operator"),
        ("lost_others", "1"),
    } == {pair for pair in codes(done.findings) if pair[0] != "missing"}


def test_a_footprint_keeps_its_texts_under_the_newer_wording() -> None:
    done = migrated("pcf", "7.0.0", "9.0.0", FOOTPRINT)
    company = inside(done.payload, "companyAndProductInformation")
    method = inside(done.payload, "pcfAssessmentAndMethodology", "pcfMethodology")

    assert ["urn:BPNL00000000PUE1"] == inside(company, "companyInformation")["companyIds"]
    assert ["urn:cpc:491-29000"] == inside(company, "productInformation")["productClassifications"]
    assert {
        "crossSectoralStandards": ["ISO 14067", "ISO 14044"],
        "productOrSectorSpecificRules": ["A", "B", "C"],
    } == inside(method, "standards")


def test_a_value_without_counterpart_is_named_and_left_out() -> None:
    done = migrated("pcf", "7.0.0", "9.0.0", {**FOOTPRINT, "extWBCSD_pfStatus": "Deprecated"})

    assert ("unmapped", "extWBCSD_pfStatus") in codes(done.findings)
    assert "status" not in json.dumps(done.payload)


@pytest.mark.parametrize(
    ("text", "value"), [("true", {"freeAttributionInMassBalancing": True}), ("not applicable", {})]
)
def test_free_attribution_becomes_a_boolean_or_nothing(text: str, value: dict[str, bool]) -> None:
    given = {"massBalancingUsed": False, "freeAttributionInMassBalancing": text}
    group = {"massBalancingInformation": [given]}
    payload = {"pcfAssessmentAndMethodology": [{"pcfMethodology": [group]}]}
    done = migrated("pcf", "9.0.0", "10.0.0", payload)

    method = inside(done.payload, "pcfAssessmentAndMethodology", "pcfMethodology")

    assert {"massBalancingUsed": False, **value} == inside(method, "massBalancingInformation")
    assert "unmapped" not in {code for code, _ in codes(done.findings)}


def test_the_same_version_needs_no_step() -> None:
    assert BOM == migrated("single_level_bom_as_built", "3.0.0", "3.0.0", BOM).payload


def test_a_way_that_is_not_known_is_refused() -> None:
    with pytest.raises(SetupError) as caught:
        shipped_migrations().way(urn("pcf", "10.0.0"), urn("pcf", "7.0.0"))

    assert "aspect:migration_no_way" == caught.value.code


def test_versions_are_tried_from_near_to_far() -> None:
    found = [*shipped_migrations().sources_of(urn("pcf", "10.0.0"))]

    assert [urn("pcf", "9.0.0"), urn("pcf", "7.0.0")] == found


@pytest.mark.parametrize(
    "content", ["from = 1", "from = ['x']\nto = 'y'", "[[step]]\ntype = 'guess'", "="]
)
def test_a_file_that_is_no_migration_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(content)

    with pytest.raises(SetupError) as caught:
        read_migrations([file])

    assert "aspect:migration_file_broken" == caught.value.code


def test_every_shipped_migration_leads_between_models_that_are_shipped() -> None:
    known = set(ModelLibrary([shipped_folder()]).list())

    assert [] == [
        name
        for each in shipped_migrations().known
        for name in (*each.sources, each.target)
        if name not in known
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_loss_that_a_migration_names_has_its_text(language: str) -> None:
    texts = catalogue("aspect", language)
    steps = [step for each in shipped_migrations().known for step in each.steps]
    named = {step.lost for step in steps if isinstance(step, Drop | Rewrite)}
    named |= {step.says for step in steps if isinstance(step, Flag)}

    assert set() == named - set(texts) - {""}


def test_the_index_names_every_migration_as_it_is() -> None:
    index = tomllib.loads((FOLDER.parent / "index.toml").read_text(encoding="utf-8"))["file"]
    indexed = {e["file"]: e["sha256"] for e in index if e["file"].startswith("migrations/")}

    assert {
        f"migrations/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
    } == indexed
