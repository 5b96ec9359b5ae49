"""What our keys seal: that it is ours, and what it can never pass for."""

import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connector.errors import PartnerError
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import signing_key
from connector.protocols.dcp.notary import DcpNotary
from connector.protocols.dcp.tokens import read_access_token
from tests.builders.ledger import DID, new_key

KINDS = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(params=KINDS)
def key(request):
    return signing_key(KINDS[request.param](), DID)


def test_what_was_sealed_is_opened_again(key):
    notary = DcpNotary([key])
    seal = notary.seal(b"content")

    assert (b"content", key.kid) == (notary.opened(seal), notary.kid_of(seal))


def test_another_key_opens_nothing(key):
    assert DcpNotary([new_key()]).opened(DcpNotary([key]).seal(b"content")) is None


def test_a_further_key_opens_what_it_once_sealed(key):
    seal = DcpNotary([key]).seal(b"content")

    assert b"content" == DcpNotary([new_key(), key]).opened(seal)


def test_a_former_key_opens_under_its_own_thumbprint_only(key):
    former, other = DcpNotary([key]), DcpNotary([new_key()])
    seal = former.seal(b"content")

    assert b"content" == other.opened(seal, former.public_key())
    assert other.opened(seal, other.public_key()) is None


@pytest.mark.parametrize("jwk", ["", "{}", "[]", "no", '{"kty": "EC"}', '{"kty": 1}'])
def test_what_is_no_key_opens_nothing(key, jwk):
    assert DcpNotary([new_key()]).opened(DcpNotary([key]).seal(b"content"), jwk) is None


def test_one_changed_byte_breaks_a_seal(key):
    notary = DcpNotary([key])
    header, _, signature = notary.seal(b"content").split(".")
    forged = urlsafe_b64encode(b"contend").decode().rstrip("=")

    assert notary.opened(f"{header}.{forged}.{signature}") is None


def test_a_token_of_ours_is_no_seal(key):
    assert DcpNotary([key]).opened(write_jwt({"number": 1}, key)) is None


def test_a_seal_is_no_token_of_ours(key):
    claims = {"iss": DID, "sub": DID, "aud": DID, "exp": 9e9, "iat": 0, "jti": "x", "scope": "x"}
    seal = DcpNotary([key]).seal(json.dumps(claims).encode())
    keys = {key.kid: key.verification_key()}

    with pytest.raises(PartnerError):
        read_access_token(seal, keys, us=DID, now=1.0)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c", "é.é.é", "x" * 10_000])
def test_what_is_no_seal_has_no_key(text):
    notary = DcpNotary([new_key()])

    assert ("", None) == (notary.kid_of(text), notary.opened(text))
