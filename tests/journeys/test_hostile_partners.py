"""A partner with true credentials and bad manners against a running connector.

Whatever it does: it is answered 4xx with the error body of the protocol, memory stays where
it was, nothing is begun or changed, and one line of the log says who it was.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from starlette.types import Receive, Scope, Send

from connector.protocols.dcp.jwt import write_jwt
from deploy.demo.authority import Authority
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Offer
from deploy.demo.processes import wait_until
from tests.journeys.hostile import wire
from tests.journeys.hostile.stranger import (
    Stranger,
    endless,
    polite,
    redirecting,
    trickling,
)
from tests.journeys.hostile.victim import Damage, attacked, settled
from tests.journeys.hostile.wire import Said

pytestmark = pytest.mark.journey

DSP = "/dsp/2025-1"
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
# A partner's document that never ends is read to its limit before it is refused.
GROWTH_MEGABYTES_MAX = 32
HUNDRED_MEGABYTES = 100 * 1024 * 1024
# Of what is too long, a buffer or two may be under way when the answer comes.
PROMPT_SECONDS = 3.0
READ_BYTES_MAX = 16 * 1024 * 1024
ERRORS = {
    "/catalog/request": "CatalogError",
    "/negotiations/request": "ContractNegotiationError",
    "/negotiations/offers": "ContractNegotiationError",
    "/negotiations/urn:uuid:none/events": "ContractNegotiationError",
    "/transfers/request": "TransferError",
    "/transfers/urn:uuid:none/start": "TransferError",
}
WALLET = ("/dcp/presentations/query", "/dcp/credentials", "/dcp/offers")


@dataclass(frozen=True)
class World:
    """The connector under attack, and two partners of it: one behaves, one does not."""

    victim: Company
    mallory: Stranger
    neighbour: Stranger
    authority: Authority

    def say(self, path: str, body: bytes, who: Stranger | None = None) -> Said:
        proof = (who or self.mallory).authorization(self.victim.did)
        return wire.post(self.victim.url + DSP + path, proof, body)

    def request(self, **changes: object) -> dict[str, object]:
        """A request for the registry's offer, as it would be made in earnest."""
        said = self.say("/catalog/request", _message("CatalogRequestMessage"))
        dataset = _one(said.json["dataset"])
        return {
            "consumerPid": uuid.uuid4().urn,
            "callbackAddress": self.mallory.url + DSP,
            "offer": {**_one(dataset["hasPolicy"]), "target": dataset["@id"]},
            **changes,
        }

    def begun(self, who: Stranger) -> str:
        """Begin a negotiation in earnest, and return the connector's id of it."""
        changes = {"callbackAddress": who.url + DSP}
        message = _message("ContractRequestMessage", **self.request(**changes))
        said = self.say("/negotiations/request", message, who)
        assert said.status == 201, said
        settled(self.victim)
        return str(said.json["providerPid"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    with DataSpace.open(folder / "space") as space:
        victim = space.company("puebla", "BPNL00000000PUE1")
        mallory = Stranger("mallory", "BPNL00000000MAL1", folder / "mallory", space.authority)
        neighbour = Stranger("oem", "BPNL00000000OEM1", folder / "oem", space.authority)
        victim.configure(
            partners=[mallory, neighbour],
            offers=[Offer("all", ("mallory", "oem"))],
            further={"limits": {"request_body_seconds_max": 3.0}},
        )
        with mallory.listening(), neighbour.listening():
            victim.start()
            world = World(victim, mallory, neighbour, space.authority)
            # Both are known, and everything that is made once is made.
            for who in (mallory, neighbour):
                assert world.say("/catalog/request", b"{}", who).status == 200
            yield world


def harmless(damage: Damage, who: str, lines: int = 1) -> None:
    assert {} == damage.changed
    assert damage.megabytes < GROWTH_MEGABYTES_MAX
    about = damage.lines_about(who)
    assert lines == len(about), damage.lines


@pytest.mark.parametrize("path", ERRORS)
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_a_hundred_megabytes_are_cut_off(world: World, path: str, announced: bool) -> None:
    proof = world.mallory.authorization(world.victim.did)
    length = HUNDRED_MEGABYTES if announced else None

    with attacked(world.victim) as damage:
        said = wire.pour(
            world.victim.url + DSP + path, proof, wire.much(HUNDRED_MEGABYTES), length=length
        )

    assert (400, ERRORS[path]) == (said.status, said.json["@type"])
    assert "body_too_large" == said.json["code"]
    assert said.sent_bytes < READ_BYTES_MAX
    harmless(damage, world.mallory.did)


@pytest.mark.parametrize("path", WALLET)
def test_a_hundred_megabytes_for_the_wallet_are_cut_off(world: World, path: str) -> None:
    proof = world.mallory.authorization(world.victim.did)

    with attacked(world.victim) as damage:
        said = wire.pour(world.victim.url + path, proof, wire.much(HUNDRED_MEGABYTES))

    assert 413 == said.status
    assert "error" in said.json
    assert said.sent_bytes < READ_BYTES_MAX
    harmless(damage, "127.0.0.1")


@pytest.mark.parametrize("path", ERRORS)
@pytest.mark.parametrize("opening", [b'{"a":', b"["], ids=["objects", "lists"])
def test_ten_thousand_levels_are_refused(world: World, path: str, opening: bytes) -> None:
    closing = {b'{"a":': b"}", b"[": b"]"}[opening]
    with attacked(world.victim) as damage:
        said = world.say(path, opening * 10_000 + b"1" + closing * 10_000)

    assert (400, ERRORS[path]) == (said.status, said.json["@type"])
    harmless(damage, world.mallory.did)


def test_a_policy_of_ten_thousand_levels_is_refused(world: World) -> None:
    deep = b'{"and":[' * 200 + b"{}" + b"]}" * 200
    offer = b'{"@id":"urn:o","target":"urn:d","permission":[{"action":"use","constraint":[%b]}]}'
    request = _message("ContractRequestMessage", **world.request(offer="HERE"))

    with attacked(world.victim) as damage:
        said = world.say("/negotiations/request", request.replace(b'"HERE"', offer % deep))

    assert 400 == said.status or _terminated(world, said)
    assert damage.megabytes < GROWTH_MEGABYTES_MAX


@pytest.mark.parametrize("count", [1_000_000, 10_000])
def test_a_million_constraints_are_refused(world: World, count: int) -> None:
    one = b'{"leftOperand":"a","operator":"eq","rightOperand":"1"},'
    request = world.request()
    offer = request["offer"]
    assert isinstance(offer, dict)
    offer["permission"] = [{"action": "use", "constraint": ["HERE"]}]
    body = _message("ContractRequestMessage", **request)
    body = body.replace(b'"HERE"', one * (count - 1) + one[:-1])

    with attacked(world.victim) as damage:
        said = world.say("/negotiations/request", body)

    assert (400, "ContractNegotiationError") == (said.status, said.json["@type"])
    harmless(damage, world.mallory.did)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{operator}/api/status",
        "http://localhost:{operator}/",
        "http://[::1]:{operator}/",
        "http://[::ffff:127.0.0.1]:{operator}/",
        "http://2130706433:{operator}/",
        "http://127.1:{operator}/",
        "http://127.0.0.2@127.0.0.1:{operator}/",
        "http://127.0.0.1:{operator}\\@127.0.0.2/",
        "http://127.0.0.2.nip.example/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.2/",
        "//127.0.0.1/",
        "",
    ],
)
@pytest.mark.parametrize("first", ["ContractRequestMessage", "TransferRequestMessage"])
def test_a_callback_into_our_own_network_is_refused(
    world: World, address: str, first: str
) -> None:
    where = address.format(operator=world.victim.operator_port)
    content = world.request(callbackAddress=where)
    path, kind = "/negotiations/request", "ContractNegotiationError"
    if first == "TransferRequestMessage":
        content |= {"agreementId": "urn:uuid:none", "format": "HttpData-PULL"}
        path, kind = "/transfers/request", "TransferError"

    with attacked(world.victim) as damage:
        said = world.say(path, _message(first, **content))

    assert (400, kind) == (said.status, said.json["@type"])
    harmless(damage, world.mallory.did)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("events", "ContractNegotiationEventMessage"),
        ("termination", "ContractNegotiationTerminationMessage"),
        ("agreement/verification", "ContractAgreementVerificationMessage"),
    ],
)
def test_another_partners_process_looks_like_none(world: World, path: str, message: str) -> None:
    theirs = world.begun(world.neighbour)

    def say(pid: str) -> Said:
        pids = {"providerPid": pid, "consumerPid": "urn:uuid:x", "eventType": "FINALIZED"}
        return world.say(f"/negotiations/{pid}/{path}", _message(message, **pids))

    with attacked(world.victim) as damage:
        said, none = say(theirs), say("urn:uuid:none")

    assert (404, "ContractNegotiationError") == (said.status, said.json["@type"])
    assert said.json["code"] == none.json["code"] == "process_unknown"
    harmless(damage, world.mallory.did, lines=2)


