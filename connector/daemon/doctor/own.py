"""Looks at our own side: the address that partners see, who we are, and what we can prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import orjson

from connector.daemon.doctor.clocks import CLOCK_SECONDS_MAX, offset_seconds, weighed
from connector.daemon.doctor.course import Look, Outcome, left, remark, remark_of, seen
from connector.daemon.doctor.patient import Eyes, Patient
from connector.daemon.doctor.way import Way, judged_certificate
from connector.errors import EslabonError, Finding, PartnerError, Severity
from connector.identifiers import did_web
from connector.protocols.dcp.did import (
    DOCUMENT_BYTES_MAX,
    DidDocument,
    document_url,
    read_document,
)
from connector.protocols.dcp.identity import JudgedCredential
from connector.protocols.dcp.wallet import EXPIRY_WARNED_BEFORE
from connector.protocols.dsp.discovery import VERSIONS_BYTES_MAX, version_document
from connector.protocols.dsp.messages import BASE_PATH, WELL_KNOWN
from connector.protocols.http import ClientLimits, GuardedClient
from connector.protocols.probing import read_certificate
from connector.web.operations import Actor, Remark

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class OwnSide:
    """The looks at everything that is ours except the store; ``way`` leads to our address."""

    patient: Patient
    eyes: Eyes
    way: Way

    def looks(self) -> list[Look]:
        """Return them in the order in which one stands on the other."""
        return [
            Look("dns", self.way.dns),
            Look("tls", self.tls, needs=("dns",), at_home=True),
            Look("proxy", self.proxy),
            Look("clock", self.clock),
            Look("public_address", self.public_address, needs=("dns", "tls"), at_home=True),
            Look("did_document", self.did_document, needs=("public_address",), at_home=True),
            Look("wallet", self.wallet, at_home=True),
            Look("credentials", self.credentials, needs=("wallet",)),
            Look("directory", self.directory, needs=("credentials",)),
        ]

    async def tls(self) -> Outcome:
        """See whether our certificate proves our address; without a listener, the file alone."""
        public = self.patient.settings.public
        if self.patient.running or public.tls_certificate is None:
            return await self.way.tls() if self.patient.running else left("not_running")
        try:
            shown = read_certificate(public.tls_certificate.read_bytes())
        except (OSError, ValueError) as trouble:
            return Outcome(
                remarks=(
                    remark(
                        "certificate_unreadable",
                        Actor.US,
                        file=public.tls_certificate,
                        reason=trouble,
                    ),
                )
            )
        return judged_certificate(urlsplit(public.url).hostname or "", shown, self.way)

    async def proxy(self) -> Outcome:
        """See what stands between us and the others by configuration."""
        settings, public = self.patient.settings, self.patient.settings.public
        found = [n for n in settings.environment if n.lower() in _PROXIES]
        remarks = [
            remark("proxy_ignored", Actor.US, warns=True, names=", ".join(sorted(found)))
            for _ in found[:1]
        ]
        host = urlsplit(public.url).hostname or ""
        if public.bind in ("127.0.0.1", "::1", "localhost") and not (
            public.trusted_proxy or host in ("127.0.0.1", "::1", "localhost")
        ):
            remarks.append(
                remark("bind_hidden", Actor.US, warns=True, bind=public.bind, host=host)
            )
        ending = "seen_proxy" if public.trusted_proxy else "seen_no_proxy"
        facts = {"proxy": public.trusted_proxy or "", "bind": public.bind, "port": public.port}
        return Outcome((seen(ending, **facts),), tuple(remarks))

    async def clock(self) -> Outcome:
        """Hold our clock against those of the hosts that we trust."""
        patient = self.patient
        allow_http = patient.settings.development.allow_http
        offsets: dict[str, float] = {}
        remarks: list[Remark] = []
        for issuer in patient.settings.identity.trusted_issuers:
            try:
                url = document_url(issuer, allow_http=allow_http)
                told = await offset_seconds(self.eyes.client, url, patient.clock)
            except EslabonError as trouble:
                remarks.append(remark_of(trouble, warns=True))
                continue
            if told is not None:
                offsets[urlsplit(url).hostname or url] = told
        if not offsets:
            return (
                Outcome((seen("seen_no_clock"),), tuple(remarks)) if remarks else left("no_clock")
            )
        shown = ", ".join(f"{host} {told:+.1f} s" for host, told in offsets.items())
        judged = weighed(offsets.values())
        if judged.is_wrong or judged.is_doubtful:
            apart, warns = f"{judged.seconds:+.1f}", not judged.is_wrong
            remarks.append(
                remark("clock_off", Actor.US, warns=warns, seconds=apart, most=CLOCK_SECONDS_MAX)
            )
        return Outcome((seen("seen_clock", hosts=shown),), tuple(remarks))

    async def public_address(self) -> Outcome:
        """Ask ourselves under the address that partners use."""
        if not self.patient.running:
            return left("not_running")
        url = self.patient.settings.public.url + WELL_KNOWN
        async with GuardedClient(home_limits(self.patient)) as client:
            answer = await client.get(url, limit_bytes=VERSIONS_BYTES_MAX)
        if not _same(answer.body, version_document(BASE_PATH)):
            return Outcome(remarks=(remark("address_of_other", Actor.US, url=url),))
        return Outcome((seen("seen_public", url=url),))

    async def did_document(self) -> Outcome:
        """Fetch our own DID document as a partner does, and compare it with what we serve."""
        dcp = self.patient.dcp
        if dcp is None:
            return left("identity_handed_in")
        did = self.patient.settings.did
        is_ours = did == did_web(self.patient.settings.public.url)
        if is_ours and not self.patient.running:
            return left("not_running")
        url = document_url(did, allow_http=self.patient.settings.development.allow_http)
        async with GuardedClient(home_limits(self.patient)) as client:
            answer = await client.get(url, limit_bytes=DOCUMENT_BYTES_MAX)
        fetched, published = read_document(answer.body, did), dcp.document()
        fact = seen("seen_document", keys=len(fetched.keys), url=url, did=did)
        return Outcome((fact,), tuple(_document_remarks(fetched, published, url)))

    async def wallet(self) -> Outcome:
        """See whether the key and the credentials are there."""
        dcp, identity = self.patient.dcp, self.patient.settings.identity
        if dcp is None:
            return left("identity_handed_in")
        found = dcp.findings()
        remarks = [Remark(one, Actor.US) for one in found if not _is_dated(one)]
        if not identity.trusted_issuers:
            remarks.append(remark("nobody_trusted", Actor.US))
        place = identity.key_file or f"${identity.key_env}"
        facts = {"held": len(dcp.expiries()), "folder": identity.credentials}
        return Outcome((seen("seen_wallet", place=place, **facts),), tuple(remarks))

    async def credentials(self) -> Outcome:
        """Judge our credentials as a partner judges them: dates, issuer, signature, status."""
        dcp = self.patient.dcp
        if dcp is None:
            return left("identity_handed_in")
        now = self.patient.clock()
        judged = await dcp.judged_credentials()
        good = [one for one in judged if one.trouble is None]
        remarks = [_judgement(one) for one in judged if one.trouble is not None]
        remarks += [_soon(one, now) for one in good if _expires(one) - now < EXPIRY_WARNED_BEFORE]
        if not good:
            return Outcome(remarks=tuple(remarks))
        until = min(_expires(one) for one in good)
        facts = {"count": len(good), "until": f"{until:%Y-%m-%d}"}
        return Outcome((seen("seen_credentials", **facts),), tuple(remarks))

    async def directory(self) -> Outcome:
        """Read the directory of the data space."""
        listings = self.patient.listings
        if listings is None:
            return left("no_directory")
        directory = listings.directory
        if not self.patient.running:
            return Outcome((self._listed(),), left=seen("not_running"))
        try:
            await listings.read()
        except EslabonError as trouble:
            is_old = directory.age() is not None
            note = (self._listed(),) if is_old else ()
            actor = Actor.AUTHORITY if isinstance(trouble, PartnerError) else None
            return Outcome(note, (remark_of(trouble, actor, warns=is_old),))
        return Outcome((self._listed(),))

    def _listed(self) -> Finding:
        listings = self.patient.listings
        age = listings.directory.age() if listings else None
        source = listings.directory.source if listings else ""
        if listings is None or age is None:
            return seen("seen_directory_unread", source=source)
        minutes = int(age.total_seconds() // 60)
        entries = len(listings.directory)
        return seen("seen_directory", source=source, entries=entries, minutes=minutes)


def home_limits(patient: Patient) -> ClientLimits:
    """Return limits for our own address: behind a firewall it may well be a private one."""
    return ClientLimits(patient.settings.development.allow_http, allow_private_networks=True)


def _document_remarks(
    fetched: DidDocument, published: Mapping[str, object], url: str
) -> Iterable[Remark]:
    signing = _listed_in(published, "verificationMethod")[0]["id"]
    if signing not in fetched.keys:
        shown = ", ".join(name.rpartition("#")[2] for name in fetched.keys) or "-"
        ours = signing.rpartition("#")[2]
        yield remark("document_other_key", Actor.US, url=url, shown=shown, ours=ours)
    there = {(one.type, one.url.rstrip("/")) for one in fetched.endpoints}
    for one in _listed_in(published, "service"):
        kind, endpoint = one["type"], one["serviceEndpoint"]
        if (kind, endpoint.rstrip("/")) not in there:
            shown = ", ".join(place for named, place in sorted(there) if named == kind) or "-"
            yield remark(
                "document_other_service", Actor.US, url=url, type=kind, ours=endpoint, shown=shown
            )


def _judgement(one: JudgedCredential) -> Remark:
    trouble = one.trouble
    if trouble is None:
        raise ValueError(one.held.file)
    if trouble.code == "connector.protocols.dcp:issuer_not_trusted":
        return remark_of(trouble, Actor.US, warns=True)
    if isinstance(trouble, PartnerError):
        return remark_of(trouble, Actor.AUTHORITY)
    return remark_of(trouble)


def _soon(one: JudgedCredential, now: datetime) -> Remark:
    until = _expires(one)
    return remark(
        "credential_soon",
        Actor.AUTHORITY,
        warns=True,
        type=", ".join(one.held.credential.types),
        date=f"{until:%Y-%m-%d}",
        days=(until - now) // timedelta(days=1),
    )


def _expires(one: JudgedCredential) -> datetime:
    return one.held.credential.expires_at()


def _is_dated(found: Finding) -> bool:
    """Whether a finding is about a date: the credentials' own step says it too, and more."""
    expired = found.code.endswith(":credential_expired")
    return found.severity is Severity.WARNING or expired


def _listed_in(document: Mapping[str, object], key: str) -> list[Mapping[str, str]]:
    found = document.get(key)
    return found if isinstance(found, list) else []


def _same(raw: bytes, wanted: object) -> bool:
    try:
        return bool(orjson.loads(raw) == wanted)
    except orjson.JSONDecodeError:
        return False
