"""The addresses for partners: who is let in, what is answered, and what an error looks like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from starlette.applications import Starlette

from connector.agreement.model import ContractRequest, Verification
from connector.errors import TransientError
from connector.identifiers import Did
from connector.partner.model import Caller, Partner
from connector.protocols.dsp.inbound import BODY_BYTES_MAX, Desk, routes
from connector.protocols.dsp.writing import to_wire
from connector.transfer.model import TransferRequest
from tests.builders.doors import CALLBACK, Doors
from tests.doubles.asgi import Reply, call
from tests.doubles.party import OEM, STRANGER, SUPPLIER, PlayedIdentity, Town

BASE = "/dsp/2025-1"


@dataclass
class VouchingTown(Town):
    """Everybody vouches for the host of the test's callback address."""

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        return frozenset({"oem.example"})


@dataclass
class Unreachable(PlayedIdentity):
    """Cannot check anybody at the moment."""

    async def authenticate(self, authorization: str | None) -> Caller:
        raise TransientError("protocols:unreachable", url="https://oem.example", reason="down")


@dataclass
class Site:
    """A supplier's doors behind their addresses."""

    doors: Doors
    app: Starlette

    async def post(self, path: str, body: object, who: Partner = OEM) -> Reply:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Authorization": f"Bearer {who.did}"}
        return await call(self.app, "POST", BASE + path, headers=headers, body=raw)

    async def get(self, path: str, who: Partner = OEM) -> Reply:
        headers = {"Authorization": f"Bearer {who.did}"}
        return await call(self.app, "GET", BASE + path, headers=headers)

    def request(self, **changed: object) -> dict[str, object]:
        content = ContractRequest(
            consumer_pid="urn:c1", offer=self.doors.offer, callback_address=CALLBACK
        )
        return to_wire(content) | changed


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return _site(tmp_path, PlayedIdentity)


def _site(folder: Path, identity: type) -> Site:
    doors, town = Doors(folder), VouchingTown()
    desk = Desk(
        identity(town, SUPPLIER.did),
        town,
        doors.negotiation,
        doors.delivery,
        doors.shelf,
        "https://puebla.example",
    )
    return Site(doors, Starlette(routes=routes(desk)))


async def test_a_first_request_is_created_and_shows_both_pids(site: Site) -> None:
    reply = await site.post("/negotiations/request", site.request())

    provider_pid = reply.json["providerPid"]
    assert 201 == reply.status
    assert {
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
        "@type": "ContractNegotiation",
        "providerPid": provider_pid,
        "consumerPid": "urn:c1",
        "state": "REQUESTED",
    } == reply.json
    shown = await site.get(f"/negotiations/{provider_pid}")
    assert (200, reply.json) == (shown.status, shown.json)


