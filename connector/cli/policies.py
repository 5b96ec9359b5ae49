"""``eslabon policy``: the terms of the configuration in full, in plain words and compared."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from connector.cli.asking import Asked, SettingsWrongError
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.offered import Offered, read_policies
from connector.cli.output import FINDINGS, OK, plain_finding, show_findings, show_json
from connector.errors import DataError, Finding
from connector.identifiers import Bpnl, Did
from connector.offer.acceptance import acceptable
from connector.offer.datasets import REGISTRY_POLICY, Shelf
from connector.offer.flaws import told
from connector.offer.model import Circumstances, OfferRule, Policy
from connector.offer.odrl import rules_of
from connector.offer.policy import difference, reading_of, unmet
from connector.offer.telling import proofs_of, terms_of
from connector.offer.writing import access_policy, usage_policy
from connector.partner.model import Caller, VerifiedCredential
from connector.settings.loading import errors, load_settings
from connector.settings.shape import nearest
from connector.settings.values import Settings
from connector.texts import word

NONE = "-"
# Mistakes elsewhere do not change what a policy says.
_TABLES = ("/policy", "/offer", "/partner", "/consume")


@dataclass(frozen=True, slots=True)
class _Shown:
    """One policy as ``show`` tells it; ``offers`` are the names of those under it."""

    name: str
    offers: tuple[str, ...]
    partners: tuple[str, ...]
    access: Mapping[str, object]
    usage: Mapping[str, object]
    proofs: tuple[str, ...]
    terms: tuple[str, ...]
    verdict: tuple[str, ...] = ()
    partner: str = ""


def carry_out_list(asked: Asked) -> int:
    """List the policies: what for, how long, and who is offered what under them."""
    settings = _settings(asked)
    policies = _policies(settings)
    shown = [_row(settings, policy) for policy in policies.values()]
    if asked.as_json:
        show_json(shown)
        return OK
    table = Table(box=None, pad_edge=False)
    for key in shown[0]:
        table.add_column(label(f"heading_{key}", asked.language), overflow="fold")
    for row in shown:
        table.add_row(*(", ".join(one) if isinstance(one, list) else one for one in row.values()))
    console().print(table)
    return OK


def carry_out_show(asked: Asked, *, name: str, partner: str | None) -> int:
    """Show a policy exactly as it is offered, and in plain words."""
    settings = _settings(asked)
    policy = _named(name, _policies(settings))
    shown = _shown(settings, policy, partner, asked.language)
    if asked.as_json:
        show_json({key: getattr(shown, key) for key in _Shown.__slots__})
    else:
        _print(shown, asked.language)
    return OK


def carry_out_diff(asked: Asked, *, ours: str, theirs: str) -> int:
    """Show in what two policies differ; 1 where they do."""
    settings = _settings(asked)
    one, other = (_meant(settings, what) for what in (ours, theirs))
    lines = difference(one, other)
    if asked.as_json:
        show_json({"same": not lines, "difference": lines})
    else:
        for line in lines:
            click.echo(click.style(line, fg="red" if line.startswith("-") else "green"))
        if not lines:
            click.echo(word("cli:policies_same", asked.language, ours=ours, theirs=theirs))
    return FINDINGS if lines else OK


def carry_out_check(asked: Asked, *, file: Path) -> int:
    """Hold an offered policy against the terms under ``[consume]``; 1 where it goes beyond."""
    accepted = _settings(asked).accepted_terms()
    found = {one: acceptable(one.policy, accepted) for one in read_policies(file)}
    if asked.as_json:
        show_json([_checked(one, findings, asked.language) for one, findings in found.items()])
    else:
        for one, findings in found.items():
            _print_checked(one, findings, asked.language)
    return FINDINGS if any(found.values()) else OK


def _settings(asked: Asked) -> Settings:
    settings, findings = load_settings(asked.config, os.environ)
    wrong = errors(findings)
    about = [one for one in wrong if one.path.startswith(_TABLES)]
    if settings is None or about:
        raise SettingsWrongError(asked.config, wrong if settings is None else about)
    return settings


def _policies(settings: Settings) -> dict[str, Policy]:
    return {REGISTRY_POLICY.name: REGISTRY_POLICY, **settings.policies()}


def _named(name: str, policies: Mapping[str, Policy]) -> Policy:
    if name not in policies:
        suggestion = nearest(name, policies)
        raise DataError("cli:policy_unknown", policy=name, suggestion=suggestion)
    return policies[name]


def _meant(settings: Settings, what: str) -> Mapping[str, object]:
    """Return the usage policy of a name, or the one of a file."""
    policies = _policies(settings)
    if what in policies or not Path(what).is_file():
        return usage_policy(_named(what, policies))
    [first, *others] = read_policies(Path(what))
    if others:
        raise DataError("cli:policies_several", file=what, count=1 + len(others))
    return first.policy


def _rules(settings: Settings, policy: Policy) -> list[OfferRule]:
    """Return the offers under a policy; the registry's is that of them all."""
    is_registry = policy.name == REGISTRY_POLICY.name
    return [one for one in settings.offer_rules() if is_registry or one.policy == policy.name]


def _row(settings: Settings, policy: Policy) -> dict[str, str | list[str]]:
    rules = _rules(settings, policy)
    return {
        "name": policy.name,
        "purposes": [*policy.purposes, *policy.individual_purposes],
        "until": str(policy.until or ""),
        "offers": [rule.name for rule in rules],
        "partners": _names(settings, {bpnl for rule in rules for bpnl in rule.partners}),
    }


def _names(settings: Settings, bpnls: Iterable[Bpnl]) -> list[str]:
    wanted = set(bpnls)
    return [partner.name for partner in settings.partner if partner.bpnl in wanted]


