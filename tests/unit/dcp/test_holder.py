"""Access tokens bound to their holder: whose proof opens, whose does not, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from connector.errors import TransientError
from connector.identifiers import Did
from connector.partner.model import UnprovenHolderError
from connector.protocols.dcp import holder as module
from connector.protocols.dcp.did import POSSESSION_SERVICE, Purpose
from connector.protocols.dcp.holder import HolderBinding
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.possession import proof_claims
from tests.unit.dcp.conftest import OEM, Company, Dataspace, Pair

TOKEN = "the-token-that-the-supplier-gave-to-the-oem"
DIGEST = sha256(TOKEN.encode()).digest()
OTHER = sha256(b"another token").digest()
DOCUMENT = "/.well-known/did.json"
DCP = "connector.protocols.dcp:"


class PlainBearer(DcpIdentity):
    """A connector that knows of no proofs, as others in the field."""

    def document(self) -> Mapping[str, object]:
        document = dict(super().document())
        services = document["service"]
        assert isinstance(services, list)
        return document | {"service": [one for one in services if not _promises_proof(one)]}


class WithoutInvocation(DcpIdentity):
    """A connector whose document lets its key speak for nothing but presentations."""

    def document(self) -> Mapping[str, object]:
        return {**super().document(), str(Purpose.INVOCATION): []}


def _promises_proof(service: Mapping[str, object]) -> bool:
    return service["type"] == POSSESSION_SERVICE


@pytest.fixture
def binding(pair: Pair) -> HolderBinding:
    """What the supplier checks with."""
    return pair.supplier.identity.holder_binding()


def proof(pair: Pair, key: SigningKey | None = None, **changes: object) -> str:
    """A proof of the OEM for the supplier, changed as a forger would."""
    now = pair.space.clock.seconds()
    claims = proof_claims(
        pair.oem.did, pair.supplier.did, DIGEST, jti="one", lifetime=(now, now + 60)
    )
    changed = {**claims, **changes}
    present = {name: value for name, value in changed.items() if value is not None}
    return write_jwt(present, key or pair.oem.key)


async def refused(pair: Pair, binding: HolderBinding, text: str, digest: bytes = DIGEST) -> str:
    with pytest.raises(UnprovenHolderError) as caught:
        await binding.check(text, digest, pair.oem.did)
    return caught.value.code.removeprefix(DCP)


async def test_the_proof_of_one_connector_convinces_the_other(
    pair: Pair, binding: HolderBinding
) -> None:
    made = await pair.oem.identity.holder_binding().proof_for(pair.supplier.did, TOKEN)

    await binding.check(made, DIGEST, pair.oem.did)

    assert len(made) < 1000


async def test_the_same_proof_serves_many_reads_with_one_document(
    pair: Pair, binding: HolderBinding
) -> None:
    made = proof(pair)
    for seconds in (0, 1, 59):
        pair.space.clock.shift = timedelta(seconds=seconds)
        await binding.check(made, DIGEST, pair.oem.did)

    assert 1 == pair.oem.asked[DOCUMENT]


async def test_a_proof_that_was_checked_dies_with_its_time(
    pair: Pair, binding: HolderBinding
) -> None:
    made = proof(pair)
    await binding.check(made, DIGEST, pair.oem.did)
    pair.space.clock.shift = timedelta(seconds=66)

    assert "expired" == await refused(pair, binding, made)


async def test_a_proof_that_was_checked_opens_no_other_token_and_for_no_other(
    pair: Pair, binding: HolderBinding
) -> None:
    made = proof(pair)
    await binding.check(made, DIGEST, pair.oem.did)

    assert "proof_of_other_token" == await refused(pair, binding, made, OTHER)
    with pytest.raises(UnprovenHolderError, match="made by somebody else"):
        await binding.check(made, DIGEST, pair.authority.did)


async def test_a_forged_proof_is_refused_also_after_a_true_one(
    pair: Pair, binding: HolderBinding
) -> None:
    made = proof(pair)
    await binding.check(made, DIGEST, pair.oem.did)
    stolen_name = SigningKey(pair.oem.key.kid, pair.supplier.key._private)

    assert "signature_wrong" == await refused(pair, binding, proof(pair, stolen_name))
    await binding.check(made, DIGEST, pair.oem.did)


async def test_a_proof_with_the_key_of_somebody_else_is_refused(
    pair: Pair, binding: HolderBinding
) -> None:
    assert "key_of_other" == await refused(pair, binding, proof(pair, pair.supplier.key))


async def test_a_neighbour_with_the_token_proves_only_that_it_is_the_neighbour(
    pair: Pair, binding: HolderBinding
) -> None:
    neighbour = await pair.space.company("neighbour", trusts=pair.authority)
    made = await neighbour.identity.holder_binding().proof_for(pair.supplier.did, TOKEN)

    assert "proof_of_other" == await refused(pair, binding, made)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "did:web:other.example"}, "proof_of_other"),
        ({"sub": "did:web:other.example"}, "proof_of_other"),
        ({"iss": None}, "proof_of_other"),
        ({"aud": "did:web:other.example"}, "token_for_other"),
        ({"aud": None}, "token_for_other"),
        ({"ath": None}, "proof_of_other_token"),
        ({"ath": OTHER.hex()}, "proof_of_other_token"),
        ({"exp": None}, "proof_incomplete"),
        ({"iat": None}, "proof_incomplete"),
        ({"jti": None}, "proof_incomplete"),
        ({"jti": "x" * 300}, "proof_incomplete"),
        ({"iat": 1_000, "exp": 1_060}, "expired"),
        ({"nbf": 9_999_999_999}, "not_yet_valid"),
        ({"iat": 9_999_999_940, "exp": 9_999_999_999}, "not_yet_valid"),
        ({"exp": 9_999_999_999}, "proof_too_long_lived"),
        ({"exp": "soon"}, "token_malformed"),
        ({"jti": "x" * 3000}, "token_too_long"),
    ],
)
async def test_a_proof_that_cannot_be_true_is_refused_before_anything_is_fetched(
    pair: Pair, binding: HolderBinding, changes: dict[str, Any], code: str
) -> None:
    assert code == await refused(pair, binding, proof(pair, **changes))
    assert 0 == pair.oem.asked.total()


@pytest.mark.parametrize("text", ["x", "a.b.c", "....", "ä.ö.ü", "e30.e30.e30", " "])
async def test_what_is_no_proof_is_refused(pair: Pair, binding: HolderBinding, text: str) -> None:
    assert await refused(pair, binding, text) in {"token_malformed", "proof_of_other"}


async def test_the_token_of_a_message_is_no_proof(pair: Pair, binding: HolderBinding) -> None:
    header = await pair.oem.identity.authorization_for(pair.supplier.did)

    assert "proof_of_other_token" == await refused(pair, binding, header.removeprefix("Bearer "))


async def test_a_proof_sends_no_message(pair: Pair) -> None:
    made = await pair.oem.identity.holder_binding().proof_for(pair.supplier.did, TOKEN)

    with pytest.raises(Exception, match="access to its credentials"):
        await pair.supplier.identity.authenticate(f"Bearer {made}")


async def test_a_key_that_may_not_invoke_proves_nothing(space: Dataspace) -> None:
    authority = await space.authority()
    supplier = await space.company("supplier", trusts=authority)
    space.identity_type = WithoutInvocation
    oem = await space.company("oem", trusts=authority)
    made = await oem.identity.holder_binding().proof_for(supplier.did, TOKEN)

    with pytest.raises(UnprovenHolderError, match="not listed for this purpose"):
        await supplier.identity.holder_binding().check(made, DIGEST, oem.did)


async def test_a_holder_whose_document_is_not_reached_may_try_again(pair: Pair) -> None:
    nobody = Did("did:web:127.0.0.1%3A1")
    key = SigningKey(f"{nobody}#k", pair.oem.key._private)
    made = proof(pair, key, iss=nobody, sub=nobody)

    with pytest.raises(TransientError):
        await pair.supplier.identity.holder_binding().check(made, DIGEST, nobody)


async def test_our_own_proof_is_made_anew_in_time_and_for_each_token_and_partner(
    pair: Pair,
) -> None:
    ours = pair.oem.identity.holder_binding()
    first = await ours.proof_for(pair.supplier.did, TOKEN)
    pair.space.clock.shift = timedelta(seconds=39)
    again = await ours.proof_for(pair.supplier.did, TOKEN)
    pair.space.clock.shift = timedelta(seconds=41)
    renewed = await ours.proof_for(pair.supplier.did, TOKEN)
    others = {
        await ours.proof_for(pair.supplier.did, "another"),
        await ours.proof_for(pair.authority.did, TOKEN),
    }

    assert first == again
    assert 4 == len({first, renewed, *others})


async def test_what_is_remembered_is_bounded(
    pair: Pair, binding: HolderBinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOKENS_MAX", 2)
    ours = pair.oem.identity.holder_binding()
    for name in "abc":
        made = await ours.proof_for(pair.supplier.did, name)
        await binding.check(made, sha256(name.encode()).digest(), pair.oem.did)

    assert (2, 2) == (len(binding._checked), len(ours._made))


@pytest.mark.parametrize(("kind", "proves"), [(DcpIdentity, True), (PlainBearer, False)])
async def test_a_caller_proves_possession_when_its_document_promises_it(
    space: Dataspace, kind: type[DcpIdentity], proves: bool
) -> None:
    authority = await space.authority()
    supplier = await space.company("supplier", trusts=authority)
    space.identity_type = kind
    oem: Company = await space.company("oem", trusts=authority)
    authority.issue_to(oem.credentials, oem.did, OEM, days=30)

    caller = await supplier.identity.authenticate(
        await oem.identity.authorization_for(supplier.did)
    )

    assert proves is caller.proves_possession
    assert 1 == oem.asked[DOCUMENT]
