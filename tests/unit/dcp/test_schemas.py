"""A credential is held against the schemas that it names, and against no other's."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from connector.errors import PartnerError
from connector.protocols.dcp.jwt import write_jwt
from tests.unit.dcp.conftest import SUPPLIER, Pair

DCP = "connector.protocols.dcp:"
BY_SUBJECT = {"required": ["id", "bpn"], "properties": {"bpn": {"pattern": "^BPNL"}}}
BY_CREDENTIAL = {"properties": {"credentialSubject": BY_SUBJECT}, "required": ["issuer"]}


async def served(pair: Pair, schema: object) -> str:
    async def answer(_: Request) -> Response:
        return Response(schema if isinstance(schema, bytes) else orjson.dumps(schema))

    def app(_: str) -> ASGIApp:
        return Starlette(routes=[Route("/schema", answer)])

    return f"{await pair.space.serve(app)}/schema"


async def outcome(pair: Pair, *entries: object, subject: dict[str, object] | None = None) -> str:
    """Return what becomes of a call with a credential that names these schemas."""
    now = pair.space.clock()
    plain = {"id": pair.supplier.did, "bpn": SUPPLIER}
    vc = {
        "type": ["VerifiableCredential", "BpnCredential"],
        "issuer": pair.authority.did,
        "issuanceDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "expirationDate": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "credentialSubject": subject or plain,
        "credentialSchema": list(entries),
    }
    claims = {"iss": pair.authority.did, "sub": pair.supplier.did, "vc": vc}
    pair.supplier_presents(write_jwt(claims, pair.authority._key))
    try:
        await pair.oem.identity.authenticate(await pair.call())
    except PartnerError as refused:
        return refused.code
    return "accepted"


@pytest.mark.parametrize(
    ("kind", "schema"),
    [("JsonSchemaValidator2018", BY_SUBJECT), ("JsonSchema", BY_CREDENTIAL)],
)
async def test_a_credential_that_keeps_to_its_schema_is_accepted(
    pair: Pair, kind: str, schema: object
) -> None:
    assert "accepted" == await outcome(pair, {"type": kind, "id": await served(pair, schema)})


@pytest.mark.parametrize("kind", ["JsonSchemaValidator2018", "JsonSchema"])
async def test_a_credential_that_violates_its_schema_is_refused(pair: Pair, kind: str) -> None:
    url = await served(pair, {"required": ["nowhere"]})

    assert DCP + "schema_violated" == await outcome(pair, {"type": kind, "id": url})


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        (b"{", "schema_malformed"),
        ({"type": 7}, "schema_malformed"),
        ({"$ref": "http://127.0.0.1:1/elsewhere"}, "schema_malformed"),
        ({"pattern": "(?=backtracking)"}, "schema_malformed"),
    ],
)
async def test_what_cannot_be_checked_is_not_believed(
    pair: Pair, schema: object, code: str
) -> None:
    entry = {"type": "JsonSchemaValidator2018", "id": await served(pair, schema)}

    assert DCP + code == await outcome(pair, entry)


@pytest.mark.parametrize("entry", [{"type": "Other", "id": "x"}, {"type": "JsonSchema"}, {}])
async def test_a_schema_of_an_unknown_kind_is_not_believed(pair: Pair, entry: object) -> None:
    assert DCP + "schema_unknown" == await outcome(pair, entry)


async def test_a_schema_on_a_host_that_the_issuer_does_not_vouch_for_is_not_fetched(
    pair: Pair,
) -> None:
    url = (await served(pair, {})).replace("127.0.0.1", "localhost")

    assert "protocols:host_not_vouched" == await outcome(pair, {"type": "JsonSchema", "id": url})


async def test_a_credential_that_names_too_many_schemas_is_not_believed(pair: Pair) -> None:
    entry = {"type": "JsonSchema", "id": "x"}

    assert DCP + "schema_unknown" == await outcome(pair, *[entry] * 6)
