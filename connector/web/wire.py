"""How questions, answers and errors of the operator's side become JSON and come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from connector.errors import DataError, EslabonError, PartnerError, SetupError, TransientError

Value = TypeVar("Value")

STATUS_CODES: Mapping[type[EslabonError], int] = {
    DataError: 422,
    PartnerError: 409,
    SetupError: 409,
    TransientError: 503,
}
_KINDS: Mapping[str, type[EslabonError]] = {kind.__name__: kind for kind in STATUS_CODES}


def to_json(value: object) -> bytes:
    """Return a value of `connector.web.operations` as JSON."""
    return msgspec.json.encode(value, enc_hook=str)


def from_json(body: bytes, kind: type[Value]) -> Value:
    """Return the value that JSON holds; raises `DataError` where it holds another."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise DataError("web:not_understood", reason=error) from error


def error_to_json(error: EslabonError, language: str) -> bytes:
    """Return an error with its class, code, parameters and its text in one language."""
    said = error.text(language)
    return to_json(
        {
            "error": type(error).__name__,
            "code": error.code,
            "params": {key: _plain(value) for key, value in error.params.items()},
            "what": said.what,
            "why": said.why,
            "fix": said.fix,
        }
    )


def error_from_json(body: bytes) -> EslabonError:
    """Return the error that an answer carries, of its own class and wordable anew."""
    told = from_json(body, dict[str, object])
    kind = _KINDS.get(str(told.get("error")), DataError)
    params = told.get("params")
    return kind(str(told.get("code")), **(params if isinstance(params, dict) else {}))


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
