"""Holds the parts of the settings against each other and against the disk."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path as FilePath

from connector.errors import Finding, Severity
from connector.offer.lint import Surroundings, lint, lint_accepted
from connector.offer.policy import admits
from connector.settings.lines import Path
from connector.settings.sections import OfferSection
from connector.settings.shape import Problem, nearest
from connector.settings.sources import source_problems
from connector.settings.values import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def cross_problems(settings: Settings) -> Iterator[Problem]:
    """Yield everything that is wrong although each value alone is right."""
    yield from _public(settings)
    yield from _identity(settings)
    yield from _names(settings)
    yield from _offers(settings)
    yield from _policies(settings)
    yield from _feeds(settings)
    yield from _folders(settings)
    yield from _development(settings)


def _public(settings: Settings) -> Iterator[Problem]:
    public = settings.public
    if public.port == settings.operator.port:
        yield _problem(("operator", "port"), "ports_equal", port=public.port)
    is_plain = public.url.startswith("http://")
    if is_plain and not settings.development.allow_http:
        yield _problem(("public", "url"), "url_not_https", url=public.url)
    if not is_plain and not public.tls_certificate and not public.trusted_proxy:
        yield _problem(("public", "url"), "nobody_ends_tls", url=public.url)
    if (public.tls_certificate is None) != (public.tls_key is None):
        given = "tls_certificate" if public.tls_certificate else "tls_key"
        lacking = "tls_key" if public.tls_certificate else "tls_certificate"
        yield _problem(("public", given), "tls_half", given=given, lacking=lacking)
    if public.tls_certificate:
        yield from _readable(("public", "tls_certificate"), public.tls_certificate)
    if public.tls_key:
        yield from _secret(("public", "tls_key"), public.tls_key)
    if public.trusted_proxy and not _is_network(public.trusted_proxy):
        path = ("public", "trusted_proxy")
        yield _problem(path, "proxy_not_an_address", value=public.trusted_proxy)


def _identity(settings: Settings) -> Iterator[Problem]:
    identity = settings.identity
    yield from _keys(settings)
    if (identity.sts_client_id is None) != (identity.sts_secret_file is None):
        yield _problem(("identity", "sts_client_id"), "sts_half")
    if identity.sts_secret_file is not None:
        yield from _secret(("identity", "sts_secret_file"), identity.sts_secret_file)
    yield from _secret(("twin", "secret_file"), settings.twin.secret_file)
    yield from _secret(("operator", "token_file"), settings.operator.token_file)
    if not _holds(lambda: any(identity.credentials.iterdir())):
        path = ("identity", "credentials")
        yield _warning(path, "no_credentials", folder=identity.credentials)
    if not identity.trusted_issuers:
        yield _warning(("identity", "trusted_issuers"), "nobody_trusted")


def _keys(settings: Settings) -> Iterator[Problem]:
    identity = settings.identity
    if (identity.key_file is None) == (identity.key_env is None):
        yield _problem(("identity", "key_file"), "key_not_once")
    if identity.key_file is not None:
        yield from _secret(("identity", "key_file"), identity.key_file)
    if identity.key_env is not None and identity.key_env not in settings.environment:
        yield _problem(("identity", "key_env"), "key_env_not_set", variable=identity.key_env)
    for place, file in enumerate(identity.further_key_files):
        yield from _secret(("identity", "further_key_files", place), file)


def _names(settings: Settings) -> Iterator[Problem]:
    yield from _repeated("feed", "name", [feed.name for feed in settings.feed])
    yield from _repeated("offer", "name", [offer.name for offer in settings.offer])
    yield from _repeated("partner", "name", [partner.name for partner in settings.partner])
    yield from _repeated("partner", "did", [partner.did for partner in settings.partner])
    yield from _directory(settings)


def _directory(settings: Settings) -> Iterator[Problem]:
    url = settings.discovery.bdrs_url
    for place, partner in enumerate(settings.partner):
        if partner.did is None and url is None:
            yield _problem(("partner", place, "did"), "did_untold", partner=partner.name)
    if url and url.startswith("http://") and not settings.development.allow_http:
        yield _problem(("discovery", "bdrs_url"), "url_not_https", url=url)


def _repeated(table: str, key: str, values: Sequence[str | None]) -> Iterator[Problem]:
    for place, value in enumerate(values):
        if value is not None and value in values[:place]:
            yield _problem((table, place, key), "repeated", table=table, key=key, value=value)


def _offers(settings: Settings) -> Iterator[Problem]:
    known = {
        "partner": [partner.name for partner in settings.partner],
        "group": sorted({group for one in settings.partner for group in one.groups}),
        "policy": sorted(settings.policy),
    }
    for place, offer in enumerate(settings.offer):
        said = ("offer", place)
        for key, kind in (("partners", "partner"), ("partner_groups", "group")):
            for name in getattr(offer, key):
                yield from _strange((*said, key), offer, (kind, name), known)
        yield from _strange((*said, "policy"), offer, ("policy", offer.policy), known)
        if not offer.partners and not offer.partner_groups:
            yield _problem((*said, "partners"), "offer_to_nobody", offer=offer.name)
        yield from _shut_out((*said, "partners"), offer, settings)


def _shut_out(path: Path, offer: OfferSection, settings: Settings) -> Iterator[Problem]:
    """Yield that the access policy shuts out partners whom the offer names one by one."""
    policy, groups = settings.policies().get(offer.policy), settings.partner_groups()
    access = policy.access if policy else ()
    for partner in settings.partner:
        if partner.name in offer.partners and not all(
            admits(one, partner.bpnl, groups[partner.bpnl]) for one in access
        ):
            shown = {"offer": offer.name, "partner": partner.name, "policy": offer.policy}
            yield _warning(path, "partner_shut_out", **shown)


def _strange(
    path: Path, offer: OfferSection, named: tuple[str, str], known: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Yield that an offer names a partner, group or policy that there is none of."""
    kind, name = named
    if name not in known[kind]:
        guess = nearest(name, known[kind])
        shown = {kind: name, "offer": offer.name, "suggestion": guess}
        yield _problem(path, f"{kind}_unknown", **shown)


