"""Finds every mistake in the terms of the configuration before anything is offered under them.

The path of a finding is a JSON pointer from the policy's own table, as in
``/permission/Liability``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from connector.errors import Finding, Severity
from connector.offer.flaws import clashes, constraint_flaw, value_flaw
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.odrl import Constraint, Rule
from connector.offer.vocabulary import (
    GOVERNANCE,
    OPERANDS,
    PURPOSES,
    Kind,
    Place,
    is_purpose,
    is_value,
    moment,
    nearest,
)

# These have a key of their own in the policy's table.
OWN_KEYS = {
    "FrameworkAgreement": "framework_agreement",
    "UsagePurpose": "purposes",
    "Membership": "membership",
}
_CONSUME_KEYS = {"FrameworkAgreement": "framework_agreements", "UsagePurpose": "purposes"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a policy is looked at beside: the groups that there are, and today's date in UTC."""

    groups: Collection[str]
    today: date


def lint(policy: Policy, beside: Surroundings) -> list[Finding]:
    """Return everything that is wrong or risky about the terms, wherever they may be used."""
    found = [*_purposes(policy), *_framework(policy), *_ended(policy, beside)]
    for place in Place:
        constraints: tuple[Constraint, ...] = getattr(policy, place.value)
        found += _placed(constraints, place)
        found += _groups(constraints, place, beside.groups)
    found += _clashes(policy)
    return [replace(one, params={"policy": policy.name, **one.params}) for one in found]


def lint_accepted(accepted: AcceptedTerms) -> list[Finding]:
    """Return everything in the accepted terms that no offer of the profile could ever ask for."""
    found = [
        _unknown(value, PURPOSES, "UsagePurpose", f"/purposes/{place}")
        for place, value in enumerate(accepted.purposes)
        if not is_purpose(value)
    ]
    found += [
        _unknown(value, (GOVERNANCE,), "FrameworkAgreement", f"/framework_agreements/{place}")
        for place, value in enumerate(accepted.framework_agreements)
        if value != GOVERNANCE
    ]
    for place, operand in enumerate(accepted.operands):
        found += _operand(operand, f"/operands/{place}")
    for operand, values in accepted.values.items():
        path = f"/values/{operand}"
        found += _operand(operand, path)
        found += _values(operand, values, path)
    return found


def _purposes(policy: Policy) -> Iterator[Finding]:
    for place, value in enumerate(policy.purposes):
        if value not in PURPOSES:
            yield _unknown_purpose(value, f"/purposes/{place}")
    for place, value in enumerate(policy.individual_purposes):
        if not is_purpose(value) or value in PURPOSES:
            path = f"/individual_purposes/{place}"
            yield Finding("offer:purpose_not_individual", {"value": value}, path=path)
    if not policy.purposes and not policy.individual_purposes:
        yield Finding("offer:purpose_missing", path="/purposes")


def _framework(policy: Policy) -> Iterator[Finding]:
    value = policy.framework_agreement
    if value != GOVERNANCE:
        yield _unknown(value, (GOVERNANCE,), "FrameworkAgreement", "/framework_agreement")


def _ended(policy: Policy, beside: Surroundings) -> Iterator[Finding]:
    """Yield dates in the past: under such terms nobody gets anything."""
    if policy.until and policy.until < beside.today:
        yield _past(str(policy.until), "/until")
    for place in Place:
        for constraint in getattr(policy, place.value):
            ends = moment("".join(constraint.values[:1]))
            is_end = OPERANDS.get(constraint.operand) and constraint.operator != "gteq"
            if is_end and ends and ends.date() < beside.today:
                yield _past(constraint.values[0], f"/{place}/{constraint.operand}")


def _placed(constraints: Iterable[Constraint], place: Place) -> Iterator[Finding]:
    for constraint in constraints:
        path, key = f"/{place}/{constraint.operand}", OWN_KEYS.get(constraint.operand)
        if key and place is not Place.ACCESS:
            params = {"operand": constraint.operand, "key": key}
            yield Finding("offer:operand_has_own_key", params, path=path)
        elif (flaw := constraint_flaw(constraint, place)) is not None:
            yield replace(flaw, path=path)


def _groups(
    constraints: Iterable[Constraint], place: Place, groups: Collection[str]
) -> Iterator[Finding]:
    for constraint in constraints:
        operand = OPERANDS.get(constraint.operand)
        if operand is None or operand.kind is not Kind.GROUP:
            continue
        for value in constraint.values:
            if value not in groups:
                params = {"group": value, "near": nearest(value, tuple(sorted(groups)))}
                yield Finding("offer:group_unknown", params, path=f"/{place}/{operand.name}")


def _clashes(policy: Policy) -> Iterator[Finding]:
    """Yield operands that exclude each other; ``until`` says when use ends, too."""
    until = (Constraint("DataUsageEndDate", "eq", ()),) if policy.until else ()
    for place in Place:
        constraints: tuple[Constraint, ...] = getattr(policy, place.value)
        if place is Place.PERMISSION:
            constraints += until
        for finding in clashes(Rule(place, "use", constraints)):
            yield replace(finding, path=f"/{place}")
    if until and any(one.operand == "DataUsageEndDate" for one in policy.permission):
        params = {"operands": "until, DataUsageEndDate"}
        yield Finding("offer:operands_exclusive", params, path="/permission/DataUsageEndDate")


def _operand(name: str, path: str) -> Iterator[Finding]:
    if name in _CONSUME_KEYS:
        params = {"operand": name, "key": _CONSUME_KEYS[name]}
        yield Finding("offer:operand_has_own_key", params, path=path)
    elif name not in OPERANDS:
        params = {"operand": name, "near": nearest(name, tuple(OPERANDS))}
        yield Finding("offer:operand_unknown", params, path=path)
    elif OPERANDS[name].places == (Place.ACCESS,):
        params = {"operand": name, "place": "consume", "places": Place.ACCESS.value}
        yield Finding("offer:operand_misplaced", params, path=path)


def _values(name: str, values: Iterable[str], path: str) -> Iterator[Finding]:
    operand = OPERANDS.get(name)
    for value in values:
        if operand is not None and not is_value(operand, value):
            yield replace(value_flaw(operand, value), path=path)


def _unknown_purpose(value: str, path: str) -> Finding:
    params = {"value": value, "near": nearest(value, PURPOSES)}
    return Finding("offer:purpose_unknown", params, path=path)


def _unknown(value: str, known: tuple[str, ...], operand: str, path: str) -> Finding:
    params = {"operand": operand, "value": value, "near": nearest(value, known)}
    return Finding("offer:value_unknown", params, path=path)


def _past(day: str, path: str) -> Finding:
    return Finding("offer:policy_ended", {"day": day}, path=path, severity=Severity.WARNING)
