"""Certificates for tests, good and bad, and a host on loopback that shows one."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate with its private key, both as PEM."""

    certificate: bytes
    key: bytes

    def written(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both into files of their own and return these; the key is for us alone."""
        pair = folder / f"{name}.pem", folder / f"{name}-key.pem"
        for file, content in zip(pair, (self.certificate, self.key), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)
        return pair


class CertificateAuthority:
    """Signs certificates; whoever trusts its own certificate believes them."""

    def __init__(self, name: str = "Test Authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = dt.datetime.now(dt.UTC)
        self.certificate = _pem(
            _builder(self._name, self._name, self._key.public_key(), now - DAY, now + 90 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, host: str, *, since_days: int = -1, until_days: int = 60) -> Signed:
        """Return a certificate for one host name."""
        return _issued(host, self._name, self._key, since_days, until_days)


def self_signed(host: str) -> Signed:
    """Return a certificate that vouches for itself."""
    return _issued(host, None, None, -1, 60)


@dataclass
class Host:
    """A host on loopback: documents by path, its own idea of the time, and a certificate."""

    documents: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    port: int = 0
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def host_with(host: Host, proof: tuple[Path, Path] | None = None) -> Iterator[Host]:
    """Serve a host's documents until the end, over TLS where there is a ``proof``."""

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.asked.append((self.path, dict(self.headers)))
            status, body = host.documents.get(self.path, (404, b""))
            self.send_response_only(status)
            self.send_header("Date", f"{host.clock():%a, %d %b %Y %H:%M:%S GMT}")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's spelling

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", host.port), Answering)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if proof:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*proof)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def _issued(
    host: str,
    issuer: x509.Name | None,
    signer: ec.EllipticCurvePrivateKey | None,
    since_days: int,
    until_days: int,
) -> Signed:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = _named(host)
    builder = _builder(
        name, issuer or name, key.public_key(), now + since_days * DAY, now + until_days * DAY
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return Signed(
        _pem(builder.sign(signer or key, hashes.SHA256())),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    since: dt.datetime,
    until: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
