"""The ground on which walks go: our own store, who is who, and what a payload has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.aspect.library import ModelLibrary
from connector.collection.gathering import Means
from connector.collection.model import Visit
from connector.collection.own import OwnVisit
from connector.daemon.walking import Walking
from connector.errors import SetupError
from connector.identifiers import Bpnl, SemanticId
from connector.partner.book import AddressBook
from connector.partner.model import Partner
from connector.settings.values import Settings
from connector.store.database import Database


@dataclass(frozen=True, slots=True)
class Ground:
    """What every part of a connector stands on."""

    settings: Settings
    db: Database
    library: ModelLibrary
    book: AddressBook
    clock: Callable[[], datetime]


def walking_on(house: Ground, abroad: Visit, arrived: Callable[[], None]) -> Walking:
    """Return the walks; ``abroad`` visits partners, ``arrived`` tells that records came in."""
    settings = house.settings
    own = settings.connector
    us = Partner(own.name, own.bpnl, settings.did)
    book = house.book
    means = Means(
        db=house.db,
        own=own.bpnl,
        partner=lambda bpnl: us if bpnl == own.bpnl else book.by_bpnl(bpnl),
        visit=_Visits(own.bpnl, OwnVisit(house.db), abroad),
        invalid=_Judge(house.library),
        arrived=arrived,
        clock=house.clock,
        parts_max=settings.limits.collection_parts_max,
    )

    def find(name: str) -> Partner | None:
        return us if name == own.name else book.by_name(name)

    return Walking(means, find, settings.limits.collection_depth_max)


@dataclass(frozen=True, slots=True)
class _Visits:
    own: Bpnl
    at_home: Visit
    abroad: Visit

    def __call__(self, bpnl: Bpnl) -> Visit:
        return self.at_home if bpnl == self.own else self.abroad


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says what is wrong with a payload, in one sentence; empty if nothing is."""

    library: ModelLibrary

    def __call__(self, semantic_id: SemanticId, payload: object) -> str:
        try:
            model = self.library.get(semantic_id)
        except SetupError as error:
            return error.text().what
        if model.is_valid(payload):
            return ""
        return "; ".join(finding.text().what for finding in model.findings(payload)[:3])
