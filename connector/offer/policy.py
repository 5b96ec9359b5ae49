"""Builds policies of the Catena-X profile, decides them for a caller, and compares them.

Credentials decide, never the address book. What the profile does not know, or what this
program cannot decide, denies and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from difflib import get_close_matches

from connector.errors import Finding
from connector.identifiers import Bpnl
from connector.offer.model import AcceptedTerms, Decision, Policy
from connector.offer.odrl import NAMESPACE, Constraint, Rule, rules_of
from connector.offer.vocabulary import OPERATORS, PURPOSES, is_purpose
from connector.partner.model import Caller
from connector.texts import word

_LAST_MOMENT = time(23, 59, 59, 999_999, tzinfo=UTC)
_FIRST_MOMENT = time(0, tzinfo=UTC)


def usage_policy(policy: Policy) -> dict[str, object]:
    """Return the terms as a usage policy in compact form, without id, type and target."""
    constraints = [
        _wire("FrameworkAgreement", "eq", policy.framework_agreement),
        *([_wire("Membership", "eq", "active")] if policy.membership else []),
        _wire("UsagePurpose", "isAnyOf", list(policy.purposes)),
    ]
    if policy.until:
        end = datetime.combine(policy.until, time(23, 59, 59), tzinfo=UTC)
        constraints.append(_wire("DataUsageEndDate", "eq", f"{end:%Y-%m-%dT%H:%M:%SZ}"))
    return _policy("use", constraints)


def access_policy(policy: Policy, partners: Iterable[Bpnl]) -> dict[str, object]:
    """Return who may see the offer at all, in the same form; it is never sent."""
    constraints = [_wire("BusinessPartnerNumber", "isAnyOf", list(partners))]
    if policy.membership:
        constraints.append(_wire("Membership", "eq", "active"))
    if policy.until:
        constraints.append(_wire("inForceDate", "lteq", policy.until.isoformat()))
    return _policy("access", constraints)


def evaluate(policy: Mapping[str, object], caller: Caller, now: datetime) -> Decision:
    """Decide a policy for a caller by the credentials that were verified.

    Every constraint of every rule must hold, and there must be a permission.
    """
    rules = rules_of(policy)
    objections = [reason for rule in rules for reason in _objections(rule, caller, now)]
    if not any(rule.kind == "permission" for rule in rules):
        objections.append(word("offer:nothing_permitted"))
    return Decision(not objections, tuple(objections))


def acceptable(policy: Mapping[str, object], accepted: AcceptedTerms) -> list[Finding]:
    """Return what stands between an offered policy and the terms that we accept: none if fit."""
    found: list[Finding] = []
    for rule in rules_of(policy):
        if rule.kind != "permission" or rule.opaque:
            found.append(Finding("offer:rule_not_accepted", {"rule": _told(rule)}))
        found += [
            Finding(f"offer:{key}", {"constraint": constraint, "value": _values(constraint)})
            for constraint in rule.constraints
            if (key := _unacceptable(constraint, accepted))
        ]
    return found


def lint(policy: Policy) -> list[Finding]:
    """Return every purpose and framework agreement that the profile does not know."""
    found = [
        Finding(
            "offer:purpose_unknown",
            {"policy": policy.name, "value": purpose, "near": _nearest(purpose)},
        )
        for purpose in policy.purposes
        if not is_purpose(purpose)
    ]
    if not policy.purposes:
        found.append(Finding("offer:purpose_missing", {"policy": policy.name}))
    if not _is_versioned(policy.framework_agreement):
        value = policy.framework_agreement
        found.append(Finding("offer:framework_malformed", {"policy": policy.name, "value": value}))
    return found


def same_policy(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Return whether two policies say the same, whatever their order and brackets."""
    return rules_of(one) == rules_of(other)


