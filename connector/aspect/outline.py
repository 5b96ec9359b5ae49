"""A model as a flat outline: every property with its path, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connector.aspect.semantics import (
    AspectModel,
    Characteristic,
    Constraint,
    ConstraintKind,
    Kind,
    Property,
    Shape,
    payload_properties,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One property in its place: ``childItems[].quantity.value``, with how deep that is.

    Where ``repeats`` is set, its parts stand further above already: the model is recursive.
    """

    path: str
    depth: int
    declared: Property
    repeats: bool = False

    @property
    def name(self) -> str:
        """The last step of the path, ``[]`` behind a list."""
        return self.path.rpartition(".")[2]

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """What limits its value, of a list also what limits its items; each once."""
        return limits_of(self.declared.characteristic)


def outline(model: AspectModel) -> Iterator[Line]:
    """Yield all properties of a payload, depth first, in the model's order."""
    yield from _lines(model, payload_properties(model.properties), "", ())


def entity_of(characteristic: Characteristic) -> str:
    """Return the URN of the entity that a value holds or that a list holds, else empty."""
    bare = characteristic.item.bare
    return entity_of(bare) if bare.shape is Shape.LIST else bare.entity


def limits_of(characteristic: Characteristic) -> tuple[Constraint, ...]:
    """Return what limits a value, of a list also what limits its items; each once."""
    limits = list(characteristic.limits())
    if characteristic.kind is Kind.LIST:
        limits += characteristic.item.limits()
    return tuple(dict.fromkeys(c for c in limits if c.kind is not ConstraintKind.NOTE))


def _lines(
    model: AspectModel, properties: tuple[Property, ...], path: str, above: tuple[str, ...]
) -> Iterator[Line]:
    for of in properties:
        here = f"{path}{of.name}{'[]' if of.kind is Kind.LIST else ''}"
        entity = entity_of(of.characteristic)
        repeats = entity in above
        yield Line(here, path.count("."), of, repeats)
        if not repeats:
            inner = model.properties_of(of.characteristic)
            yield from _lines(model, inner, f"{here}.", (*above, entity) if entity else above)
