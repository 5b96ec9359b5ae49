"""Keys are made for their owner alone, and verify only what was signed."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey
from msgspec import structs

from connector.errors import PartnerError, SetupError
from connector.identifiers import Did
from connector.protocols.dcp.jwt import Dated, parse_jwt, write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file, read_key
from connector.protocols.dcp.keys import SigningKey, signing_key, verification_key_from_jwk
from connector.protocols.dcp.tokens import check_signature

DID = Did("did:web:plant.example")
KEYS = [
    signing_key(private, DID)
    for private in (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
]
KEY = KEYS[0]


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def code_of(path: Path) -> str:
    with pytest.raises(SetupError) as caught:
        load_key_file(path, DID)
    return caught.value.code.split(":")[1]


def test_a_key_file_is_private_and_names_the_same_key_every_time(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    generate_key_file(path)

    first, second = load_key_file(path, DID), load_key_file(path, DID)

    assert 0o600 == path.stat().st_mode & 0o777
    assert first.kid == second.kid
    assert first.kid.startswith(f"{DID}#")


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    generate_key_file(tmp_path / "key.pem")
    before = (tmp_path / "key.pem").read_bytes()

    with pytest.raises(SetupError) as caught:
        generate_key_file(tmp_path / "key.pem")

    assert "connector.protocols.dcp:key_not_written" == caught.value.code
    assert before == (tmp_path / "key.pem").read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_key_that_others_may_read_stops_the_start_and_names_the_command(
    tmp_path: Path, mode: int
) -> None:
    generate_key_file(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)

    with pytest.raises(SetupError) as caught:
        load_key_file(tmp_path / "key.pem", DID)

    assert "connector.protocols.dcp:key_readable_by_others" == caught.value.code
    assert f"run: chmod 600 {tmp_path / 'key.pem'}" == caught.value.text().fix


def test_a_key_file_that_is_missing_or_no_key_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("-----BEGIN {}-----\nAAAA\n".format("PRIVATE KEY"))
    (tmp_path / "bad.pem").chmod(0o600)

    assert "key_unreadable" == code_of(tmp_path / "none.pem")
    assert "key_malformed" == code_of(tmp_path / "bad.pem")


def test_a_key_of_another_kind_or_with_a_password_stops_the_start(tmp_path: Path) -> None:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(b"x")
    files = {
        "x": x25519.X25519PrivateKey.generate().private_bytes(pem, pkcs8, plain),
        "p384": ec.generate_private_key(ec.SECP384R1()).private_bytes(pem, pkcs8, plain),
        "locked": ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, locked),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)

    assert ["key_of_wrong_kind", "key_of_wrong_kind", "key_malformed"] == [
        code_of(tmp_path / name) for name in files
    ]


def test_neither_key_shows_its_secret() -> None:
    assert f"SigningKey(kid='{KEY.kid}')" == repr(KEY)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
@given(message=st.binary(max_size=200))
def test_what_was_signed_verifies_and_nothing_else_does(key: SigningKey, message: bytes) -> None:
    signature = key.sign(message)
    verifier = verification_key_from_jwk(key.jwk())

    assert verifier.algorithm == key.algorithm
    assert verifier.verifies(message, signature)
    assert not verifier.verifies(message + b"x", signature)
    assert not verifier.verifies(message, signature[:-1] + bytes([signature[-1] ^ 1]))


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 65, bytes(64), b"\xff" * 64])
def test_a_signature_of_the_wrong_form_verifies_nothing(signature: bytes) -> None:
    assert not KEY.verification_key().verifies(b"", signature)


def test_es256k_and_ed25519_are_verified() -> None:
    k1 = ec.generate_private_key(ec.SECP256K1())
    numbers = k1.public_key().public_numbers()
    r, s = decode_dss_signature(k1.sign(b"m", ec.ECDSA(hashes.SHA256())))
    ed = ed25519.Ed25519PrivateKey.generate()
    point = ed.public_key().public_bytes_raw()
    x, y = (encoded(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))

    by_k1 = verification_key_from_jwk({"kty": "EC", "crv": "secp256k1", "x": x, "y": y})
    by_ed = verification_key_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": encoded(point)})

    assert by_k1.verifies(b"m", r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    assert by_ed.verifies(b"m", ed.sign(b"m"))
    assert ("ES256K", "EdDSA") == (by_k1.algorithm, by_ed.algorithm)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
def test_an_independent_library_agrees_with_our_tokens_and_names(key: SigningKey) -> None:
    kind = OKPKey if key.algorithm == "EdDSA" else ECKey
    theirs = kind.import_key(dict(key.jwk()))

    token = jws.deserialize_compact(write_jwt({"a": 1}, key), theirs, [key.algorithm])

    assert b'{"a":1}' == token.payload
    assert key.algorithm == token.protected["alg"]
    assert f"{DID}#{theirs.thumbprint()}" == key.kid


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
def test_a_signature_counts_under_its_own_algorithm_alone(key: SigningKey) -> None:
    jwt = parse_jwt(write_jwt({"a": 1}, key), Dated, limit_bytes=1_000, who="x")
    other = structs.replace(jwt.header, alg="none")

    check_signature(jwt, key.verification_key(), who="x")

    with pytest.raises(PartnerError):
        check_signature(replace(jwt, header=other), key.verification_key(), who="x")


def test_we_agree_with_the_signatures_of_an_independent_library() -> None:
    key = ECKey.generate_key("P-256")
    token = jws.serialize_compact({"alg": "ES256"}, b"hello", key)
    signed, _, signature = token.rpartition(".")
    public = {name: str(value) for name, value in key.as_dict(private=False).items()}
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))

    assert verification_key_from_jwk(public).verifies(signed.encode(), raw)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "RSA", "n": "x", "e": "AQAB"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
        {"kty": "EC", "crv": ["P-256"]},
        {"kty": "EC", "crv": "P-256", "x": encoded(b"\1" * 32), "y": encoded(b"\1" * 32)},
        {"kty": "OKP", "crv": "Ed25519", "x": "ä"},
        {"kty": "OKP", "crv": "X25519", "x": OKPKey.generate_key("X25519")["x"]},
    ],
)
def test_a_key_that_we_cannot_verify_with_is_a_value_error(jwk: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reader leaves such keys out
        verification_key_from_jwk(jwk)


def test_ed25519_goes_by_both_its_names() -> None:
    key = KEYS[2].verification_key()

    assert [True, True, False] == [key.goes_by(name) for name in ("EdDSA", "Ed25519", "ES256")]
    assert not KEY.verification_key().goes_by("Ed25519")


def test_a_key_may_come_as_text_and_is_the_same_key(tmp_path: Path) -> None:
    generate_key_file(tmp_path / "key.pem")

    by_text = read_key((tmp_path / "key.pem").read_bytes(), DID, source="ESLABON_KEY")

    assert load_key_file(tmp_path / "key.pem", DID).kid == by_text.kid


def test_a_text_that_is_no_key_names_where_it_came_from() -> None:
    with pytest.raises(SetupError) as refused:
        read_key(b"", DID, source="ESLABON_KEY")

    assert "ESLABON_KEY" in refused.value.text().what
