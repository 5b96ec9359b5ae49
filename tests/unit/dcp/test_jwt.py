"""Compact tokens are read strictly."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.protocols.dcp.jwt import Dated, absolute_kid, check_dates, parse_jwt, write_jwt
from connector.protocols.dcp.keys import SigningKey

LIMIT = 10_000


def token(header: str, claims: str = "{}", signature: bytes = b"s") -> str:
    parts = (header.encode(), claims.encode(), signature)
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def code_of(text: str) -> str:
    with pytest.raises(PartnerError) as caught:
        parse_jwt(text, Dated, limit_bytes=LIMIT, who="somebody")
    return caught.value.code.split(":")[1]


def test_what_is_written_is_read(signing_key: SigningKey) -> None:
    text = write_jwt({"exp": 5, "other": "left aside"}, signing_key)

    jwt = parse_jwt(text, Dated, limit_bytes=LIMIT, who="somebody")

    assert ("ES256", signing_key.kid, Dated(exp=5)) == (jwt.header.alg, jwt.header.kid, jwt.claims)
    assert signing_key.verification_key().verifies(jwt.signed_part, jwt.signature)


@pytest.mark.parametrize(
    "text",
    [
        token('{"kid":"no algorithm"}'),
        token('{"alg":"ES256","crit":["b64"],"b64":false}'),
        token('{"alg":5}'),
        token('{"alg":"ES256"}', '{"exp":"x"}'),
        token('{"alg":"ES256"}', '{"exp":1e999}'),
        token('{"alg":"ES256"}', "[" * 5000),
        token('{"alg":"ES256"}', '{"a":' * 1200),
        token('{"alg":"ES256"}') + "=",
        token('{"alg":"ES256"}') + "\n",
        token('{"alg":"ES256"}').replace(".", "..", 1),
        token('{"alg":"ES256"}', signature=b""),
        token('{"alg":"ES256"}').rpartition(".")[0] + ".A",
    ],
)
def test_what_is_not_exactly_a_token_is_refused(text: str) -> None:
    assert "token_malformed" == code_of(text)


def test_a_token_over_the_limit_is_not_read() -> None:
    assert "token_too_long" == code_of("a" * (LIMIT + 1))


@given(st.text(max_size=100))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    assert "token_malformed" == code_of(text)


@pytest.mark.parametrize(
    ("dates", "now", "code"),
    [
        (Dated(exp=100), 104, ""),
        (Dated(exp=100), 105, "expired"),
        (Dated(nbf=100), 95, ""),
        (Dated(nbf=100), 94, "not_yet_valid"),
        (Dated(iat=100), 95, ""),
        (Dated(iat=100), 94, "not_yet_valid"),
        (Dated(), 100, ""),
    ],
)
def test_dates_hold_with_five_seconds_of_leeway(dates: Dated, now: int, code: str) -> None:
    try:
        check_dates(dates, now=now, who="somebody")
        found = ""
    except PartnerError as refused:
        found = refused.code.split(":")[1]

    assert code == found


@pytest.mark.parametrize("kid", ["did:web:a#k", "#k", "k"])
def test_a_key_is_named_with_or_without_its_did(kid: str) -> None:
    assert "did:web:a#k" == absolute_kid(kid, "did:web:a")
