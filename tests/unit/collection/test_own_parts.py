"""Our own twins are found by whatever they bear; those of partners are not taken for ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.aspect import table as aspects
from connector.aspect.table import NewAspect
from connector.collection.own import OwnVisit
from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did, IdentityKey, SemanticId, TwinType
from connector.partner.model import Partner
from connector.store import journal
from connector.store.database import Database
from connector.twin.registration import Registration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
US = Partner("puebla", Bpnl("BPNL00000000PUE1"), Did("did:web:puebla"))
URN = SemanticId.parse("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
OURS = "urn:uuid:7eeeac86-7b69-444d-81e6-655d0f1513bd"
THEIRS = "urn:uuid:5205f736-8fc2-4585-b869-6bf36842369a"
SERIAL = IdentityKey(TwinType.PART_INSTANCE, US.bpnl, "P-1", "partInstanceId", "S-1")
FOREIGN = IdentityKey(TwinType.PART_INSTANCE, "BPNL00000000OEM1", "P-1", "partInstanceId", "S-2")


def aspect(record: int, named: tuple[str, IdentityKey], owner: str | None) -> NewAspect:
    global_asset_id, identity = named
    keys = aspects.identity_to_json(identity, (("van", f"V-{record}"),), owner)
    return NewAspect(record, URN, keys, global_asset_id, b'{"a":1}')


@pytest.fixture
def visit(tmp_path: Path) -> OwnVisit:
    db = Database.open(tmp_path / "own.db")
    stored = [aspect(1, (OURS, SERIAL), None), aspect(2, (THEIRS, FOREIGN), "BPNL00000000OEM1")]
    with db.transaction() as tx:
        rows = aspects.insert_aspects(tx, stored)
        journal.append(tx, "aspect.derived", NOW, rows=rows)
    work = journal.next_work(db, "registration", ("aspect.derived",), 100)
    assert work
    Registration().register_twins(db, work, NOW)
    return OwnVisit(db)


@pytest.mark.parametrize(
    "ids",
    [
        {"globalAssetId": OURS},
        {"globalAssetId": OURS.removeprefix("urn:uuid:").upper()},
        {"manufacturerPartId": "P-1"},
        {"partInstanceId": "S-1"},
        {"van": "V-1", "digitalTwinType": "PartInstance"},
    ],
)
async def test_our_part_is_found(visit: OwnVisit, ids: dict[str, str]) -> None:
    shells = await visit.shells(US, tuple(ids.items()))

    assert [OURS] == [shell.global_asset_id for shell in shells]
    assert {"a": 1} == await visit.value(US, shells[0].submodels[0])
    assert "S-1" == shells[0].asset_ids["partInstanceId"]


@pytest.mark.parametrize(
    "ids",
    [
        {"globalAssetId": THEIRS},
        {"globalAssetId": "no uuid"},
        {"partInstanceId": "S-2"},
        {"van": "V-2"},
        {"manufacturerPartId": "P-1", "partInstanceId": "S-9"},
    ],
)
async def test_what_is_not_ours_is_not_found(visit: OwnVisit, ids: dict[str, str]) -> None:
    assert () == await visit.shells(US, tuple(ids.items()))


async def test_a_value_that_is_gone_is_named(visit: OwnVisit) -> None:
    (shell,) = await visit.shells(US, (("globalAssetId", OURS),))
    gone = type(shell.submodels[0])(URN, "99", "", "")

    with pytest.raises(PartnerError) as error:
        await visit.value(US, gone)
    assert "collection:own_twin_unknown" == error.value.code
