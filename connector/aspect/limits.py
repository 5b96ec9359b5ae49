"""The limits of the strict form that draft-04 has no keyword for, by the keyword we give them.

Each tells whether a value breaks a demand; what it does not speak of, it lets pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from connector.aspect.lexical import instant

Limit = Callable[[object, object], bool]
FRACTION_DIGITS = "x-eslabon-fraction-digits"
WHOLE_DIGITS = "x-eslabon-whole-digits"
_EARLIEST = ("formatMinimum", "formatExclusiveMinimum")
_LATEST = ("formatMaximum", "formatExclusiveMaximum")


def _is_before(bound: object, text: object, *, excluded: bool) -> bool:
    """Tell whether a date lies before a bound; what cannot be compared lies nowhere."""
    first, second = instant(str(bound)), instant(text) if isinstance(text, str) else None
    if first is None or second is None:
        return False
    return second <= first if excluded else second < first


def _is_after(bound: object, text: object, *, excluded: bool) -> bool:
    first, second = instant(str(bound)), instant(text) if isinstance(text, str) else None
    if first is None or second is None:
        return False
    return second >= first if excluded else second > first


def _has_more_decimals(most: object, number: object) -> bool:
    exact = _exact(number)
    exponent = exact.normalize().as_tuple().exponent if exact is not None else 0
    return isinstance(exponent, int) and isinstance(most, int) and -exponent > most


def _has_more_digits(most: object, number: object) -> bool:
    exact = _exact(number)
    return exact is not None and isinstance(most, int) and abs(exact) >= Decimal(10) ** most


def _exact(number: object) -> Decimal | None:
    """Return a number as it is written in JSON, None where it is none."""
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        return None
    return Decimal(str(number))


LIMITS: Mapping[str, Limit] = {
    _EARLIEST[0]: partial(_is_before, excluded=False),
    _EARLIEST[1]: partial(_is_before, excluded=True),
    _LATEST[0]: partial(_is_after, excluded=False),
    _LATEST[1]: partial(_is_after, excluded=True),
    FRACTION_DIGITS: _has_more_decimals,
    WHOLE_DIGITS: _has_more_digits,
}
