"""Take a payload from one version of its model to another, and say what gets lost or is missing.

Nothing is invented: what the newer version needs and the older one did not hold is reported,
and what no step knows travels on where it stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import singledispatchmethod

from connector.aspect.exact_numbers import is_number, product
from connector.aspect.migration_steps import (
    BySign,
    Constant,
    Drop,
    Flag,
    Map,
    Migration,
    MigrationStep,
    Move,
    Renew,
    Require,
    Rewrite,
)
from connector.aspect.payload_paths import (
    Each,
    Found,
    Place,
    empty_lists,
    find,
    holds,
    parse_path,
    pointer_of,
    put,
)
from connector.errors import Finding, Severity

_SHOWN_MAX = 100
_MISSING = "aspect:migration_missing"

Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Migrated:
    """A payload in the newer form; errors are what must still be given, warnings what got lost."""

    payload: dict[str, object]
    findings: tuple[Finding, ...]


def migrate(payload: Payload, way: Sequence[Migration], new_id: Callable[[], str]) -> Migrated:
    """Return a payload, one version after the other; ``new_id`` is asked where an id must be new.

    Numbers stay exact: one that no float holds comes as `Decimal`. What is missing on the way
    counts only where the last version still misses it.
    """
    now: dict[str, object] = deepcopy(dict(payload))
    findings: list[Finding] = []
    for number, migration in enumerate(way, start=1):
        is_last = number == len(way)
        done = _Migrating(now, migration, new_id if is_last else None).run()
        now = done.payload
        findings += [f for f in done.findings if is_last or f.code != _MISSING]
    return Migrated(now, tuple(findings))


def without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    """Leave out what a model finds missing where a migration has said so already."""
    said = [finding.path for finding in findings if finding.code == _MISSING]
    return [
        finding
        for finding in findings
        if finding.code != "aspect:value_missing"
        or not any(f"{path}/".startswith(f"{finding.path}/") for path in said)
    ]


@dataclass(slots=True)
class _Migrating:
    """One payload on its way through one migration."""

    source: Payload
    migration: Migration
    new_id: Callable[[], str] | None
    payload: dict[str, object] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    taken: set[Place] = field(default_factory=set)
    touched: set[Place] = field(default_factory=set)

    def run(self) -> Migrated:
        later = [step for step in self.migration.steps if isinstance(step, Constant | Require)]
        for step in self.migration.steps:
            if step not in later:
                self._do(step)
        self._carry_on(self.source, ())
        for step in later:
            self._do(step)
        return Migrated(self.payload, tuple(self.findings))

    @singledispatchmethod
    def _do(self, step: MigrationStep) -> None:
        raise TypeError(step)

    @_do.register
    def _move(self, step: Move) -> None:
        for found in self._take(step.source, step.to):
            self._put(step.to, found, self._times(found.value, step.times))

    @_do.register
    def _map(self, step: Map) -> None:
        for found in self._take(step.source, step.to):
            if isinstance(found.value, str) and found.value in step.values:
                self._put(step.to, found, step.values[found.value])
            elif found.value not in step.absent:
                self._say("migration_unmapped", found, allowed=", ".join(step.values))

    @_do.register
    def _rewrite(self, step: Rewrite) -> None:
        for found in self._take(step.source, step.to):
            text = found.value
            new = re.sub(step.pattern, step.into, text) if isinstance(text, str) else text
            self._put(step.to, found, new)
            if step.lost and new != text:
                self._say(step.lost, found, Severity.WARNING, kept=new)

    @_do.register
    def _by_sign(self, step: BySign) -> None:
        for found in self._take(step.source, step.other):
            value = self._times(found.value, step.times)
            is_negative = is_number(value) and value < 0
            self._put(step.negative if is_negative else step.other, found, value)

    @_do.register
    def _drop(self, step: Drop) -> None:
        for found in find(self.source, parse_path(step.source)):
            if found.place not in self.touched:
                self._note(found.place)
                if step.unless is None or found.value != step.unless:
                    self._say(step.lost, found, Severity.WARNING)

    @_do.register
    def _constant(self, step: Constant) -> None:
        path = parse_path(step.to)
        if not any(find(self.payload, path)):
            value = dict(step.value) if isinstance(step.value, Mapping) else step.value
            put(self.payload, path, (), value)

    @_do.register
    def _require(self, step: Require) -> None:
        *before, last = parse_path(step.to)
        around = list(find(self.payload, tuple(before)))
        missing = [found.place for found in around if not holds(found.value, (str(last),))]
        if not around and not any(isinstance(each, Each) for each in before):
            missing = [tuple(each for each in before if not isinstance(each, Each))]
        for place in missing:
            self._say("migration_missing", Found((*place, str(last)), None))

    @_do.register
    def _flag(self, step: Flag) -> None:
        for found in find(self.source, parse_path(step.source)):
            if found.value != step.unless:
                self._say(step.says, found, Severity.WARNING)

    @_do.register
    def _renew(self, step: Renew) -> None:
        for found in self._take(step.source, step.to):
            if self.new_id is None:
                self._put(step.to, found, found.value)
                continue
            self._put(step.to, found, self.new_id())
            path = parse_path(step.preceding)
            before = next((each.value for each in find(self.payload, path)), [])
            old = {step.item: found.value} if step.item else found.value
            earlier = before if isinstance(before, list) else []
            put(self.payload, path, (), [old, *earlier])

    def _take(self, source: str, to: str) -> Iterator[Found]:
        """Yield the values at a place that no step took yet; lists without items stay so."""
        path, target = parse_path(source), parse_path(to)
        for found, before in empty_lists(self.source, path):
            places = [n for n, step in enumerate(target) if isinstance(step, Each)]
            if found.place not in self.taken and before < len(places):
                self._note(found.place)
                put(self.payload, target[: places[before]], found.items, [])
        for found in find(self.source, path):
            if found.place not in self.taken:
                self._note(found.place)
                yield found

    def _note(self, place: Place) -> None:
        """Remember that a value was taken, and that something was taken from all around it."""
        self.taken.add(place)
        self.touched.update(place[:length] for length in range(1, len(place) + 1))

    def _put(self, to: str, found: Found, value: object) -> None:
        put(self.payload, parse_path(to), found.items, value)

    def _times(self, value: object, path: str) -> object:
        found = find(self.source, parse_path(path)) if path else iter(())
        factor = next((each.value for each in found), None)
        return product(value, factor) if is_number(value) and is_number(factor) else value

    def _carry_on(self, value: object, place: Place) -> None:
        """Take along what no step knows, where it stood."""
        if place in self.taken:
            return
        children = _children(value)
        is_known = place in self.touched
        if children and (is_known or not place):
            for key, child in children:
                self._carry_on(child, (*place, key))
        elif place and not is_known and not holds(self.payload, place):
            put(self.payload, place, (), value)
            self._say("migration_unknown_key", Found(place, value), Severity.WARNING)

    def _say(
        self, key: str, found: Found, severity: Severity = Severity.ERROR, **more: object
    ) -> None:
        params = {
            "path": ".".join(map(str, found.place)),
            "value": str(found.value)[:_SHOWN_MAX],
            "target": self.migration.target,
            **more,
        }
        code = f"aspect:{key}"
        self.findings.append(
            Finding(code, params, path=pointer_of(found.place), severity=severity)
        )


def _children(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
