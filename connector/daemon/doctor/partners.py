"""Looks at one partner: where it is, what it speaks, what it offers, and what it may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connector.agreement.model import CatalogEntry
from connector.collection.model import Visit
from connector.daemon.doctor.clocks import CLOCK_SECONDS_MAX, Deviation, offset_seconds
from connector.daemon.doctor.course import Look, Outcome, left, remark, remark_of, seen
from connector.daemon.doctor.patient import Eyes, Patient, endpoints_of
from connector.daemon.doctor.terms import partner_fits, terms_fit
from connector.daemon.doctor.way import Way, origins
from connector.errors import EslabonError, Finding, PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.offer.model import OfferRule
from connector.partner.model import Partner
from connector.protocols.dcp.did import CREDENTIAL_SERVICE, DATA_SERVICE, document_url
from connector.protocols.dsp.discovery import newest_spoken
from connector.protocols.dsp.messages import WELL_KNOWN
from connector.web.operations import Actor, Remark

NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"
NO_REGISTRY = "transfer:dataset_not_found"
REFUSAL_TOLD_AFTER = timedelta(minutes=2)
_REFUSED = ("protocols:request_refused",)


@dataclass
class PartnerSide:
    """The looks at one entry of the address book; what one look finds the next ones use."""

    patient: Patient
    eyes: Eyes
    name: str
    bpnl: Bpnl
    _partner: Partner | None = None
    _way: Way | None = None
    _bases: tuple[str, ...] = ()
    _roots: tuple[str, ...] = ()
    _entries: list[CatalogEntry] = field(default_factory=list)

    def looks(self) -> list[Look]:
        """Return them in the order in which one stands on the other."""
        return [
            Look("directory_entry", self.directory_entry),
            Look("dns", self.dns, needs=("directory_entry",)),
            Look("tls", self.tls, needs=("dns",)),
            Look("did_document", self.did_document, needs=("tls",)),
            Look("services", self.services, needs=("did_document",)),
            Look("version", self.version, needs=("services",)),
            Look("clock", self.clock, needs=("services",)),
            Look("catalog", self.catalog, needs=("version", "own/credentials")),
            Look("terms", self.terms, needs=("catalog",)),
            Look("registry", self.registry, needs=("terms",)),
            Look("our_terms", self.our_terms, needs=("did_document",)),
        ]

    async def directory_entry(self) -> Outcome:
        """See which DID the address book has, and which one the directory lists."""
        try:
            partner = self._partner = self.patient.book.by_name(self.name)
        except TransientError as trouble:
            if self.patient.running:
                raise
            source = str(trouble.params.get("source"))
            unread = remark("did_unread", Actor.US, bpnl=self.bpnl, source=source)
            return Outcome(remarks=(unread,))
        if partner is None:
            return Outcome(remarks=(remark("partner_gone", Actor.US, partner=self.name),))
        return self._listed(partner)

    async def dns(self) -> Outcome:
        """See where the host of the DID document is."""
        allow_http = self.patient.settings.development.allow_http
        url = document_url(self._did, allow_http=allow_http)
        self._way = self._way_to(url)
        return await self._way.dns()

    async def tls(self) -> Outcome:
        """See whether that host proves itself."""
        return await self._way.tls() if self._way else Outcome()

    async def did_document(self) -> Outcome:
        """Read the partner's DID document."""
        document = await self.eyes.resolver.document(self._did)
        remarks = []
        if not document.keys:
            remarks.append(remark("document_without_keys", Actor.PARTNER, did=self._did))
        kinds = ", ".join(sorted({one.type for one in document.endpoints})) or "-"
        fact = seen("seen_partner_document", keys=len(document.keys), services=kinds)
        return Outcome((fact,), tuple(remarks))

    async def services(self) -> Outcome:
        """See where the partner's services are, and whether their hosts prove themselves."""
        document = await self.eyes.resolver.document(self._did)
        self._roots = await self.eyes.versions.roots(self._did)
        wallets = endpoints_of(document, CREDENTIAL_SERVICE)
        connectors = endpoints_of(document, DATA_SERVICE)
        remarks: list[Remark] = []
        if not wallets:
            error = PartnerError("connector.protocols.dcp:no_credential_service", who=self._did)
            remarks.append(remark_of(error))
        way = self._way_to(*connectors, *wallets)
        found = await way.dns()
        proven = await way.tls() if not found.remarks else Outcome()
        facts = [
            seen("seen_services", connectors=", ".join(connectors), wallets=", ".join(wallets)),
            *proven.seen,
        ]
        return Outcome(tuple(facts), (*remarks, *found.remarks, *proven.remarks))

    async def version(self) -> Outcome:
        """See which versions the partner's connectors speak, and which one both do."""
        facts: list[Finding] = []
        troubles: list[EslabonError] = []
        bases: list[str] = []
        for root in self._roots:
            try:
                offered = await self.eyes.versions.versions(self._did, root)
                names = ", ".join(one.name for one in offered) or "-"
                facts.append(seen("seen_versions", root=root, versions=names))
                bases.append(root + newest_spoken(offered, self._did).path)
            except EslabonError as trouble:
                troubles.append(trouble)
        self._bases = tuple(bases)
        # One connector that is down or old does not hide the others.
        remarks = tuple(remark_of(one, warns=bool(bases)) for one in troubles)
        return Outcome(tuple(facts), remarks)

    async def clock(self) -> Outcome:
        """Hold the partner's clock against ours."""
        url = self._roots[0] + WELL_KNOWN
        hosts = await self.eyes.whereabouts.vouched_hosts(self._did)
        client = self.eyes.client.reaching(hosts)
        told = await offset_seconds(client, url, self.patient.clock)
        if told is None:
            return Outcome((seen("seen_no_clock"),))
        apart = f"{told:+.1f}"
        fact = seen("seen_partner_clock", seconds=apart)
        judged = Deviation(told)
        if not judged.is_doubtful:
            return Outcome((fact,))
        warns, most = not judged.is_wrong, CLOCK_SECONDS_MAX
        off = remark("partner_clock_off", Actor.PARTNER, warns=warns, seconds=apart, most=most)
        return Outcome((fact,), (off,))

    async def catalog(self) -> Outcome:
        """Ask for what the partner offers us, as who we are."""
        if not self.patient.running:
            return left("not_running_catalog")
        facts: list[Finding] = []
        troubles: list[Remark] = []
        for base in self._bases:
            try:
                shown = await self.eyes.catalog.datasets(self._known, base)
            except EslabonError as trouble:
                troubles.append(self._refused(trouble))
                continue
            self._entries += shown
            facts.append(seen("seen_catalog", count=len(shown), base=base))
        if facts and not self._entries:
            # A customer may well have nothing for its supplier.
            warns = bool(self._rules)
            facts_of = {"partner": self.name, "bpnl": str(self._own_bpnl)}
            troubles.append(remark("catalog_empty", Actor.PARTNER, warns=warns, **facts_of))
        return Outcome(tuple(facts), tuple(troubles))

    async def terms(self) -> Outcome:
        """See whether we accept the terms of what is offered."""
        if not self.patient.running:
            return left("not_running_catalog")
        if not self._entries:
            return left("nothing_for_us")
        return terms_fit(self._entries, self.patient.settings.accepted_terms(), self.name)

    async def registry(self) -> Outcome:
        """Get access to the partner's registry, and look for a twin that nobody has."""
        visit = self.patient.visit
        if visit is None:
            return left("not_running_catalog")
        if not self._entries:
            return left("nothing_for_us")
        outcomes = [await _opens(visit, seat) for seat in self._seats()]
        troubles = [one for one in outcomes if one is not None]
        # Of several connectors one may well be without a registry, or away.
        some = len(troubles) < len(outcomes)
        kept = [one for one in troubles if not (some and one.code == NO_REGISTRY)]
        facts = (seen("seen_registry"),) if some else ()
        remarks = [remark_of(one, warns=some) for one in kept]
        return Outcome(facts, (*remarks, *(self._refusals() if kept else ())))

    async def our_terms(self) -> Outcome:
        """See what the partner may have of us, by what it proved of itself."""
        dcp, shelf = self.patient.dcp, self.patient.shelf
        if not self._rules:
            return left("nothing_offered", partner=self.name)
        names = ", ".join(one.name for one in self._rules)
        caller = dcp.known_caller(self._did) if dcp else None
        if caller is None or shelf is None:
            return Outcome((seen("seen_offers", offers=names),), left=seen("partner_unproven"))
        return partner_fits(shelf, caller, names, self.patient.clock())

    def _listed(self, partner: Partner) -> Outcome:
        listings = self.patient.listings
        if listings is None:
            return Outcome((seen("seen_entry", did=partner.did, bpnl=self.bpnl),))
        directory = listings.directory
        listed = str(directory.did_of(self.bpnl) or "-")
        facts = {"did": str(partner.did), "bpnl": str(self.bpnl), "listed": listed}
        fact = seen("seen_entry_listed", **facts)
        if all(one.name != self.name for one in directory.contradictions(self.patient.book)):
            return Outcome((fact,))
        source = directory.source
        other = remark("directory_contradicts", Actor.US, warns=True, source=source, **facts)
        return Outcome((fact,), (other,))

    @property
    def _known(self) -> Partner:
        if self._partner is None:
            raise PartnerError("daemon:partner_unknown", partner=self.name)
        return self._partner

    @property
    def _did(self) -> Did:
        return self._known.did

    @property
    def _rules(self) -> Sequence[OfferRule]:
        """Return our offers that name the partner."""
        rules = self.patient.settings.offer_rules()
        return [one for one in rules if self.bpnl in one.partners]

    @property
    def _own_bpnl(self) -> Bpnl:
        return self.patient.settings.connector.bpnl

    def _seats(self) -> list[Partner]:
        """Return the partner as it is met at each of its connectors."""
        if len(self._roots) == 1:
            return [self._known]
        return [replace(self._known, address=base) for base in self._bases]

    def _way_to(self, *urls: str) -> Way:
        return Way(origins(urls), self.eyes.limits, Actor.PARTNER, self.patient.clock())

    def _refused(self, trouble: EslabonError) -> Remark:
        """Return a refusal of who we are in words that say what the partner looks at."""
        status = trouble.params.get("status")
        if trouble.code not in _REFUSED or status not in (401, 403):
            return remark_of(trouble)
        settings = self.patient.settings
        return remark(
            "catalog_refused",
            Actor.PARTNER,
            url=str(trouble.params.get("url")),
            status=str(status),
            did=settings.did,
            bpnl=self._own_bpnl,
        )

    def _refusals(self) -> Sequence[Remark]:
        """Return why we refused the partner's own messages lately, if we did."""
        dcp = self.patient.dcp
        last = dcp.last_refusal(self._did) if dcp else None
        if last is None or self.patient.clock() - last.at > REFUSAL_TOLD_AFTER:
            return ()
        return (remark_of(last.error),)


async def _opens(visit: Visit, seat: Partner) -> EslabonError | None:
    """Return why a connector's registry is not open to us; None if it is."""
    try:
        await visit.shells(seat, (("globalAssetId", NOWHERE),))
    except EslabonError as trouble:
        return trouble
    return None
