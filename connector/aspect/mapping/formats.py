"""The ways of writing dates that a mapping may name.

A format is written with the usual ``%d/%m/%Y`` letters, of which a closed list is known;
``iso``, ``epoch_seconds`` and ``epoch_milliseconds`` name whole notations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import DataError

ISO = "iso"
EPOCHS: Mapping[str, int] = {"epoch_seconds": 1, "epoch_milliseconds": 1000}

DIRECTIVES: Mapping[str, str] = {
    "%d": r"(?P<day>[0-9]{1,2})",
    "%m": r"(?P<month>[0-9]{1,2})",
    "%b": r"(?P<name>[A-Za-z]{3,5}\.?)",
    "%Y": r"(?P<year>[0-9]{4})",
    "%y": r"(?P<short_year>[0-9]{2})",
    "%H": r"(?P<hour>[0-9]{1,2})",
    "%I": r"(?P<half_hour>[0-9]{1,2})",
    "%p": r"(?P<half>[AaPp]\.?\s?[Mm]\.?)",
    "%M": r"(?P<minute>[0-9]{1,2})",
    "%S": r"(?P<second>[0-9]{1,2})",
    "%f": r"(?P<fraction>[0-9]{1,9})",
    "%z": r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})",
}
DAY_DIRECTIVES = frozenset({"%d", "%m", "%b", "%Y", "%y"})
_PARTS_OF_A_DAY = (frozenset({"%d"}), frozenset({"%m", "%b"}), frozenset({"%Y", "%y"}))
_PIECE = re.compile(r"%.|[^%]+|%$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A way of writing dates: its pieces are directives and the literal text between."""

    text: str
    pieces: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether it is a whole notation such as ``iso``."""
        return not self.pieces

    @property
    def has_time(self) -> bool:
        """Whether it says the time of day; ``iso`` may or may not."""
        return self.text in EPOCHS or bool({"%H", "%I"} & {*self.pieces})

    @property
    def has_zone(self) -> bool:
        """Whether it always says how far from UTC it is."""
        return self.text in EPOCHS or "%z" in self.pieces

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a text in this format matches in full; one group per directive."""
        return re.compile("".join(DIRECTIVES.get(p) or re.escape(p) for p in self.pieces))


def parse_format(text: str) -> DateFormat:
    """Return the format, or raise `DataError` naming the part that is not understood."""
    if text == ISO or text in EPOCHS:
        return DateFormat(text)
    pieces = tuple(_PIECE.findall(text))
    wrong = next((p for p in pieces if p.startswith("%") and p not in DIRECTIVES), None)
    if wrong:
        known = " ".join(DIRECTIVES)
        raise DataError("aspect:mapping_date_directive", format=text, part=wrong, known=known)
    letters = [p for p in pieces if p in DIRECTIVES]
    complete = all(sum(p in part for p in letters) == 1 for part in _PARTS_OF_A_DAY)
    if not complete or len({*letters}) < len(letters):
        raise DataError("aspect:mapping_date_incomplete", format=text)
    return DateFormat(text, pieces)
