"""We ask issuers for credentials, and what becomes of it is known also after a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import DataError, PartnerError, SetupError
from connector.identifiers import Did, did_web
from connector.protocols.dcp import request_book
from connector.protocols.dcp.asking import ANSWERED_WITHIN, Asking, AskingTerms
from connector.protocols.dcp.credentials import BPN, CATENA_X_TYPES, MEMBERSHIP
from connector.protocols.dcp.did import ISSUER_SERVICE, Endpoint, write_document
from connector.protocols.dcp.issuance import delivery_message, metadata_message, read_metadata
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.request_book import Request, RequestBook, RequestState
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from deploy.demo.authority import Authority
from tests.unit.dcp.conftest import SUPPLIER, Company, Dataspace

DCP = "connector.protocols.dcp:"
AT = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
OTHER = Did("did:web:other.example")
JSON = "application/json"


@pytest.fixture
async def authority(space: Dataspace) -> Authority:
    return await space.authority()


@pytest.fixture
async def plant(space: Dataspace, authority: Authority) -> AsyncIterator[Company]:
    plant = await space.company("plant", trusts=authority)
    async with running(plant.identity.asking):
        yield plant


@contextlib.asynccontextmanager
async def running(asking: Asking) -> AsyncIterator[None]:
    task = asyncio.create_task(asking.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(asking: Asking, number: str) -> Request:
    return await reached(asking, number, lambda one: not one.is_open)


async def reached(asking: Asking, number: str, enough: Callable[[Request], bool]) -> Request:
    await eventually(lambda: enough(asking.book.of(number)))
    return asking.book.of(number)


async def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


async def test_what_we_ask_for_is_delivered_and_can_be_presented(
    authority: Authority, plant: Company
) -> None:
    authority.register.admit(plant.did, SUPPLIER)

    number = plant.identity.asking.ask(None, ())
    found = await ended(plant.identity.asking, number)

    assert (RequestState.DELIVERED, CATENA_X_TYPES) == (found.state, found.types)
    assert 3 == len(plant.identity.wallet.presentable(CATENA_X_TYPES, plant.clock()))


async def test_a_renewal_takes_the_place_of_what_ends_soon(
    authority: Authority, plant: Company
) -> None:
    authority.register.admit(plant.did, SUPPLIER)
    asking, wallet = plant.identity.asking, plant.identity.wallet
    await ended(asking, asking.ask(None, [BPN]))
    plant.clock.shift += timedelta(days=350)
    assert f"{DCP}credential_expires_soon" in {one.code for one in plant.identity.findings()}

    await ended(asking, asking.ask(authority.did, [BPN]))

    (held,) = wallet.held(plant.clock())
    assert (held.credential.expires_at() - plant.clock()).days >= 364
    assert f"{DCP}credential_expires_soon" not in {one.code for one in plant.identity.findings()}


async def test_a_stranger_is_told_why_it_is_given_nothing(plant: Company) -> None:
    found = await ended(plant.identity.asking, plant.identity.asking.ask(None, [BPN]))

    finding = found.finding()
    assert RequestState.FAILED == found.state
    assert finding is not None
    assert f"{DCP}request_refused" == finding.code
    assert ("403", str(plant.did)) == (finding.params["status"], found.params["reason"].split()[0])


async def test_a_type_that_is_not_issued_is_not_asked_for(plant: Company) -> None:
    found = await ended(plant.identity.asking, plant.identity.asking.ask(None, ["Nonsense"]))

    assert f"{DCP}type_not_issued" == found.code
    assert BPN in found.params["offered"]


def test_whom_to_ask_has_to_be_clear(tmp_path: Path) -> None:
    def asking(*issuers: Did) -> Asking:
        means: Any = type("Means", (), {"clock": staticmethod(lambda: AT)})
        return Asking(AskingTerms(issuers, CATENA_X_TYPES), means, RequestBook(tmp_path))

    with pytest.raises(SetupError, match="not clear"):
        asking().ask(None, ())
    with pytest.raises(SetupError, match="not clear"):
        asking(OTHER, Did("did:web:x.example")).ask(None, ())
    with pytest.raises(SetupError, match="no issuer that we trust"):
        asking(OTHER).ask(Did("did:web:x.example"), ())
    assert OTHER == (one := asking(OTHER)).book.of(one.ask(None, ())).issuer


@dataclass
class Issuer:
    """An issuer that answers as a test says."""

    did: Did = OTHER
    key: SigningKey | None = None
    services: list[Endpoint] = field(default_factory=list)
    metadata: bytes = b""
    accepts: Response = field(
        default_factory=lambda: Response(status_code=201, headers={"Location": "requests/7"})
    )
    status: Response = field(default_factory=lambda: Response(status_code=404))
    asked: list[dict[str, Any]] = field(default_factory=list)
    looked: int = 0

    def app(self, url: str, authority: Authority) -> Starlette:
        self.did = did_web(url)
        self.key = SigningKey(f"{self.did}#k", authority._key._private)
        self.services = [Endpoint(ISSUER_SERVICE, f"{url}/issuing")]
        self.metadata = metadata_message(self.did, [BPN])

        async def document(_: HttpRequest) -> Response:
            body = write_document(self.did, [self.key] if self.key else [], self.services)
            return Response(orjson.dumps(body), media_type=JSON)

        async def metadata(_: HttpRequest) -> Response:
            return Response(self.metadata, media_type=JSON)

        async def credentials(request: HttpRequest) -> Response:
            self.asked.append(orjson.loads(await request.body()))
            return self.accepts

        async def status(_: HttpRequest) -> Response:
            self.looked += 1
            return self.status

        return Starlette(
            routes=[
                Route("/.well-known/did.json", document),
                Route("/issuing/metadata", metadata),
                Route("/issuing/credentials", credentials, methods=["POST"]),
                Route("/issuing/requests/7", status),
            ]
        )

    def says(self, status: str) -> None:
        body = orjson.dumps({"type": "CredentialStatus", "status": status})
        self.status = Response(body, media_type=JSON)

    async def delivers(self, plant: Company, body: bytes) -> Answer:
        assert self.key is not None
        now = plant.clock.seconds()
        claims = {"iss": self.did, "sub": self.did, "aud": plant.did, "jti": str(hash(body))}
        header = "Bearer " + write_jwt({**claims, "exp": now + 60}, self.key)
        url = f"{plant.identity._settings.public_url}/dcp/credentials"
        limits = ClientLimits(allow_http=True, allow_private_networks=True)
        async with GuardedClient(limits) as client:
            return await client.request("POST", url, headers={"Authorization": header}, body=body)

    def credential(self, plant: Company, kind: str) -> str:
        assert self.key is not None
        now = plant.clock.seconds()
        subject = {"id": plant.did, "bpn": SUPPLIER}
        vc = {"type": ["VerifiableCredential", kind], "credentialSubject": subject}
        claims = {"iss": self.did, "sub": plant.did, "nbf": now, "exp": now + 86_400, "vc": vc}
        return write_jwt(claims, self.key)


@pytest.fixture
async def issuer(space: Dataspace, authority: Authority) -> Issuer:
    issuer = Issuer()
    await space.serve(lambda url: issuer.app(url, authority))
    return issuer


@pytest.fixture
async def member(space: Dataspace, authority: Authority, issuer: Issuer) -> AsyncIterator[Company]:
    member = await space.company(
        "m", trusts=authority, trusted_issuers=(issuer.did, authority.did)
    )
    async with running(member.identity.asking):
        yield member


async def waiting(member: Company, issuer: Issuer) -> str:
    number = member.identity.asking.ask(issuer.did, [BPN])
    await reached(member.identity.asking, number, lambda one: one.state is RequestState.WAITING)
    return number


async def test_an_issuer_may_take_its_time(member: Company, issuer: Issuer) -> None:
    issuer.says("RECEIVED")
    number = await waiting(member, issuer)
    await eventually(lambda: issuer.looked > 0)

    body = delivery_message("7", number, {BPN: issuer.credential(member, BPN)})
    assert 200 == (await issuer.delivers(member, body)).status

    found = member.identity.asking.book.of(number)
    assert RequestState.DELIVERED == found.state
    assert [{"id": BPN}] == issuer.asked[0]["credentials"]
    assert number == issuer.asked[0]["holderPid"]


async def test_a_delivery_counts_once_for_its_number(member: Company, issuer: Issuer) -> None:
    number = await waiting(member, issuer)
    text = issuer.credential(member, BPN)
    assert (
        200 == (await issuer.delivers(member, delivery_message("7", number, {BPN: text}))).status
    )

    again = await issuer.delivers(member, delivery_message("8", number, {BPN: text}))

    assert 403 == again.status


async def test_what_we_did_not_ask_for_is_not_taken_in(member: Company, issuer: Issuer) -> None:
    number = await waiting(member, issuer)
    credentials = {kind: issuer.credential(member, kind) for kind in (BPN, MEMBERSHIP)}

    answer = await issuer.delivers(member, delivery_message("7", number, credentials))

    assert 403 == answer.status
    assert () == member.identity.wallet.held(member.clock())
    assert member.identity.asking.book.of(number).is_open


async def test_another_issuer_may_not_deliver_what_we_asked_of_this_one(
    member: Company, issuer: Issuer, authority: Authority
) -> None:
    number = member.identity.asking.ask(authority.did, [BPN])
    body = delivery_message("7", number, {BPN: issuer.credential(member, BPN)})

    assert 403 == (await issuer.delivers(member, body)).status


async def test_a_rejection_is_told_by_message(member: Company, issuer: Issuer) -> None:
    number = await waiting(member, issuer)

    await issuer.delivers(member, delivery_message("7", number, {}, "the fee is not paid"))

    found = member.identity.asking.book.of(number)
    assert RequestState.REJECTED == found.state
    assert "the fee is not paid" == found.params["reason"]


async def test_a_rejection_is_told_by_status(member: Company, issuer: Issuer) -> None:
    issuer.says("REJECTED")
    number = member.identity.asking.ask(issuer.did, [BPN])

    found = await ended(member.identity.asking, number)

    assert (RequestState.REJECTED, f"{DCP}request_rejected") == (found.state, found.code)


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_an_issuer_that_tells_no_status_may_deliver_still(
    member: Company, issuer: Issuer, status: int
) -> None:
    issuer.status = Response(b"?", status)
    number = await waiting(member, issuer)
    await eventually(lambda: issuer.looked > 0)
    await asyncio.sleep(0.05)

    assert member.identity.asking.book.of(number).is_open


async def test_an_issuer_that_never_answers_is_given_up(member: Company, issuer: Issuer) -> None:
    issuer.accepts = Response(status_code=201)
    number = await waiting(member, issuer)
    member.clock.shift += ANSWERED_WITHIN + timedelta(seconds=2)

    found = await ended(member.identity.asking, number)

    assert f"{DCP}request_unanswered" == found.code


async def test_an_issuer_in_trouble_is_asked_again_and_given_up_after_an_hour(
    member: Company, issuer: Issuer
) -> None:
    issuer.accepts = Response(status_code=503)
    number = member.identity.asking.ask(issuer.did, [BPN])
    await eventually(lambda: len(issuer.asked) > 1)
    assert member.identity.asking.book.of(number).is_open

    member.clock.shift += timedelta(minutes=61)
    found = await ended(member.identity.asking, number)

    assert f"{DCP}issuer_not_reached" == found.code


async def test_an_issuer_without_the_service_is_not_asked(member: Company, issuer: Issuer) -> None:
    issuer.services = []

    found = await ended(member.identity.asking, member.identity.asking.ask(issuer.did, [BPN]))

    assert f"{DCP}no_issuer_service" == found.code


@pytest.mark.parametrize("place", ["http://192.0.2.1/status", "http://elsewhere.example/status"])
async def test_a_status_that_lies_elsewhere_is_not_fetched(
    member: Company, issuer: Issuer, place: str
) -> None:
    issuer.accepts = Response(status_code=201, headers={"Location": place})

    number = await waiting(member, issuer)
    await asyncio.sleep(0.05)

    assert member.identity.asking.book.of(number).is_open


async def test_a_request_goes_on_after_a_restart(
    space: Dataspace, authority: Authority, plant: Company
) -> None:
    authority.register.admit(plant.did, SUPPLIER)
    asked = Request("4711", authority.did, (BPN,), plant.clock())
    # As the process left it when it died, before anything was sent.
    RequestBook(plant.credentials).note(asked)
    later = plant.identity._requests()
    plant.identity.storage()

    assert (asked,) == later.book.all()
    async with running(later):
        found = await reached(later, "4711", lambda one: one.state is not RequestState.ASKING)

    assert RequestState.WAITING == found.state


def test_the_book_is_read_as_it_was_written(tmp_path: Path) -> None:
    book = RequestBook(tmp_path)
    book.note(Request("1", OTHER, (BPN,), AT))
    book.note(Request("2", OTHER, (BPN, MEMBERSHIP), AT))
    book.change("1", RequestState.FAILED, code="a:b", params={"reason": "ñ"})
    book.change("1", RequestState.WAITING)

    again = RequestBook(tmp_path)

    assert book.all() == again.all()
    assert [RequestState.FAILED, RequestState.ASKING] == [one.state for one in again.all()]
    assert 0o600 == (tmp_path / request_book.BOOK_NAME).stat().st_mode & 0o777
    with pytest.raises(DataError):
        again.of("3")


def test_the_book_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_book, "REQUESTS_MAX", 3)
    monkeypatch.setattr(request_book, "OPEN_MAX", 2)
    book = RequestBook(tmp_path)
    for number in "1234":
        book.note(Request(number, OTHER, (BPN,), AT))
        if number < "3":
            book.change(number, RequestState.DELIVERED)

    assert ["2", "3", "4"] == [one.number for one in book.all()]
    with pytest.raises(SetupError):
        book.note(Request("5", OTHER, (BPN,), AT))


def test_a_damaged_book_is_told_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / request_book.BOOK_NAME).write_text("[{")

    with pytest.raises(SetupError):
        RequestBook(tmp_path).note(Request("1", OTHER, (BPN,), AT))

    assert "[{" == (tmp_path / request_book.BOOK_NAME).read_text()


@pytest.mark.parametrize("profile", ["vc20-bssl/jwt", "vc11-sl2021/jsonld"])
def test_a_credential_in_a_form_that_we_do_not_read_is_not_asked_for(profile: str) -> None:
    offered = [
        {"id": "a", "credentialType": BPN, "profile": profile},
        {"id": "b", "credentialType": BPN, "profile": "vc11-sl2021/jwt"},
        {"id": "c", "credentialType": MEMBERSHIP, "profile": profile},
    ]
    body = orjson.dumps({"type": "IssuerMetadata", "credentialsSupported": offered})

    assert {BPN: "b"} == read_metadata(body, who="issuer")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type":"IssuerMetadata","credentialsSup'])
def test_metadata_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(PartnerError):
        read_metadata(body, who="issuer")
