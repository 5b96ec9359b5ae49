"""Two whole parties on loopback: access that is renewed, whatever gets lost on the way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import PartnerError, TransientError
from connector.transfer import table
from connector.transfer.access import check_access
from connector.transfer.model import AccessGrant, RefreshTerms, TokenAnswer
from connector.transfer.refresher import RETRY_SECONDS, TokenSource
from connector.transfer.states import TransferMessage
from tests.doubles.party import OEM, SUPPLIER, Habits, Party, Town, now, two_parties
from tests.unit.dsp.test_exchange import _count, _states, _until


@dataclass
class Time:
    """The time of both parties, moved by as much as a test says."""

    ahead: timedelta = timedelta()

    def habits(self, token_seconds: int = 300) -> Habits:
        return Habits(clock=lambda: now() + self.ahead, token_seconds=token_seconds)

    def passes(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class LossyLine:
    """Loses the next answers after the provider has given them."""

    source: TokenSource
    losses: int = 0
    asked: int = 0

    async def renewed(self, grant: AccessGrant) -> TokenAnswer:
        self.asked += 1
        answer = await self.source.renewed(grant)
        if self.losses > 0:
            self.losses -= 1
            raise TransientError("protocols:unreachable", url="x", reason="lost")
        return answer


def _lossy(party: Party, losses: int = 0) -> LossyLine:
    line = LossyLine(party.refresher.source, losses)
    party.refresher.source = line
    return line


async def _granted(party: Party) -> AccessGrant:
    return await party.acquisition.registry(SUPPLIER)


async def _renewed(party: Party) -> AccessGrant:
    """Return the grant once what goes on in the background is done."""
    await _granted(party)
    flights = [*party.acquisition._flights.values()]
    await asyncio.gather(*flights, return_exceptions=True)
    return await _granted(party)


async def test_a_token_is_renewed_before_it_expires_and_reads_go_on_meanwhile(
    tmp_path: Path,
) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        first = await _granted(oem)
        time.passes(281)
        meanwhile = await _granted(oem)
        second = await _renewed(oem)

        assert first.token == meanwhile.token
        assert first.token != second.token
        assert first.transfer_pid == second.transfer_pid
        assert (1, 1) == (_count(supplier, "transfer"), _count(oem, "transfer"))
        for token in (first.token, second.token):
            check_access(supplier.db, token, supplier.delivery.ports.clock())


async def test_before_the_margin_nothing_is_asked(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (_, oem):
        line = _lossy(oem)
        first = await _granted(oem)
        time.passes(270)

        assert first.token == (await _renewed(oem)).token
        assert 0 == line.asked


async def test_an_expired_token_is_renewed_when_it_is_wanted_again(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        first = await _granted(oem)
        time.passes(3600)
        second = await _granted(oem)

        assert first.token != second.token
        assert 1 == _count(supplier, "transfer")
        check_access(supplier.db, second.token, supplier.delivery.ports.clock())
        with pytest.raises(PartnerError):
            check_access(supplier.db, first.token, supplier.delivery.ports.clock())


async def test_many_readers_cause_one_refresh(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        line = _lossy(oem)
        await _granted(oem)
        time.passes(3600)
        grants = await asyncio.gather(*(_granted(oem) for _ in range(50)))

        assert 1 == line.asked
        assert 1 == len({grant.token for grant in grants})
        assert {("provider", "renewed"): 1} == dict(_provided(supplier))


def _provided(party: Party) -> dict[tuple[str, str], int]:
    return {
        key: count for key, count in party.refresher.tally.counts().items() if key[0] == "provider"
    }


async def test_refreshes_at_the_same_time_rotate_once_and_lock_nobody_out(
    tmp_path: Path,
) -> None:
    """As two processes would that share the tokens, each sends its own request."""
    async with two_parties(tmp_path) as (supplier, oem):
        grant = await _granted(oem)
        source = oem.refresher.source
        answers = await asyncio.gather(*(source.renewed(grant) for _ in range(20)))

        assert 1 == len({(one.token, one.refresh_token) for one in answers})
        counts = _provided(supplier)
        assert {("provider", "renewed"): 1, ("provider", "repeated"): 19} == counts
        terms = RefreshTerms(
            answers[0].refresh_token, f"{supplier.public_url}/refresh", SUPPLIER.did
        )
        renewed = replace(grant, token=answers[0].token, refresh=terms)
        assert (await source.renewed(renewed)).token != answers[0].token


async def test_an_answer_that_gets_lost_strands_nobody(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        first = await _granted(oem)
        _lossy(oem, losses=1)
        time.passes(281)
        assert first.token == (await _renewed(oem)).token
        await asyncio.sleep(0)
        oem.refresher._not_before.clear()
        second = await _renewed(oem)

        assert first.token != second.token
        assert first.transfer_pid == second.transfer_pid
        check_access(supplier.db, second.token, supplier.delivery.ports.clock())
        assert 1 == _provided(supplier)["provider", "repeated"]


async def test_after_a_failure_not_every_read_asks_anew(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (_, oem):
        await _granted(oem)
        line = _lossy(oem, losses=100)
        time.passes(281)
        for _ in range(5):
            await _renewed(oem)

        assert 1 == line.asked
        assert RETRY_SECONDS > 0


async def test_what_was_lost_too_long_ago_is_had_by_another_transfer(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        first = await _granted(oem)
        _lossy(oem, losses=1)
        time.passes(281)
        await _renewed(oem)
        oem.refresher._not_before.clear()
        time.passes(3600)
        second = await _granted(oem)

        assert first.transfer_pid != second.transfer_pid
        check_access(supplier.db, second.token, supplier.delivery.ports.clock())


async def test_a_repeated_answer_that_has_expired_meanwhile_is_renewed_at_once(
    tmp_path: Path,
) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(9), time.habits(9)) as (supplier, oem):
        first = await _granted(oem)
        _lossy(oem, losses=1)
        time.passes(7)
        await _renewed(oem)
        oem.refresher._not_before.clear()
        time.passes(20)
        second = await _granted(oem)

        assert first.transfer_pid == second.transfer_pid
        check_access(supplier.db, second.token, supplier.delivery.ports.clock())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_consumer_killed_before_it_kept_the_answer_goes_on_after_the_restart(
    tmp_path: Path,
) -> None:
    time, town = Time(), Town()
    supplier = Party(tmp_path, SUPPLIER, town, time.habits())
    oem = Party(tmp_path, OEM, town, time.habits())
    async with supplier.running():
        async with oem.running():
            first = await _granted(oem)
            time.passes(281)
            source = oem.refresher.source

            class Killing:
                async def renewed(self, grant: AccessGrant) -> TokenAnswer:
                    answer = await source.renewed(grant)
                    oem.kill()
                    return answer

            oem.refresher.source = Killing()
            with suppress(Exception):
                await oem.refresher.renewed(first)
        again = Party(tmp_path, OEM, town, time.habits())
        async with again.running():
            second = await _renewed(again)

            assert first.transfer_pid == second.transfer_pid
            assert first.token != second.token
            check_access(supplier.db, second.token, supplier.delivery.ports.clock())
            assert 1 == _count(supplier, "transfer")


async def test_new_tokens_are_durable_before_they_are_used(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (_, oem):
        await _granted(oem)
        time.passes(3600)
        used = await _granted(oem)

        kept = table.grant_of(oem.db, used.transfer_pid)
        assert kept == used


async def test_a_refusal_leads_to_another_transfer(tmp_path: Path) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        first = await _granted(oem)
        supplier.db.execute("DELETE FROM refresh_token")
        time.passes(281)
        await _renewed(oem)
        second = await _granted(oem)

        assert first.transfer_pid != second.transfer_pid
        assert ("consumer", "refused") in oem.refresher.tally.counts()


async def test_a_token_that_is_not_honoured_is_renewed_before_its_transfer_is_given_up(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        first = await _granted(oem)
        oem.acquisition.forget(first)
        second = await _granted(oem)
        oem.acquisition.forget(first)  # a reader that was slow
        third = await _granted(oem)
        oem.acquisition.forget(third)
        fourth = await _granted(oem)

        assert first.transfer_pid == second.transfer_pid
        assert second.token == third.token != first.token
        assert fourth.transfer_pid != third.transfer_pid
        assert 2 == _count(supplier, "transfer")


async def test_a_provider_without_refresh_is_asked_for_another_transfer_in_time(
    tmp_path: Path,
) -> None:
    time = Time()
    async with two_parties(tmp_path, time.habits(), time.habits()) as (supplier, oem):
        supplier.delivery._data_side = replace(supplier.delivery._data_side, renews=False)
        first = await _granted(oem)
        assert first.refresh is None
        time.passes(281)
        second = await _renewed(oem)

        assert first.transfer_pid != second.transfer_pid


async def test_a_suspended_transfer_is_not_renewed_and_a_resumed_one_is(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        grant = await _granted(oem)
        [pid] = supplier.db.row("SELECT pid FROM transfer") or ("",)
        await _until(lambda: _states(supplier, "transfer") == ["STARTED"])
        supplier.delivery.act(pid, TransferMessage.SUSPENSION)
        with pytest.raises(PartnerError):
            await oem.refresher.source.renewed(grant)
        await _until(lambda: _states(oem, "transfer") == ["SUSPENDED"])
        supplier.delivery.act(pid, TransferMessage.START)
        await _until(lambda: _states(oem, "transfer") == ["STARTED"])
        resumed = table.grant_of(oem.db, grant.transfer_pid)

        assert resumed is not None
        assert resumed.token != grant.token
        assert (await oem.refresher.source.renewed(resumed)).token
        with pytest.raises(PartnerError):
            await oem.refresher.source.renewed(grant)
