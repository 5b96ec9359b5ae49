"""Partners may present credentials of VC Data Model 2.0 as JOSE writes them; ours stay 1.1."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from connector.errors import PartnerError
from connector.protocols.dcp.credentials import BPN, VC2_CONTEXT, read_credential
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.messages import read_presentation
from tests.unit.dcp.conftest import SUPPLIER, Pair
from tests.unit.dcp.test_status import Lists

CREDENTIAL = "data:application/vc+jwt,"


class Wallet:
    """A wallet that presents in version 2: the claims are the presentation itself."""

    def __init__(self, pair: Pair, *credentials: object) -> None:
        self._pair = pair
        self._credentials = credentials

    def presentation(self, audience: object, _: object) -> str:
        now = self._pair.space.clock.seconds()
        claims = {
            "@context": [VC2_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": self._pair.supplier.did,
            "iss": self._pair.supplier.did,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "exp": now + 60,
            "verifiableCredential": list(self._credentials),
        }
        return write_jwt(claims, self._pair.supplier.key)


def present(pair: Pair, monkeypatch: pytest.MonkeyPatch, *credentials: object) -> None:
    wallet = Wallet(pair, *credentials)
    monkeypatch.setattr(pair.supplier.identity._issuer, "presentation", wallet.presentation)


def enveloped(token: str) -> Mapping[str, object]:
    return {
        "@context": VC2_CONTEXT,
        "id": CREDENTIAL + token,
        "type": "EnvelopedVerifiableCredential",
    }


def credential(pair: Pair, **changes: object) -> str:
    claims = {
        "@context": [VC2_CONTEXT, "https://w3id.org/catenax/credentials/v1.0.0"],
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential", BPN],
        "issuer": {"id": pair.authority.did},
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2999-01-01T00:00:00Z",
        "credentialSubject": {"id": pair.supplier.did, "bpn": SUPPLIER},
        **changes,
    }
    return write_jwt(claims, pair.authority._key)


async def outcome(pair: Pair) -> str:
    try:
        caller = await pair.oem.identity.authenticate(await pair.call())
    except PartnerError as refused:
        return refused.code.rpartition(":")[2]
    return str(caller.bpnl)


@pytest.mark.parametrize("wrap", [enveloped, str], ids=["enveloped", "plain"])
async def test_a_caller_is_who_its_credentials_of_version_two_say(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, wrap: type[str]
) -> None:
    present(pair, monkeypatch, wrap(credential(pair)))

    assert SUPPLIER == await outcome(pair)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"validUntil": "2026-01-02T00:00:00Z"}, "expired"),
        ({"validFrom": "2998-01-01T00:00:00Z"}, "not_yet_valid"),
        ({"exp": 1}, "expired"),
        ({"issuer": "did:web:evil.example"}, "issuer_not_trusted"),
        ({"iss": "did:web:evil.example"}, "credential_of_two_issuers"),
        ({"sub": "did:web:other.example"}, "credential_of_other"),
        ({"credentialSubject": {"id": "did:web:other.example"}}, "credential_of_other"),
        ({"credentialSubject": []}, "credential_of_other"),
        ({"@context": ["https://www.w3.org/2018/credentials/v1", VC2_CONTEXT]}, "token_malformed"),
        ({"@context": None}, "token_malformed"),
        ({"type": None}, "token_malformed"),
        ({"credentialStatus": {"type": "Strange"}}, "status_unknown"),
    ],
)
async def test_a_wrong_one_is_refused_as_one_of_version_one_is(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], expected: str
) -> None:
    present(pair, monkeypatch, enveloped(credential(pair, **changes)))

    assert expected == await outcome(pair)


async def test_an_envelope_of_something_else_is_left_aside(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = {"id": "data:text/plain,hello", "type": "EnvelopedVerifiableCredential"}
    present(pair, monkeypatch, strange, {"type": "VerifiableCredential"}, {"id": 7})

    assert "bpnl_not_attested" == await outcome(pair)


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_its_status_is_asked_of_a_list_of_version_two(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, *, withdrawn: bool
) -> None:
    lists = Lists(pair, ("BitstringStatusListEntry", "BitstringStatusList", "u"))
    lists.withdrawn = {7} if withdrawn else set()

    async def answer(_: Request) -> Response:
        subject = {
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": lists.packed(),
        }
        types = ["VerifiableCredential", "BitstringStatusListCredential"]
        return Response(credential(pair, type=types, credentialSubject=subject))

    def app(_: str) -> ASGIApp:
        return Starlette(routes=[Route("/list", answer)])

    url = f"{await pair.space.serve(app)}/list"
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": url,
    }
    present(pair, monkeypatch, enveloped(credential(pair, credentialStatus=entry)))

    assert await outcome(pair) == ("credential_withdrawn" if withdrawn else SUPPLIER)


async def test_our_own_wallet_does_not_mix_the_versions(pair: Pair) -> None:
    (pair.supplier.credentials / "two.jwt").write_text(credential(pair))
    pair.space.clock.shift += timedelta(seconds=10)

    codes = [one.params["reason"] for one in pair.supplier.identity.findings()]

    assert ["it is a credential of VC Data Model 2.0"] == codes


async def test_a_message_token_is_no_credential_and_no_presentation(pair: Pair) -> None:
    token = (await pair.call()).removeprefix("Bearer ")
    now = pair.space.clock.seconds()

    with pytest.raises(PartnerError):
        read_credential(token, who=pair.supplier.did)
    _, presented = read_presentation(
        token, holder=pair.supplier.did, audience=pair.oem.did, now=now
    )
    assert () == presented
