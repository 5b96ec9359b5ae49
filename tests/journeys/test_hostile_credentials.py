"""A partner that proves itself by what is not its own, or by what does harm when it is read.

One of the trusted issuers helps it: whoever signs may still not send the connector to other
hosts, fill its memory, or keep its other partners waiting.
"""

from __future__ import annotations

import time
import uuid
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.protocols.dcp.credentials import MEMBERSHIP
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.messages import CREDENTIALS_MAX, presentation_claims, response_message
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Offer
from tests.journeys.hostile import wire
from tests.journeys.hostile.stranger import Stranger
from tests.journeys.hostile.victim import Damage, attacked
from tests.journeys.hostile.wire import Said

pytestmark = pytest.mark.journey

CATALOG = "/dsp/2025-1/catalog/request"
QUERY = "/dcp/presentations/query"
LIST = "/status/1"
NUMBER = "BPNL00000000MAL1"
GROWTH_MEGABYTES_MAX = 32
HUNDRED_MEGABYTES = 100 * 1024 * 1024
BOMB_BYTES = 300 * 1024 * 1024
SECONDS_MAX = 20.0

Json = Mapping[str, object]


def seconds() -> int:
    return int(time.time())


@dataclass(frozen=True)
class World:
    """The connector under attack, a partner with bad manners, and its friend, an issuer."""

    victim: Company
    mallory: Stranger
    neighbour: Stranger
    issuer: Stranger

    def call(self) -> Said:
        """Ask for the catalog with a true token of the partner."""
        proof = self.mallory.authorization(self.victim.did)
        return wire.post(self.victim.url + CATALOG, proof, b"{}")

    def presents(self, *credentials: str, by: Stranger | None = None) -> None:
        """Let the partner's wallet answer with these, in a presentation of whoever signs it."""
        holder = by or self.mallory
        lifetime = (seconds(), seconds() + 60)
        claims = presentation_claims(
            holder.did, self.victim.did, credentials, jti=str(uuid.uuid4()), lifetime=lifetime
        )
        body = response_message([write_jwt(claims, holder.key)])
        self.mallory.tricks[QUERY] = answering(body)

    def membership(self, **vc: object) -> str:
        """Return a credential of the partner that its friend signs, with whatever is in it."""
        return credential(self.issuer, self.mallory.did, MEMBERSHIP, vc)


def credential(issuer: Stranger, subject: str, kind: str, more: Json) -> str:
    now = seconds()
    vc = {
        "type": ["VerifiableCredential", kind],
        "credentialSubject": {"id": subject, "holderIdentifier": NUMBER},
        **more,
    }
    claims = {"iss": issuer.did, "sub": subject, "nbf": now, "exp": now + 3600, "vc": vc}
    return write_jwt(claims, issuer.key)


def answering(body: bytes, **headers: str) -> ASGIApp:
    """Answer with a body, under headers that may not be true."""
    named = {"content-type": "application/json", **headers}
    listed = [(n.replace("_", "-").encode(), value.encode()) for n, value in named.items()]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": listed})
        await send({"type": "http.response.body", "body": body})

    return app


def status_entry(url: str) -> Json:
    return {
        "credentialStatus": {
            "id": f"{url}#1",
            "type": "StatusList2021Entry",
            "statusPurpose": "revocation",
            "statusListIndex": "1",
            "statusListCredential": url,
        }
    }


def bomb(wbits: int = zlib.MAX_WBITS | 16) -> bytes:
    """Return a little that unfolds into very much."""
    packing = zlib.compressobj(9, wbits=wbits)
    block = bytes(1024 * 1024)
    parts = [packing.compress(block) for _ in range(BOMB_BYTES // len(block))]
    return b"".join([*parts, packing.flush()])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    with DataSpace.open(folder / "space") as space:
        victim = space.company("puebla", "BPNL00000000PUE1")
        mallory, neighbour, issuer = (
            Stranger(name, bpnl, folder / name, space.authority)
            for name, bpnl in (
                ("mallory", NUMBER),
                ("oem", "BPNL00000000OEM1"),
                ("issuer", "BPNL00000000ISS1"),
            )
        )
        identity = {
            "trusted_issuers": [space.authority.did, issuer.did],
            "presentation_reuse_seconds": 0,
        }
        victim.configure(
            partners=[mallory, neighbour],
            offers=[Offer("all", ("mallory", "oem"))],
            further={"identity": identity},
        )
        with mallory.listening(), neighbour.listening(), issuer.listening():
            victim.start()
            world = World(victim, mallory, neighbour, issuer)
            assert world.call().status == 200
            yield world


@pytest.fixture(autouse=True)
def manners(world: World) -> Iterator[None]:
    """Let everybody behave again after each test."""
    yield
    world.mallory.tricks.clear()
    world.issuer.tricks.clear()


def refused(world: World, damage: Damage, said: Said, code: str) -> None:
    assert (401, "CatalogError", code) == (said.status, said.json["@type"], said.json["code"])
    assert said.seconds < SECONDS_MAX
    assert {} == damage.changed
    assert damage.megabytes < GROWTH_MEGABYTES_MAX
    assert 1 == len(damage.lines_about(world.mallory.did)), damage.lines


def test_true_credentials_of_the_friend_are_believed(world: World) -> None:
    world.presents(world.membership())

    assert world.call().status == 200


def test_the_presentation_of_another_proves_nothing(world: World) -> None:
    theirs = credential(world.issuer, world.neighbour.did, MEMBERSHIP, {})
    world.presents(theirs, by=world.neighbour)

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "presentation_of_other")


def test_the_credential_of_another_proves_nothing(world: World) -> None:
    world.presents(credential(world.issuer, world.neighbour.did, MEMBERSHIP, {}))

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "credential_of_other")


