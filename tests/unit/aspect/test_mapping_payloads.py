"""Payloads that a source holds ready are taken as they are; their keys are read from them."""

from __future__ import annotations

from typing import Any

import pytest

from connector.aspect.model import Draft
from connector.identifiers import IdentityKey, TwinType
from tests.unit.aspect.mapping_files import READY, READY_HEADER, applied, compiled, told

URN = "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"
ASSET = "urn:uuid:7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11"
OTHER = "urn:uuid:00000000-8f6e-4f0e-9c57-1f6a1c9f1c11"
MAKER = "BPNL00000000EXT1"


def _payload(local: dict[str, str] | None = None, **more: object) -> dict[str, Any]:
    listed = {"manufacturerId": MAKER, "partInstanceId": "S-1"} if local is None else local
    return {
        "catenaXId": ASSET,
        "localIdentifiers": [{"key": key, "value": value} for key, value in listed.items()],
        "partTypeInformation": {"manufacturerPartId": "A-1"},
        **more,
    }


def _draft(
    payload: object, given: str = ASSET, kind: str = "partInstance", urn: str = URN
) -> Draft:
    return applied(READY, READY_HEADER, (urn, given, kind, payload))


def test_a_ready_payload_is_taken_as_it_is() -> None:
    payload = _payload()

    draft = _draft(payload)

    assert payload is draft.payload
    assert (URN, ASSET, (), ()) == (draft.semantic_id, draft.given_id, draft.slots, draft.findings)


@pytest.mark.parametrize(
    ("local", "kind", "expected"),
    [
        (
            {"manufacturerId": MAKER, "partInstanceId": "S-1"},
            "partInstance",
            ("partInstanceId", "S-1"),
        ),
        ({"manufacturerId": MAKER, "batchId": "B-1"}, "", ("batchId", "B-1")),
        ({"manufacturerId": MAKER, "jisNumber": "J-1"}, "partInstance", ("jisNumber", "J-1")),
        ({"manufacturerId": MAKER}, "partInstance", None),
        ({"partInstanceId": "S-1"}, "partInstance", None),
        ({}, "partInstance", None),
    ],
)
def test_the_keys_of_an_instance_are_read_from_the_payload(
    local: dict[str, str], kind: str, expected: tuple[str, str] | None
) -> None:
    draft = _draft(_payload(local), kind=kind)

    identity = IdentityKey(TwinType.PART_INSTANCE, MAKER, "A-1", *expected) if expected else None
    assert (identity, ()) == (draft.identity, draft.findings)


def test_a_part_type_has_no_instance() -> None:
    draft = _draft(_payload({"manufacturerId": MAKER, "partInstanceId": "S-1"}), kind="partType")

    assert IdentityKey(TwinType.PART_TYPE, MAKER, "A-1") == draft.identity


def test_a_manufacturer_that_the_payload_lacks_may_be_said_by_the_mapping() -> None:
    text = READY.replace("  from", f"  manufacturerId: {{constant: {MAKER}}}\n  from")
    payload = {"partTypeInformation": {"manufacturerPartId": "A-1"}}

    draft = applied(text, READY_HEADER, (URN, ASSET, "partType", payload))

    assert IdentityKey(TwinType.PART_TYPE, MAKER, "A-1") == draft.identity


def test_further_asset_ids_are_read_from_the_payload() -> None:
    local = {"manufacturerId": MAKER, "jisNumber": "J", "van": "V", "parentOrderNumber": "O"}
    part = {"manufacturerPartId": "A-1", "customerPartId": "C-1"}

    draft = _draft(_payload(local, partTypeInformation=part))

    found = {("customerPartId", "C-1"), ("van", "V"), ("parentOrderNumber", "O")}
    assert found == {*draft.asset_ids}


@pytest.mark.parametrize("name", ["catenaXId", "globalAssetId"])
def test_an_id_that_contradicts_its_asset_is_an_error(name: str) -> None:
    payload = _payload()
    del payload["catenaXId"]

    draft = _draft({**payload, name: OTHER})

    (finding,) = draft.findings
    assert ("aspect:mapping_id_contradicts", f"/{name}") == (finding.code, finding.path)
    assert (
        f"the payload says {name} {OTHER}, but its part is {ASSET}\n"
        "  why: one of the two is wrong, and linking data to a wrong part cannot be undone "
        "at the partner\n"
        "  fix: correct the id in the source; if it comes from a partner, tell the partner"
    ) == str(finding.text())


@pytest.mark.parametrize(
    "given", [ASSET.removeprefix("urn:uuid:"), ASSET.upper().replace("URN:UUID", "urn:uuid")]
)
def test_the_same_id_written_otherwise_contradicts_nothing(given: str) -> None:
    draft = _draft(_payload(), given=given)

    assert ((), given) == (draft.findings, draft.given_id)


def test_a_payload_without_an_id_of_its_asset_brings_its_own() -> None:
    assert ASSET == _draft(_payload(), given="").given_id


def test_a_payload_that_names_no_asset_at_all_is_told() -> None:
    assert ["cell_keys_absent"] == [code for code, *_ in told(_draft({"a": 1}, given=""))]


@pytest.mark.parametrize(
    ("payload", "urn", "code"),
    [
        ("{}", URN, "cell_not_object"),
        ([1], URN, "cell_not_object"),
        ("", URN, "cell_empty"),
        ({"a": 1}, "SerialPart", "semantic_id_malformed"),
        ({"a": 1}, "", "cell_empty"),
        ({"localIdentifiers": [1, {"key": 2}], "partTypeInformation": []}, URN, None),
    ],
)
def test_what_is_no_payload_of_a_model_is_told(
    payload: object, urn: str, code: str | None
) -> None:
    assert ([code] if code else []) == [found for found, *_ in told(_draft(payload, urn=urn))]


def test_every_place_in_a_ready_payload_leads_to_its_column() -> None:
    mapping = compiled(READY, READY_HEADER)

    assert ("payload", 4) == (
        mapping.origin("/partTypeInformation/manufacturerPartId", [4]).column,
        mapping.origin("", [4]).row,
    )