def _policies(settings: Settings) -> Iterator[Problem]:
    """Yield what the rooms would find wrong with the terms, ours and those that we accept."""
    groups = {group for one in settings.partner for group in one.groups}
    beside = Surroundings(groups, datetime.now(UTC).date())
    for name, policy in settings.policies().items():
        for finding in lint(policy, beside):
            yield _found(("policy", name), finding)
    for finding in lint_accepted(settings.accepted_terms()):
        yield _found(("consume",), finding)


def _found(table: Path, finding: Finding) -> Problem:
    steps = (int(s) if s.isdecimal() else s for s in finding.path.strip("/").split("/"))
    return Problem((*table, *steps), finding.code, finding.params, finding.severity)


def _feeds(settings: Settings) -> Iterator[Problem]:
    for place, feed in enumerate(settings.feed):
        yield from _readable(("feed", place, "mapping"), feed.mapping)
        for found in source_problems(feed, settings.file.parent, settings.environment):
            yield dataclasses.replace(found, path=("feed", place, *found.path))


def _folders(settings: Settings) -> Iterator[Problem]:
    data = settings.connector.data
    is_new = _holds(lambda: not data.exists())
    if not is_new and not _holds(lambda: data.is_dir() and os.access(data, os.W_OK)):
        yield _problem(("connector", "data"), "data_not_writable", folder=data)
    for folder in settings.models.folders:
        if not _holds(folder.is_dir):
            yield _problem(("models", "folders"), "folder_missing", folder=folder)


def _development(settings: Settings) -> Iterator[Problem]:
    switches = settings.development
    if switches.allow_http:
        yield _warning(("development", "allow_http"), "http_allowed")
    if switches.allow_private_networks:
        yield _warning(("development", "allow_private_networks"), "private_networks_allowed")


def _readable(path: Path, file: FilePath) -> Iterator[Problem]:
    if not _holds(file.is_file):
        yield _problem(path, "file_absent", file=file)
    elif not os.access(file, os.R_OK):
        yield _problem(path, "file_unreadable", file=file)


def _secret(path: Path, file: FilePath) -> Iterator[Problem]:
    yield from _readable(path, file)
    if os.name == "posix" and _holds(lambda: bool(file.stat().st_mode & _OTHERS)):
        yield _problem(path, "readable_by_others", file=file)


def _holds(question: Callable[[], bool]) -> bool:
    """Return the answer; a path that the system does not even take holds nothing."""
    try:
        return question()
    except OSError:
        return False


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _problem(path: Path, code: str, **params: object) -> Problem:
    return Problem(path, f"settings:{code}", params)


def _warning(path: Path, code: str, **params: object) -> Problem:
    return Problem(path, f"settings:{code}", params, Severity.WARNING)
