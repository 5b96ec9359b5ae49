"""Who wants an access token renewed is proven, in the shape of Tractus-X and in ours."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from connector.errors import PartnerError
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dcp.tokens import token_claims
from tests.unit.dcp.conftest import SUPPLIER, Pair


def _tractus_x(pair: Pair, /, key: Any = None, **changes: object) -> str:
    """The request of a connector of Tractus-X: the transfer is its identifier, every time."""
    now = pair.space.clock.seconds()
    claims = token_claims(
        pair.supplier.did, pair.oem.did, "the-access-token", jti="urn:t1", lifetime=(now, now + 60)
    )
    changed = {**claims, **changes}
    told = {name: value for name, value in changed.items() if value is not None}
    return "Bearer " + write_jwt(told, key or pair.supplier.key)


async def test_our_own_request_proves_sender_token_and_credentials(pair: Pair) -> None:
    asking, asked = pair.supplier.identity.renewals(), pair.oem.identity.renewals()
    sent = await asking.renewal_authorization(pair.oem.did, pair.oem.did, "the-access-token")
    renewal = await asked.renewal(sent)

    assert (pair.supplier.did, "the-access-token") == (renewal.did, renewal.token)
    assert renewal.caller is not None
    assert SUPPLIER == renewal.caller.bpnl
    assert "the-access-token" not in repr(renewal)


async def test_a_request_of_tractus_x_proves_sender_and_token_alone(pair: Pair) -> None:
    renewal = await pair.oem.identity.renewals().renewal(_tractus_x(pair))

    assert (pair.supplier.did, "the-access-token") == (renewal.did, renewal.token)
    assert renewal.caller is None


async def test_the_same_identifier_may_come_again_but_the_same_request_may_not(
    pair: Pair,
) -> None:
    asked = pair.oem.identity.renewals()
    first = _tractus_x(pair)
    await asked.renewal(first)
    await asked.renewal(_tractus_x(pair, token="the-next-one"))

    with pytest.raises(PartnerError, match="used before"):
        await asked.renewal(first)


async def test_the_signatures_twin_does_not_make_it_another_request(pair: Pair) -> None:
    """Of an ECDSA signature (r, s) anybody can make (r, n - s), which verifies too."""
    asked = pair.oem.identity.renewals()
    first = _tractus_x(pair)
    await asked.renewal(first)

    with pytest.raises(PartnerError, match="used before"):
        await asked.renewal(_twin(first))


async def test_a_request_to_renew_is_no_message_afterwards(pair: Pair) -> None:
    asking, asked = pair.supplier.identity.renewals(), pair.oem.identity.renewals()
    sent = await asking.renewal_authorization(pair.oem.did, pair.oem.did, "a-token")
    await asked.renewal(sent)

    with pytest.raises(PartnerError, match="used before"):
        await pair.oem.identity.authenticate(sent)


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "did:web:other.example"},
        {"iss": "did:web:other.example"},
        {"aud": "did:web:other.example"},
        {"token": None},
        {"token": ""},
        {"exp": None},
        {"exp": 1},
        {"nbf": 4_000_000_000},
        {"exp": 4_000_000_000},
        {"jti": None},
        {"sub_jwk": {}},
    ],
    ids=str,
)
async def test_a_wrong_request_proves_nothing(pair: Pair, change: dict[str, object]) -> None:
    with pytest.raises(PartnerError):
        await pair.oem.identity.renewals().renewal(_tractus_x(pair, **change))


async def test_a_forged_request_proves_nothing(pair: Pair) -> None:
    path = pair.supplier.credentials.parent / "forger.pem"
    generate_key_file(path)
    forger = load_key_file(path, pair.supplier.did)

    with pytest.raises(PartnerError):
        await pair.oem.identity.renewals().renewal(_tractus_x(pair, key=forger))


async def test_an_old_request_proves_nothing(pair: Pair) -> None:
    sent = _tractus_x(pair)
    pair.space.clock.shift += timedelta(minutes=5)

    with pytest.raises(PartnerError, match="expired"):
        await pair.oem.identity.renewals().renewal(sent)


@pytest.mark.parametrize("audience", ["did:web:victim.example", "", "nonsense", "did:web:"])
async def test_a_provider_cannot_have_a_request_made_out_to_a_third_party(
    pair: Pair, audience: str
) -> None:
    asking = pair.supplier.identity.renewals()
    sent = await asking.renewal_authorization(pair.oem.did, audience, "a-token")

    assert pair.supplier.did == (await pair.oem.identity.renewals().renewal(sent)).did


async def test_a_provider_may_have_it_made_out_to_ourselves_as_tractus_x_does(
    pair: Pair,
) -> None:
    asking = pair.supplier.identity.renewals()
    sent = await asking.renewal_authorization(pair.oem.did, pair.supplier.did, "a-token")

    with pytest.raises(PartnerError):
        await pair.oem.identity.renewals().renewal(sent)
    assert (await asking.renewal(sent)).caller is None


def _twin(authorization: str) -> str:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed, _, signature = authorization.rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    other = (order - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{signed}.{urlsafe_b64encode(raw[:32] + other).rstrip(b'=').decode()}"
