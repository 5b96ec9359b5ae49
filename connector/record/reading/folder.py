"""A drop folder: which of its files may be read, and where they go when they were.

A file is taken only when nobody writes to it any more, it is known by name and content,
and its fate is visible: in the done folder, in the failed folder, or left in its place.
Nothing is ever overwritten.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from pathlib import Path

import structlog

from connector.errors import Finding, Location, SetupError, TransientError
from connector.record.model import Batch, Document, Request
from connector.record.reading.survey import Survey, fingerprint_of, survey


class Fate(StrEnum):
    """What becomes of a file that was read."""

    MOVE = "move"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it stood in the folder at one moment; another content is another sighting."""

    path: Path
    name: str
    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path, folder: Path) -> Sighting | None:
        """Look at a file; None where it is gone, or no file."""
        try:
            seen = path.stat()
        except OSError:
            return None
        name = _shown(path.relative_to(folder))
        return cls(path, name, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)

    def again(self) -> bool:
        """Whether the file still is what it was; renaming it changes nothing but its time."""
        try:
            seen = self.path.stat()
        except OSError:
            return False
        now = (seen.st_size, seen.st_mtime_ns, seen.st_ino)
        return now == (self.size, self.modified_ns, self.inode)


@dataclass(frozen=True, slots=True)
class Found:
    """A stable file with what one pass over it told, or why it cannot be opened."""

    sighting: Sighting
    survey: Survey | None
    refusal: Finding | None = None

    @property
    def fingerprint(self) -> str:
        """Name and content; of a file that cannot be opened, name and looks."""
        if self.survey:
            return self.survey.fingerprint
        seen = self.sighting
        return fingerprint_of(seen.name, f"{seen.size} {seen.modified_ns}".encode())

    def document(self, header: tuple[str, ...]) -> Document:
        """Return the file as the document that its rows come from."""
        return Document(self.sighting.name, self.fingerprint, header)

    def refused(self, finding: Finding) -> Batch:
        """Return the one batch of a file that cannot be read as a whole."""
        return Batch(self.document(()), (), (), 0, True, failure=finding, token=self.sighting)  # noqa: FBT003


@dataclass(slots=True)
class _Memory:
    """What earlier looks at the folder saw, so that no file is hashed twice in vain."""

    first_seen: dict[Path, tuple[Sighting, float]] = field(default_factory=dict)
    surveys: dict[Path, tuple[Sighting, Survey]] = field(default_factory=dict)
    refusals: dict[Path, tuple[Sighting, Finding | None]] = field(default_factory=dict)

    def keep_only(self, paths: set[Path]) -> None:
        """Forget files that have left the folder."""
        for gone in self.first_seen.keys() - paths:
            del self.first_seen[gone]
            self.surveys.pop(gone, None)
            self.refusals.pop(gone, None)


