"""Payload files as they are read and written without losing a digit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from connector.aspect.exact_numbers import parse_json
from connector.errors import DataError

_BYTES_MAX = 256 * 1024 * 1024
_INTEGERS_END = 2**63
_JSON = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def read_payload(file: Path) -> object:
    """Return the JSON of a file, every digit of its numbers kept.

    Raises:
        DataError: the file cannot be read, or is no JSON.

    """
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise DataError("cli:payload_too_large", file=file, bytes_max=_BYTES_MAX)
        payload = parse_json(file.read_text(encoding="utf-8-sig"))
        _encoded(payload)  # refuses half a character, which JSON can write and nothing can take
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("cli:payload_unreadable", file=file, reason=error) from error
    return payload


def as_floats(payload: object) -> object:
    """Return a payload as a validator takes it: decimals as the floats next to them."""
    return _changed(payload, lambda leaf: float(leaf) if isinstance(leaf, Decimal) else leaf)


def show_exactly(value: object) -> None:
    """Print a value as indented JSON, every digit of its numbers kept."""
    click.echo(msgspec.json.format(_encoded(value), indent=2).decode())


def _encoded(value: object) -> bytes:
    return _JSON.encode(_changed(value, _writable))


def _writable(leaf: object) -> object:
    """Return what the encoder takes: whole numbers of more than 64 bits as decimals."""
    return Decimal(leaf) if isinstance(leaf, int) and abs(leaf) >= _INTEGERS_END else leaf


def _changed(value: object, change: Callable[[object], object]) -> object:
    if isinstance(value, Mapping):
        return {key: _changed(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return change(value)
