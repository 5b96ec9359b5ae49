"""Private keys as PEM: written once for their owner alone, read at start."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connector.errors import SetupError
from connector.identifiers import Did
from connector.protocols.dcp.keys import SigningKey, signing_key

KEY_FILE_BYTES_MAX = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def new_key_pem() -> bytes:
    """Return a new P-256 private key as PEM (PKCS #8), not encrypted."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def generate_key_file(path: Path) -> None:
    """Write a new P-256 private key as PEM (PKCS #8), readable by its owner only.

    An existing file is never overwritten: raises `SetupError`.
    """
    pem = new_key_pem()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as trouble:
        raise _setup_error("key_not_written", path, reason=trouble.strerror) from trouble
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def load_key_file(path: Path, did: Did) -> SigningKey:
    """Read our key; its ``kid`` is the DID and the key's thumbprint (RFC 7638).

    Raises `SetupError` when the file is missing, readable by others, or no key that we sign
    with.
    """
    return read_key(_private_bytes(path), did, source=str(path))


def read_key(pem: bytes, did: Did, *, source: str) -> SigningKey:
    """Return the key of a PEM text that came from ``source``, which errors name.

    Raises `SetupError` when it is no key that we sign with, or has a password.
    """
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as trouble:
        raise _setup_error("key_malformed", source) from trouble
    try:
        return signing_key(private, did)
    except ValueError:
        raise _setup_error("key_of_wrong_kind", source) from None


def _private_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise _setup_error("key_readable_by_others", path)
            return file.read(KEY_FILE_BYTES_MAX)
    except OSError as trouble:
        raise _setup_error("key_unreadable", path, reason=trouble.strerror) from trouble


def _setup_error(key: str, path: Path | str, **params: object) -> SetupError:
    return SetupError(f"connector.protocols.dcp:{key}", path=path, **params)
