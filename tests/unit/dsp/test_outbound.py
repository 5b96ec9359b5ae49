"""What a partner's answer to a message means for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connector.agreement.model import ContractOffer, ContractRequest, Offer, Verification
from connector.identifiers import Did
from connector.protocols.dsp.messages import ProcessContent
from connector.protocols.dsp.outbound import DspSender
from connector.protocols.http import Answer, GuardedClient
from connector.store.outbox import Outgoing, Owed
from connector.store.receipt import Outcome, Receipt
from tests.doubles.party import OEM, SUPPLIER, PlayedIdentity, Town

OFFER = Offer("urn:o1", "urn:d1", {})
VERIFICATION = Verification(consumer_pid="urn:c1", provider_pid="urn:p1")


@dataclass
class Counterpart(GuardedClient):
    """Answers as it is told, and keeps what came."""

    status: int = 200
    body: bytes = b""
    came: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    hosts: frozenset[str] = frozenset()

    def reaching(self, hosts: frozenset[str]) -> GuardedClient:
        self.hosts = hosts
        return self

    async def request(self, method: str, url: str, **more: Any) -> Answer:
        self.came.append((url, orjson.loads(more["body"])))
        return Answer(self.status, {}, self.body, url)


def _owed(content: ProcessContent, attempts: int = 0) -> Owed:
    outgoing = Outgoing(
        process="urn:c1",
        message=content.message,
        partner=SUPPLIER.did,
        url="https://s.example/dsp/",
        body=orjson.dumps(content),
    )
    return Owed(1, outgoing, attempts, datetime(2026, 11, 23, tzinfo=UTC))


def _sender(counterpart: Counterpart) -> DspSender:
    return DspSender(counterpart, PlayedIdentity(Town(), Did(OEM.did)), Town())


async def test_a_message_goes_where_its_receiver_knows_the_process() -> None:
    counterpart = Counterpart()
    await _sender(counterpart).send(_owed(VERIFICATION))

    [(url, body)] = counterpart.came
    assert "https://s.example/dsp/negotiations/urn:p1/agreement/verification" == url
    assert "ContractAgreementVerificationMessage" == body["@type"]


async def test_only_hosts_that_the_partner_vouches_for_are_reached() -> None:
    counterpart = Counterpart()
    await _sender(counterpart).send(_owed(VERIFICATION))

    assert {"127.0.0.1"} == counterpart.hosts


@pytest.mark.parametrize(
    ("content", "answer", "peer_pid"),
    [
        (
            ContractRequest(consumer_pid="urn:c1", offer=OFFER, callback_address="u"),
            {"providerPid": "urn:p1", "consumerPid": "urn:c1"},
            "urn:p1",
        ),
        (
            ContractRequest(consumer_pid="urn:c1", offer=OFFER, callback_address="u"),
            {"dspace:providerPid": {"@id": "urn:p1"}},
            "urn:p1",
        ),
        (
            ContractOffer(provider_pid="urn:c1", offer=OFFER, callback_address="u"),
            {"providerPid": "urn:c1", "consumerPid": "urn:x1"},
            "urn:x1",
        ),
        (VERIFICATION, {"providerPid": "urn:other"}, ""),
    ],
)
async def test_the_first_answer_tells_the_partners_pid(
    content: ProcessContent, answer: dict[str, object], peer_pid: str
) -> None:
    counterpart = Counterpart(201, orjson.dumps(answer))

    assert Receipt(Outcome.ACCEPTED, peer_pid) == await _sender(counterpart).send(_owed(content))


async def test_an_answer_without_a_body_is_as_good() -> None:
    content = ContractRequest(consumer_pid="urn:c1", offer=OFFER, callback_address="u")

    assert Receipt(Outcome.ACCEPTED) == await _sender(Counterpart(200)).send(_owed(content))


@pytest.mark.parametrize(
    ("status", "attempts", "outcome"),
    [
        (500, 0, Outcome.LATER),
        (503, 99, Outcome.LATER),
        (429, 99, Outcome.LATER),
        (408, 99, Outcome.LATER),
        (404, 0, Outcome.SOON),
        (404, 9, Outcome.SOON),
        (404, 10, Outcome.REFUSED),
        (401, 0, Outcome.LATER),
        (401, 2, Outcome.REFUSED),
        (405, 0, Outcome.LATER),
        (405, 8, Outcome.REFUSED),
        (400, 0, Outcome.REFUSED),
        (403, 0, Outcome.REFUSED),
        (409, 0, Outcome.SOON),
        (409, 10, Outcome.REFUSED),
        (302, 0, Outcome.REFUSED),
    ],
)
async def test_a_status_says_whether_to_try_again(
    status: int, attempts: int, outcome: Outcome
) -> None:
    receipt = await _sender(Counterpart(status)).send(_owed(VERIFICATION, attempts))

    assert outcome is receipt.outcome


async def test_the_partners_reason_is_passed_on() -> None:
    body = orjson.dumps({"code": "409", "reason": ["illegal state"]})
    receipt = await _sender(Counterpart(409, body)).send(_owed(VERIFICATION))

    assert receipt.reason.endswith("/verification answered 409: 409; illegal state")
