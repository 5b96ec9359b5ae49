"""What changed between two versions of a model, told as a guide for whoever has to follow.

Compared is what a payload shows: names, where they stand, what they demand. A change breaks
where a payload of the old version would be refused by the new one, or would lose what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz

from connector.aspect.outline import entity_of, limits_of
from connector.aspect.semantics import (
    AspectModel,
    Characteristic,
    Constraint,
    ConstraintKind,
    Kind,
    Property,
    payload_properties,
)

_ALIKE_MIN = 60.0
_Values = tuple[str, ...]


class Change(StrEnum):
    """What happened to one property."""

    ADDED_REQUIRED = "added_required"
    ADDED_OPTIONAL = "added_optional"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    NOW_REQUIRED = "now_required"
    NOW_OPTIONAL = "now_optional"
    TYPE = "type"
    VALUES_REMOVED = "values_removed"
    VALUES_ADDED = "values_added"
    PATTERN = "pattern"
    LIMITS = "limits"
    UNIT = "unit"


# Renamed and moved are guesses: who reads them decides.
BREAKING = frozenset(Change) - {
    Change.ADDED_OPTIONAL,
    Change.NOW_OPTIONAL,
    Change.VALUES_ADDED,
    Change.UNIT,
}
_COME = frozenset({Change.ADDED_REQUIRED, Change.ADDED_OPTIONAL})


@dataclass(frozen=True, slots=True)
class Difference:
    """One change at a path, with what was there before and what is there now."""

    change: Change
    path: str
    before: str = ""
    after: str = ""

    @property
    def breaks(self) -> bool:
        """Whether a payload of the old version has to be changed, or loses something."""
        return self.change in BREAKING


def differences(old: AspectModel, new: AspectModel) -> list[Difference]:
    """Return what changed from one version to another, in the order of the new one."""
    found = _Comparison(old, new).structure(
        payload_properties(old.properties), payload_properties(new.properties), ""
    )
    return _with_moves(list(found))


@dataclass(frozen=True, slots=True)
class _Lone(Difference):
    """A property that only one of the versions has, kept to find out whether it moved."""

    declared: Property | None = None


class _Comparison:
    """The comparison of two models; pairs of entities met before are not gone into again."""

    def __init__(self, old: AspectModel, new: AspectModel) -> None:
        self._old = old
        self._new = new
        self._met: set[tuple[str, str]] = set()

    def structure(
        self, old: tuple[Property, ...], new: tuple[Property, ...], path: str
    ) -> Iterator[Difference]:
        """Yield the changes between the properties of two objects, and of all below them."""
        before, after = {p.name: p for p in old}, {p.name: p for p in new}
        renamed = dict(_renamed(before, after))
        for name, now in after.items():
            former = before.get(name) or renamed.get(name)
            if former is None:
                change = Change.ADDED_REQUIRED if now.required else Change.ADDED_OPTIONAL
                yield _Lone(change, f"{path}{name}", after=kind_of(now), declared=now)
                continue
            if former.name != name:
                yield Difference(Change.RENAMED, f"{path}{name}", former.name, name)
            yield from self._one(former, now, f"{path}{name}")
        gone = {p.name for p in renamed.values()} | after.keys()
        for name, former in before.items():
            if name not in gone:
                yield _Lone(Change.REMOVED, f"{path}{name}", kind_of(former), declared=former)

    def _one(self, old: Property, new: Property, path: str) -> Iterator[Difference]:
        if old.required != new.required:
            change = Change.NOW_REQUIRED if new.required else Change.NOW_OPTIONAL
            yield Difference(change, path)
        yield from _demands(old, new, path)
        pair = entity_of(old.characteristic), entity_of(new.characteristic)
        if pair in self._met and all(pair):
            return
        self._met.add(pair)
        inner = f"{path}[]." if new.kind is Kind.LIST else f"{path}."
        yield from self.structure(
            self._old.properties_of(old.characteristic),
            self._new.properties_of(new.characteristic),
            inner,
        )


def kind_of(of: Property) -> str:
    """Return what a value is in a word or two: ``list of object``, ``xsd:decimal``."""
    item = of.characteristic.item.bare
    kind = item.datatype or of.item_kind.value
    return f"list of {kind}" if of.kind is Kind.LIST else kind


def bounds_of(limit: Constraint) -> str:
    """Return a length or range as an interval, such as ``(0, 100]``; open ends as ``…``."""
    least, most = ("…" if end is None else str(end) for end in (limit.least, limit.most))
    return (
        f"{'(' if limit.least_excluded else '['}{least}, "
        f"{most}{')' if limit.most_excluded else ']'}"
    )


def _demands(old: Property, new: Property, path: str) -> Iterator[Difference]:
    if kind_of(old) != kind_of(new):
        yield Difference(Change.TYPE, path, kind_of(old), kind_of(new))
        return
    before, after = values_of(old.characteristic), values_of(new.characteristic)
    if before or after:
        yield from _listed(before, after, path)
    for change, kinds in (
        (Change.PATTERN, {ConstraintKind.PATTERN}),
        (Change.LIMITS, set(ConstraintKind) - {ConstraintKind.PATTERN}),
    ):
        was, now = (_said(p.characteristic, kinds) for p in (old, new))
        if was != now:
            yield Difference(change, path, was, now)
    units = old.characteristic.item.bare.unit, new.characteristic.item.bare.unit
    if units[0] != units[1]:
        yield Difference(Change.UNIT, path, *units)


def values_of(of: Characteristic) -> _Values:
    """Return what an enumeration allows, entity instances by their names."""
    bare = of.item.bare
    return tuple(map(str, bare.values)) + tuple(i.name for i in bare.instances)


def _listed(before: _Values, after: _Values, path: str) -> Iterator[Difference]:
    gone = [value for value in before if value not in after]
    come = [value for value in after if value not in before]
    if gone or not before:
        yield Difference(Change.VALUES_REMOVED, path, ", ".join(gone) or "*", ", ".join(after))
    if come and before:
        yield Difference(Change.VALUES_ADDED, path, after=", ".join(come) if after else "*")


def _said(of: Characteristic, kinds: set[ConstraintKind]) -> str:
    limits = [c for c in limits_of(of) if c.kind in kinds]
    return "; ".join(sorted(say_limit(c) for c in limits))


def say_limit(limit: Constraint) -> str:
    """Return what a constraint demands, short and the same in every language."""
    if limit.kind is ConstraintKind.PATTERN:
        return limit.pattern
    if limit.kind is ConstraintKind.FIXED_POINT:
        return f"{limit.digits or '…'}.{limit.scale}"
    return limit.named or f"{limit.kind.value} {bounds_of(limit)}"


def _renamed(
    before: Mapping[str, Property], after: Mapping[str, Property]
) -> Iterator[tuple[str, Property]]:
    """Yield new names with the property that they probably were: same kind, similar name."""
    free = {name: p for name, p in before.items() if name not in after}
    for name, now in after.items():
        if name in before:
            continue
        rated = [(_likeness(p, now), p.name) for p in free.values() if kind_of(p) == kind_of(now)]
        best, former = max(rated, default=(0.0, ""))
        if best >= _ALIKE_MIN:
            yield name, free.pop(former)


def _likeness(old: Property, new: Property) -> float:
    # A payload name may change while the element stays the same.
    if old.urn.rpartition("#")[2] == new.urn.rpartition("#")[2]:
        return 100.0
    names = sorted((old.name.lower(), new.name.lower()), key=len)
    return 90.0 if names[1].endswith(names[0]) else fuzz.ratio(*names)


def _with_moves(found: list[Difference]) -> list[Difference]:
    """Return the differences with what is gone in one place and come in another as one."""
    gone = _by_key(d for d in found if d.change is Change.REMOVED)
    come = _by_key(d for d in found if d.change in _COME)
    # Where several go or come under one name, nobody can tell which is which.
    moves = {
        id(come[key][0]): Difference(Change.MOVED, come[key][0].path, gone[key][0].path)
        for key in gone.keys() & come.keys()
        if len(gone[key]) == len(come[key]) == 1
    }
    sources = {move.before for move in moves.values()}
    return [
        moves.get(id(d), Difference(d.change, d.path, d.before, d.after))
        for d in found
        if not (d.change is Change.REMOVED and d.path in sources)
    ]


def _by_key(found: Iterable[Difference]) -> Mapping[tuple[str, str], list[Difference]]:
    grouped: dict[tuple[str, str], list[Difference]] = {}
    for one in found:
        grouped.setdefault(_key(one), []).append(one)
    return grouped


def _key(of: Difference) -> tuple[str, str]:
    name = of.path.rpartition(".")[2]
    kind = kind_of(of.declared) if isinstance(of, _Lone) and of.declared else ""
    return name, kind
