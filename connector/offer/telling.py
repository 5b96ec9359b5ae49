"""Says in plain words what a policy asks of the partner who wants the data."""

from __future__ import annotations

from collections.abc import Iterable

from connector.offer.flaws import place_of
from connector.offer.odrl import Constraint, Rule
from connector.offer.vocabulary import OPERANDS, Operand, Place
from connector.texts import word

_ASKED = {
    ("BusinessPartnerNumber", "isAnyOf"): "offer:proof_number_any",
    ("BusinessPartnerNumber", "isNoneOf"): "offer:proof_number_none",
    ("BusinessPartnerGroup", "isAnyOf"): "offer:proof_group_any",
    ("BusinessPartnerGroup", "isNoneOf"): "offer:proof_group_none",
    ("inForceDate", "gteq"): "offer:proof_since",
    ("inForceDate", "lteq"): "offer:proof_until",
    ("Membership", "eq"): "offer:proof_membership",
    ("FrameworkAgreement", "eq"): "offer:proof_framework",
}
_KINDS = {
    Place.PROHIBITION: "offer:kind_prohibition",
    Place.OBLIGATION: "offer:kind_obligation",
}


def meaning_of(operand: Operand, language: str) -> str:
    """Return what a left operand of the profile means."""
    letters = (f"_{one.lower()}" if one.isupper() else one for one in operand.name)
    key = "operand_" + "".join(letters).removeprefix("_")
    return word(f"offer:{key}", language)


def proofs_of(rules: Iterable[Rule], language: str) -> list[str]:
    """Return what a partner is asked for, each a line; what two rules ask for is said once."""
    asked = [one for rule in rules for one in rule.constraints if _is_asked(one)]
    return list(dict.fromkeys(_proof(one, language) for one in asked))


def terms_of(rules: Iterable[Rule], language: str) -> list[str]:
    """Return what else the rules say, each a line: what is permitted, forbidden and owed."""
    lines: list[str] = []
    for rule in rules:
        told = [one for one in rule.constraints if not _is_asked(one)]
        lines += [_term(rule, one, language) for one in told]
        lines += rule.opaque
    return lines


def _is_asked(constraint: Constraint) -> bool:
    return bool(constraint.values) and (constraint.operand, constraint.operator) in _ASKED


def _proof(constraint: Constraint, language: str) -> str:
    values = ", ".join(constraint.values)
    name, _, version = values.partition(":")
    params = {"values": values, "credential": f"{name}Credential", "version": version}
    return word(_ASKED[constraint.operand, constraint.operator], language, **params)


def _term(rule: Rule, constraint: Constraint, language: str) -> str:
    operand, place = OPERANDS.get(constraint.operand), place_of(rule)
    kind = f"{word(_KINDS[place], language)} " if place in _KINDS else ""
    meaning = f" ({meaning_of(operand, language)})" if operand else ""
    return f"{kind}{constraint}{meaning}"
