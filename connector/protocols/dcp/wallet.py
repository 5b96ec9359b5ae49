"""Our own credentials, as the operator puts them into a folder: read, chosen, reported on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from connector.errors import Finding, PartnerError, SetupError, Severity
from connector.identifiers import Did
from connector.protocols.dcp.credentials import (
    CREDENTIAL_BYTES_MAX,
    IssuedCredential,
    read_credential,
)

FILES_MAX = 200
LOOKED_AGAIN_AFTER = timedelta(seconds=5)
EXPIRY_WARNED_BEFORE = timedelta(days=28)

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """One credential of ours: where it lies, what it says, and the token to present."""

    file: Path
    credential: IssuedCredential
    text: str


class Wallet:
    """The credentials of one folder; a file that is added or replaced counts within seconds.

    Nothing is fetched to read them: whether an issuer is trusted is the verifier's question.
    """

    def __init__(self, folder: Path, holder: Did) -> None:
        self._folder = folder
        self._holder = holder
        self._held: tuple[HeldCredential, ...] = ()
        self._findings: tuple[Finding, ...] = ()
        self._stamp: _Stamp = ()
        self._looked_at: datetime | None = None

    def held(self, now: datetime) -> tuple[HeldCredential, ...]:
        """Return our credentials, in the order of their file names.

        Raises `SetupError` when the folder cannot be read.
        """
        self._look(now)
        return self._held

    def presentable(self, types: Iterable[str], now: datetime) -> tuple[str, ...]:
        """Return the JWTs of these types that are within their dates, one per type.

        Of several of one type the one that lasts longest is chosen.
        """
        held = sorted(self.held(now), key=lambda one: one.credential.expires_at(), reverse=True)
        valid = [one for one in held if _in_force(one.credential, now)]
        chosen = (_first_of(kind, valid) for kind in types)
        return tuple(dict.fromkeys(one.text for one in chosen if one is not None))

    def findings(self, types: Iterable[str], now: datetime) -> tuple[Finding, ...]:
        """Return what is wrong with our credentials, and warnings weeks before they expire."""
        held = sorted(self.held(now), key=lambda one: one.credential.expires_at(), reverse=True)
        by_type = ((kind, _first_of(kind, held)) for kind in types)
        found = (self._finding(kind, one, now) for kind, one in by_type)
        return (*self._findings, *(one for one in found if one is not None))

    def _finding(self, kind: str, one: HeldCredential | None, now: datetime) -> Finding | None:
        if one is None:
            return _finding("credential_missing", type=kind, folder=self._folder)
        expires = one.credential.expires_at()
        facts = {"type": kind, "file": one.file, "date": f"{expires:%Y-%m-%d}"}
        if expires <= now:
            return _finding("credential_expired", **facts)
        if expires - now < EXPIRY_WARNED_BEFORE:
            warned = _finding("credential_expires_soon", days=(expires - now).days, **facts)
            return Finding(warned.code, warned.params, severity=Severity.WARNING)
        return None

    def _look(self, now: datetime) -> None:
        if self._looked_at is not None and now - self._looked_at < LOOKED_AGAIN_AFTER:
            return
        self._looked_at = now
        try:
            files = sorted(one for one in self._folder.iterdir() if one.suffix == ".jwt")
            stamp = tuple(_stamp(file) for file in files[:FILES_MAX])
        except OSError as trouble:
            raise SetupError(
                "connector.protocols.dcp:credentials_unreadable",
                folder=self._folder,
                reason=trouble.strerror,
            ) from trouble
        if stamp != self._stamp:
            self._stamp = stamp
            self._read(files[:FILES_MAX])

    def _read(self, files: Sequence[Path]) -> None:
        held: list[HeldCredential] = []
        findings: list[Finding] = []
        for file in files:
            try:
                held.append(_held(file, self._holder))
            except (OSError, UnicodeDecodeError, PartnerError) as trouble:
                findings.append(
                    _finding("credential_unusable", file=file, reason=_sentence(trouble))
                )
        self._held, self._findings = tuple(held), tuple(findings)
        log = structlog.get_logger()
        log.info("credentials.loaded", folder=str(self._folder), count=len(held))
        for one in findings:
            log.warning("credential.refused", **one.params)


def _held(file: Path, holder: Did) -> HeldCredential:
    with file.open("rb") as opened:
        text = opened.read(CREDENTIAL_BYTES_MAX + 1).decode().strip()
    credential = read_credential(text, who=holder)
    if {subject.get("id") for subject in credential.subjects} != {holder}:
        kind = ", ".join(credential.types)
        raise PartnerError("connector.protocols.dcp:credential_of_other", who=holder, type=kind)
    return HeldCredential(file, credential, text)


def _in_force(credential: IssuedCredential, now: datetime) -> bool:
    return credential.starts_at() <= now < credential.expires_at()


def _first_of(kind: str, held: Iterable[HeldCredential]) -> HeldCredential | None:
    return next((one for one in held if kind in one.credential.types), None)


def _stamp(file: Path) -> tuple[str, int, int]:
    facts = file.stat()
    return file.name, facts.st_mtime_ns, facts.st_size


def _sentence(trouble: Exception) -> str:
    return trouble.text().what if isinstance(trouble, PartnerError) else str(trouble)


def _finding(key: str, **params: object) -> Finding:
    return Finding(f"connector.protocols.dcp:{key}", params)
