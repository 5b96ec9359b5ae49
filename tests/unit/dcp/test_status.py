"""A credential that its issuer has withdrawn is refused, by both kinds of status lists."""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from connector.errors import PartnerError, TransientError
from connector.identifiers import Did
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from tests.unit.dcp.conftest import SUPPLIER, Pair

DCP = "connector.protocols.dcp:"
KINDS = [
    ("StatusList2021Entry", "StatusList2021", ""),
    ("BitstringStatusListEntry", "BitstringStatusList", "u"),
]


@dataclass
class Lists:
    """The issuer's list server, whose bits a test sets."""

    pair: Pair
    kind: tuple[str, str, str]
    withdrawn: set[int] = field(default_factory=set)
    purpose: str = "revocation"
    asked: int = 0
    status: int = 200
    key: SigningKey | None = None
    issuer: Did | None = None
    encoded: str | None = None
    bits: int = 131_072
    url: str = ""

    async def start(self) -> None:
        async def answer(_: Request) -> Response:
            self.asked += 1
            return Response(self.text(), self.status)

        def app(_: str) -> ASGIApp:
            return Starlette(routes=[Route("/list", answer)])

        self.url = f"{await self.pair.space.serve(app)}/list"

    def text(self) -> str:
        subject = {
            "id": f"{self.url}#list",
            "type": self.kind[1],
            "statusPurpose": self.purpose,
            "encodedList": self.packed() if self.encoded is None else self.encoded,
        }
        vc = {
            "type": ["VerifiableCredential", f"{self.kind[1]}Credential"],
            "issuer": self.issuer or self.pair.authority.did,
            "credentialSubject": subject,
        }
        return write_jwt({"vc": vc}, self.key or self.pair.authority._key)

    def packed(self) -> str:
        bits = bytearray(self.bits // 8)
        for index in self.withdrawn:
            bits[index // 8] |= 0x80 >> index % 8
        return self.kind[2] + urlsafe_b64encode(gzip.compress(bytes(bits))).rstrip(b"=").decode()

    def presented(self, index: object, **changes: object) -> None:
        """Let the supplier present one credential whose status is at ``index``."""
        status: Mapping[str, object] = {
            "id": f"{self.url}#{index}",
            "type": self.kind[0],
            "statusPurpose": self.purpose,
            "statusListIndex": index,
            "statusListCredential": self.url,
            **changes,
        }
        self.presented_with([status])

    def presented_with(self, statuses: list[Mapping[str, object]]) -> None:
        holder = self.pair.supplier.did
        vc = {
            "type": ["VerifiableCredential", "MembershipCredential"],
            "issuer": self.pair.authority.did,
            "credentialSubject": {"id": holder, "holderIdentifier": SUPPLIER},
            "credentialStatus": statuses,
        }
        claims = {"iss": self.pair.authority.did, "sub": holder, "vc": vc}
        self.pair.supplier_presents(write_jwt(claims, self.pair.authority._key))

    async def outcome(self) -> str:
        try:
            await self.pair.oem.identity.authenticate(await self.pair.call())
        except PartnerError as refused:
            return refused.code.rpartition(":")[2]
        return "accepted"


@pytest.fixture(params=KINDS, ids=[kind[0] for kind in KINDS])
async def lists(pair: Pair, request: pytest.FixtureRequest) -> Lists:
    made = Lists(pair, request.param)
    await made.start()
    return made


@pytest.mark.parametrize("index", [0, 7, 8, 131_071, "94567"])
async def test_the_bit_of_a_credential_decides_on_it(lists: Lists, index: object) -> None:
    place = int(str(index))
    lists.presented(index)
    lists.withdrawn = {place ^ 1, (place + 8) % 131_072}
    assert "accepted" == await lists.outcome()

    lists.withdrawn = {place}
    lists.pair.space.clock.shift = timedelta(seconds=61)
    assert "credential_withdrawn" == await lists.outcome()


async def test_a_suspended_credential_is_refused_too(lists: Lists) -> None:
    lists.purpose = "suspension"
    lists.withdrawn = {5}
    lists.presented(5)

    assert "credential_withdrawn" == await lists.outcome()


async def test_a_message_bit_withdraws_nothing_and_is_not_fetched(lists: Lists) -> None:
    lists.presented(5, statusPurpose="message")

    assert ("accepted", 0) == (await lists.outcome(), lists.asked)


async def test_a_list_is_fetched_once_for_several_credentials_and_anew_after_a_while(
    lists: Lists,
) -> None:
    lists.presented(1)
    for seconds, asked in ((0, 1), (9, 1), (11, 2)):
        lists.pair.space.clock.shift = timedelta(seconds=seconds)
        lists.pair.oem.identity._verifier._proven._kept.clear()

        assert ("accepted", asked) == (await lists.outcome(), lists.asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "SomethingElse"},
        {"type": None},
        {"statusListIndex": -1},
        {"statusListIndex": "many"},
        {"statusListIndex": 10**12},
        {"statusListCredential": None},
        {"statusPurpose": 7},
        {"statusSize": 2},
    ],
)
async def test_a_status_that_is_not_understood_is_refused(
    lists: Lists, changes: dict[str, object]
) -> None:
    lists.presented(1, **changes)

    assert "status_unknown" == await lists.outcome()


async def test_more_status_entries_than_the_limit_are_refused(lists: Lists) -> None:
    lists.presented_with([{"type": lists.kind[0]}] * 6)

    assert "status_unknown" == await lists.outcome()


async def test_a_list_that_lies_elsewhere_is_not_fetched(lists: Lists) -> None:
    lists.presented(1, statusListCredential="http://localhost:1/list")

    assert "host_not_vouched" == await lists.outcome()


@pytest.mark.parametrize("encoded", ["", "!!!", "AAAA", "u"])
async def test_a_list_that_cannot_be_unpacked_refuses(lists: Lists, encoded: str) -> None:
    lists.presented(1)
    lists.encoded = encoded

    assert "status_list_malformed" == await lists.outcome()


async def test_a_list_that_unfolds_beyond_measure_refuses(lists: Lists) -> None:
    lists.presented(1)
    lists.bits = 8 * 9 * 1024 * 1024

    assert "status_list_malformed" == await lists.outcome()


async def test_a_place_beyond_the_list_refuses(lists: Lists) -> None:
    lists.presented(131_072)

    assert "status_list_malformed" == await lists.outcome()


async def test_a_list_for_another_purpose_refuses(lists: Lists) -> None:
    lists.presented(1, statusPurpose="suspension")

    assert "status_list_malformed" == await lists.outcome()


async def test_a_list_of_another_issuer_or_signature_refuses(lists: Lists) -> None:
    lists.presented(1)
    lists.issuer = lists.pair.oem.did
    assert "credential_of_two_issuers" == await lists.outcome()

    lists.issuer = None
    lists.key = SigningKey(lists.pair.authority._key.kid, lists.pair.oem.key._private)
    assert "signature_wrong" == await lists.outcome()


async def test_a_list_server_in_trouble_means_try_again(lists: Lists) -> None:
    lists.presented(1)
    lists.status = 503

    with pytest.raises(TransientError):
        await lists.pair.oem.identity.authenticate(await lists.pair.call())
