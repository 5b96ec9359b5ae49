"""Writes the terms of the configuration as policies of the Catena-X profile (CX-0152)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from connector.identifiers import Bpnl
from connector.offer.model import Policy
from connector.offer.odrl import Constraint
from connector.offer.vocabulary import NAMESPACE, OPERANDS, SINGLE

USE = "use"
ACCESS = f"{NAMESPACE}access"


def usage_policy(policy: Policy) -> dict[str, object]:
    """Return the terms as a usage policy in compact form, without id, type and target."""
    purposes = [*policy.purposes, *policy.individual_purposes]
    constraints = [
        _wire("FrameworkAgreement", "eq", [policy.framework_agreement]),
        *([_wire("Membership", "eq", ["active"])] if policy.membership else []),
        _wire("UsagePurpose", "isAnyOf", purposes),
        *_wired(policy.permission),
    ]
    if policy.until:
        constraints.append(_wire("DataUsageEndDate", "eq", [end_of(policy.until)]))
    rules: dict[str, object] = {"permission": [_rule(USE, constraints)]}
    if policy.prohibition:
        rules["prohibition"] = [_rule(USE, _wired(policy.prohibition))]
    if policy.obligation:
        # The profile takes no "and" here: its two operands exclude each other.
        rules["obligation"] = [
            {"action": USE, "constraint": [one]} for one in _wired(policy.obligation)
        ]
    return {"profile": NAMESPACE, **rules}


def access_policy(policy: Policy, partners: Iterable[Bpnl]) -> dict[str, object]:
    """Return who may see the offer at all, in the same form; it is never sent.

    Membership is asked for whatever the terms say (CX-0152, 2.2). Without ``partners`` it is
    what every partner has to fulfil, whoever is named by an offer.
    """
    named = list(partners)
    constraints = [
        *([_wire("BusinessPartnerNumber", "isAnyOf", named)] if named else []),
        _wire("Membership", "eq", ["active"]),
        *_wired(policy.access),
    ]
    if policy.until:
        constraints.append(_wire("inForceDate", "lteq", [end_of(policy.until)]))
    return {"permission": [_rule(ACCESS, constraints)]}


def start_of(day: date) -> str:
    """Return the first second of a day, UTC, as the profile writes moments."""
    return f"{day.isoformat()}T00:00:00Z"


def end_of(day: date) -> str:
    """Return the last second of a day, UTC, as the profile writes moments."""
    return f"{day.isoformat()}T23:59:59Z"


def _rule(action: str, constraints: list[dict[str, object]]) -> dict[str, object]:
    return {"action": action, "constraint": [{"and": constraints}]}


def _wired(constraints: Iterable[Constraint]) -> list[dict[str, object]]:
    return [_wire(one.operand, one.operator, one.values) for one in constraints]


def _wire(operand: str, operator: str, values: Sequence[str]) -> dict[str, object]:
    # In full: the protocol's own context gives the bare name no meaning.
    name = OPERANDS[operand].iri if operand in OPERANDS else f"{NAMESPACE}{operand}"
    value = values[0] if operator in SINGLE and len(values) == 1 else list(values)
    return {"leftOperand": name, "operator": operator, "rightOperand": value}
