"""Looks at the way to an address: its name, and the certificate that is shown there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from connector.daemon.doctor.course import Outcome, left, remark, remark_of, seen
from connector.errors import EslabonError, Finding
from connector.protocols.dcp.wallet import EXPIRY_WARNED_BEFORE
from connector.protocols.http import ClientLimits, is_public
from connector.protocols.probing import Certificate, addresses_of, certificate_of
from connector.web.operations import Actor, Remark

HOSTS_MAX = 8
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Way:
    """The way to some addresses, each an origin such as ``https://host:8443``.

    ``whose`` is who runs the hosts there; ``warns_hidden`` warns of addresses that only a
    private network reaches.
    """

    urls: tuple[str, ...]
    limits: ClientLimits
    whose: Actor
    now: datetime
    warns_hidden: bool = False
    _found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def dns(self) -> Outcome:
        """See where the names of the hosts lead."""
        facts: list[Finding] = []
        remarks: list[Remark] = []
        for host in _hosts(self.urls):
            try:
                found = await addresses_of(host, self.limits)
            except EslabonError as trouble:
                remarks.append(remark_of(trouble, self.whose))
                continue
            self._found[host] = found
            facts.append(_leads(host, found))
            hidden = [one for one in found if not _is_public(one)]
            if hidden and self.warns_hidden:
                shown = ", ".join(hidden)
                remarks.append(
                    remark("address_hidden", Actor.US, warns=True, host=host, addresses=shown)
                )
        return Outcome(tuple(facts), tuple(remarks))

    async def tls(self) -> Outcome:
        """See whether the hosts prove themselves, and for how long still."""
        secure = [url for url in self.urls if url.startswith("https://")]
        if not secure:
            return left("plain_http")
        facts: list[Finding] = []
        remarks: list[Remark] = []
        for url in dict.fromkeys(secure):
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _HTTPS_PORT
            try:
                shown = await certificate_of(host, port, self.limits, self._found.get(host, ()))
            except EslabonError as trouble:
                remarks.append(remark_of(trouble, self.whose))
                continue
            judged = judged_certificate(host, shown, self)
            facts += judged.seen
            remarks += judged.remarks
        return Outcome(tuple(facts), tuple(remarks))


def judged_certificate(host: str, shown: Certificate, way: Way) -> Outcome:
    """Return what a certificate says, and whether it ends soon."""
    date, days = f"{shown.expires_at:%Y-%m-%d}", (shown.expires_at - way.now).days
    fact = seen("seen_certificate", host=host, issuer=shown.issuer, date=date)
    if shown.expires_at <= way.now:
        return Outcome((fact,), (remark("certificate_over", way.whose, host=host, date=date),))
    if shown.expires_at - way.now >= EXPIRY_WARNED_BEFORE:
        return Outcome((fact,))
    facts = {"host": host, "date": date}
    soon = remark("certificate_soon", way.whose, warns=True, days=days, **facts)
    return Outcome((fact,), (soon,))


def origins(urls: Iterable[str]) -> tuple[str, ...]:
    """Return scheme, host and port of addresses, each once, so many at most."""
    parts = (urlsplit(url) for url in urls)
    found = dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in parts if one.hostname)
    return tuple(found)[:HOSTS_MAX]


def _hosts(urls: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in urls))


def _leads(host: str, found: tuple[str, ...]) -> Finding:
    if found == (host,):
        return seen("seen_number", host=host)
    return seen("seen_addresses", host=host, addresses=", ".join(found))


def _is_public(address: str) -> bool:
    return is_public(ipaddress.ip_address(address.partition("%")[0]))