@pytest.mark.parametrize(
    ("path", "message", "content"),
    [
        ("events", "ContractNegotiationEventMessage", {"eventType": "FINALIZED"}),
        ("events", "ContractNegotiationEventMessage", {"eventType": "ACCEPTED"}),
        ("agreement", "ContractAgreementMessage", {}),
    ],
)
def test_messages_out_of_order_change_nothing(
    world: World, path: str, message: str, content: Mapping[str, object]
) -> None:
    pid = world.begun(world.mallory)
    pids = {"providerPid": pid, "consumerPid": "urn:uuid:other"}

    with attacked(world.victim) as damage:
        said = world.say(f"/negotiations/{pid}/{path}", _message(message, **pids, **content))

    assert (400, "ContractNegotiationError") == (said.status, said.json["@type"])
    harmless(damage, world.mallory.did)


def test_a_token_is_good_for_one_message(world: World) -> None:
    proof = world.mallory.authorization(world.victim.did)
    url = f"{world.victim.url}{DSP}/catalog/request"
    assert 200 == wire.post(url, proof, b"{}").status

    with attacked(world.victim) as damage:
        again = wire.post(url, proof, b"{}")

    assert (401, "CatalogError") == (again.status, again.json["@type"])
    harmless(damage, world.mallory.did)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"iss": "did:web:127.0.0.2%3A1", "sub": "did:web:127.0.0.2%3A1"}, False),
        ({"aud": "did:web:127.0.0.2%3A1"}, True),
        ({"exp": 1}, True),
        ({"iat": 99_999_999_999}, True),
        ({"nbf": 99_999_999_999}, True),
        ({"jti": None}, True),
        ({"token": None}, True),
        ({"sub": "did:web:127.0.0.1%3A1"}, True),
    ],
    ids=["forged", "for another", "expired", "of the future", "too early", "no id", "bare", "sub"],
)
def test_a_token_that_is_not_true_opens_nothing(
    world: World, changes: Mapping[str, object], named: bool
) -> None:
    now = int(time.time())
    claims = {
        "iss": world.mallory.did,
        "sub": world.mallory.did,
        "aud": world.victim.did,
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
        "token": "any",
        **changes,
    }
    true = {name: value for name, value in claims.items() if value is not None}
    forged = "Bearer " + write_jwt(true, world.mallory.key)

    with attacked(world.victim) as damage:
        said = wire.post(f"{world.victim.url}{DSP}/catalog/request", forged, b"{}")

    assert (401, "CatalogError") == (said.status, said.json["@type"])
    harmless(damage, world.mallory.did if named else str(changes["iss"]))