def difference(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    """Return what only ``ours`` says with ``-`` and what only ``theirs`` says with ``+``."""
    left, right = rules_of(ours), rules_of(theirs)
    if left == right:
        return []
    ours_lines, theirs_lines = Counter(_lines(left)), Counter(_lines(right))
    gone = [f"- {line}" for line in sorted((ours_lines - theirs_lines).elements())]
    new = [f"+ {line}" for line in sorted((theirs_lines - ours_lines).elements())]
    # The same constraints under fewer or more rules mean something else.
    return gone + new or [f"- {len(left)} rules", f"+ {len(right)} rules"]


def _policy(action: str, constraints: list[dict[str, object]]) -> dict[str, object]:
    # No "profile" beside the rules: an Eclipse connector reads it, never writes it, and then
    # refuses an agreement over the difference (EDC 0.14.0). The operands name the profile.
    return {"permission": [{"action": action, "constraint": [{"and": constraints}]}]}


def _wire(operand: str, operator: str, value: object) -> dict[str, object]:
    # In full: the protocol's own context gives the bare name no meaning.
    return {"leftOperand": f"{NAMESPACE}{operand}", "operator": operator, "rightOperand": value}


def _objections(rule: Rule, caller: Caller, now: datetime) -> Iterator[str]:
    if rule.kind != "permission":
        yield word("offer:rule_undecidable", rule=_told(rule))
        return
    for strange in rule.opaque:
        yield word("offer:constraint_unknown", constraint=strange[:200])
    for constraint in rule.constraints:
        yield from _against(constraint, caller, now)


def _against(constraint: Constraint, caller: Caller, now: datetime) -> Iterator[str]:
    decide = _DECISIONS.get(constraint.operand)
    if decide is None or not _is_known(constraint):
        yield word("offer:constraint_unknown", constraint=str(constraint)[:200])
    elif not decide(constraint, caller, now):
        yield word("offer:constraint_unmet", constraint=str(constraint)[:200], bpnl=caller.bpnl)


def _is_known(constraint: Constraint) -> bool:
    is_single = constraint.operator not in ("eq", "gteq", "lteq")
    return constraint.operator in OPERATORS.get(constraint.operand, ()) and (
        len(constraint.values) == 1 or (is_single and bool(constraint.values))
    )


def _membership(constraint: Constraint, caller: Caller, now: datetime) -> bool:
    return constraint.values == ("active",) and any(_held(caller, "MembershipCredential", now))


def _framework(constraint: Constraint, caller: Caller, now: datetime) -> bool:
    name, _, version = constraint.values[0].partition(":")
    held = _held(caller, f"{name}Credential", now)
    return bool(name and version) and any(
        subject.get("contractVersion") == version for subject in held
    )


def _held(caller: Caller, kind: str, now: datetime) -> Iterator[Mapping[str, object]]:
    """Yield the subjects of valid credentials that name the caller's own legal entity."""
    for credential in caller.credentials:
        is_own = credential.subject.get("holderIdentifier") == caller.bpnl
        if credential.type == kind and is_own and now < credential.expires_at:
            yield credential.subject


def _number(constraint: Constraint, caller: Caller, _now: datetime) -> bool:
    return (caller.bpnl in constraint.values) == (constraint.operator == "isAnyOf")


def _purpose(constraint: Constraint, _caller: Caller, _now: datetime) -> bool:
    return all(is_purpose(value) for value in constraint.values)


def _not_over(constraint: Constraint, _caller: Caller, now: datetime) -> bool:
    if constraint.operator == "gteq":
        start = _moment(constraint.values[0], _FIRST_MOMENT)
        return start is not None and start <= now
    end = _moment(constraint.values[0], _LAST_MOMENT)
    return end is not None and now <= end


_DECISIONS: Mapping[str, Callable[[Constraint, Caller, datetime], bool]] = {
    "Membership": _membership,
    "FrameworkAgreement": _framework,
    "BusinessPartnerNumber": _number,
    "UsagePurpose": _purpose,
    "DataUsageEndDate": _not_over,
    "inForceDate": _not_over,
}


def _moment(text: str, time_of_day: time) -> datetime | None:
    """Return a date at the given time, or a date with time as it is; None if unreadable."""
    try:
        if len(text) == len("2026-12-31"):
            return datetime.combine(date.fromisoformat(text), time_of_day)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _unacceptable(constraint: Constraint, accepted: AcceptedTerms) -> str:
    """Return the key of the text that says why we do not accept a constraint, or nothing."""
    values, key = set(constraint.values), "constraint_not_accepted"
    match constraint.operand:
        case "Membership":
            fits = values == {"active"}
        case "FrameworkAgreement":
            fits, key = values <= set(accepted.framework_agreements), "framework_not_accepted"
        case "UsagePurpose":
            fits, key = bool(values & set(accepted.purposes)), "purpose_not_accepted"
        case operand:
            fits = operand in accepted.operands
    if not _is_known(constraint):
        return "constraint_not_accepted"
    return "" if fits else key


def _lines(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        head = f"{rule.kind} {rule.action}".strip()
        lines = [f"{head}: {part}" for part in (*rule.constraints, *rule.opaque)]
        yield from lines or [head]


def _told(rule: Rule) -> str:
    return "; ".join(_lines([rule]))[:200]


def _values(constraint: Constraint) -> str:
    return ", ".join(constraint.values)[:200]


def _nearest(purpose: str) -> str:
    return (get_close_matches(purpose, sorted(PURPOSES), n=1, cutoff=0.0) or [""])[0]


def _is_versioned(agreement: str) -> bool:
    name, _, version = agreement.partition(":")
    return bool(name and version)
