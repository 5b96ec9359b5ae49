"""Make a payload that satisfies a model: its own examples where they do, else made-up values.

Values are tried until one passes, strictly if any does so; recursion ends at the first level
that may be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from connector.aspect.candidates import candidates
from connector.aspect.datatypes import JsonSchema
from connector.aspect.schema import schema_of
from connector.aspect.semantics import (
    AspectModel,
    Characteristic,
    ConstraintKind,
    Entity,
    Instance,
    JsonScalar,
    Kind,
    Property,
    Shape,
    payload_properties,
)
from connector.aspect.strict import strict_schema_of
from connector.aspect.validation import Profile, Validator
from connector.errors import DataError

_ITEMS_MAX = 1000


class _NoValueError(Exception):
    """No value was found; ``path`` says for what."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def example_of(model: AspectModel, *, full: bool) -> JsonSchema:
    """Return a payload with what is required only, or with all that the model knows.

    Raises:
        DataError: no value satisfies what the model demands, or it recurs without an end.

    """
    try:
        return _Composer(model, full=full).structure(model.properties, "")
    except _NoValueError as error:
        raise DataError(
            "aspect:example_impossible", name=error.path, model=model.semantic_id
        ) from error


class _Composer:
    """The making of one payload; remembers which entities it is in the midst of."""

    def __init__(self, model: AspectModel, *, full: bool) -> None:
        self._model = model
        self._full = full
        self._open: list[str] = []
        self._judges: dict[int, tuple[Characteristic, tuple[Validator, Validator]]] = {}

    def structure(self, properties: tuple[Property, ...], path: str) -> JsonSchema:
        """Return an object with a value for each of these properties."""
        made: JsonSchema = {}
        for of in payload_properties(properties):
            if of.optional and not self._full:
                continue
            try:
                made[of.name] = self._value(of.characteristic, of.example, f"{path}{of.name}")
            except _NoValueError:
                if of.required:
                    raise
        return made

    def _value(self, of: Characteristic, example: JsonScalar | None, path: str) -> object:
        if of.kind is Kind.LIST:
            return self._list(of, example, path)
        if of.kind is Kind.EITHER:
            return self._either(of.bare, path)
        if of.kind is Kind.OBJECT and of.bare.shape is not Shape.INSTANCES:
            return self._entity(of.bare.entity, path)
        instances = map(_asserted, of.bare.instances)
        return self._first(of, chain(instances, candidates(of, example)), path)

    def _entity(self, urn: str, path: str) -> JsonSchema:
        if urn in self._open:
            raise _NoValueError(path)
        self._open.append(urn)
        try:
            return self.structure(self._properties(self._model.entities[urn]), f"{path}.")
        finally:
            self._open.pop()

    def _properties(self, entity: Entity) -> tuple[Property, ...]:
        whole = Characteristic("", Shape.ENTITY, entity=entity.urn)
        return self._model.properties_of(whole)

    def _either(self, of: Characteristic, path: str) -> object:
        for name, side in (("left", of.left), ("right", of.right)):
            try:
                if side:
                    return {name: self._value(side, None, f"{path}.{name}")}
            except _NoValueError:
                continue
        raise _NoValueError(path)

    def _list(self, of: Characteristic, example: JsonScalar | None, path: str) -> list[object]:
        least, most = _length(of)
        item = _item(of)
        count = min(max(1, least), most, _ITEMS_MAX)
        try:
            return self._items(item, example, count, path, unique=of.bare.unique)
        except _NoValueError:
            if least:
                raise
            return []

    def _items(
        self,
        item: Characteristic,
        example: JsonScalar | None,
        count: int,
        path: str,
        *,
        unique: bool,
    ) -> list[object]:
        if count > 1 and unique and item.kind is not Kind.OBJECT:
            found = [v for v, _ in zip(self._valid(item, example), range(count), strict=False)]
            if len(found) < count:
                raise _NoValueError(path)
            return found
        return [self._value(item, example, f"{path}[]") for _ in range(count)]

    def _valid(self, of: Characteristic, example: JsonScalar | None) -> Iterator[object]:
        said: list[object] = []
        for candidate in candidates(of, example):
            if candidate not in said and self._judged(of)[0].is_valid({"value": candidate}):
                said.append(candidate)
                yield candidate

    def _first(self, of: Characteristic, proposed: Iterable[object], path: str) -> object:
        officially: list[object] = []
        strict, official = self._judged(of)
        for candidate in proposed:
            if strict.is_valid({"value": candidate}):
                return candidate
            if not officially and official.is_valid({"value": candidate}):
                officially.append(candidate)
        if not officially:
            raise _NoValueError(path)
        return officially[0]

    def _judged(self, of: Characteristic) -> tuple[Validator, Validator]:
        """Return the strict and the official judge of values of a characteristic."""
        if id(of) not in self._judges:
            alone = (Property("value", "", "", of),)
            model = replace(self._model, properties=alone)
            strict = Validator(strict_schema_of(model), lambda: model, Profile.STRICT)
            self._judges[id(of)] = of, (strict, Validator(schema_of(model), lambda: model))
        return self._judges[id(of)][1]


def _asserted(instance: Instance) -> JsonSchema:
    """Return an entity instance as a payload holds it."""
    made: JsonSchema = {}
    for value in instance.values:
        if value.instance:
            made[value.name] = _asserted(value.instance)
        else:
            made[value.name] = list(value.values) if value.is_list else value.values[0]
    return made


def _length(of: Characteristic) -> tuple[int, int]:
    """Return how many items a list has at least and at most."""
    lengths = [c for c in of.limits() if c.kind is ConstraintKind.LENGTH]
    least = [int(c.least) for c in lengths if c.least is not None]
    most = [int(c.most) for c in lengths if c.most is not None]
    return max(least, default=0), min(most, default=_ITEMS_MAX)


def _item(of: Characteristic) -> Characteristic:
    """Return the type of an item, with what the list demands of its items."""
    demands = tuple(c for c in of.limits() if c.kind is not ConstraintKind.LENGTH)
    item = of.bare.item
    if not demands:
        return item
    return Characteristic("Item", Shape.TRAIT, base=item, constraints=demands)
