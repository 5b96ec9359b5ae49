"""Finding a partner's endpoint of the right version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError, TransientError
from connector.identifiers import Did
from connector.protocols.dsp.discovery import (
    VersionDirectory,
    newest_spoken,
    read_versions,
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
    statuses: dict[str, int] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        return (*([self.service] if self.service else []), *self.others)

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        return frozenset({"partner.test"})


def path_of(document: dict[str, object]) -> str:
    return newest_spoken(read_versions(orjson.dumps(document)), PARTNER).path


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
        return Answer(self.documents.statuses.get(url, 200), {}, self.documents.body, url)


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
    assert path == path_of(document)


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
        path_of(document)


@pytest.mark.parametrize("name", ["v0.8", "0.8", "2024/1", "2024-1"])
def test_a_partner_that_only_speaks_older_versions_has_to_act(name: str) -> None:
    with pytest.raises(PartnerError) as refused:
        path_of({"protocolVersions": [{"version": name, "path": "/old"}]})

    text = refused.value.text()
    assert "connector.protocols.dsp:version_older" == refused.value.code
    assert f"it offers: {name}" in text.what
    assert "the partner has to act" in text.fix
    assert "le toca al socio" in refused.value.text("es").fix


async def test_a_partner_without_version_document_speaks_only_0_8() -> None:
    well_known = "https://partner.test/dsp/.well-known/dspace-version"
    documents = Documents(statuses={well_known: 404})
    directory = VersionDirectory(PlayedClient(documents), documents)

    with pytest.raises(PartnerError) as refused:
        await directory.base_url(PARTNER)

    assert "connector.protocols.dsp:version_unsaid" == refused.value.code
    assert "version 0.8 and no other" in refused.value.text().why


async def test_all_connectors_of_a_partner_are_found_and_one_down_does_not_hide_the_others() -> (
    None
):
    second = "https://partner.test/second/.well-known/dspace-version"
    down = "https://partner.test/down/.well-known/dspace-version"
    documents = Documents(others=(second, down, second), statuses={down: 502})
    directory = VersionDirectory(PlayedClient(documents), documents)
    found = await directory.connectors(PARTNER)

    bases = ("https://partner.test/dsp/2025-1", "https://partner.test/second/2025-1")
    assert bases == found.base_urls
    assert ["protocols:partner_troubled"] == [one.code for one in found.troubles]


async def test_a_partner_all_of_whose_connectors_are_down_is_tried_again() -> None:
    old = "https://partner.test/old/.well-known/dspace-version"
    first = "https://partner.test/dsp/.well-known/dspace-version"
    documents = Documents(others=(old,), statuses={first: 503, old: 404})
    directory = VersionDirectory(PlayedClient(documents), documents)

    with pytest.raises(TransientError, match="503"):
        await directory.base_url(PARTNER)


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


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)


@given(_ANY, st.lists(st.sampled_from(["v0.8", "2024/1", "2026-9", ""]), max_size=5))
def test_whatever_else_a_version_document_holds_ours_is_found(
    other: Any, names: list[str]
) -> None:
    entries = [other, *({"version": name, "path": f"/{name}"} for name in names)]
    ours = {"version": "2025-1", "path": "/here/"}
    document = orjson.dumps({"protocolVersions": [*entries, ours], "more": other})

    assert "/here" == newest_spoken(read_versions(document), PARTNER).path
