"""JSON numbers without rounding: as floats where these hold every digit, else as decimals."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import TypeGuard

Number = int | float | Decimal

_DIGITS_MAX = 1000


def exact(value: Number) -> Decimal:
    """Return what a number says in writing: 0.1 is a tenth, not the float next to it."""
    return Decimal(value) if isinstance(value, int) else Decimal(str(value))


def product(one: Number, other: Number) -> Number:
    """Return a product with all of its digits, up to a thousand."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    with localcontext(prec=_DIGITS_MAX):
        return nearest(exact(one) * exact(other))


def is_number(value: object) -> TypeGuard[Number]:
    """Tell whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def nearest(value: Decimal) -> float | Decimal:
    """Return a float where its shortest writing says the same, else the decimal itself."""
    near = float(value)
    return near if Decimal(repr(near)) == value else value


def parse_json(text: str) -> object:
    """Return a JSON document with every digit of its numbers.

    Raises:
        ValueError: it is no JSON; ``NaN`` and ``Infinity`` are none either.

    """
    return json.loads(
        text, parse_float=lambda number: nearest(Decimal(number)), parse_constant=_refuse
    )


def _refuse(name: str) -> object:
    raise ValueError(name)
