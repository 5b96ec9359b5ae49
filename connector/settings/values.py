"""The loaded settings, and the values that the rooms take from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector.agreement.limits import ExchangeLimits
from connector.identifiers import Bpnl, Did, did_web
from connector.offer.model import AcceptedTerms, OfferRule, Policy
from connector.partner.book import AddressBook, Dids
from connector.partner.model import Partner, UnlistedPartner
from connector.record.model import Adapter
from connector.settings.sections import ConfigurationFile, FeedSection, OfferSection
from connector.settings.sources import build_adapter

STORE_NAME = "eslabon.db"
MODELS_NAME = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ConfigurationFile):
    """All of eslabon.toml with overrides applied; every path in it is absolute.

    ``environment`` is where secrets may lie; it shows in no text.
    """

    file: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def did(self) -> Did:
        """The configured DID, else the did:web of the public address."""
        return self.identity.did or did_web(self.public.url)

    @property
    def store_file(self) -> Path:
        """The one file of the store."""
        return self.connector.data / STORE_NAME

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """The folders with further models; where none is named, ``models`` beside the file."""
        beside = self.file.parent / MODELS_NAME
        return self.models.folders or ((beside,) if beside.is_dir() else ())

    def address_book(self, directory: Dids | None = None) -> AddressBook:
        """Return the partners; raises `SetupError` where two share a name or a DID.

        The ``directory`` tells the DIDs of those that are named by their BPNL alone.
        """
        return AddressBook(
            tuple(Partner(p.name, p.bpnl, p.did) for p in self.partner if p.did),
            tuple(UnlistedPartner(p.name, p.bpnl) for p in self.partner if not p.did),
            directory,
        )

    def partner_hosts(self) -> Mapping[Bpnl, frozenset[str]]:
        """Return the further hosts of partners by legal entity, in lower case."""
        hosts: dict[Bpnl, frozenset[str]] = {}
        for one in self.partner:
            named = frozenset(host.lower() for host in one.hosts)
            hosts[one.bpnl] = hosts.get(one.bpnl, frozenset()) | named
        return hosts

    def policies(self) -> Mapping[str, Policy]:
        """Return the policies by name."""
        return {
            name: Policy(
                name,
                p.framework_agreement,
                p.purposes,
                p.membership,
                p.until,
                p.individual_purposes,
                p.permission.constraints,
                p.prohibition.constraints,
                p.obligation.constraints,
                p.access.constraints,
            )
            for name, p in self.policy.items()
        }

    def partner_groups(self) -> Mapping[Bpnl, frozenset[str]]:
        """Return the groups that each legal entity was put in, by any of its entries."""
        groups: dict[Bpnl, frozenset[str]] = {}
        for partner in self.partner:
            groups[partner.bpnl] = groups.get(partner.bpnl, frozenset()).union(partner.groups)
        return groups

    def offer_rules(self) -> tuple[OfferRule, ...]:
        """Return the offers in their order, partners and groups of them by BPNL."""
        return tuple(
            OfferRule(offer.name, self._named_by(offer), offer.policy, offer.aspects, offer.parts)
            for offer in self.offer
        )

    def accepted_terms(self) -> AcceptedTerms:
        """Return what we agree to as a consumer without asking a person."""
        accepted = self.consume
        return AcceptedTerms(
            accepted.framework_agreements, accepted.purposes, accepted.operands, accepted.values
        )

    def exchange_limits(self) -> ExchangeLimits:
        """Return every deadline of an exchange, and how many a partner may have open."""
        limits = self.limits
        return ExchangeLimits(
            delivery_seconds=limits.message_delivery_seconds_max,
            negotiation_seconds=limits.negotiation_step_seconds_max,
            request_seconds=limits.transfer_step_seconds_max,
            started_seconds=limits.transfer_started_seconds_max,
            suspended_seconds=limits.transfer_suspended_seconds_max,
            kept_seconds=limits.ended_process_kept_seconds,
            partner_negotiations_max=limits.partner_negotiations_max,
            partner_transfers_max=limits.partner_transfers_max,
        )

    def adapter(self, feed: FeedSection) -> Adapter:
        """Build the adapter of a feed, secrets revealed.

        Raises `SetupError` where a secret cannot be had or the adapter is not installed.
        """
        return build_adapter(feed, self.file.parent, self.environment)

    def _named_by(self, offer: OfferSection) -> tuple[Bpnl, ...]:
        bpnls = {partner.name: partner.bpnl for partner in self.partner}
        named = [bpnls[name] for name in offer.partners]
        wanted = frozenset(offer.partner_groups)
        grouped = [bpnl for bpnl, groups in self.partner_groups().items() if groups & wanted]
        return tuple(dict.fromkeys([*named, *grouped]))
