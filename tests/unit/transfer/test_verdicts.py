"""What a token opens is decided by the policy and the partner's standing, at every read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from connector.errors import PartnerError, TransientError
from connector.partner.model import Caller
from connector.store.database import Database
from connector.transfer.standing import attested
from connector.transfer.table import keep_standing
from connector.transfer.verdicts import KEPT_CHARACTERS_MAX
from tests.builders.exchange import (
    NEIGHBOUR,
    NOW,
    OEM,
    SERIAL,
    Part,
    Plant,
    caller,
    credential,
)
from tests.unit.dataplane.test_values import href

DOOR = Part("A-100", "S-1", (SERIAL,))
GONE = PartnerError("connector.protocols.dcp:credential_withdrawn", who="x", type="y", purpose="z")
UNTOLD = TransientError("connector.protocols.dcp:status_untold", who="x", type="y", reason="z")


@dataclass
class PlayedStanding:
    """A standing that holds until a test says otherwise."""

    trouble: Exception | None = None
    asked: list[Caller] = field(default_factory=list)

    async def check(self, caller: Caller) -> None:
        self.asked.append(caller)
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def standing() -> PlayedStanding:
    return PlayedStanding()


@pytest.fixture
async def plant(tmp_path: Path, standing: PlayedStanding) -> AsyncIterator[Plant]:
    db = Database.open(tmp_path / "store.db")
    plant = Plant(db, standing=standing)
    plant.make(DOOR)
    yield plant
    await plant.ledger.close()
    db.close()


@pytest.fixture
def token(plant: Plant) -> str:
    return plant.grant(OEM, plant.dataset(SERIAL))


async def _status(plant: Plant, token: str) -> int:
    return (await plant.get(token, href(plant, DOOR))).status


def _attest(plant: Plant, token: str, who: Caller) -> None:
    with plant.db.transaction() as tx:
        keep_standing(tx, f"urn:uuid:{token}", attested(who).credentials)


async def test_what_was_attested_is_asked_about_as_it_was(
    plant: Plant, token: str, standing: PlayedStanding
) -> None:
    membership = replace(
        credential("MembershipCredential", OEM), statuses=({"type": "X", "n": [1]},)
    )
    framework = credential("DataExchangeGovernanceCredential", OEM, contractVersion="1.0")
    who = caller(OEM, membership, framework)
    _attest(plant, token, who)

    assert 200 == await _status(plant, token)
    assert [(who.did, who.bpnl, who.credentials)] == [
        (one.did, one.bpnl, one.credentials) for one in standing.asked
    ]


async def test_many_reads_ask_once(plant: Plant, token: str, standing: PlayedStanding) -> None:
    for _ in range(5):
        assert 200 == await _status(plant, token)

    assert 1 == len(standing.asked)


@pytest.mark.parametrize(("trouble", "status"), [(GONE, 403), (UNTOLD, 503)])
async def test_the_first_read_after_a_start_asks_before_it_opens(
    plant: Plant, token: str, standing: PlayedStanding, trouble: Exception, status: int
) -> None:
    standing.trouble = trouble

    assert status == await _status(plant, token)


@pytest.mark.parametrize(("trouble", "status"), [(GONE, 403), (UNTOLD, 503)])
async def test_what_was_found_lately_is_believed_for_its_time_and_no_longer(
    plant: Plant, token: str, standing: PlayedStanding, trouble: Exception, status: int
) -> None:
    await _status(plant, token)
    standing.trouble = trouble
    plant.now += timedelta(seconds=39)

    assert 200 == await _status(plant, token)
    plant.now += timedelta(seconds=2)
    assert status == await _status(plant, token)


async def test_a_look_that_finds_a_credential_gone_closes_within_a_second(
    plant: Plant, token: str, standing: PlayedStanding
) -> None:
    await _status(plant, token)
    standing.trouble = GONE
    with pytest.raises(PartnerError):
        await plant.vigil.look(attested(caller(OEM)))
    plant.now += timedelta(seconds=1)

    assert 403 == await _status(plant, token)


async def test_a_credential_that_expires_closes_within_a_second(plant: Plant, token: str) -> None:
    soon = NOW + timedelta(seconds=30)
    who = caller(OEM)
    held = tuple(replace(one, expires_at=soon) for one in who.credentials)
    _attest(plant, token, replace(who, credentials=held))

    assert 200 == await _status(plant, token)
    plant.now = soon
    assert 403 == await _status(plant, token)


@pytest.mark.parametrize("missing", ["MembershipCredential", "DataExchangeGovernanceCredential"])
async def test_a_token_opens_nothing_without_the_credentials_that_the_policy_asks_for(
    plant: Plant, token: str, missing: str
) -> None:
    held = [one for one in caller(OEM).credentials if one.type != missing]
    _attest(plant, token, caller(OEM, *held))

    reply = await plant.get(token, href(plant, DOOR))
    assert 403 == reply.status
    assert "does not fulfil" in reply.json["messages"][0]["text"]


async def test_a_credential_about_somebody_else_does_not_count(plant: Plant, token: str) -> None:
    _attest(plant, token, replace(caller(NEIGHBOUR), bpnl=OEM))

    assert 403 == await _status(plant, token)


async def test_the_policy_that_was_signed_ends_though_the_offer_goes_on(
    plant: Plant, token: str
) -> None:
    end = f"{NOW + timedelta(seconds=10):%Y-%m-%dT%H:%M:%SZ}"
    operand = "https://w3id.org/catenax/2025/9/policy/DataUsageEndDate"
    constraint = {"leftOperand": operand, "operator": "eq", "rightOperand": end}
    signed = {"permission": [{"action": "use", "constraint": [{"and": [constraint]}]}]}
    plant.db.execute("UPDATE agreement SET policy = ?", (orjson.dumps(signed),))

    assert 200 == await _status(plant, token)
    plant.now += timedelta(seconds=11)
    assert 403 == await _status(plant, token)


async def test_a_token_from_before_standing_was_kept_opens_nothing(
    plant: Plant, token: str
) -> None:
    plant.db.execute("DELETE FROM standing")

    assert 403 == await _status(plant, token)


async def test_a_verdict_is_forgotten_at_once_when_its_transfer_changes(
    plant: Plant, token: str
) -> None:
    await _status(plant, token)
    plant.db.execute("UPDATE transfer SET heading = 'SUSPENDED'")

    assert 200 == await _status(plant, token), "the verdict is warm"
    plant.verdicts.forget(f"urn:uuid:{token}")
    assert 403 == await _status(plant, token)


async def test_a_transfer_that_ends_while_we_ask_about_its_partner_stays_closed(
    plant: Plant, token: str
) -> None:
    reading = asyncio.create_task(_status(plant, token))
    await asyncio.sleep(0)
    plant.db.execute("UPDATE transfer SET heading = 'SUSPENDED'")
    plant.verdicts.forget(f"urn:uuid:{token}")

    assert 403 == await reading
    assert 403 == await _status(plant, token)


async def test_a_warm_verdict_does_not_outlive_its_token(plant: Plant, token: str) -> None:
    plant.now += timedelta(seconds=299.5)
    assert 200 == await _status(plant, token)
    plant.now += timedelta(seconds=0.6)

    assert 403 == await _status(plant, token)


async def test_padding_a_token_does_not_fill_the_memory(plant: Plant, token: str) -> None:
    padded = f"Bearer {' ' * KEPT_CHARACTERS_MAX}{token}"

    assert 200 == await _status(plant, padded)
    assert plant.verdicts.kept(padded, plant.now) is None


async def test_a_thief_learns_nothing_about_the_partner(
    plant: Plant, token: str, standing: PlayedStanding
) -> None:
    plant.bind_to_holders()
    standing.trouble = GONE
    stolen = await plant.get(token, href(plant, DOOR))
    own = await plant.get(token, href(plant, DOOR), **plant.proof(token, OEM))

    assert [401, 403] == [stolen.status, own.status]
    assert 1 == len(standing.asked)