def test_another_companys_token_is_of_no_use_with_ones_own_key(world: World) -> None:
    theirs = world.neighbour.authorization(world.victim.did).removeprefix("Bearer ")
    head, body, _ = theirs.split(".")
    mine = world.mallory.authorization(world.victim.did).rpartition(".")[2]

    with attacked(world.victim) as damage:
        said = wire.post(
            f"{world.victim.url}{DSP}/catalog/request", f"Bearer {head}.{body}.{mine}", b"{}"
        )

    assert (401, "CatalogError") == (said.status, said.json["@type"])
    harmless(damage, world.neighbour.did)


@pytest.mark.parametrize("path", ["/.well-known/did.json", "/dcp/presentations/query"])
@pytest.mark.parametrize("manner", ["redirecting", "endless", "trickling"])
def test_a_did_document_or_wallet_of_bad_manners_is_refused(
    world: World, tmp_path: Path, manner: str, path: str
) -> None:
    stranger = _newcomer(world, tmp_path)
    place = f"http://127.0.0.1:{world.victim.operator_port}/api/status"
    trick = {"redirecting": redirecting(place), "endless": endless, "trickling": trickling}[manner]
    stranger.tricks[path] = trick

    with stranger.listening(), attacked(world.victim) as damage, Served(world) as served:
        said = world.say("/catalog/request", b"{}", stranger)

    assert said.status in (401, 503)
    assert "CatalogError" == said.json["@type"]
    assert said.seconds < 30
    assert served.was_prompt(), served.answers
    harmless(damage, stranger.did)


