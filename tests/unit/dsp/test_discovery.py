"""Finding a partner's endpoint of the right version."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
import pytest

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dsp.discovery import (
    VersionDirectory,
    path_of_version,
    version_document,
)
from connector.protocols.dsp.outbound import next_page
from connector.protocols.http import Answer, GuardedClient

PARTNER = Did("did:web:partner.test")


@dataclass
class Documents:
    """One DID document, and the version document behind it."""

    service: str | None = "https://partner.test/dsp/.well-known/dspace-version"
    body: bytes = orjson.dumps(version_document("/2025-1"))
    asked: list[str] = field(default_factory=list)

    async def endpoint(self, did: Did, kind: str) -> str | None:
        return self.service

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        return frozenset({"partner.test"})


class PlayedClient(GuardedClient):
    """Answers every GET with the version document."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self.documents = documents

    def reaching(self, hosts: frozenset[str]) -> GuardedClient:
        assert hosts == {"partner.test"}
        return self

    async def request(self, method: str, url: str, **_: object) -> Answer:
        self.documents.asked.append(url)
        return Answer(200, {}, self.documents.body, url)


@pytest.mark.parametrize(
    "service",
    [
        "https://partner.test/dsp/.well-known/dspace-version",
        "https://partner.test/dsp/",
        "https://partner.test/dsp",
    ],
)
async def test_the_way_leads_from_the_did_document_to_the_version(service: str) -> None:
    documents = Documents(service)
    directory = VersionDirectory(PlayedClient(documents), documents)

    assert "https://partner.test/dsp/2025-1" == await directory.base_url(PARTNER)
    assert ["https://partner.test/dsp/.well-known/dspace-version"] == documents.asked


async def test_the_way_is_asked_for_once() -> None:
    documents = Documents()
    directory = VersionDirectory(PlayedClient(documents), documents)
    await directory.base_url(PARTNER)
    await directory.base_url(PARTNER)

    assert 1 == len(documents.asked)


async def test_a_partner_without_a_service_is_named() -> None:
    documents = Documents(None)
    directory = VersionDirectory(PlayedClient(documents), documents)

    with pytest.raises(PartnerError, match=r"did:web:partner\.test names no DataService"):
        await directory.base_url(PARTNER)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"protocolVersions": [{"version": "2025-1", "path": "/"}]}, ""),
        ({"protocolVersions": {"version": "2025-1", "path": "api/v1/"}}, "/api/v1"),
        (
            {
                "protocolVersions": [
                    {"version": "v0.8", "path": "/old"},
                    {"version": "2025-1", "path": "/new", "binding": "HTTPS"},
                ]
            },
            "/new",
        ),
    ],
)
def test_our_version_is_found_among_others(document: dict[str, object], path: str) -> None:
    assert path == path_of_version(orjson.dumps(document), PARTNER)


@pytest.mark.parametrize(
    ("document", "offered"),
    [
        ({"protocolVersions": [{"version": "v0.8", "path": "/"}]}, "v0.8"),
        ({"protocolVersions": []}, "nothing"),
        ({"protocolVersions": "2025-1"}, "nothing"),
        ({}, "nothing"),
    ],
)
def test_a_partner_without_our_version_is_told_apart(
    document: dict[str, object], offered: str
) -> None:
    with pytest.raises(PartnerError, match=f"it offers: {offered}"):
        path_of_version(orjson.dumps(document), PARTNER)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ('<https://p.test/next>; rel="next"', "https://p.test/next"),
        ('<https://p.test/a>; rel="previous", </b?c=d>; rel=next', "https://p.test/b?c=d"),
        ('<https://p.test/a>; title="x"; rel = "next"', "https://p.test/a"),
        ('<https://p.test/a>; rel="previous"', None),
        ("rubbish", None),
        ("", None),
    ],
)
def test_the_next_page_is_read_from_the_link_header(link: str, url: str | None) -> None:
    answer = Answer(200, {"link": link} if link else {}, b"")

    assert url == next_page(answer, "https://p.test/catalog/request")
