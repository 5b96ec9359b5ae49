"""Holds a policy that we are offered against the terms that we accept without asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.errors import Finding
from connector.offer.flaws import (
    SHOWN_CHARACTERS_MAX,
    clashes,
    constraint_flaw,
    place_of,
    rule_flaw,
    told,
)
from connector.offer.model import AcceptedTerms
from connector.offer.odrl import Constraint, Rule, rules_of
from connector.offer.vocabulary import Place


def acceptable(policy: Mapping[str, object], accepted: AcceptedTerms) -> list[Finding]:
    """Return what stands between an offered policy and the terms that we accept: none if fit."""
    rules = rules_of(policy)
    found = [finding for rule in rules for finding in _objections(rule, accepted)]
    if not any(rule.kind == "permission" for rule in rules):
        found.append(Finding("offer:nothing_permitted"))
    return found


def _objections(rule: Rule, accepted: AcceptedTerms) -> Iterator[Finding]:
    place, flaw = place_of(rule), rule_flaw(rule)
    if place is Place.ACCESS:
        yield Finding("offer:access_offered", {"rule": told(rule)})
    elif place is None or flaw is not None:
        yield flaw or Finding("offer:rule_unknown", {"rule": told(rule)})
    else:
        yield from clashes(rule)
        for constraint in rule.constraints:
            against = constraint_flaw(constraint, place) or _unaccepted(constraint, accepted)
            if against is not None:
                yield against


def _unaccepted(constraint: Constraint, accepted: AcceptedTerms) -> Finding | None:
    """Return which of our terms a constraint of the profile goes beyond."""
    values, operand = set(constraint.values), constraint.operand
    match operand:
        case "Membership":
            fits, code = True, ""
        case "FrameworkAgreement":
            fits = values <= set(accepted.framework_agreements)
            code = "offer:framework_not_accepted"
        case "UsagePurpose":
            fits, code = bool(values & set(accepted.purposes)), "offer:purpose_not_accepted"
        case _:
            fits = operand in accepted.operands or values <= set(accepted.values.get(operand, ()))
            code = "offer:constraint_not_accepted"
    params = {
        "operand": operand,
        "constraint": str(constraint)[:SHOWN_CHARACTERS_MAX],
        "value": ", ".join(constraint.values)[:SHOWN_CHARACTERS_MAX],
    }
    return None if fits else Finding(code, params)
