"""Our own credentials, one folder of files: read, chosen, kept, reported on."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
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

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_\-]{1,100}")
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

    def of_ids(
        self,
        ids: frozenset[str],
        granted_ids: frozenset[str],
        granted_types: frozenset[str],
        now: datetime,
    ) -> tuple[str, ...]:
        """Return the JWTs with these ids that are within their dates, as far as access goes."""
        return tuple(
            one.text
            for one in self.held(now)
            if one.credential.identifier in ids
            and _in_force(one.credential, now)
            and (
                one.credential.identifier in granted_ids or granted_types & {*one.credential.types}
            )
        )

    def keep(self, kind: str, issuer: Did, text: str) -> Path:
        """Write a checked credential to a file of its own, for us alone; it counts at once.

        A newer one of the same type and issuer takes the place of the older; a file that the
        operator put there is left alone. Raises `SetupError` when it cannot be written, and
        `PartnerError` when its type cannot be the name of a file.
        """
        if not _PLAIN_NAME.fullmatch(kind):
            raise PartnerError("connector.protocols.dcp:type_not_plain", who=issuer, type=kind)
        mark = sha256(issuer.encode()).hexdigest()[:12]
        file = self._folder / f"{kind}.{mark}.jwt"
        try:
            write_whole(file, text)
        except OSError as trouble:
            raise SetupError(
                "connector.protocols.dcp:credential_not_written",
                file=file,
                reason=trouble.strerror,
            ) from trouble
        self._looked_at = None
        return file

    def expiries(self, types: Iterable[str], now: datetime) -> Mapping[str, datetime]:
        """Return until when we can prove each type, aware UTC; a missing type is left out.

        Raises `SetupError` when the folder cannot be read.
        """
        last = _last_expiries(self.held(now))
        return {kind: last[kind] for kind in types if kind in last}

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
    if credential.jwt.claims.vc is None:
        # Our presentations are of version 1.1, and must not hold what is of another.
        raise PartnerError("connector.protocols.dcp:credential_of_version", who=holder)
    return HeldCredential(file, credential, text)


def write_whole(file: Path, text: str) -> None:
    """Write a file for us alone that is there whole or not at all, also after a power cut.

    Raises `OSError`.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _last_expiries(held: Iterable[HeldCredential]) -> dict[str, datetime]:
    dated = [(kind, c.credential.expires_at()) for c in held for kind in c.credential.types]
    # The last one of a type that is written into the mapping is the latest.
    return dict(sorted(dated, key=lambda pair: pair[1]))


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