def test_a_credential_that_it_signed_itself_proves_nothing(world: World) -> None:
    world.presents(credential(world.mallory, world.mallory.did, MEMBERSHIP, {}))

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "issuer_not_trusted")


def test_a_presentation_for_somebody_else_proves_nothing(world: World) -> None:
    claims = presentation_claims(
        world.mallory.did,
        world.neighbour.did,
        [world.membership()],
        jti="1",
        lifetime=(seconds(), seconds() + 60),
    )
    body = response_message([write_jwt(claims, world.mallory.key)])
    world.mallory.tricks[QUERY] = answering(body)

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "presentation_for_other")


@pytest.mark.parametrize("what", ["credentialStatus", "credentialSchema"])
def test_what_lies_on_another_host_than_its_issuers_is_not_fetched(
    world: World, what: str
) -> None:
    # The operator's side of the connector itself: nobody outside may make it call that.
    inside = f"http://127.0.0.1:{world.victim.operator_port}/api/status"
    schema = {"credentialSchema": {"id": inside, "type": "JsonSchema"}}
    vc = status_entry(inside) if what == "credentialStatus" else schema
    world.presents(world.membership(**vc))

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "host_not_vouched")


def test_a_status_list_that_unfolds_beyond_measure_is_not_unfolded(world: World) -> None:
    url = world.issuer.url + LIST
    encoded = urlsafe_b64encode(bomb()).rstrip(b"=").decode()
    subject = {
        "id": f"{url}#list",
        "type": "StatusList2021",
        "statusPurpose": "revocation",
        "encodedList": encoded,
    }
    listed = credential(
        world.issuer, url, "StatusList2021Credential", {"credentialSubject": subject}
    )
    world.issuer.tricks[LIST] = answering(listed.encode())
    world.presents(world.membership(**status_entry(url)))

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "status_list_malformed")


@pytest.mark.parametrize(
    ("coding", "code"), [("gzip", "answer_too_large"), ("deflate", "coding_unknown")]
)
def test_an_answer_that_unfolds_on_the_way_is_cut_off(
    world: World, coding: str, code: str
) -> None:
    packed = bomb() if coding == "gzip" else bomb(zlib.MAX_WBITS)
    length = str(len(packed))
    headers = {"content_encoding": coding, "content_length": length}
    world.mallory.tricks[QUERY] = answering(packed, **headers)

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, code)


def test_an_answer_of_a_hundred_megabytes_is_not_read(world: World) -> None:
    async def much(scope: Scope, receive: Receive, send: Send) -> None:
        length = str(HUNDRED_MEGABYTES).encode()
        headers = [(b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(HUNDRED_MEGABYTES // 65_536):
            await send({"type": "http.response.body", "body": b" " * 65_536, "more_body": True})

    world.mallory.tricks[QUERY] = much

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "answer_too_large")


@pytest.mark.parametrize("count", [CREDENTIALS_MAX + 1, 2_000])
def test_a_presentation_of_very_many_credentials_is_refused(world: World, count: int) -> None:
    world.presents(*["a.b.c"] * count)

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "token_malformed")


@pytest.mark.parametrize("depth", [1_000, 50_000])
def test_an_answer_of_very_many_levels_is_refused(world: World, depth: int) -> None:
    world.mallory.tricks[QUERY] = answering(b'{"presentation":' + b"[" * depth)

    with attacked(world.victim) as damage:
        said = world.call()

    refused(world, damage, said, "response_malformed")
