"""Two keys in the DID document, one of them signs: so keys change without anybody refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connector.errors import SetupError
from connector.identifiers import Did
from connector.partner.book import AddressBook
from connector.protocols.dcp.identity import DcpIdentity, DcpSettings
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dcp.messages import query_message
from tests.unit.dcp.conftest import OEM, SUPPLIER, Dataspace


async def test_the_document_shows_both_keys_and_the_configured_one_signs(
    space: Dataspace, tmp_path: Path
) -> None:
    generate_key_file(tmp_path / "next.pem")
    authority = await space.authority()
    company = await space.company(
        "plant", trusts=authority, further_key_files=(tmp_path / "next.pem",)
    )

    further = load_key_file(tmp_path / "next.pem", company.did)
    methods = company.identity.document()["verificationMethod"]

    assert isinstance(methods, list)
    assert [company.key.kid, further.kid] == [method["id"] for method in methods]
    assert company.identity._issuer._key.kid == company.key.kid


async def test_access_that_the_former_key_gave_still_opens(
    space: Dataspace, tmp_path: Path
) -> None:
    generate_key_file(tmp_path / "former.pem")
    authority = await space.authority()
    former = (tmp_path / "former.pem",)
    plant = await space.company("plant", trusts=authority, further_key_files=former)
    oem = await space.company("oem", trusts=authority)
    key = load_key_file(former[0], plant.did)
    access = write_jwt(plant.access_claims_for(oem.did), key)

    query = query_message(["org.eclipse.dspace.dcp.vc.type:BpnCredential:read"])
    answer = await plant.identity.answer_query(oem.forged(plant.did, token=access), query)

    assert b"PresentationResponseMessage" in answer


async def test_a_message_that_the_next_key_signed_is_believed(
    space: Dataspace, tmp_path: Path
) -> None:
    generate_key_file(tmp_path / "next.pem")
    authority = await space.authority()
    nexts = (tmp_path / "next.pem",)
    plant = await space.company("plant", trusts=authority, further_key_files=nexts)
    oem = await space.company("oem", trusts=authority)
    signed = plant.signed_by(load_key_file(nexts[0], plant.did), oem.did)

    who, _ = await oem.identity._senders.prove(signed, with_access=True)

    assert plant.did == who


async def test_the_key_may_lie_in_the_environment(space: Dataspace, tmp_path: Path) -> None:
    generate_key_file(tmp_path / "key.pem")
    pem = (tmp_path / "key.pem").read_text()
    authority = await space.authority()

    company = await space.company("plant", trusts=authority, key_file=None, key_pem=pem)

    key = load_key_file(tmp_path / "key.pem", company.did)
    assert key.kid == company.identity._issuer._key.kid


@pytest.mark.parametrize(
    "private",
    [ec.generate_private_key(ec.SECP256K1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["ES256K", "EdDSA"],
)
async def test_a_key_of_any_kind_proves_us_as_caller_and_as_holder(
    space: Dataspace, private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    authority = await space.authority()
    plant = await space.company("plant", trusts=authority, key_file=None, key_pem=pem.decode())
    oem = await space.company("oem", trusts=authority)
    authority.issue_to(plant.credentials, plant.did, SUPPLIER, days=30)
    authority.issue_to(oem.credentials, oem.did, OEM, days=30)

    message = await plant.identity.authorization_for(oem.did)
    answer = await oem.identity.authorization_for(plant.did)

    assert SUPPLIER == (await oem.identity.authenticate(message)).bpnl
    assert OEM == (await plant.identity.authenticate(answer)).bpnl


def test_without_a_key_nothing_starts(tmp_path: Path) -> None:
    settings = DcpSettings(
        did=Did("did:web:plant.example"),
        credentials_folder=tmp_path,
        trusted_issuers=(),
        public_url="https://plant.example",
    )

    with pytest.raises(SetupError):
        DcpIdentity(settings, AddressBook())
