"""Keeps marks of used tokens in files, one for each minute in which tokens expire.

A file whose minute is over is removed as a whole, so nothing is ever rewritten, and what
lies on the disk is bounded by what is remembered. One use is one short append: it survives
the end of this process at any moment. What a power cut takes is what the system had not
written yet.
"""

from __future__ import annotations

import contextlib
import struct
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from connector.errors import SetupError, TransientError

MINUTE_SECONDS = 60
# Tokens live for an hour at most, so there are no more minutes in which one can expire.
OPEN_FILES_MAX = 64

_RECORD = struct.Struct("<d16s16s?")
_SUFFIX = ".used"
_NOT_KEPT = "connector.protocols.dcp:used_not_kept"


class Used(NamedTuple):
    """One used token: when it expires (seconds since 1970), its mark, and whose it is."""

    expires: float
    mark: bytes
    issuer: bytes
    by_partner: bool


class UsedFiles:
    """The files in one folder, which is this process's own."""

    def __init__(self, folder: Path) -> None:
        """Make the folder; raises `SetupError` when that cannot be."""
        self._folder = folder
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()
        self._removed_to = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as trouble:
            raise SetupError(_NOT_KEPT, **_facts(folder, trouble)) from trouble

    def read(self) -> Iterator[Used]:
        """Return all that was written; a record that was cut off is left out."""
        try:
            for minute in self._minutes():
                raw = self._file(minute).read_bytes()
                whole = raw[: len(raw) - len(raw) % _RECORD.size]
                yield from (Used(*one) for one in _RECORD.iter_unpack(whole))
        except OSError as trouble:
            raise SetupError(_NOT_KEPT, **_facts(self._folder, trouble)) from trouble

    def write(self, used: Used) -> None:
        """Append one use; raises `TransientError` when it cannot be written."""
        minute = int(used.expires // MINUTE_SECONDS)
        try:
            written = self._opened(minute).write(_RECORD.pack(*used))
        except OSError as trouble:
            raise TransientError(_NOT_KEPT, **_facts(self._folder, trouble)) from trouble
        if written != _RECORD.size:
            # Opened anew it is cut back to whole records.
            self._close(minute)
            raise TransientError(_NOT_KEPT, folder=self._folder, reason="disk full")

    def remove_before(self, now: float) -> None:
        """Remove the files of minutes that are over."""
        this = int(now // MINUTE_SECONDS)
        if this <= self._removed_to:
            return
        self._removed_to = this
        # What cannot be removed takes room, and harms nobody.
        with contextlib.suppress(OSError):
            for minute in self._minutes():
                if minute < this:
                    self._close(minute)
                    self._file(minute).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; a further use opens them again."""
        for minute in list(self._open):
            self._close(minute)

    def _close(self, minute: int) -> None:
        if (file := self._open.pop(minute, None)) is not None:
            file.close()

    def _opened(self, minute: int) -> BinaryIO:
        file = self._open.get(minute)
        if file is None:
            # Without a buffer: a use that was noted must not depend on a clean end.
            file = self._file(minute).open("ab", buffering=0)
            # A record that was cut off would shift all that is appended after it.
            file.truncate(file.tell() - file.tell() % _RECORD.size)
            self._open[minute] = file
            if len(self._open) > OPEN_FILES_MAX:
                self._open.popitem(last=False)[1].close()
        return file

    def _minutes(self) -> list[int]:
        names = [one.stem for one in self._folder.iterdir() if one.suffix == _SUFFIX]
        return sorted(int(name) for name in names if name.isdecimal())

    def _file(self, minute: int) -> Path:
        return self._folder / f"{minute}{_SUFFIX}"


def _facts(folder: Path, trouble: OSError) -> dict[str, object]:
    return {"folder": folder, "reason": trouble.strerror}
