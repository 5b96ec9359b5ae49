"""Looking at names and certificates, against real hosts on loopback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from connector.errors import PartnerError, TransientError
from connector.protocols.http import ClientLimits
from connector.protocols.probing import addresses_of, certificate_of
from tests.doubles.certificates import (
    CertificateAuthority,
    Host,
    Signed,
    host_with,
    self_signed,
)

HERE = ClientLimits(allow_private_networks=True)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CertificateAuthority:
    """An authority whom this machine trusts during the test."""
    made = CertificateAuthority()
    (tmp_path / "authority.pem").write_bytes(made.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


async def test_a_good_certificate_is_read(authority: CertificateAuthority, tmp_path: Path) -> None:
    proof = authority.issue("localhost", until_days=40).written(tmp_path, "good")
    with host_with(Host(), proof) as host:
        shown = await certificate_of("localhost", host.port, HERE, ("127.0.0.1",))

    assert (("localhost",), "CN=Test Authority") == (shown.names, shown.issuer)


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("expired", "certificate_expired", "it was good until"),
        ("early", "certificate_early", "it is good from"),
        ("self_signed", "certificate_self_signed", "vouches for itself, by CN=localhost"),
        ("of_others", "certificate_name", "is for other names: other.example.com"),
        ("of_strangers", "certificate_chain", "leads to no authority that is known here"),
    ],
)
async def test_a_bad_certificate_is_named(
    authority: CertificateAuthority, tmp_path: Path, kind: str, code: str, says: str
) -> None:
    proof = _bad(authority, kind).written(tmp_path, kind)
    with host_with(Host(), proof) as host, pytest.raises(PartnerError) as refused:
        await certificate_of("localhost", host.port, HERE, ("127.0.0.1",))

    assert f"protocols:{code}" == refused.value.code
    assert says in refused.value.text().what


def _bad(authority: CertificateAuthority, kind: str) -> Signed:
    made = {
        "expired": lambda: authority.issue("localhost", since_days=-9, until_days=-2),
        "early": lambda: authority.issue("localhost", since_days=2),
        "self_signed": lambda: self_signed("localhost"),
        "of_others": lambda: authority.issue("other.example.com"),
        "of_strangers": lambda: CertificateAuthority("Strangers").issue("localhost"),
    }
    return made[kind]()


async def test_a_host_that_speaks_plain_http_is_no_tls_host() -> None:
    with host_with(Host()) as host, pytest.raises(PartnerError) as refused:
        await certificate_of("localhost", host.port, HERE, ("127.0.0.1",))

    assert "protocols:tls_failed" == refused.value.code


async def test_a_closed_port_is_nobody() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(TransientError, match=f"nobody answers at localhost:{port}"):
            await certificate_of("localhost", port, HERE, ("127.0.0.1",))


async def test_a_name_that_leads_nowhere_is_said_to() -> None:
    with pytest.raises(TransientError, match=r"the name nobody\.invalid leads to no address"):
        await addresses_of("nobody.invalid", HERE)


async def test_private_addresses_are_not_looked_at_by_default() -> None:
    with pytest.raises(PartnerError) as refused:
        await addresses_of("localhost", ClientLimits())

    assert "protocols:address_private" == refused.value.code
