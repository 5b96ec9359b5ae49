"""The listing of a directory, good and hostile."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

import orjson
import pytest

from connector.errors import PartnerError, TransientError
from connector.protocols.bdrs.messages import ENTRIES_MAX, LISTING_BYTES_MAX, read_listing
from connector.protocols.bdrs.outbound import DirectoryClient
from connector.protocols.http import Answer, GuardedClient

URL = "https://bdrs.test/api/directory/bpn-directory"
PUEBLA, DID = "BPNL00000000PUE1", "did:web:puebla.test"


@dataclass
class Played(GuardedClient):
    """Answers with one body and status, and notes what it was asked with."""

    body: bytes = b"{}"
    status: int = 200
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    hosts: list[frozenset[str]] = field(default_factory=list)

    def reaching(self, hosts: frozenset[str]) -> GuardedClient:
        self.hosts.append(hosts)
        return self

    async def request(self, method: str, url: str, **given: object) -> Answer:
        headers = given["headers"]
        assert isinstance(headers, dict)
        self.asked.append((f"{method} {url}", headers))
        return Answer(self.status, {}, self.body, url)


def test_legal_entities_are_taken_and_the_rest_is_passed_over() -> None:
    raw = orjson.dumps({PUEBLA: DID, "BPNS00000000SIT1": DID, "BPNL00000000OEM1": 7, "": ""})

    assert {PUEBLA: DID} == read_listing(raw, URL)


def test_a_listing_may_be_packed() -> None:
    assert {PUEBLA: DID} == read_listing(gzip.compress(orjson.dumps({PUEBLA: DID})), URL)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<html>", "unexpected character"),
        (b"[]", "not an object"),
        (b"\x1f\x8bnonsense", "unknown compression method"),
        (gzip.compress(b" " * (LISTING_BYTES_MAX + 1)), "bytes"),
        (orjson.dumps({str(i): "" for i in range(ENTRIES_MAX + 1)}), "entries"),
    ],
    ids=["a page", "a list", "half a file", "a bomb", "too many"],
)
def test_a_listing_that_is_none_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(PartnerError, match=reason):
        read_listing(raw, URL)


async def test_it_is_asked_for_with_our_membership_at_the_configured_host_alone() -> None:
    played = Played(orjson.dumps({PUEBLA: DID}))
    client = DirectoryClient(played, "https://BDRS.test/api/directory/", lambda: "presentation")

    assert {PUEBLA: DID} == await client.fetch()
    assert [frozenset({"bdrs.test"})] == played.hosts
    (asked, headers) = played.asked[0]
    assert "GET https://BDRS.test/api/directory/bpn-directory" == asked
    assert "Bearer presentation" == headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, PartnerError, "connector.protocols.bdrs:membership_refused"),
        (403, PartnerError, "connector.protocols.bdrs:membership_refused"),
        (404, PartnerError, "protocols:request_refused"),
        (503, TransientError, "protocols:partner_troubled"),
    ],
)
async def test_a_refusal_says_whose_move_is_next(
    status: int, kind: type[Exception], code: str
) -> None:
    client = DirectoryClient(Played(status=status), URL, lambda: "presentation")

    with pytest.raises(kind) as refused:
        await client.fetch()
    assert code == getattr(refused.value, "code", "")
