"""Reads a policy as it came over the wire into flat rules that can be decided and compared.

The Catena-X profile allows one shape only: rules whose constraints all hold together
(CX-0152). All else, from an ``or`` to an unknown key, is kept as an opaque piece of text,
so that nothing in a policy is ever overlooked. Lists of one may come without brackets, and
names with the prefix or the full IRI of ODRL or of the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from connector.errors import PartnerError
from connector.offer.vocabulary import NAMESPACE, OPERANDS

KINDS = ("permission", "prohibition", "obligation")
DEPTH_MAX = 8
# Longer than every purpose of the profile in one list.
LIST_CHARACTERS_MAX = 8192
# One policy comes by again at every step of an exchange; these are 2 MiB of them at most.
KEPT_POLICIES_MAX = 256
KEPT_POLICY_BYTES_MAX = 8 * 1024

_PREFIXES = ("odrl:", "http://www.w3.org/ns/odrl/2/", "cx-policy:", NAMESPACE)
_FOREIGN = {operand.iri: operand.name for operand in OPERANDS.values()}
_NAMELESS = frozenset({"@id", "@type"})
# Who, what and when: they belong to the offer or agreement around the policy.
_FRAME = _NAMELESS | {"@context", "target", "assigner", "assignee", "timestamp"}
_COMPARISON = frozenset({"leftOperand", "operator", "rightOperand"})


@dataclass(frozen=True, slots=True, order=True)
class Constraint:
    """One comparison; ``values`` are sorted, since their order never means anything."""

    operand: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Render as it would be said: ``Membership eq active``."""
        return f"{self.operand} {self.operator} {', '.join(self.values)}"


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A permission, prohibition or obligation; all its constraints must hold together.

    ``opaque`` holds, as JSON, what the profile does not know.
    """

    kind: str
    action: str
    constraints: tuple[Constraint, ...]
    opaque: tuple[str, ...] = ()


def rules_of(policy: Mapping[str, object]) -> tuple[Rule, ...]:
    """Return the rules of a policy, sorted; unknown keys become a rule of their own.

    Raises `PartnerError` where it is nested too deeply to be written out.
    """
    try:
        raw = orjson.dumps(policy)
    except orjson.JSONEncodeError:
        return _read(policy)
    return _kept(raw) if len(raw) <= KEPT_POLICY_BYTES_MAX else _read(policy)


@lru_cache(KEPT_POLICIES_MAX)
def _kept(raw: bytes) -> tuple[Rule, ...]:
    """Return the rules of a policy by its very bytes: nothing that it was read from is kept."""
    return _read(orjson.loads(raw))


def _read(policy: Mapping[str, object]) -> tuple[Rule, ...]:
    known = _terms(policy)
    if _is_of_profile(known.get("profile")):
        known.pop("profile", None)
    rules = [_rule(kind, entry) for kind in KINDS for entry in listed(known.pop(kind, []))]
    strange = _leftover(known, _FRAME)
    return tuple(sorted([*rules, *([Rule("", "", (), strange)] if strange else [])]))


def term(name: object) -> str:
    """Return a name without the prefix of ODRL or of the profile, if it has one."""
    if isinstance(name, list) and len(name) == 1:
        name = name[0]
    if isinstance(name, Mapping):
        name = name.get("@id", name)
    text = name if isinstance(name, str) else _json(name)
    if text in _FOREIGN:
        return _FOREIGN[text]
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return text


def listed(value: object) -> list[object]:
    """Return a list as it is, also one in JSON-LD's words, and anything else as a list of one."""
    if isinstance(value, Mapping) and len(value) == 1:
        value = value.get("@list", value.get("@set", value))
    return value if isinstance(value, list) else [value]


def _is_of_profile(named: object) -> bool:
    """Return whether a policy names no profile but ours; nobody may decide one of another."""
    names = [_value(one) for one in listed(named)] if named else []
    return all(name and name.rstrip("/") == NAMESPACE.rstrip("/") for name in names)


def _rule(kind: str, entry: object) -> Rule:
    if not isinstance(entry, Mapping):
        return Rule(kind, "", (), (_json(entry),))
    known = _terms(entry)
    action = term(known.pop("action", ""))
    found = [part for node in listed(known.pop("constraint", [])) for part in _parts(node, 0)]
    constraints = sorted(part for part in found if isinstance(part, Constraint))
    opaque = [part for part in found if isinstance(part, str)]
    return Rule(kind, action, tuple(constraints), (*sorted(opaque), *_leftover(known, _NAMELESS)))


def _parts(node: object, depth: int) -> Iterator[Constraint | str]:
    known = {} if not isinstance(node, Mapping) else _terms(node)
    for name in _NAMELESS:
        known.pop(name, None)
    if set(known) == {"and"} and depth < DEPTH_MAX:
        for inner in listed(known["and"]):
            yield from _parts(inner, depth + 1)
    elif set(known) == _COMPARISON:
        yield _comparison(known)
    else:
        yield _json(node)


def _terms(node: Mapping[str, object]) -> dict[str, object]:
    """Shorten the keys; one that comes twice under two prefixes stays long, thus unknown."""
    known: dict[str, object] = {}
    for key, value in node.items():
        short = term(key)
        known[key if short in known else short] = value
    return known


def _comparison(known: Mapping[str, object]) -> Constraint | str:
    nodes = [node for one in listed(known["rightOperand"]) for node in _unpacked(one)]
    values = [_value(node) for node in nodes]
    if None in values:
        return _json(known)
    texts = sorted(value for value in values if value is not None)
    return Constraint(term(known["leftOperand"]), term(known["operator"]), tuple(texts))


def _unpacked(one: object) -> list[object]:
    """Return the values of a list that was written as one text.

    An Eclipse connector echoes a list of two or more so: its JSON-LD as a string (EDC 0.14.0).
    """
    text = _value(one)
    if text is None or not text.startswith("[") or len(text) > LIST_CHARACTERS_MAX:
        return [one]
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return [one]
    is_list = isinstance(found, list) and found and all(_value(node) for node in found)
    return found if is_list else [one]


def _value(one: object) -> str | None:
    if isinstance(one, Mapping):
        one = one.get("@value", one.get("@id"))
    if isinstance(one, str):
        return one
    return _json(one) if isinstance(one, bool | int | float) else None


def _leftover(known: Mapping[str, object], ignored: frozenset[str]) -> tuple[str, ...]:
    strange = {key: value for key, value in known.items() if key not in ignored}
    return (_json(strange),) if strange else ()


def _json(value: object) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        raise PartnerError("offer:policy_too_deep") from None
