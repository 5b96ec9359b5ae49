"""The authority's lists say of a credential what its register says, in both kinds and forms."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest

from connector.identifiers import Bpnl, Did
from connector.protocols.dcp.credentials import CATENA_X_TYPES, MEMBERSHIP, read_credential
from connector.protocols.dcp.status import is_withdrawn, read_list, status_entries
from deploy.demo.authority import LIST_PATHS, Authority
from deploy.demo.withdrawal import ListKind
from tests.doubles.asgi import call

BPNL = Bpnl("BPNL00000000PUE1")
HOLDER, OTHER = Did("did:web:holder.example"), Did("did:web:other.example")


@pytest.fixture(params=ListKind)
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Authority:
    return Authority(tmp_path, Did("did:web:authority.example"), listing=request.param)


def _withdrawn(authority: Authority, credential: str, kind: ListKind) -> bool:
    """Read the authority's list as our verifier does."""
    (entry,) = status_entries(read_credential(credential, who="?").statuses, who="?")
    listed = read_credential(authority.status_list(kind), who="?", limit_bytes=1_000_000)
    return is_withdrawn(read_list(listed, entry, who="?"), entry, who="?")


def test_what_is_withdrawn_of_one_holder_and_type_counts_for_nobody_else(
    authority: Authority, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["authority"]
    theirs = authority.issue(HOLDER, BPNL, 10, revocable=True)
    others = authority.issue(OTHER, BPNL, 10, revocable=True)

    authority.register.withdraw(HOLDER, MEMBERSHIP)

    found = {one: _withdrawn(authority, theirs[one], kind) for one in CATENA_X_TYPES}
    assert {one: one == MEMBERSHIP for one in CATENA_X_TYPES} == found
    assert not any(_withdrawn(authority, one, kind) for one in others.values())


@pytest.mark.parametrize("kind", ListKind)
async def test_who_asks_for_no_signed_list_gets_the_same_as_json(
    tmp_path: Path, kind: ListKind
) -> None:
    authority = Authority(tmp_path, Did("did:web:authority.example"))
    app = authority.application()

    signed = await call(app, "GET", LIST_PATHS[kind], headers={"Accept": "application/vc+jwt"})
    plain = await call(app, "GET", LIST_PATHS[kind], headers={"Accept": "*/*"})

    (subject,) = read_credential(signed.body.decode(), who="?", limit_bytes=1_000_000).subjects
    assert "application/vc+jwt" == signed.headers["content-type"]
    assert {**subject, "encodedList": ""} == {
        **plain.json["credentialSubject"],
        "encodedList": "",
    }
    assert set(_eclipse_bits(plain.json["credentialSubject"]["encodedList"])) == {0}


def _eclipse_bits(encoded: str) -> bytes:
    """Unpack as EDC 0.14.0 does: plain base64, or after the letter u that of URLs."""
    if encoded.startswith("u"):
        return gzip.decompress(
            base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4))
        )
    return gzip.decompress(base64.b64decode(encoded, validate=True))
