"""The constraints of a policy as eslabon.toml writes them: tables made from the vocabulary.

A key is a left operand as the profile spells it. An operand with one operator takes its value
at once (``Liability = "cx.grossNegligence:1"``), one with several names the operator
(``BusinessPartnerGroup.isAnyOf = ["gold"]``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar, cast

from connector.offer.lint import OWN_KEYS
from connector.offer.odrl import Constraint
from connector.offer.telling import meaning_of
from connector.offer.vocabulary import (
    COUNT_MAX,
    OPERANDS,
    SINGLE,
    VALUE_CHARACTERS_MAX,
    Kind,
    Operand,
    Place,
)
from connector.offer.writing import end_of, start_of

Schema = dict[str, object]

VALUES_MAX = 100

_DAY_CHARACTERS = len("2027-12-31")
_EXAMPLES: Mapping[Kind, object] = {
    Kind.TEXT: "MX-2026-17",
    Kind.GROUP: "gold",
    Kind.BPNL: "BPNL00000003CRHK",
    Kind.DATE: "2027-12-31",
    Kind.COUNT: 365,
    Kind.PURPOSE: "cx.core.industrycore:1",
}
_MOMENT = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2}))?$"


class Terms:
    """The constraints of one table."""

    place: ClassVar[Place]
    __slots__ = ("constraints",)

    def __init__(self, constraints: tuple[Constraint, ...] = ()) -> None:
        """Take them in the order in which they are written."""
        self.constraints = constraints

    @classmethod
    def schema(cls) -> Schema:
        """Return the JSON Schema of the table.

        What belongs elsewhere is taken as well, so that the rules of the policy can say where.
        """
        properties = {one.name: _schema(one, cls.place) for one in OPERANDS.values()}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    @classmethod
    def parse(cls, value: object) -> Terms:
        """Return the constraints of a table that fits the schema."""
        table = cast("Mapping[str, object]", value)
        found = [one for name, said in table.items() for one in _constraints(name, said)]
        return cls(tuple(found))


class Access(Terms):
    """Who may see an offer."""

    place = Place.ACCESS
    __slots__ = ()


class Permission(Terms):
    """What use is permitted under."""

    place = Place.PERMISSION
    __slots__ = ()


class Prohibition(Terms):
    """What is forbidden."""

    place = Place.PROHIBITION
    __slots__ = ()


class Obligation(Terms):
    """What the provider owes."""

    place = Place.OBLIGATION
    __slots__ = ()


def _schema(operand: Operand, place: Place) -> Schema:
    if operand.name in OWN_KEYS and place is not Place.ACCESS:
        return {"description": f"not here: `{OWN_KEYS[operand.name]}`", "deprecated": True}
    if place not in operand.places:
        elsewhere = ", ".join(f"`{one}`" for one in operand.places)
        return {"description": f"not here: in {elsewhere}", "deprecated": True}
    meaning: Schema = {"description": meaning_of(operand, "en")}
    if len(operand.operators) == 1:
        return {**meaning, **_values(operand.operators[0], operand)}
    by_operator = {operator: _values(operator, operand) for operator in operand.operators}
    return {
        **meaning,
        "type": "object",
        "properties": by_operator,
        "additionalProperties": False,
    }


def _values(operator: str, operand: Operand) -> Schema:
    one = _value(operand)
    if operator in SINGLE:
        return one
    example = cast("list[object]", one.get("examples") or one.get("enum"))[:1]
    return {
        "type": "array",
        "items": one,
        "minItems": 1,
        "maxItems": VALUES_MAX,
        "uniqueItems": True,
        "examples": [example],
    }


def _value(operand: Operand) -> Schema:
    if operand.kind is Kind.WORD:
        return {"enum": list(operand.words)}
    examples = [_EXAMPLES[operand.kind]]
    if operand.kind is Kind.COUNT:
        return {"type": "integer", "minimum": 1, "maximum": COUNT_MAX, "examples": examples}
    forms = {Kind.DATE: _MOMENT, Kind.BPNL: "^BPNL[0-9A-Z]{12}$"}
    form = {"pattern": forms[operand.kind]} if operand.kind in forms else {"minLength": 1}
    return {"type": "string", **form, "maxLength": VALUE_CHARACTERS_MAX, "examples": examples}


def _constraints(name: str, said: object) -> list[Constraint]:
    if isinstance(said, Mapping):
        return [_constraint(name, operator, value) for operator, value in said.items()]
    return [_constraint(name, OPERANDS[name].operators[0], said)]


def _constraint(name: str, operator: str, said: object) -> Constraint:
    values = said if isinstance(said, list | tuple) else [said]
    is_date = OPERANDS[name].kind is Kind.DATE
    texts = [_day(str(value), operator) if is_date else str(value) for value in values]
    return Constraint(name, operator, tuple(sorted(texts)))


def _day(text: str, operator: str) -> str:
    """Return a day as the moment at which it starts or ends, and a moment as it is."""
    if len(text) != _DAY_CHARACTERS:
        return text
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return start_of(day) if operator == "gteq" else end_of(day)
