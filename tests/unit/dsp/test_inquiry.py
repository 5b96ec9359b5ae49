"""How a partner sees a process, asked over the wire."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connector.agreement.model import Process
from connector.errors import PartnerError
from connector.protocols.dsp.inquiry import StateInquiry
from connector.protocols.dsp.reading import state_from_answer
from tests.doubles.party import SUPPLIER, Party, two_parties

OWED = "SELECT 1 FROM outbox WHERE state = 'owed'"


def _inquiry(party: Party) -> StateInquiry:
    return StateInquiry(party.client, party.identity, party.town)


def _transfer(party: Party) -> Process[object]:  # type: ignore[type-var]
    [found] = party.delivery.table.select(party.db, "")
    return found  # type: ignore[return-value]


async def test_either_side_tells_the_other_how_it_sees_a_process(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        await oem.acquisition.registry(SUPPLIER)
        [agreed] = oem.negotiation.table.select(oem.db, "")
        async with asyncio.timeout(10):
            while supplier.db.row(OWED):  # noqa: ASYNC110 - the store knows no events
                await asyncio.sleep(0.002)

        assert "FINALIZED" == await _inquiry(oem).state(agreed)
        assert "STARTED" == await _inquiry(oem).state(_transfer(oem))
        assert "STARTED" == await _inquiry(supplier).state(_transfer(supplier))


async def test_a_partner_that_has_forgotten_it_says_so(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        await oem.acquisition.registry(SUPPLIER)
        with supplier.db.transaction() as tx:
            tx.execute("DELETE FROM transfer")

        with pytest.raises(PartnerError, match="404"):
            await _inquiry(oem).state(_transfer(oem))


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (b'{"state": "AGREED"}', "AGREED"),
        (b'{"dspace:state": {"@id": "dspace:AGREED"}}', "AGREED"),
        (b'{"https://w3id.org/dspace/2025/1/state": [{"@id": "dspace:AGREED"}]}', "AGREED"),
        (b"{}", ""),
        (b"[]", ""),
        (b"no", ""),
    ],
)
def test_a_state_is_read_in_every_shape(raw: bytes, state: str) -> None:
    assert state == state_from_answer(raw)