async def test_the_whole_negotiation_and_transfer_of_a_consumer(site: Site) -> None:
    begun = await site.post("/negotiations/request", site.request())
    pids = {"consumer_pid": "urn:c1", "provider_pid": begun.json["providerPid"]}
    site.doors.deliver()
    path = f"/negotiations/{pids['provider_pid']}"
    verified = await site.post(f"{path}/agreement/verification/", to_wire(Verification(**pids)))
    site.doors.deliver()
    [agreement_id] = site.doors.db.row("SELECT id FROM agreement") or ("",)
    wanted = TransferRequest(
        consumer_pid="urn:t1",
        agreement_id=agreement_id,
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    started = await site.post("/transfers/request", to_wire(wanted))
    site.doors.deliver()
    shown = await site.get(f"/transfers/{started.json['providerPid']}")

    assert (200, b"") == (verified.status, verified.body)
    assert (201, "TransferProcess") == (started.status, started.json["@type"])
    assert "STARTED" == shown.json["state"]


async def test_an_illegal_message_is_answered_with_the_reason(site: Site) -> None:
    begun = await site.post("/negotiations/request", site.request())
    site.doors.deliver()
    pid = begun.json["providerPid"]
    finalized = {
        "@type": "ContractNegotiationEventMessage",
        "eventType": "FINALIZED",
        "providerPid": pid,
        "consumerPid": "urn:c1",
    }
    reply = await site.post(f"/negotiations/{pid}/events", finalized)

    assert (400, "ContractNegotiationError", "move_illegal") == (
        reply.status,
        reply.json["@type"],
        reply.json["code"],
    )
    assert "may not send ContractNegotiationEventMessage:FINALIZED" in reply.json["reason"][0]
    assert "AGREED" == (await site.get(f"/negotiations/{pid}")).json["state"]


@pytest.mark.parametrize("kind", ["negotiations", "transfers"])
async def test_a_foreign_process_looks_like_none(site: Site, kind: str) -> None:
    begun = await site.post("/negotiations/request", site.request())
    foreign = await site.get(f"/{kind}/{begun.json['providerPid']}", STRANGER)
    unknown = await site.get(f"/{kind}/urn:none", STRANGER)

    assert (404, 404) == (foreign.status, unknown.status)
    assert foreign.json["code"] == unknown.json["code"] == "process_unknown"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://169.254.169.254/latest", "host_not_vouched"),
        ("https://oem.example@evil.example/dsp", "url_malformed"),
        ("http://evil.example\\@oem.example/dsp", "url_malformed"),
        ("http://[::1", "url_malformed"),
        ("file:///etc/passwd", "url_malformed"),
        ("gopher://oem.example/dsp", "scheme_refused"),
    ],
)
async def test_a_callback_into_somebody_elses_network_is_refused(
    site: Site, address: str, code: str
) -> None:
    reply = await site.post("/negotiations/request", site.request(callbackAddress=address))

    assert (400, code) == (reply.status, reply.json["code"])
    assert address in reply.json["reason"][0]
    assert [] == site.doors.db.rows("SELECT pid FROM negotiation")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"x" * (BODY_BYTES_MAX + 1), "body_too_large"),
        (b'{"a":' * 10_000, "json_malformed"),
        (b"\x00\xff", "json_malformed"),
        (b"[]", "json_malformed"),
        (b'{"@type":"TransferRequestMessage"}', "type_unexpected"),
    ],
)
async def test_rubbish_is_refused_as_a_protocol_error_and_changes_nothing(
    site: Site, body: bytes, code: str
) -> None:
    reply = await site.post("/negotiations/request", body)

    assert (400, "ContractNegotiationError", code) == (
        reply.status,
        reply.json["@type"],
        reply.json["code"],
    )
    assert [] == site.doors.db.rows("SELECT pid FROM negotiation")


async def test_who_proves_nothing_is_not_let_in(site: Site) -> None:
    replies = [
        await call(site.app, "POST", f"{BASE}{path}", body=b"{}")
        for path in ("/negotiations/request", "/transfers/request", "/negotiations/x/termination")
    ]

    assert [401, 401, 401] == [reply.status for reply in replies]
    assert "TransferError" == replies[1].json["@type"]


async def test_while_a_caller_cannot_be_checked_it_is_asked_to_come_again(tmp_path: Path) -> None:
    site = _site(tmp_path, Unreachable)
    reply = await site.post("/negotiations/request", site.request())

    assert 503 == reply.status


async def test_an_unknown_agreement_gives_no_access(site: Site) -> None:
    wanted = TransferRequest(
        consumer_pid="urn:t1",
        agreement_id="urn:none",
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    reply = await site.post("/transfers/request", to_wire(wanted))

    assert (400, "TransferError", "agreement_unknown") == (
        reply.status,
        reply.json["@type"],
        reply.json["code"],
    )


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_provider_may_ask_how_we_see_what_we_asked_it_for(site: Site, slash: str) -> None:
    doors = site.doors
    asked = doors.negotiation.request_agreement(OEM, "https://oem.example", doors.offer)
    doors.deliver("urn:p1")

    shown = await site.get(f"/negotiations/{asked.pid}{slash}")

    assert (200, asked.pid, "urn:p1", "REQUESTED") == (
        shown.status,
        shown.json["consumerPid"],
        shown.json["providerPid"],
        shown.json["state"],
    )


async def test_a_partner_with_too_much_open_is_asked_to_come_again(site: Site) -> None:
    most = site.doors.negotiation.ports.limits.partner_negotiations_max
    with site.doors.db.transaction() as tx:
        for number in range(most):
            tx.execute(
                "INSERT INTO negotiation (pid, role, partner, bpnl, url, dataset, peer_pid, state,"
                " digest, created_at, updated_at, offer, policy) VALUES"
                " (?, 'provider', ?, 'B', 'u', 'd', ?, 'AGREED', x'', 0, 0, 'o', '{}')",
                (f"p{number}", OEM.did, f"c{number}"),
            )

    reply = await site.post("/negotiations/request", site.request())

    assert (503, "ContractNegotiationError", "too_many") == (
        reply.status,
        reply.json["@type"],
        reply.json["code"],
    )
