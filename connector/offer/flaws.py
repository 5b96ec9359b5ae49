"""What is wrong with one constraint or rule in itself, whoever asks and whenever.

The same findings tell the operator of a mistake in the configuration, a partner why its
policy or ours cannot be decided, and us why an offer is not acceptable.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.errors import Finding
from connector.offer.odrl import Constraint, Rule
from connector.offer.vocabulary import (
    EXCLUSIVE,
    OPERANDS,
    PURPOSES,
    SINGLE,
    Kind,
    Operand,
    Place,
    is_value,
    nearest,
)

SHOWN_CHARACTERS_MAX = 200

_PLACES = {("access", "permission"): Place.ACCESS} | {
    ("use", place.value): place for place in Place if place is not Place.ACCESS
}
_FORMS = {
    Kind.TEXT: "MX-2026-17",
    Kind.GROUP: "gold",
    Kind.BPNL: "BPNL00000003CRHK",
    Kind.DATE: "2027-12-31T23:59:59Z",
    Kind.COUNT: "365",
}


def place_of(rule: Rule) -> Place | None:
    """Return where a rule stands; None where the profile has no such rule."""
    return _PLACES.get((rule.action, rule.kind))


def rule_flaw(rule: Rule) -> Finding | None:
    """Return what is wrong with a rule as a whole: its action, its kind, an unknown part."""
    place = place_of(rule)
    if place is None or (place is not Place.ACCESS and _is_bare(rule, place)):
        return Finding("offer:rule_unknown", {"rule": told(rule)})
    if rule.opaque:
        return Finding("offer:part_unknown", {"part": rule.opaque[0][:SHOWN_CHARACTERS_MAX]})
    return None


def constraint_flaw(constraint: Constraint, place: Place) -> Finding | None:
    """Return what is wrong with a constraint: its operand, place, operator or value."""
    operand = OPERANDS.get(constraint.operand)
    if operand is None:
        near = nearest(constraint.operand, tuple(OPERANDS))
        shown = constraint.operand[:SHOWN_CHARACTERS_MAX]
        return Finding("offer:operand_unknown", {"operand": shown, "near": near})
    if place not in operand.places:
        places = ", ".join(operand.places)
        params = {"operand": operand.name, "place": place.value, "places": places}
        return Finding("offer:operand_misplaced", params)
    return _comparison_flaw(constraint, operand)


def _comparison_flaw(constraint: Constraint, operand: Operand) -> Finding | None:
    shown = {"constraint": str(constraint)[:SHOWN_CHARACTERS_MAX]}
    if constraint.operator not in operand.operators:
        known = ", ".join(operand.operators)
        return Finding("offer:operator_unknown", {**shown, "known": known})
    if not constraint.values or (constraint.operator in SINGLE and len(constraint.values) > 1):
        return Finding("offer:values_miscounted", shown)
    wrong = next((value for value in constraint.values if not is_value(operand, value)), None)
    return None if wrong is None else value_flaw(operand, wrong)


def value_flaw(operand: Operand, value: str) -> Finding:
    """Return the finding that a value has no form of its operand, with the nearest that has."""
    if operand.kind is Kind.PURPOSE:
        near = nearest(value, PURPOSES)
    else:
        near = nearest(value, operand.words) or _FORMS.get(operand.kind, "")
    shown = value[:SHOWN_CHARACTERS_MAX]
    return Finding("offer:value_unknown", {"operand": operand.name, "value": shown, "near": near})


def clashes(rule: Rule) -> Iterator[Finding]:
    """Yield the operands of a rule that exclude each other."""
    present = {constraint.operand for constraint in rule.constraints}
    for group in EXCLUSIVE:
        both = sorted(group & present)
        if len(both) > 1:
            yield Finding("offer:operands_exclusive", {"operands": ", ".join(both)})


def told(rule: Rule) -> str:
    """Return a rule as one bounded line."""
    head = f"{rule.kind} {rule.action}".strip()
    parts = [str(part) for part in (*rule.constraints, *rule.opaque)]
    return "; ".join(f"{head}: {part}" for part in parts or [""])[:SHOWN_CHARACTERS_MAX].rstrip(
        ": "
    )


def _is_bare(rule: Rule, place: Place) -> bool:
    """Whether it forbids or demands something without saying what."""
    return place is not Place.PERMISSION and not (rule.constraints or rule.opaque)
