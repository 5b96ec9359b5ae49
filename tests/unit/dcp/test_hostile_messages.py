"""Whatever comes instead of an issuance message is refused by name, and by nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.protocols.dcp.issuance import (
    DELIVERY,
    OFFER,
    REQUEST,
    read_delivery,
    read_offer,
    read_request,
)

READERS: list[Callable[..., object]] = [read_delivery, read_offer, read_request]
KEYS = ["type", "@type", "issuer", "issuerPid", "holderPid", "status", "credentials", "id"]
WORDS = st.sampled_from([DELIVERY, OFFER, REQUEST, "ISSUED", "REJECTED", "", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("read", READERS)
@given(message=JSON)
def test_any_json_is_read_or_refused(read: Callable[..., object], message: object) -> None:
    with contextlib.suppress(PartnerError):
        assert read(orjson.dumps(message), who="somebody") is not None


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 10_000,
        b'{"credentials":' * 10_000,
        orjson.dumps({"credentials": [{"id": "x"}] * 1_000}),
    ],
)
def test_what_is_no_message_is_refused(read: Callable[..., object], body: bytes) -> None:
    with pytest.raises(PartnerError):
        read(body, who="somebody")