def test_private_networks_are_not_called_unless_development_says_so(tmp_path: Path) -> None:
    with DataSpace.open(tmp_path / "space") as space:
        victim = space.company("careful", "BPNL00000000CAR1")
        mallory = Stranger("mallory", "BPNL00000000MAL1", tmp_path / "mallory", space.authority)
        victim.configure(
            further={"development": {"allow_http": True, "allow_private_networks": False}}
        )
        fetched: list[str] = []

        async def watching(scope: Scope, receive: Receive, send: Send) -> None:
            fetched.append(scope["path"])
            await polite(scope, receive, send)

        mallory.tricks["/.well-known/did.json"] = watching
        with mallory.listening():
            victim.start()
            with attacked(victim) as damage:
                proof = mallory.authorization(victim.did)
                said = wire.post(f"{victim.url}{DSP}/catalog/request", proof, b"{}")

    assert (401, "address_private") == (said.status, said.json["code"])
    assert [] == fetched
    harmless(damage, mallory.did)


def test_slow_senders_are_cut_off_and_hold_up_nobody(world: World) -> None:
    proofs = [world.mallory.authorization(world.victim.did) for _ in range(50)]
    url = f"{world.victim.url}{DSP}/catalog/request"
    answers: list[Said] = []

    def trickle(proof: str) -> None:
        drops = wire.drops(b" " * 400)
        answers.append(wire.pour(url, proof, drops, length=400, pause_seconds=0.2))

    with attacked(world.victim) as damage:
        slow = [threading.Thread(target=trickle, args=(proof,)) for proof in proofs]
        for one in slow:
            one.start()
        time.sleep(1.0)
        prompt = world.say("/catalog/request", b"{}", world.neighbour)
        for one in slow:
            one.join()

    assert 200 == prompt.status
    assert prompt.seconds < 2.0
    assert 50 == len(answers)
    assert all(answer.seconds < 10 for answer in answers)
    assert {(408, "CatalogError")} == {(a.status, a.json["@type"]) for a in answers}
    harmless(damage, world.mallory.did, lines=50)


def _newcomer(world: World, folder: Path) -> Stranger:
    """A member of the data space whom the connector has not met."""
    return Stranger("newcomer", "BPNL00000000NEW1", folder / "newcomer", world.authority)


class Served:
    """Asks for the catalog as the neighbour, again and again, until it is left."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.answers: list[Said] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def was_prompt(self) -> bool:
        return bool(self.answers) and all(
            answer.status == 200 and answer.seconds < PROMPT_SECONDS for answer in self.answers
        )

    def _ask(self) -> None:
        while not self._over.is_set():
            said = self._world.say("/catalog/request", b"{}", self._world.neighbour)
            self.answers.append(said)
            self._over.wait(0.2)


def _message(kind: str, **content: object) -> bytes:
    return json.dumps({"@context": [CONTEXT], "@type": kind, **content}).encode()


def _one(value: object) -> dict[str, object]:
    """Return the first of a list."""
    assert isinstance(value, list)
    return value[0]


def _terminated(world: World, said: Said) -> bool:
    """Return whether a negotiation that was begun has been refused since."""
    pid = said.json["providerPid"]

    def state() -> str:
        url = f"{world.victim.url}{DSP}/negotiations/{pid}"
        asked = urllib.request.Request(
            url, headers={"Authorization": world.mallory.authorization(world.victim.did)}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(json.load(answer)["state"])

    wait_until(lambda: state() == "TERMINATED", "the end of the negotiation")
    settled(world.victim)
    return True
