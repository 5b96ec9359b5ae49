"""What is a compact token and what is none: by the letter, before anything is believed."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.protocols.dcp.jwt import Dated, parse_jwt

HEADER, CLAIMS, SIGNATURE = (
    urlsafe_b64encode(one).rstrip(b"=").decode()
    for one in (b'{"alg":"ES256","kid":"k"}', b'{"exp":12,"x":"\xc3\xbc?>"}', b"\xfb\xff\xfe+")
)
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def read(text: str) -> str:
    try:
        return parse_jwt(text, Dated, limit_bytes=1000, who="us").signed_part.decode()
    except PartnerError as error:
        return error.code


def test_a_token_is_taken_apart_as_it_was_written() -> None:
    jwt = parse_jwt(f"{HEADER}.{CLAIMS}.{SIGNATURE}", Dated, limit_bytes=1000, who="us")

    assert ("ES256", "k", 12.0) == (jwt.header.alg, jwt.header.kid, jwt.claims.exp)
    assert (f"{HEADER}.{CLAIMS}".encode(), b"\xfb\xff\xfe+") == (jwt.signed_part, jwt.signature)
    assert {"-", "_"} <= set(CLAIMS + SIGNATURE)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "...", f"{HEADER}.{CLAIMS}", f"{HEADER}.{CLAIMS}.", f".{CLAIMS}.AA"),
        *(f"{HEADER}..AA", f"{HEADER}.{CLAIMS}.AA.AA", f"{HEADER}.{CLAIMS}.AA."),
        *(f"{HEADER}=.{CLAIMS}.AA", f"{HEADER}.{CLAIMS}.AA==", f"{HEADER}.{CLAIMS}.A=A="),
        *(f"{HEADER}.{CLAIMS}.+w", f"{HEADER}.{CLAIMS}./w", f"{HEADER}.{CLAIMS}.A"),
        *(f"{HEADER}.{CLAIMS}.AA\n", f" {HEADER}.{CLAIMS}.AA", f"{HEADER}.{CLAIMS}.Aü"),
        *(f"{HEADER}.{CLAIMS}.!w", f"{HEADER}.{CLAIMS}.A\0", f"{HEADER}.{CLAIMS}.\ud800A"),
    ],
)
def test_what_is_no_compact_token_is_refused(text: str) -> None:
    assert "connector.protocols.dcp:token_malformed" == read(text)


@given(st.text("AQgw-_+/=.! \n\u00fc", max_size=12))
def test_no_signature_of_other_letters_is_read(signature: str) -> None:
    text = f"{HEADER}.{CLAIMS}.{signature}"

    if not COMPACT.fullmatch(text) or len(signature) % 4 == 1:
        assert "connector.protocols.dcp:token_malformed" == read(text)
    else:
        assert f"{HEADER}.{CLAIMS}" == read(text)
