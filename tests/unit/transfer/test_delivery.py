"""Transfers through the door, in both roles: who gets access, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.agreement.model import Agreement, ContractAgreement, Finalization
from connector.agreement.process import UnknownProcessError
from connector.errors import PartnerError
from connector.transfer.access import check_access
from connector.transfer.model import (
    DataAddress,
    TransferCompletion,
    TransferProcess,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from connector.transfer.states import TransferMessage, TransferState
from connector.transfer.table import usable_grant
from connector.transitions import IllegalMoveError
from tests.builders.doors import CALLBACK, Doors, letter
from tests.builders.exchange import NOW
from tests.doubles.party import OEM, STRANGER, SUPPLIER, now

START = TransferMessage.START
ADDRESS = DataAddress("https://s.example/api/v3", "the-token", 120)


@pytest.fixture
def supplier(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
def oem(tmp_path: Path) -> Doors:
    return Doors(tmp_path, OEM)


def _asked(supplier: Doors, agreement_id: str = "", **changed: Any) -> TransferProcess:
    given: dict[str, Any] = {
        "consumer_pid": "urn:t1",
        "agreement_id": agreement_id or supplier.finalized(),
        "format": "HttpData-PULL",
        "callback_address": CALLBACK,
    }
    request = TransferRequest(**(given | changed))
    return supplier.delivery.receive_request(letter(request), request)


def _asked_proving(supplier: Doors, proves: bool) -> TransferProcess:
    request = TransferRequest(
        consumer_pid="urn:t1",
        agreement_id=supplier.finalized(),
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    said = letter(request)
    said = replace(said, caller=replace(said.caller, proves_possession=proves))
    return supplier.delivery.receive_request(said, request)


def _token(supplier: Doors) -> str:
    [token] = [body["address"]["token"] for kind, body in supplier.messages() if kind == START]
    return token


def _state(doors: Doors, pid: str) -> tuple[str | None, str | None]:
    process = doors.delivery.table.find(doors.db, pid)
    assert process is not None
    return process.state, process.heading


def _say(doors: Doors, process: TransferProcess, kind: type, who=OEM, **more: object):
    said = kind(consumer_pid=process.consumer_pid, provider_pid=process.provider_pid, **more)
    return doors.delivery.receive(letter(said, who), process.pid, said)


class TestAsProvider:
    def test_a_request_under_a_valid_agreement_is_started_at_once(self, supplier: Doors) -> None:
        process = _asked(supplier)

        assert ("REQUESTED", "STARTED") == _state(supplier, process.pid)
        [(message, body)] = supplier.messages()
        assert START == message
        assert "https://puebla.example/api/v3" == body["address"]["endpoint"]
        assert 300 == body["address"]["expires_seconds"]

    def test_the_token_opens_what_the_agreement_is_about(self, supplier: Doors) -> None:
        process = _asked(supplier)

        access = check_access(supplier.db, _token(supplier), supplier.now)
        assert (OEM.did, OEM.bpnl, supplier.dataset.id, process.pid) == (
            access.partner_did,
            access.partner_bpnl,
            access.dataset_id,
            access.transfer_pid,
        )

    def test_no_table_holds_the_token_once_it_has_arrived(self, supplier: Doors) -> None:
        _asked(supplier)
        token = _token(supplier)
        supplier.deliver()

        assert [] == _tables_with(supplier, token)

    def test_no_table_holds_the_token_once_its_message_was_refused(self, supplier: Doors) -> None:
        _asked(supplier)
        token = _token(supplier)
        supplier.refuse()

        assert [] == _tables_with(supplier, token)

    def test_until_then_the_message_can_be_sent_again_as_it_was(self, supplier: Doors) -> None:
        _asked(supplier)

        assert ["outbox"] == _tables_with(supplier, _token(supplier))

    @pytest.mark.parametrize(
        ("kind", "state"),
        [
            (TransferSuspension, TransferState.SUSPENDED),
            (TransferCompletion, TransferState.COMPLETED),
            (TransferTermination, TransferState.TERMINATED),
        ],
    )
    def test_the_token_dies_when_the_consumer_stops(
        self, supplier: Doors, kind: type, state: TransferState
    ) -> None:
        process = _asked(supplier)
        token = _token(supplier)
        supplier.deliver()
        after = _say(supplier, process, kind)

        assert state is after.state
        with pytest.raises(PartnerError, match="has ended"):
            check_access(supplier.db, token, supplier.now)

    @pytest.mark.parametrize(
        "message",
        [TransferMessage.SUSPENSION, TransferMessage.COMPLETION, TransferMessage.TERMINATION],
    )
    def test_the_token_dies_when_we_stop_before_the_partner_knows(
        self, supplier: Doors, message: TransferMessage
    ) -> None:
        process = _asked(supplier)
        token = _token(supplier)
        supplier.deliver()
        supplier.delivery.act(process.pid, message, ("stop",))

        with pytest.raises(PartnerError, match="has ended"):
            check_access(supplier.db, token, supplier.now)

    def test_a_consumer_that_resumes_gets_its_old_token_to_work_again(
        self, supplier: Doors
    ) -> None:
        process = _asked(supplier)
        token = _token(supplier)
        supplier.deliver()
        _say(supplier, process, TransferSuspension)
        _say(supplier, process, TransferStart)

        assert process.pid == check_access(supplier.db, token, supplier.now).transfer_pid

    def test_a_provider_that_resumes_gives_a_new_token(self, supplier: Doors) -> None:
        process = _asked(supplier)
        old = _token(supplier)
        supplier.deliver()
        supplier.delivery.act(process.pid, TransferMessage.SUSPENSION)
        supplier.deliver()
        supplier.delivery.act(process.pid, START)

        assert process.pid == check_access(supplier.db, _token(supplier), NOW).transfer_pid
        with pytest.raises(PartnerError, match="not one that"):
            check_access(supplier.db, old, NOW)

    @pytest.mark.parametrize("proves", [True, False])
    def test_a_token_is_bound_to_a_partner_that_proves_possession(
        self, supplier: Doors, proves: bool
    ) -> None:
        process = _asked_proving(supplier, proves)
        first = check_access(supplier.db, _token(supplier), NOW)
        supplier.deliver()
        supplier.delivery.act(process.pid, TransferMessage.SUSPENSION)
        supplier.deliver()
        supplier.delivery.act(process.pid, START)
        later = check_access(supplier.db, _token(supplier), NOW)

        assert (proves, proves) == (first.holder_bound, later.holder_bound)
        assert first.token_digest != later.token_digest

    def test_the_same_request_again_finds_its_transfer(self, supplier: Doors) -> None:
        first = _asked(supplier)
        again = _asked(supplier, first.agreement_id)

        assert first.pid == again.pid
        assert 1 == len(supplier.messages())

    def test_an_agreement_of_somebody_else_is_unknown(self, supplier: Doors) -> None:
        agreement_id = supplier.finalized()
        request = TransferRequest(
            consumer_pid="urn:t1",
            agreement_id=agreement_id,
            format="HttpData-PULL",
            callback_address=CALLBACK,
        )

        with pytest.raises(PartnerError) as foreign:
            supplier.delivery.receive_request(letter(request, STRANGER), request)
        with pytest.raises(PartnerError) as unknown:
            _asked(supplier, "urn:none")
        assert foreign.value.code == unknown.value.code == "transfer:agreement_unknown"

    def test_an_agreement_on_its_way_gives_no_access(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()

        with pytest.raises(PartnerError, match="no valid agreement"):
            _asked(supplier, process.agreement_id)

    def test_the_policy_is_asked_again_at_every_transfer(self, supplier: Doors) -> None:
        agreement_id = supplier.finalized()
        # Credentials are good for a year from the day on which the test runs.
        supplier.now = now() + timedelta(days=400)

        with pytest.raises(PartnerError) as refused:
            _asked(supplier, agreement_id)
        assert "transfer:access_refused" == refused.value.code

    def test_only_the_format_that_is_offered_is_given(self, supplier: Doors) -> None:
        with pytest.raises(PartnerError, match="AmazonS3-PUSH"):
            _asked(supplier, format="AmazonS3-PUSH")

    @pytest.mark.parametrize("kind", [TransferStart, TransferCompletion, TransferSuspension])
    def test_nothing_follows_the_end(self, supplier: Doors, kind: type) -> None:
        process = _asked(supplier)
        supplier.deliver()
        _say(supplier, process, TransferTermination)

        with pytest.raises(IllegalMoveError):
            _say(supplier, process, kind)

    def test_a_strangers_message_finds_no_process(self, supplier: Doors) -> None:
        process = _asked(supplier)

        with pytest.raises(UnknownProcessError):
            _say(supplier, process, TransferTermination, who=STRANGER)


class TestAsConsumer:
    def test_a_start_brings_a_grant(self, oem: Doors) -> None:
        process = _started(oem)

        grant = usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW)
        assert grant is not None
        assert (ADDRESS.endpoint, ADDRESS.token, process.pid, "urn:a1") == (
            grant.endpoint,
            grant.token,
            grant.transfer_pid,
            grant.agreement_id,
        )
        assert NOW + timedelta(seconds=120) == grant.expires_at

    def test_a_grant_is_usable_only_while_it_lasts_long_enough(self, oem: Doors) -> None:
        _started(oem)

        assert (
            usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW + timedelta(seconds=119))
            is not None
        )
        assert (
            usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW + timedelta(seconds=121))
            is None
        )

    def test_a_grant_does_not_show_its_token(self, oem: Doors) -> None:
        _started(oem)
        grant = usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW)

        assert "the-token" not in repr(grant)

    def test_only_the_grant_holds_the_token(self, oem: Doors) -> None:
        _started(oem)

        assert ["access_grant"] == _tables_with(oem, "the-token")

    def test_a_suspended_grant_is_no_grant_until_it_is_resumed(self, oem: Doors) -> None:
        process = _started(oem)
        _say(oem, process, TransferSuspension, SUPPLIER)
        suspended = usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW)
        _say(oem, process, TransferStart, SUPPLIER)
        resumed = usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW)

        assert (None, True) == (suspended, resumed is not None)

    def test_a_start_that_comes_again_with_another_token_replaces_it(self, oem: Doors) -> None:
        process = _started(oem)
        newer = replace(ADDRESS, token="a-newer-one")
        _say(oem, process, TransferStart, SUPPLIER, address=newer)

        grant = usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW)
        assert ("a-newer-one", []) == (grant and grant.token, _tables_with(oem, "the-token"))

    def test_a_grant_is_forgotten_when_the_transfer_ends(self, oem: Doors) -> None:
        process = _started(oem)
        _say(oem, process, TransferTermination, SUPPLIER, reasons=("over",))

        assert [] == _tables_with(oem, "the-token")
        assert "over" == oem.delivery.of(SUPPLIER.did, process.pid).reason

    def test_what_we_complete_we_use_no_more(self, oem: Doors) -> None:
        process = _started(oem)
        oem.delivery.act(process.pid, TransferMessage.COMPLETION)

        assert usable_grant(oem.db, SUPPLIER.did, oem.dataset.id, NOW) is None
        assert ("STARTED", "COMPLETED") == _state(oem, process.pid)


def _started(oem: Doors) -> TransferProcess:
    agreement = Agreement("urn:a1", oem.dataset.id, SUPPLIER.did, OEM.did, oem.offer.policy, NOW)
    url = "https://s.example"
    asked = oem.negotiation.request_agreement(SUPPLIER, url, oem.offer)
    pids = {"consumer_pid": asked.pid, "provider_pid": "urn:p1"}
    signed = ContractAgreement(**pids, agreement=agreement)
    oem.negotiation.receive(letter(signed, SUPPLIER), asked.pid, signed)
    final = Finalization(**pids)
    oem.negotiation.receive(letter(final, SUPPLIER), asked.pid, final)
    process = oem.delivery.request_access(SUPPLIER, url, agreement)
    oem.deliver("urn:pt1")
    found = oem.delivery.of(SUPPLIER.did, process.pid)
    return _say(oem, found, TransferStart, SUPPLIER, address=ADDRESS)


def _tables_with(doors: Doors, secret: str) -> list[str]:
    tables = [row[0] for row in doors.db.rows("SELECT name FROM sqlite_master WHERE type='table'")]
    return [
        table
        for table in tables
        if any(
            secret in (cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell))
            for row in doors.db.rows(f"SELECT * FROM {table}")
            for cell in row
        )
    ]