@dataclass(frozen=True, slots=True)
class DropFolder(ABC):
    """Settings and behaviour of every adapter that reads files from a folder."""

    folder: Path
    """The folder that the source system writes its files into."""

    pattern: str = "*"
    """Which files of the folder are taken, such as ``*.csv`` or ``lotes_*.csv``."""

    stable_seconds: float = 2.0
    """How long a file must have stayed the same before it is taken, in seconds."""

    done: Fate = Fate.MOVE
    """``move`` a file that was read, or ``leave`` it where it is."""

    done_folder: Path = Path("done")
    """Where files go that were read; a relative path is meant within ``folder``."""

    failed_folder: Path = Path("failed")
    """Where files go that could not be read as a whole; relative within ``folder``."""

    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def check(self) -> None:
        """Raise `SetupError` where the folder or a setting cannot work."""
        if trouble := self._trouble():
            raise SetupError(trouble, folder=self.folder)
        if self.done is Fate.MOVE and not _may(self.folder, os.W_OK):
            raise SetupError("connector.record.reading:folder_read_only", folder=self.folder)
        self.check_format()

    def read(self, request: Request) -> Iterator[Batch]:
        """Yield the rows of every stable file that the checkpoint does not know, oldest first.

        Raises `TransientError` where the folder or one of its files cannot be reached.
        """
        if trouble := self._trouble():
            raise TransientError(trouble, folder=self.folder)
        for sighting in self._stable():
            if found := self._look_into(sighting):
                yield from self._read_file(found, request)

    def acknowledge(self, batch: Batch, *, failed: bool) -> None:
        """Put a file away when its last batch is durable."""
        if batch.ends and isinstance(batch.token, Sighting):
            self._put_away(batch.token, failed=failed or batch.failure is not None)

    def close(self) -> None:
        """Forget what the folder looked like; files are closed as soon as they are read."""
        self._memory.keep_only(set())

    @property
    @abstractmethod
    def text_encoding(self) -> str:
        """The encoding that every file is checked against."""

    @abstractmethod
    def check_format(self) -> None:
        """Raise `SetupError` where a setting of the file format cannot work."""

    @abstractmethod
    def refusal(self, found: Found, request: Request) -> Finding | None:
        """Say why a file cannot be read as a whole, if so, without reading its rows."""

    @abstractmethod
    def batches(self, found: Found, request: Request) -> Iterator[Batch]:
        """Yield the rows of a file that was not refused, from where the checkpoint says."""

    def _read_file(self, found: Found, request: Request) -> Iterator[Batch]:
        known = request.checkpoint
        if found.fingerprint in known.done:
            # Durable before the last stop, but not put away; or dropped a second time.
            self._put_away(found.sighting, failed=False)
            return
        refusal = found.refusal or self._refusal(found, request)
        if refusal and found.fingerprint in known.failed:
            self._put_away(found.sighting, failed=True)
        elif refusal:
            yield found.refused(refusal)
        else:
            yield from self._guarded(found, request)

    def _refusal(self, found: Found, request: Request) -> Finding | None:
        """Judge a file once for as long as it lies there: counting its rows takes time."""
        path = found.sighting.path
        before, known = self._memory.refusals.get(path, (None, None))
        if before == found.sighting:
            return known
        refusal = self.refusal(found, request)
        self._memory.refusals[path] = (found.sighting, refusal)
        return refusal

    def _guarded(self, found: Found, request: Request) -> Iterator[Batch]:
        try:
            for batch in self.batches(found, request):
                if not found.sighting.again():
                    raise TransientError(
                        "connector.record.reading:file_changed", file=found.sighting.name
                    )
                yield batch
        except UnicodeDecodeError as error:
            # The survey has decoded all of it: it is another file by now.
            raise TransientError(
                "connector.record.reading:file_changed", file=found.sighting.name
            ) from error
        except OSError as error:
            raise _lost(found.sighting, error) from error

    def _trouble(self) -> str:
        if not self.folder.is_dir():
            return "connector.record.reading:folder_missing"
        if not _may(self.folder, os.R_OK | os.X_OK):
            return "connector.record.reading:folder_unreadable"
        return ""

    def _stable(self) -> list[Sighting]:
        """Return the files that nobody writes to any more, oldest first.

        A copy may keep the old time of its origin, so the time that the system sets counts
        too; a clock that differs from the file server's is met by watching the file.
        """
        seen = list(self._sightings())
        self._memory.keep_only({sighting.path for sighting in seen})
        now, tick = time.time(), time.monotonic()
        stable = [sighting for sighting in seen if self._is_stable(sighting, now, tick)]
        return sorted(stable, key=lambda sighting: (sighting.modified_ns, sighting.name))

    def _is_stable(self, sighting: Sighting, now: float, tick: float) -> bool:
        before, since = self._memory.first_seen.get(sighting.path, (None, tick))
        if before != sighting:
            since = tick
            self._memory.first_seen[sighting.path] = (sighting, tick)
        touched = max(sighting.modified_ns, sighting.changed_ns) / 1e9
        return max(now - touched, tick - since) >= self.stable_seconds

    def _sightings(self) -> Iterator[Sighting]:
        ours = [self.folder / self.done_folder, self.folder / self.failed_folder]
        for path in self.folder.glob(self.pattern):
            if path.is_file() and not any(path.is_relative_to(folder) for folder in ours):
                sighting = Sighting.of(path, self.folder)
                if sighting:
                    yield sighting

    def _look_into(self, sighting: Sighting) -> Found | None:
        """Survey a file, or remember how; None while it changes or when it is gone."""
        before, known = self._memory.surveys.get(sighting.path, (None, None))
        if known and before == sighting:
            return Found(sighting, known)
        try:
            surveyed = survey(sighting.path, sighting.name, self.text_encoding)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            return Found(sighting, None, _unreadable(sighting, error))
        except OSError as error:
            raise _lost(sighting, error) from error
        return self._remember(sighting, surveyed)

    def _remember(self, sighting: Sighting, surveyed: Survey) -> Found | None:
        if surveyed.size != sighting.size or not sighting.again():
            return None
        self._memory.surveys[sighting.path] = (sighting, surveyed)
        return Found(sighting, surveyed)

    def _put_away(self, sighting: Sighting, *, failed: bool) -> None:
        if self.done is Fate.LEAVE or not sighting.again():
            # Another content under this name is a new file, and is still to be read.
            return
        folder = self.folder / (self.failed_folder if failed else self.done_folder)
        log = structlog.get_logger()
        try:
            target = _move(sighting.path, folder)
        except OSError as error:
            log.warning(
                "file.stuck", file=sighting.name, folder=_shown(folder), reason=error.strerror
            )
        else:
            log.info("file.moved", file=sighting.name, to=_shown(target), failed=failed)


def _may(folder: Path, mode: int) -> bool:
    return os.access(folder, mode, effective_ids=os.access in os.supports_effective_ids)


def _shown(path: Path) -> str:
    """Return a path as text; names in another encoding than the system's show their bytes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _lost(sighting: Sighting, error: OSError) -> TransientError:
    reason = error.strerror or str(error)
    return TransientError("connector.record.reading:file_lost", file=sighting.name, reason=reason)


def _unreadable(sighting: Sighting, error: OSError) -> Finding:
    return Finding(
        "connector.record.reading:file_unreadable",
        {"file": sighting.name, "path": _shown(sighting.path), "reason": str(error.strerror)},
        Location(sighting.name),
    )


def _move(path: Path, folder: Path) -> Path:
    """Move a file into a folder under a name that is free there, and return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    target = _reserve(path, folder)
    try:
        path.replace(target)
    except OSError as error:
        target.unlink()
        if error.errno != errno.EXDEV:
            raise
        shutil.move(path, target)
    return target


def _is_left_over(target: Path, path: Path) -> bool:
    """Whether a name was claimed by a move that was killed before it: nothing is in it."""
    return target.stat().st_size == 0 < path.stat().st_size


def _reserve(path: Path, folder: Path) -> Path:
    """Claim a free name by creating it, so that two movers never take the same one."""
    for number in count(1):
        suffix = f"-{number}" if number > 1 else ""
        target = folder / f"{path.stem}{suffix}{path.suffix}"
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            if not _is_left_over(target, path):
                continue
        return target
    raise AssertionError  # count never ends
