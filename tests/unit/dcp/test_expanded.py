"""Messages in expanded JSON-LD mean what the compact ones mean, and break nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.protocols.dcp.expanded import DEPTH_MAX, NAMESPACE, compacted
from connector.protocols.dcp.issuance import (
    CredentialRequest,
    OfferedCredential,
    read_delivery,
    read_request,
)
from connector.protocols.dcp.messages import read_query, read_response

WHO = "did:web:holder.example"


def expanded(message: Mapping[str, object], name: str) -> bytes:
    """Write a message as a processor of JSON-LD does; lists of objects as one JSON literal."""
    nodes = {NAMESPACE + key: _node(value) for key, value in message.items()}
    return orjson.dumps({"@type": [NAMESPACE + name], **nodes})


def _node(value: object) -> object:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [{"@type": "@json", "@value": value}]
    many = value if isinstance(value, list) else [value]
    return [{"@value": one} for one in many]


texts = st.text(min_size=1, max_size=20)


@given(holder_pid=texts, kinds=st.lists(texts, min_size=1, max_size=5))
def test_a_request_says_the_same_in_both_forms(holder_pid: str, kinds: list[str]) -> None:
    message = {"holderPid": holder_pid, "credentials": [{"id": kind} for kind in kinds]}

    found = read_request(expanded(message, "CredentialRequestMessage"), who=WHO)

    assert found.holder_pid == holder_pid
    assert found.credentials == [OfferedCredential(kind) for kind in kinds]


def test_a_request_of_identityhub_is_read() -> None:
    body = orjson.dumps(
        {
            "@type": f"{NAMESPACE}CredentialRequestMessage",
            f"{NAMESPACE}credentials": [{"@type": "@json", "@value": [{"id": "a"}, {"id": "b"}]}],
            f"{NAMESPACE}holderPid": {"@id": "4711"},
        }
    )

    expected = CredentialRequest("4711", [OfferedCredential("a"), OfferedCredential("b")])
    found = read_request(body, who=WHO)
    assert (found.holder_pid, found.credentials) == (expected.holder_pid, expected.credentials)


def test_a_delivery_of_one_credential_stays_a_list() -> None:
    one = {"credentialType": "BpnCredential", "payload": "a.b.c", "format": "VC1_0_JWT"}
    message: dict[str, object] = {
        "issuerPid": "1",
        "holderPid": "2",
        "status": "ISSUED",
        "credentials": [one],
    }

    found = read_delivery(expanded(message, "CredentialMessage"), who=WHO)

    assert [credential.payload for credential in found.credentials] == ["a.b.c"]


@pytest.mark.parametrize("scopes", [["x:A:read"], ["x:A:read", "x:B:read"]])
def test_a_query_says_the_same_in_both_forms(scopes: list[str]) -> None:
    body = expanded({"scope": scopes}, "PresentationQueryMessage")

    assert read_query(body, who=WHO) == tuple(scopes)


def test_an_answer_says_the_same_in_both_forms() -> None:
    body = expanded({"presentation": ["a.b.c"]}, "PresentationResponseMessage")

    assert read_response(body, who=WHO) == ("a.b.c",)


def test_a_message_that_nests_too_deep_is_refused() -> None:
    deep = b"[" * 10_000 + b"]" * 10_000
    body = b'{"@type":"%sCredentialRequestMessage","%sholderPid":%s}' % (
        NAMESPACE.encode(),
        NAMESPACE.encode(),
        deep,
    )

    with pytest.raises(PartnerError):
        read_request(body, who=WHO)


def test_the_depth_is_bounded_where_json_itself_would_go_on() -> None:
    nested: object = "x"
    for _ in range(DEPTH_MAX + 2):
        nested = {"a": nested}

    with pytest.raises(ValueError, match="depth"):
        compacted(orjson.dumps({"b": nested}))


@given(st.binary(max_size=60))
def test_no_body_whatever_breaks_the_reader(noise: bytes) -> None:
    for body in (noise, b'"%sCredentialRequestMessage"' % NAMESPACE.encode() + noise):
        with pytest.raises(PartnerError):
            read_request(body, who=WHO)
