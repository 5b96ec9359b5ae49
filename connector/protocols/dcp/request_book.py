"""Our requests for credentials, in one file beside them, so that they survive a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from connector.errors import DataError, Finding, SetupError
from connector.identifiers import Did
from connector.protocols.dcp.wallet import write_whole

BOOK_NAME = "requests.json"
BOOK_BYTES_MAX = 1024 * 1024
# The newest are kept; of those that wait for their issuer there may be no more than this.
REQUESTS_MAX = 100
OPEN_MAX = 20


class RequestState(StrEnum):
    """How a request stands: under way, accepted by the issuer, or ended in one of three ways."""

    ASKING = "asking"
    WAITING = "waiting"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    FAILED = "failed"


OPEN_STATES = frozenset({RequestState.ASKING, RequestState.WAITING})


@dataclass(frozen=True, slots=True)
class Request:
    """What we asked of whom, under which number (``holderPid``), and what became of it.

    ``status_url`` is where the issuer says how it stands, ``code`` and ``params`` are the
    text of why it ended without credentials. Dates are aware UTC.
    """

    number: str
    issuer: Did
    types: tuple[str, ...]
    asked_at: datetime
    state: RequestState = RequestState.ASKING
    status_url: str = ""
    code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether its issuer may still deliver."""
        return self.state in OPEN_STATES

    def finding(self) -> Finding | None:
        """Return why it ended without credentials; none unless it did."""
        return Finding(self.code, self.params) if self.code else None


class RequestBook:
    """The requests of one wallet, newest last; it is read when it is first needed.

    Each method raises `SetupError` when the file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / BOOK_NAME
        self._read_once: dict[str, Request] | None = None

    def of(self, number: str) -> Request:
        """Return a request; raises `DataError` for a number that is not known."""
        found = self.find(number)
        if found is None:
            raise DataError("connector.protocols.dcp:request_unknown", number=number)
        return found

    def find(self, number: str) -> Request | None:
        """Return a request, if there is one with this number."""
        return self._requests().get(number)

    def all(self) -> tuple[Request, ...]:
        """Return every request, in the order in which they were made."""
        return tuple(self._requests().values())

    def open(self) -> tuple[Request, ...]:
        """Return those whose issuer may still deliver."""
        return tuple(one for one in self.all() if one.is_open)

    def note(self, request: Request) -> None:
        """Keep a new request; raises `SetupError` also when too many are open."""
        if len(self.open()) >= OPEN_MAX:
            raise SetupError("connector.protocols.dcp:requests_open", limit=OPEN_MAX)
        kept = [*self.all(), request]
        ended = [one.number for one in kept if not one.is_open]
        dropped = set(ended[: max(0, len(kept) - REQUESTS_MAX)])
        self._keep({one.number: one for one in kept if one.number not in dropped})

    def change(self, number: str, state: RequestState, **facts: object) -> None:
        """Move an open request on; one that has ended, or that nobody knows, stays as it is."""
        found = self.find(number)
        if found is not None and found.is_open:
            changed = replace(found, state=state, **facts)  # type: ignore[arg-type]
            self._keep({**self._requests(), number: changed})

    def _keep(self, requests: dict[str, Request]) -> None:
        try:
            written = msgspec.json.encode(list(requests.values()), enc_hook=str)
            write_whole(self._file, written.decode())
        except OSError as trouble:
            raise _setup_error("requests_not_written", self._file, trouble.strerror) from trouble
        self._read_once = requests

    def _requests(self) -> dict[str, Request]:
        if self._read_once is None:
            self._read_once = {one.number: one for one in self._read()}
        return self._read_once

    def _read(self) -> list[Request]:
        try:
            with self._file.open("rb") as file:
                raw = file.read(BOOK_BYTES_MAX)
            return msgspec.json.decode(raw, type=list[Request], dec_hook=_parsed)
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError, DataError) as trouble:
            raise _setup_error("requests_unreadable", self._file, trouble) from trouble


def _parsed(kind: type[Did], value: str) -> Did:
    return kind.parse(value)


def _setup_error(key: str, file: Path, reason: object) -> SetupError:
    return SetupError(f"connector.protocols.dcp:{key}", file=file, reason=str(reason))
