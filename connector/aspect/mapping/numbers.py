"""Text read as an exact number, and a number written as JSON without noise.

A number stays decimal until it is written, so that 0.1 is 0.1 and 2,50 is 2.5 whatever the
arithmetic between. Signs between thousands are accepted only where the mapping names them:
``1.234`` means a thousand in one plant and a bit over one in the next.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from connector.aspect.mapping.definition import Number
from connector.aspect.mapping.words import shortened, text_of
from connector.errors import DataError

TEXT_CHARACTERS_MAX = 64
KEPT_NUMBERS_MAX = 4096


class Doubtful(NamedTuple):
    """A value that is taken, and the warning that goes with it."""

    value: object
    code: str
    params: dict[str, object]


def decimal_reader(number: Number) -> Callable[[object], Decimal]:
    """Return the function that reads a cell as `Decimal`; JSON numbers are taken as such.

    It raises `DataError` for what is no number in this notation.
    """
    pattern = _pattern(number)

    @lru_cache(KEPT_NUMBERS_MAX)
    def from_text(text: str) -> Decimal:
        bare = text.strip()
        if len(bare) > TEXT_CHARACTERS_MAX or not pattern.fullmatch(bare):
            raise DataError(
                "aspect:cell_not_number", value=shortened(text), decimal=number.decimal
            )
        if number.thousands:
            bare = bare.replace(number.thousands, "")
        return Decimal(bare.replace(number.decimal, "."))

    def read(cell: object) -> Decimal:
        if isinstance(cell, str):
            return from_text(cell)
        return _from_json(cell, number.decimal)

    return read


def number_to_json(value: Decimal) -> int | float | Doubtful:
    """Return the JSON number: whole where it is whole, else the nearest double.

    A number with more digits than a double holds comes back as `Doubtful`; one beyond its
    range raises `DataError`.
    """
    nearest = float(value)
    if math.isinf(nearest):
        raise DataError("aspect:cell_number_too_large", value=shortened(value))
    if value == value.to_integral_value():
        return int(value)
    if Decimal(repr(nearest)) == value:
        return nearest
    params: dict[str, object] = {"value": shortened(value), "taken": repr(nearest)}
    return Doubtful(nearest, "aspect:cell_number_rounded", params)


def nearest_to_json(value: Decimal) -> int | float:
    """Return the JSON number of a computed value, for which rounding is no surprise."""
    written = number_to_json(value)
    if isinstance(written, Doubtful):
        return float(value)
    return written


def whole_to_json(value: Decimal) -> int:
    """Return a whole number, or raise `DataError` where it has a fraction."""
    written = number_to_json(value)
    if isinstance(written, int):
        return written
    raise DataError("aspect:cell_not_whole", value=shortened(value))


def _pattern(number: Number) -> re.Pattern[str]:
    point = re.escape(number.decimal)
    whole = r"[0-9]+"
    if number.thousands:
        whole = rf"(?:[0-9]{{1,3}}(?:{re.escape(number.thousands)}[0-9]{{3}})+|[0-9]+)"
    return re.compile(rf"[+-]?{whole}(?:{point}[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?")


def _from_json(cell: object, decimal: str) -> Decimal:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return Decimal(cell)
    if isinstance(cell, float) and math.isfinite(cell):
        return Decimal(repr(cell))
    if isinstance(cell, Decimal) and cell.is_finite():
        return cell
    value = text_of(cell) if isinstance(cell, str) else shortened(cell)
    raise DataError("aspect:cell_not_number", value=value, decimal=decimal)
