"""What left the line: every serial number with the children built into it.

An assembly takes the next serial of each serialised child, so that every part is built
once; material comes from the plant's lots in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.demo.plant.parts import BUILT, RECIPES, SERIAL_PREFIXES, lots

FIRST_BUILT = datetime(2026, 11, 17, 6, 12, 30)  # noqa: DTZ001 - the line's clock is local
CYCLE = timedelta(minutes=9, seconds=20)


@dataclass(frozen=True, slots=True)
class Child:
    """A part built into another: its serial number, or the lot that it came from."""

    part: str
    serial: str
    lot: str
    quantity: str
    unit: str


@dataclass(frozen=True, slots=True)
class Built:
    """One serialised part as it left the line; ``at`` is local time without zone."""

    part: str
    serial: str
    at: datetime
    children: tuple[Child, ...]


class Line:
    """The assembly line: counts serial numbers and lots, and keeps the clock."""

    def __init__(self) -> None:
        self._serials: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._at = FIRST_BUILT

    def build(self, part: str) -> Iterator[Built]:
        """Yield the part's serialised children in the order of building, then the part."""
        children: list[Child] = []
        for line in RECIPES[part]:
            if line.child in SERIAL_PREFIXES:
                *below, child = self.build(line.child)
                yield from below
                yield child
                children.append(Child(child.part, child.serial, "", line.quantity, line.unit))
            else:
                lot = self._lot(line.child)
                children.append(Child(line.child, "", lot, line.quantity, line.unit))
        self._at += CYCLE
        yield Built(part, self._serial(part), self._at, tuple(children))

    def _serial(self, part: str) -> str:
        self._serials[part] += 1
        return f"{SERIAL_PREFIXES[part]}{self._serials[part]:06d}"

    def _lot(self, part: str) -> str:
        numbers = [lot.number for lot in lots() if lot.part == part]
        self._taken[part] += 1
        return numbers[self._taken[part] % len(numbers)]


def built() -> list[Built]:
    """Return all that the plant built, children before parents."""
    line = Line()
    return [
        item for part, count in BUILT.items() for _ in range(count) for item in line.build(part)
    ]