def _shown(settings: Settings, policy: Policy, partner: str | None, language: str) -> _Shown:
    rules = _rules(settings, policy)
    named = sorted({bpnl for rule in rules for bpnl in rule.partners})
    if partner is not None:
        named = [_bpnl(settings, partner)]
    access, usage = access_policy(policy, named), usage_policy(policy)
    both = [*rules_of(access), *rules_of(usage)]
    return _Shown(
        name=policy.name,
        offers=tuple(rule.name for rule in rules),
        partners=tuple(_names(settings, named)),
        access=access,
        usage=usage,
        proofs=tuple(proofs_of(both, language)),
        terms=tuple(terms_of(rules_of(usage), language)),
        verdict=tuple(_verdict(settings, policy, named[0], language)) if partner else (),
        partner=partner or "",
    )


def _bpnl(settings: Settings, name: str) -> Bpnl:
    found = {partner.name: partner.bpnl for partner in settings.partner}
    if name not in found:
        raise DataError("cli:partner_unknown", partner=name, suggestion=nearest(name, found))
    return found[name]


def _verdict(settings: Settings, policy: Policy, bpnl: Bpnl, language: str) -> Iterator[str]:
    """Yield what keeps a partner from the data that proves all it can, or that nothing does."""
    now = datetime.now(UTC)
    shelf = Shelf(
        settings.offer_rules(),
        settings.policies().values(),
        tuple,
        str(settings.did),
        settings.partner_groups(),
    )
    is_registry = policy.name == REGISTRY_POLICY.name
    offers = [
        rule.name
        for rule in shelf.rules_in_force(now)
        if bpnl in rule.partners and (is_registry or rule.policy == policy.name)
    ]
    groups = settings.partner_groups().get(bpnl, frozenset())
    asked = Circumstances(_proven(policy, bpnl, now), now, groups)
    both = (access_policy(policy, [bpnl]), usage_policy(policy))
    against = [one for terms in both for one in unmet(reading_of(rules_of(terms)), asked)]
    yield word("cli:policy_groups", language, groups=", ".join(sorted(groups)) or NONE)
    for constraint in dict.fromkeys(against):
        yield word("cli:policy_unmet", language, constraint=constraint)
    if not offers:
        yield word("cli:policy_not_offered", language)
    elif not against:
        yield word("cli:policy_offered", language, offers=", ".join(offers))


def _proven(policy: Policy, bpnl: Bpnl, now: datetime) -> Caller:
    """Return the partner as it would be if it proved everything that it is asked for."""
    name, _, version = policy.framework_agreement.partition(":")
    subjects: Mapping[str, Mapping[str, object]] = {
        "MembershipCredential": {},
        f"{name}Credential": {"contractVersion": version},
    }
    until = now + timedelta(days=1)
    held = tuple(
        VerifiedCredential(kind, {"holderIdentifier": bpnl, **subject}, "", until)
        for kind, subject in subjects.items()
    )
    return Caller(Did("did:web:example.com"), bpnl, held, until)


def _print(shown: _Shown, language: str) -> None:
    offers = ", ".join(shown.offers) or NONE
    partners = ", ".join(shown.partners) or NONE
    click.echo(click.style(shown.name, bold=True))
    click.echo(word("cli:policy_used", language, offers=offers, partners=partners))
    for heading, policy in (("policy_access", shown.access), ("policy_usage", shown.usage)):
        click.echo("\n" + click.style(label(heading, language), bold=True))
        show_json(policy)
    _print_lines("policy_proofs", shown.proofs, language)
    _print_lines("policy_terms", shown.terms, language)
    if shown.partner:
        title = word("cli:policy_verdict", language, partner=shown.partner)
        click.echo("\n" + click.style(title, bold=True))
        click.echo("\n".join(f"  - {line}" for line in shown.verdict))


def _print_lines(heading: str, lines: Sequence[str], language: str) -> None:
    if lines:
        click.echo("\n" + click.style(label(heading, language), bold=True))
        click.echo("\n".join(f"  - {line}" for line in lines))


def _checked(one: Offered, findings: Sequence[Finding], language: str) -> dict[str, object]:
    return {
        "offer": one.id,
        "accepted": not findings,
        "proofs": proofs_of(rules_of(one.policy), language),
        "terms": terms_of(rules_of(one.policy), language),
        "findings": [plain_finding(finding, language) for finding in findings],
    }


def _print_checked(one: Offered, findings: Sequence[Finding], language: str) -> None:
    rules = rules_of(one.policy)
    click.echo(click.style(one.id or told(rules[0]) if rules else one.id, bold=True))
    _print_lines("policy_proofs", proofs_of(rules, language), language)
    _print_lines("policy_terms", terms_of(rules, language), language)
    click.echo()
    show_findings(findings, language)
    key = "cli:policy_refused" if findings else "cli:policy_accepted"
    click.echo(click.style(word(key, language, count=len(findings)), bold=True))
    if cure := _cure(one, findings):
        click.echo(word("cli:policy_cure", language) + "\n\n" + "\n".join(cure))


def _cure(one: Offered, findings: Iterable[Finding]) -> list[str]:
    """Return the lines of configuration that accept exactly what an offer asks for in vain."""
    asked = {f.params["operand"] for f in findings if f.code == "offer:constraint_not_accepted"}
    values = {
        constraint.operand: list(constraint.values)
        for rule in rules_of(one.policy)
        for constraint in rule.constraints
        if constraint.operand in asked
    }
    lines = [f"{operand} = {json.dumps(said)}" for operand, said in sorted(values.items())]
    return ["[consume.values]", *lines] if lines else []
