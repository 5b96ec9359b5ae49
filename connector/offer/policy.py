"""Decides policies of the Catena-X profile for a caller, and compares them.

Credentials decide, never the address book. What the profile does not know denies and says
so. What no machine can decide, such as a liability, holds once its value is one of the
profile's: it binds whoever signs the agreement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connector.errors import Finding
from connector.identifiers import Bpnl
from connector.offer.flaws import constraint_flaw, place_of, rule_flaw
from connector.offer.model import Circumstances, Decision
from connector.offer.odrl import Constraint, Rule, rules_of
from connector.offer.vocabulary import moment
from connector.partner.model import Caller, VerifiedCredential
from connector.texts import word

# Agreements that are read under at one time; each is about as large as its policy.
KEPT_READINGS_MAX = 128


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy read once: what speaks against it whoever asks, and what is decided each time."""

    objections: tuple[str, ...]
    constraints: tuple[Constraint, ...]


def evaluate(
    policy: Mapping[str, object],
    caller: Caller,
    now: datetime,
    groups: frozenset[str] = frozenset(),
    signed_at: datetime | None = None,
) -> Decision:
    """Decide a policy as it is written; the further values are those of `Circumstances`."""
    asked = Circumstances(caller, now, groups, signed_at)
    return decide(_kept_reading(rules_of(policy)), asked)


@lru_cache(KEPT_READINGS_MAX)
def _kept_reading(rules: tuple[Rule, ...]) -> Reading:
    """Return what a policy says, whoever asks: the decision is taken anew each time."""
    return reading_of(rules)


def reading_of(rules: Iterable[Rule]) -> Reading:
    """Read the rules of a policy, of which one at least has to be a permission."""
    rules = tuple(rules)
    flaws = [flaw for rule in rules for flaw in _flaws(rule)]
    if not any(rule.kind == "permission" for rule in rules):
        flaws.append(Finding("offer:nothing_permitted"))
    decided = (one for rule in rules for one in rule.constraints if one.operand in _DECISIONS)
    return Reading(tuple(flaw.text().what for flaw in flaws), () if flaws else tuple(decided))


def decide(policy: Reading, asked: Circumstances) -> Decision:
    """Decide a policy by the credentials that were verified: every constraint must hold."""
    bpnl = asked.caller.bpnl
    reasons = tuple(
        word("offer:constraint_unmet", constraint=one, bpnl=bpnl) for one in unmet(policy, asked)
    )
    return Decision(not policy.objections and not reasons, (*policy.objections, *reasons))


def unmet(policy: Reading, asked: Circumstances) -> list[Constraint]:
    """Return the constraints of a policy that do not hold."""
    return [one for one in policy.constraints if not _DECISIONS[one.operand](one, asked)]


def admits(constraint: Constraint, bpnl: Bpnl, groups: frozenset[str]) -> bool:
    """Return whether a constraint on number or group lets a legal entity through; others do."""
    match constraint.operand:
        case "BusinessPartnerNumber":
            is_listed = bpnl in constraint.values
        case "BusinessPartnerGroup":
            is_listed = bool(groups.intersection(constraint.values))
        case _:
            return True
    return is_listed == (constraint.operator == "isAnyOf")


def difference(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    """Return what only ``ours`` says with ``-`` and what only ``theirs`` says with ``+``.

    Nothing, where they say the same, whatever their order and brackets.
    """
    left, right = rules_of(ours), rules_of(theirs)
    if left == right:
        return []
    ours_lines, theirs_lines = Counter(_lines(left)), Counter(_lines(right))
    gone = [f"- {line}" for line in sorted((ours_lines - theirs_lines).elements())]
    new = [f"+ {line}" for line in sorted((theirs_lines - ours_lines).elements())]
    # The same constraints under fewer or more rules mean something else.
    return gone + new or [f"- {len(left)} rules", f"+ {len(right)} rules"]


def _flaws(rule: Rule) -> Iterator[Finding]:
    place, flaw = place_of(rule), rule_flaw(rule)
    if place is None or flaw is not None:
        yield from [flaw] if flaw else []
        return
    for constraint in rule.constraints:
        wrong = constraint_flaw(constraint, place)
        yield from [wrong] if wrong else []


def _membership(_constraint: Constraint, asked: Circumstances) -> bool:
    return any(_held(asked, "MembershipCredential"))


def _framework(constraint: Constraint, asked: Circumstances) -> bool:
    name, _, version = constraint.values[0].partition(":")
    held = _held(asked, f"{name}Credential")
    return any(one.subject.get("contractVersion") == version for one in held)


def _held(asked: Circumstances, kind: str) -> Iterator[VerifiedCredential]:
    """Yield the valid credentials of a kind that name the caller's own legal entity."""
    for credential in asked.caller.credentials:
        is_own = credential.subject.get("holderIdentifier") == asked.caller.bpnl
        if credential.type == kind and is_own and asked.now < credential.expires_at:
            yield credential


def _entity(constraint: Constraint, asked: Circumstances) -> bool:
    return _is_attested(asked) and admits(constraint, asked.caller.bpnl, asked.groups)


def _is_attested(asked: Circumstances) -> bool:
    """Whether a credential still says that the caller is the legal entity it is taken for.

    CX-0152, 2.1: the one of membership or the one of the number.
    """
    if any(_held(asked, "MembershipCredential")):
        return True
    numbers = (one for one in asked.caller.credentials if one.type == "BpnCredential")
    return any(
        one.subject.get("bpn") == asked.caller.bpnl and asked.now < one.expires_at
        for one in numbers
    )


def _date(constraint: Constraint, asked: Circumstances) -> bool:
    named = moment(constraint.values[0])
    if named is None:
        return False
    if constraint.operator == "gteq":
        return named <= asked.now
    # Moments are named to the second, and the second itself still counts.
    return asked.now < named + timedelta(seconds=1)


def _duration(constraint: Constraint, asked: Circumstances) -> bool:
    if asked.signed_at is None:
        return True
    return asked.now < asked.signed_at.astimezone(UTC) + timedelta(days=int(constraint.values[0]))


_DECISIONS: Mapping[str, Callable[[Constraint, Circumstances], bool]] = {
    "Membership": _membership,
    "FrameworkAgreement": _framework,
    "BusinessPartnerNumber": _entity,
    "BusinessPartnerGroup": _entity,
    "inForceDate": _date,
    "DataUsageEndDate": _date,
    "DataProvisioningEndDate": _date,
    "DataUsageEndDurationDays": _duration,
    "DataProvisioningEndDurationDays": _duration,
}


def _lines(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        head = f"{rule.kind} {rule.action}".strip()
        lines = [f"{head}: {part}" for part in (*rule.constraints, *rule.opaque)]
        yield from lines or [head]
