"""A credential counts only whole: issuer, subject, dates, and one BPNL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.partner.model import VerifiedCredential
from connector.protocols.dcp.credentials import (
    BPN,
    CATENA_X_TYPES,
    attested_bpnl,
    check_credential,
    read_credential,
    verified,
)
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from deploy.demo.authority import Authority
from tests.unit.dcp.conftest import SUPPLIER

HOLDER = Did("did:web:holder.example")
ISSUER = Did("did:web:authority.example")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def claims(**changes: object) -> dict[str, object]:
    return {"iss": ISSUER, "sub": HOLDER, "exp": SECONDS + 100, "vc": vc(), **changes}


def vc(**changes: object) -> dict[str, object]:
    subject = {"id": HOLDER, "bpn": SUPPLIER}
    types = ["VerifiableCredential", BPN]
    return {"type": types, "issuer": ISSUER, "credentialSubject": subject, **changes}


def outcome(key: SigningKey, claimed: dict[str, object]) -> str:
    try:
        one = read_credential(write_jwt(claimed, key), who=HOLDER)
        check_credential(one, holder=HOLDER, trusted=frozenset({ISSUER}), now=NOW)
    except PartnerError as refused:
        return refused.code.split(":")[1]
    return "right"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "right"),
        ({"sub": None}, "right"),
        ({"exp": None}, "right"),
        ({"iss": ""}, "right"),
        ({"vc": vc(issuer={"id": ISSUER, "name": "x"})}, "right"),
        ({"vc": vc(issuer="")}, "right"),
        ({"vc": vc(credentialSubject=[{"id": HOLDER}])}, "right"),
        ({"vc": vc(issuanceDate="2026-11-22T11:00:00Z")}, "right"),
        ({"vc": vc(expirationDate="2027-01-01T00:00:00")}, "right"),
        ({"vc": vc(expirationDate="2026-11-22T06:00:00-06:00")}, "right"),
        ({"vc": vc(expirationDate="2026-11-22T11:59:00Z")}, "expired"),
        ({"exp": SECONDS - 10}, "expired"),
        ({"vc": vc(issuanceDate="2026-11-22T13:00:00Z")}, "not_yet_valid"),
        ({"nbf": SECONDS + 10}, "not_yet_valid"),
        ({"sub": "did:web:other.example"}, "credential_of_other"),
        ({"vc": vc(credentialSubject={"bpn": SUPPLIER})}, "credential_of_other"),
        ({"vc": vc(credentialSubject=[{"id": HOLDER}, {"id": "x"}])}, "credential_of_other"),
        ({"vc": vc(credentialSubject=[])}, "credential_of_other"),
        ({"iss": "did:web:evil.example"}, "credential_of_two_issuers"),
        (
            {"iss": "did:web:evil.example", "vc": vc(issuer="did:web:evil.example")},
            "issuer_not_trusted",
        ),
        ({"iss": "", "vc": vc(issuer="")}, "credential_without_issuer"),
        ({"vc": vc(expirationDate="tomorrow")}, "token_malformed"),
        ({"vc": None}, "token_malformed"),
        ({"vc": vc(type=7)}, "token_malformed"),
        ({"vc": vc(credentialSubject="me")}, "token_malformed"),
    ],
)
def test_a_credential_is_right_or_refused_with_the_reason(
    signing_key: SigningKey, changes: dict[str, object], expected: str
) -> None:
    assert expected == outcome(signing_key, claims(**changes))


def test_the_earlier_of_two_expiry_dates_counts(signing_key: SigningKey) -> None:
    written = claims(vc=vc(expirationDate="2026-11-22T12:00:50Z"))

    one = read_credential(write_jwt(written, signing_key), who=HOLDER)

    assert NOW + timedelta(seconds=50) == one.expires_at()


@pytest.mark.parametrize("exp", [None, 1e300])
def test_a_credential_without_end_expires_in_the_far_future(
    signing_key: SigningKey, exp: object
) -> None:
    one = read_credential(write_jwt(claims(exp=exp), signing_key), who=HOLDER)

    assert 9999 == verified(one, BPN).expires_at.year


def test_the_authoritys_credentials_have_the_shapes_of_the_data_space(tmp_path: Path) -> None:
    issued = Authority(tmp_path, ISSUER, lambda: NOW).issue(HOLDER, SUPPLIER, days=10)

    read = {kind: read_credential(text, who=HOLDER) for kind, text in issued.items()}
    for one in read.values():
        check_credential(one, holder=HOLDER, trusted=frozenset({ISSUER}), now=NOW)

    assert CATENA_X_TYPES == tuple(read)
    assert {(kind,) for kind in read} == {one.types for one in read.values()}
    assert {NOW + timedelta(days=10)} == {one.expires_at() for one in read.values()}
    assert [{SUPPLIER}] * 3 == [{one.subjects[0]["holderIdentifier"]} for one in read.values()]
    assert SUPPLIER == read[BPN].subjects[0]["bpn"]


def subjects(*many: dict[str, object]) -> list[VerifiedCredential]:
    return [VerifiedCredential("T", one, ISSUER, NOW) for one in many]


def test_every_credential_that_names_a_bpnl_names_the_same() -> None:
    agreed = subjects({"bpn": SUPPLIER}, {"holderIdentifier": SUPPLIER}, {"other": 1})

    assert SUPPLIER == attested_bpnl(agreed, holder=HOLDER)


@pytest.mark.parametrize(
    ("many", "key"),
    [
        ([], "bpnl_not_attested"),
        ([{"id": "x"}], "bpnl_not_attested"),
        ([{"bpn": SUPPLIER}, {"bpn": "BPNL00000000VEC1"}], "bpnl_contradicted"),
        ([{"bpn": SUPPLIER, "holderIdentifier": "BPNL00000000VEC1"}], "bpnl_contradicted"),
        ([{"bpn": "BPNS00000000PUE1"}], "bpnl_malformed"),
        ([{"bpn": None}], "bpnl_malformed"),
    ],
)
def test_a_bpnl_that_is_not_certain_is_refused(many: list[dict[str, object]], key: str) -> None:
    with pytest.raises(PartnerError) as caught:
        attested_bpnl(subjects(*many), holder=HOLDER)

    assert f"connector.protocols.dcp:{key}" == caught.value.code
