"""DID documents: where they lie, what we write, and what we read in others'."""

from __future__ import annotations

import orjson
import pytest

from connector.errors import PartnerError
from connector.identifiers import Did, did_web
from connector.protocols.dcp.did import (
    Endpoint,
    Purpose,
    document_path,
    document_url,
    read_document,
    write_document,
)
from connector.protocols.dcp.keys import SigningKey

DID = Did("did:web:holder.example")


@pytest.mark.parametrize(
    ("public_url", "did", "url"),
    [
        ("https://a.example", "did:web:a.example", "https://a.example/.well-known/did.json"),
        ("https://a.example/", "did:web:a.example", "https://a.example/.well-known/did.json"),
        (
            "https://a.example:8443",
            "did:web:a.example%3A8443",
            "https://a.example:8443/.well-known/did.json",
        ),
        ("https://a.example/x/y", "did:web:a.example:x:y", "https://a.example/x/y/did.json"),
    ],
)
def test_a_public_address_and_its_did_name_each_other(public_url: str, did: str, url: str) -> None:
    assert did == did_web(public_url)
    assert url == document_url(Did(did), allow_http=False)
    assert url.endswith(document_path(Did(did)))


def test_plain_http_is_for_development_only() -> None:
    assert "http://a.example/.well-known/did.json" == document_url(
        Did("did:web:a.example"), allow_http=True
    )


def test_our_document_reads_back_as_what_it_says(signing_key: SigningKey) -> None:
    written = write_document(
        DID, [signing_key], [Endpoint("CredentialService", "https://holder.example/dcp/")]
    )

    read = read_document(orjson.dumps(written), DID)

    for purpose in Purpose:
        key = read.key_for(signing_key.kid, purpose)
        assert key is not None
        assert key.verifies(b"m", signing_key.sign(b"m"))
    assert "https://holder.example/dcp" == read.endpoint("CredentialService")
    assert {"holder.example"} == read.hosts()


def test_our_document_has_the_shape_of_the_standard(signing_key: SigningKey) -> None:
    written = write_document(DID, [signing_key], [Endpoint("DataService", "https://x/y")])

    assert {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/suites/jws-2020/v1",
            "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld",
            "https://w3id.org/dspace/2025/1/context.jsonld",
        ],
        "id": DID,
        "verificationMethod": [
            {
                "id": signing_key.kid,
                "type": "JsonWebKey2020",
                "controller": DID,
                "publicKeyJwk": signing_key.jwk(),
            }
        ],
        "authentication": [signing_key.kid],
        "assertionMethod": [signing_key.kid],
        "capabilityInvocation": [signing_key.kid],
        "service": [
            {"id": f"{DID}#DataService", "type": "DataService", "serviceEndpoint": "https://x/y"}
        ],
    } == written


def test_a_key_counts_only_for_the_purpose_under_which_it_is_listed(
    signing_key: SigningKey,
) -> None:
    wire = {
        "id": DID,
        "verificationMethod": [{"id": "#one", "publicKeyJwk": signing_key.jwk()}],
        "authentication": ["#one"],
    }

    read = read_document(orjson.dumps(wire), DID)

    assert read.key_for("one", Purpose.AUTHENTICATION) is not None
    assert read.key_for("one", Purpose.INVOCATION) is None
    assert read.key_for(f"{DID}#one", Purpose.ASSERTION) is None


def test_keys_may_be_written_inside_the_purpose(signing_key: SigningKey) -> None:
    embedded = {"id": f"{DID}#two", "type": "X", "publicKeyJwk": signing_key.jwk()}

    read = read_document(orjson.dumps({"id": DID, "assertionMethod": [embedded]}), DID)

    assert read.key_for(f"{DID}#two", Purpose.ASSERTION) is not None


def test_what_we_do_not_know_in_a_document_is_left_aside(signing_key: SigningKey) -> None:
    wire = {
        "id": DID,
        "unknown": [1],
        "verificationMethod": [
            {"id": "#rsa", "publicKeyJwk": {"kty": "RSA", "n": "AA", "e": "AQAB"}},
            {"id": "#multibase", "publicKeyMultibase": "z6Mk"},
            {"id": "#good", "publicKeyJwk": signing_key.jwk()},
        ],
        "authentication": ["#rsa", "#multibase", "#good"],
        "service": [
            {"id": "1", "type": ["A", "DataService"], "serviceEndpoint": "https://[broken"},
            {"id": "2", "type": "Other", "serviceEndpoint": {"uri": "https://x"}},
            {"id": "3"},
        ],
    }

    read = read_document(orjson.dumps(wire), DID)

    assert [None, None] == [read.key_for(one, Purpose.AUTHENTICATION) for one in ("rsa", "x")]
    assert read.key_for("good", Purpose.AUTHENTICATION) is not None
    assert (Endpoint("A", "https://[broken"), Endpoint("DataService", "https://[broken")) == (
        read.endpoints
    )
    assert {"holder.example"} == read.hosts()


@pytest.mark.parametrize(
    "many",
    [
        {"verificationMethod": [{"id": "#k"}] * 51},
        {"authentication": ["#k"] * 51},
        {"service": [{"id": "s"}] * 51},
    ],
)
def test_a_document_with_too_many_entries_is_refused(many: dict[str, object]) -> None:
    with pytest.raises(PartnerError) as caught:
        read_document(orjson.dumps({"id": DID, **many}), DID)

    assert "connector.protocols.dcp:did_document_malformed" == caught.value.code


def test_a_document_that_knows_no_purposes_binds_no_key_to_one(signing_key: SigningKey) -> None:
    written = write_document(DID, [signing_key], [])
    plain = {key: value for key, value in written.items() if key not in set(Purpose)}

    read = read_document(orjson.dumps(plain), DID)

    assert all(read.key_for(signing_key.kid, purpose) for purpose in Purpose)


def test_a_key_that_a_document_lists_for_something_else_serves_nothing_more(
    signing_key: SigningKey,
) -> None:
    written = write_document(DID, [signing_key], [])
    narrow = {**written, "authentication": [], "capabilityInvocation": []}

    read = read_document(orjson.dumps(narrow), DID)

    assert read.key_for(signing_key.kid, Purpose.ASSERTION) is not None
    assert read.key_for(signing_key.kid, Purpose.INVOCATION) is None
