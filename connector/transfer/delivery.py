"""The door from agreement to data, in both roles (DSP 2025-1, Transfer Process Protocol)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from connector.agreement.model import Agreement, Letter, Negotiation
from connector.agreement.process import Ports, ProcessDoor, Reply, new_pid
from connector.agreement.states import Role
from connector.agreement.table import agreement_with
from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.offer.datasets import Shelf
from connector.offer.model import HTTP_PULL, Dataset
from connector.partner.model import Caller, Partner
from connector.store import outbox
from connector.store.database import Database
from connector.texts import word
from connector.transfer import table
from connector.transfer.addresses import REFRESH_PATH, endpoint_of
from connector.transfer.model import (
    GRANT_SECONDS,
    DataAddress,
    RefreshTerms,
    TransferCompletion,
    TransferContent,
    TransferProcess,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from connector.transfer.reactions import TransferReactions
from connector.transfer.refresh_table import drop_refresh, keep_refresh
from connector.transfer.rotation import Pair
from connector.transfer.standing import attested
from connector.transfer.states import TRANSFER, TransferMessage, TransferState
from connector.transfer.terms import Agreed, objections

TOKEN_BYTES = 32

_CLOSED = frozenset({TransferState.SUSPENDED, TransferState.COMPLETED, TransferState.TERMINATED})
_OVER = _CLOSED - {TransferState.SUSPENDED}


@dataclass(frozen=True, slots=True)
class DataSide:
    """How we open data to partners: where our public side is, and how long a token lasts.

    If it ``renews``, partners are told where a token is renewed.
    """

    public_url: str
    token_seconds: int = GRANT_SECONDS
    renews: bool = True


class DeliveryDoor(ProcessDoor[TransferProcess, TransferContent]):
    """Opens data to those who hold an agreement, and asks for access under ours."""

    noun = "transfer"
    moves = TRANSFER
    termination = TransferMessage.TERMINATION
    terminated = TransferState.TERMINATED

    def __init__(
        self, ports: Ports, shelf: Shelf, reactions: TransferReactions, data_side: DataSide
    ) -> None:
        super().__init__(ports, table.transfers())
        self._shelf = shelf
        self._reactions = reactions
        self._data_side = data_side

    def patience_seconds(self, state: StrEnum | None) -> float:
        """Return how long a transfer may stay in a state while nothing is on its way."""
        return self.ports.limits.transfer_patience(state)

    def request_access(self, partner: Partner, url: str, agreement: Agreement) -> TransferProcess:
        """Ask a partner for access under an agreement.

        ``url`` is where the partner's protocol endpoint begins. The message is owed when
        this returns, not sent.
        """
        begun = _asked_for(partner.did, partner.bpnl, url, agreement.dataset_id, agreement.id)
        now = self.ports.clock()
        with self.ports.db.gathered() as tx:
            begun = self._started(tx, begun, Reply(TransferMessage.REQUEST), now)
        self.ports.committed(begun.pid)
        return begun

    def follow(self, tx: Database, settled: Negotiation, now: datetime) -> None:
        """Ask for access under what was just settled, in the transaction that settles it."""
        whose = (settled.partner, settled.bpnl, settled.url)
        begun = _asked_for(*whose, settled.dataset_id, settled.agreement_id)
        self._started(tx, begun, Reply(TransferMessage.REQUEST), now)

    def receive_request(self, letter: Letter, request: TransferRequest) -> TransferProcess:
        """Take in a consumer's request; the same request again finds its transfer.

        Raises `PartnerError` when there is no such agreement with the caller, and when the
        policy does not let it have the data now.
        """
        if not request.consumer_pid or not request.callback_address:
            raise PartnerError("agreement:first_message_incomplete", message=request.message)
        if request.format != HTTP_PULL:
            raise PartnerError("transfer:format_unknown", format=request.format, known=HTTP_PULL)
        now, caller = self.ports.clock(), letter.caller
        with self.ports.db.gathered() as tx:
            pid = request.consumer_pid
            known = self.table.by_peer(tx, caller.did, Role.PROVIDER, pid)
            if known is not None:
                return self._same(known, request)
            self._check_room(tx, caller.did, self.ports.limits.partner_transfers_max)
            begun = self._begun_under(tx, caller, request, now)
            after = self._begun(tx, begun, request, letter, now)
        self.ports.committed(after.pid)
        return after

    def _same(self, known: TransferProcess, request: TransferRequest) -> TransferProcess:
        if request.agreement_id != known.agreement_id:
            raise PartnerError("agreement:pids_contradict", pid=known.peer_pid)
        return known

    def _begun_under(
        self, tx: Database, caller: Caller, request: TransferRequest, now: datetime
    ) -> TransferProcess:
        agreement = agreement_with(tx, Role.PROVIDER, caller.did, request.agreement_id)
        if agreement is None:
            raise PartnerError("transfer:agreement_unknown", agreement=request.agreement_id)
        dataset, against = self._decided(agreement.dataset_id, Agreed.of(agreement), caller, now)
        if dataset is None or against:
            raise PartnerError(
                "transfer:access_refused",
                dataset=agreement.dataset_id,
                reasons="; ".join(against),
            )
        return TransferProcess(
            pid=new_pid(),
            role=Role.PROVIDER,
            partner=caller.did,
            bpnl=caller.bpnl,
            url=request.callback_address,
            dataset_id=agreement.dataset_id,
            peer_pid=request.consumer_pid,
            agreement_id=agreement.id,
            format=request.format,
            endpoint=endpoint_of(dataset, self._data_side.public_url),
            holder_bound=caller.proves_possession,
        )

    def _decided(
        self, dataset_id: str, agreed: Agreed, caller: Caller, now: datetime
    ) -> tuple[Dataset | None, tuple[str, ...]]:
        """Return the dataset if the caller may see it, and what forbids to give it now."""
        dataset = self._shelf.find(dataset_id, caller, now)
        if dataset is None:
            return None, (word("transfer:dataset_withdrawn", dataset=dataset_id),)
        return dataset, objections(self._shelf, dataset, agreed, caller, now)

    def _against(self, tx: Database, process: TransferProcess, caller: Caller) -> tuple[str, ...]:
        """Return what forbids to resume a transfer of ours."""
        agreement = agreement_with(tx, Role.PROVIDER, process.partner, process.agreement_id)
        if agreement is None:
            return (word("transfer:dataset_withdrawn", dataset=process.dataset_id),)
        now = self.ports.clock()
        return self._decided(process.dataset_id, Agreed.of(agreement), caller, now)[1]

    def _taken_in(
        self, tx: Database, process: TransferProcess, content: TransferContent, letter: Letter
    ) -> tuple[TransferProcess, tuple[str, ...]]:
        against: tuple[str, ...] = ()
        match content:
            case TransferRequest():
                table.keep_standing(tx, process.pid, attested(letter.caller).credentials)
            case TransferStart(address=address) if process.role is Role.CONSUMER:
                self._opened(tx, process, address)
            case TransferStart():
                against = self._against(tx, process, letter.caller)
                if not against:
                    table.keep_standing(tx, process.pid, attested(letter.caller).credentials)
                    table.restore_tokens(tx, process.pid)
            case TransferSuspension() | TransferTermination():
                reason = "; ".join(content.reasons) or content.code
                process = replace(process, reason=reason)
        return process, against

    def _renewed(
        self, tx: Database, process: TransferProcess, content: TransferContent
    ) -> TransferProcess | None:
        """Take a further address of a transfer that has started: EDC opens it anew at times."""
        is_ours = process.role is Role.CONSUMER and process.heading is None
        if not is_ours or process.state is not TransferState.STARTED:
            return None
        if not isinstance(content, TransferStart) or content.address is None:
            return None
        self._opened(tx, process, content.address)
        return process

    def _opened(self, tx: Database, process: TransferProcess, address: DataAddress | None) -> None:
        # A partner that resumes without an address means the one that it gave before.
        if address is not None and address.endpoint and address.token:
            table.keep_grant(tx, process, address, self.ports.clock())

    def _entered(
        self, tx: Database, process: TransferProcess, state: object, now: datetime
    ) -> None:
        if process.role is Role.PROVIDER and state in _CLOSED:
            table.revoke_tokens(tx, process.pid, now)
            if state in _OVER:
                table.drop_standing(tx, process.pid)
                drop_refresh(tx, process.pid)
        elif process.role is Role.CONSUMER and state in _OVER:
            table.drop_grant(tx, process.pid)

    def _forgotten(self, tx: Database, process: TransferProcess) -> None:
        if process.role is Role.PROVIDER:
            without = TransferStart(
                consumer_pid=process.consumer_pid, provider_pid=process.provider_pid
            )
            outbox.reword(tx, process.pid, TransferMessage.START, orjson.dumps(without))

    def _keepable(self, content: TransferContent, raw: bytes) -> bytes:
        if not isinstance(content, TransferStart) or content.address is None:
            return raw
        without = replace(content.address, token="", refresh=None)
        return orjson.dumps(replace(content, address=without))

    def _reply(
        self, process: TransferProcess, content: TransferContent, objections: tuple[str, ...]
    ) -> Reply | None:
        return self._reactions.reply(process, content.message, objections)

    def _composed(
        self, tx: Database, process: TransferProcess, reply: Reply, now: datetime
    ) -> tuple[TransferProcess, TransferContent]:
        if reply.message == TransferMessage.START and process.role is Role.PROVIDER:
            content = TransferStart(
                consumer_pid=process.consumer_pid,
                provider_pid=process.provider_pid,
                address=self._minted(tx, process, now),
            )
            return process, content
        return process, self._said(process, reply)

    def _minted(self, tx: Database, process: TransferProcess, now: datetime) -> DataAddress:
        seconds = self._data_side.token_seconds
        pair = Pair(secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES))
        table.keep_token(tx, process, pair.access, now + timedelta(seconds=seconds))
        if not self._data_side.renews:
            return DataAddress(process.endpoint, pair.access, seconds)
        keep_refresh(tx, process.pid, pair, now)
        endpoint = self._data_side.public_url.rstrip("/") + REFRESH_PATH
        refresh = RefreshTerms(pair.refresh, endpoint, self.ports.us)
        return DataAddress(process.endpoint, pair.access, seconds, refresh)

    def _said(self, process: TransferProcess, reply: Reply) -> TransferContent:
        pids = {"consumer_pid": process.consumer_pid, "provider_pid": process.provider_pid}
        match reply.message:
            case TransferMessage.REQUEST:
                return TransferRequest(
                    **pids,
                    agreement_id=process.agreement_id,
                    format=process.format,
                    callback_address=self.ports.callback_address,
                )
            case TransferMessage.START:
                return TransferStart(**pids, address=None)
            case TransferMessage.COMPLETION:
                return TransferCompletion(**pids)
        is_pause = reply.message == TransferMessage.SUSPENSION
        kind = TransferSuspension if is_pause else TransferTermination
        return kind(**pids, reasons=reply.reasons)


def _asked_for(
    partner: Did, bpnl: Bpnl, url: str, dataset_id: str, agreement_id: str
) -> TransferProcess:
    """Return the transfer of a consumer that has yet to ask for it."""
    return TransferProcess(
        pid=new_pid(),
        role=Role.CONSUMER,
        partner=partner,
        bpnl=bpnl,
        url=url,
        dataset_id=dataset_id,
        agreement_id=agreement_id,
        format=HTTP_PULL,
    )
