"""Looks at the way to a host: what its name leads to, and which certificate it shows.

Nothing is sent but the greeting of TLS. The same addresses are refused as by the guarded
client, and the address that was checked is the one that is connected to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from connector.errors import PartnerError, TransientError
from connector.protocols.http import ClientLimits, is_public

ADDRESSES_MAX = 8
NAMES_MAX = 8
PROBE_SECONDS = 10.0

# What OpenSSL calls the reasons (X509_V_ERR_*), and what we call them.
_REASONS: Mapping[int, str] = {
    9: "certificate_early",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "certificate_self_signed",
    2: "certificate_chain",
    20: "certificate_chain",
    21: "certificate_chain",
    62: "certificate_name",
    64: "certificate_name",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server's certificate says: for which names, by whom, and until when (aware UTC)."""

    names: tuple[str, ...]
    issuer: str
    starts_at: datetime
    expires_at: datetime


async def addresses_of(host: str, limits: ClientLimits) -> tuple[str, ...]:
    """Return the addresses of a host that may be called.

    Raises `TransientError` where the name leads nowhere, and `PartnerError` where it leads
    into a private network.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as trouble:
        reason = getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__
        raise TransientError("protocols:name_unknown", host=host, reason=reason) from trouble
    known = [str(sockaddr[0]) for *_, sockaddr in found]
    permitted = [one for one in dict.fromkeys(known) if _is_permitted(one, limits)]
    if not permitted:
        raise PartnerError("protocols:address_private", host=host)
    return tuple(permitted[:ADDRESSES_MAX])


async def certificate_of(
    host: str, port: int, limits: ClientLimits, addresses: Sequence[str] = ()
) -> Certificate:
    """Return the certificate with which a host proves itself.

    Raises `PartnerError` saying what is wrong with it, and `TransientError` where nobody
    answers.
    """
    address = (addresses or await addresses_of(host, limits))[0]
    shown = await _shown(address, host, port)
    facts = {"host": host, "port": port, "names": ", ".join(shown.names) or "-"}
    facts |= {"issuer": shown.issuer, "until": f"{shown.expires_at:%Y-%m-%d %H:%M} UTC"}
    facts |= {"since": f"{shown.starts_at:%Y-%m-%d %H:%M} UTC"}
    try:
        await _greet(address, host, port, ssl.create_default_context())
    except ssl.SSLCertVerificationError as refused:
        key = _REASONS.get(refused.verify_code, "certificate_refused")
        reason = refused.verify_message or str(refused)
        raise PartnerError(f"protocols:{key}", reason=reason, **facts) from refused
    return shown


def read_certificate(raw: bytes) -> Certificate:
    """Return what a certificate says; ``raw`` is DER, or PEM whose first entry counts.

    Raises `ValueError` where it is none.
    """
    is_pem = raw.lstrip().startswith(b"-----")
    read = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
    found = read(raw)
    return Certificate(
        _names(found)[:NAMES_MAX],
        found.issuer.rfc4514_string()[:200],
        found.not_valid_before_utc.astimezone(UTC),
        found.not_valid_after_utc.astimezone(UTC),
    )


async def _shown(address: str, host: str, port: int) -> Certificate:
    """Return whatever certificate is shown, good or bad: only to say what it is."""
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    raw = await _greet(address, host, port, blind)
    try:
        return read_certificate(raw)
    except ValueError as trouble:
        raise PartnerError(
            "protocols:tls_failed", host=host, port=port, reason=trouble
        ) from trouble


async def _greet(address: str, host: str, port: int, context: ssl.SSLContext) -> bytes:
    """Shake hands and return the certificate that was shown, as DER."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host
            )
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as trouble:
        raise PartnerError(
            "protocols:tls_failed", host=host, port=port, reason=trouble.reason or trouble
        ) from trouble
    except (OSError, TimeoutError) as trouble:
        reason = getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__
        raise TransientError(
            "protocols:nobody_listens", host=host, port=port, address=address, reason=reason
        ) from trouble
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return shown or b""


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = found.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        ).value
    except x509.ExtensionNotFound:
        return ()
    if not isinstance(extension, x509.SubjectAlternativeName):
        return ()
    numbers = extension.get_values_for_type(x509.IPAddress)
    return (*extension.get_values_for_type(x509.DNSName), *map(str, numbers))


def _is_permitted(address: str, limits: ClientLimits) -> bool:
    # A link-local address of IPv6 names its interface after a percent sign.
    known = ipaddress.ip_address(address.partition("%")[0])
    return limits.allow_private_networks or is_public(known)
