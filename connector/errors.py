"""Errors that say what, why and fix; the class says whose move is next.

| class            | whose move        | what the loop does            | HTTP answer     |
|------------------|-------------------|-------------------------------|-----------------|
| `SetupError`     | operator          | stop at start, exit 2         | n/a             |
| `DataError`      | owner of the data | quarantine, go on             | 422             |
| `PartnerError`   | the partner       | answer, park the process      | 400 / 403 / 409 |
| `TransientError` | nobody: try again | retry, backed off and bounded | 503             |

Anything else is our bug. An error carries a code of the text catalogue and the parameters
of that text, so that it can be shown in the reader's language at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from connector.texts import Text, say


class EslabonError(Exception):
    """Parent of every error that we raise on purpose; never raised itself."""

    def __init__(self, code: str, /, **params: object) -> None:
        """Take a text code such as ``record:file_empty`` and the parameters of its text."""
        super().__init__(code, params)
        self.code = code
        self.params: Mapping[str, object] = params

    def text(self, language: str = "en") -> Text:
        """Return what, why and fix in the given language."""
        return say(self.code, language, **self.params)

    def __str__(self) -> str:
        """Render the English text, for logs and tracebacks."""
        return str(self.text())


class SetupError(EslabonError):
    """The installation is set up wrongly: the operator's move."""


class DataError(EslabonError):
    """The data is wrong: the move of whoever owns it."""


class PartnerError(EslabonError):
    """A partner sent or refused something that it should not: the partner's move."""


class TransientError(EslabonError):
    """Nobody has to act: the same attempt may succeed later."""


@dataclass(frozen=True, slots=True)
class _About:
    who: str

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, EslabonError):
            error.params = {"who": self.who, "sender": self.who, **error.params}


def about(who: str) -> AbstractContextManager[None]:
    """Add to every error raised inside whose message it is, and that it is about them.

    An error that says itself whom it is about, such as an issuer, keeps that.
    """
    return _About(who)


class Severity(StrEnum):
    """How much a finding weighs: an error keeps the record back, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a source a finding lies: file or topic, row (1-based), and column header."""

    source: str = ""
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in data or configuration, wordable in the reader's language.

    ``path`` is a JSON pointer (RFC 6901) into the payload, empty where there is none.
    """

    code: str
    params: Mapping[str, object] = field(default_factory=dict)
    where: Location = Location()
    path: str = ""
    severity: Severity = Severity.ERROR

    def text(self, language: str = "en") -> Text:
        """Return what, why and fix in the given language."""
        return say(self.code, language, **self.params)
