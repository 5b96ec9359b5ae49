"""What must come of the demo: counted from the plant's own tables, never written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from deploy.demo.plant.build import Built, Child, built
from deploy.demo.plant.expected import Expected
from deploy.demo.plant.parts import footprints

UNREADABLE = ("number of cells", "malformed payload")


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: what was counted, and what it must be."""

    key: str
    actual: object
    expected: object

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.actual == self.expected


@dataclass(frozen=True, slots=True)
class Below:
    """What lies under some parts, they included: places in the trees, twins, aspects."""

    places: int
    twins: int
    aspects: int


def records(expected: Expected, structure_file: str) -> int:
    """Return how many records the rows make: a bill of materials is one of many rows."""
    rows = sum(count for file, count in expected.rows.items() if file != structure_file)
    unread = sum(expected.quarantined[cause] for cause in UNREADABLE)
    return rows - unread + len([item for item in built() if item.children])


def below(roots: Iterable[Built]) -> Below:
    """Return what a partner collects that asks for these parts."""
    places = [place for root in roots for place in _places(root)]
    instances = set(places)
    types = {part for part, _, _ in instances}
    stated = {footprint.part for footprint in footprints()}
    serials = sum(bool(serial) for _, serial, _ in instances)
    # A serial part has a bill of materials too, a batch none; a part type may have a footprint.
    aspects = len(instances) + serials + len(types) + len(types & stated)
    return Below(len(places), len(instances) + len(types), aspects)


def kg_co2e(part: str) -> Decimal:
    """Return the footprint of one piece of a part."""
    return next(f.excluding_uptake for f in footprints() if f.part == part)


def of_parts(parts: Iterable[str]) -> list[Built]:
    """Return everything that was built of some parts, in the order of building."""
    wanted = set(parts)
    return [item for item in built() if item.part in wanted]


def _places(item: Built) -> Iterator[tuple[str, str, str]]:
    known = {(one.part, one.serial): one for one in built()}
    waiting: list[Built | Child] = [item]
    while waiting:
        one = waiting.pop()
        lot = one.lot if isinstance(one, Child) else ""
        yield one.part, one.serial, lot
        waiting += known[one.part, one.serial].children if one.serial else ()
