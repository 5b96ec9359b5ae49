"""Which twins a partner may see: the rules that name it, met with what each twin is offered by.

A twin is stored with the keys of the rules whose part patterns it fits, called its audience.
Partners, policy and aspects of a rule are looked up at each read, so that a change of these
acts at once; the key holds a digest of the patterns, so that after a change of those
nobody sees a twin by the old ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from hashlib import blake2b

from connector.identifiers import Bpnl, SemanticId
from connector.offer.model import OfferRule


def rule_key(rule: OfferRule) -> str:
    """Return the rule's name with a digest of its part patterns."""
    digest = blake2b("\n".join(sorted(rule.parts)).encode(), digest_size=4)
    return f"{rule.name}#{digest.hexdigest()}"


def fingerprint(rules: Iterable[OfferRule]) -> str:
    """Return what changes whenever stored audiences have to be worked out anew."""
    keys = "\n".join(sorted(rule_key(rule) for rule in rules))
    return blake2b(keys.encode(), digest_size=16).hexdigest()


def audience_of(rules: Iterable[OfferRule]) -> Callable[[str], tuple[str, ...]]:
    """Return a function from manufacturerPartId to the sorted keys of the rules that fit it."""
    compiled = [(rule_key(rule), _pattern(rule.parts)) for rule in rules]

    def keys(part: str) -> tuple[str, ...]:
        return tuple(sorted(key for key, pattern in compiled if pattern.match(part)))

    return keys


@dataclass(frozen=True, slots=True)
class Sight:
    """What one partner may see: audience number to the rules that let it, first rule first.

    Audiences of which it sees nothing are not among them.
    """

    bpnl: Bpnl
    audiences: Mapping[int, tuple[OfferRule, ...]]

    def rule_for(self, audience: int, semantic_id: SemanticId) -> OfferRule | None:
        """Return the rule under which the partner is offered an aspect of such a twin."""
        rules = self.audiences.get(audience, ())
        return next((rule for rule in rules if rule.covers(semantic_id)), None)

    def reads(self, audience: int, semantic_id: SemanticId, policy: str) -> bool:
        """Return whether an agreement under this policy opens an aspect of such a twin."""
        # Asked at every read of a value: half the price of `any`.
        for rule in self.audiences.get(audience, ()):
            if rule.policy == policy and rule.covers(semantic_id):
                return True
        return False


def sight_of(
    bpnl: Bpnl, rules: Iterable[OfferRule], audiences: Mapping[int, frozenset[str]]
) -> Sight:
    """Work out what a partner may see under the rules that are in force."""
    named = [(rule_key(rule), rule) for rule in rules if bpnl in rule.partners]
    seen = {
        number: tuple(rule for key, rule in named if key in keys)
        for number, keys in audiences.items()
    }
    return Sight(bpnl, {number: rules for number, rules in seen.items() if rules})


def _pattern(parts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(part) for part in parts or ("*",)))
