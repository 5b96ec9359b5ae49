"""Holds the terms of both sides against each other; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.agreement.model import CatalogEntry
from connector.daemon.doctor.course import Outcome, remark, seen
from connector.errors import Finding, Severity
from connector.offer.acceptance import acceptable
from connector.offer.datasets import Shelf
from connector.offer.model import AcceptedTerms
from connector.partner.model import Caller
from connector.transfer.selection import REGISTRY, fitting
from connector.web.operations import Actor, Remark

REMARKS_MAX = 10


def terms_fit(entries: Sequence[CatalogEntry], accepted: AcceptedTerms, partner: str) -> Outcome:
    """Say which offers we accept; of the others, what in their policies we do not."""
    registry = fitting(entries, REGISTRY)
    refused = {e.dataset_id: _objections(e, accepted) for e in entries if e.offers}
    open_to_us = [name for name, objections in refused.items() if not objections]
    remarks: list[Remark] = []
    if registry is None:
        remarks.append(remark("registry_not_offered", Actor.PARTNER, partner=partner))
    for objections in {str(o): o for o in refused.values() if o}.values():
        ids = [name for name, found in refused.items() if found == objections]
        is_needed = registry is not None and registry.dataset_id in ids
        warns = not is_needed and bool(open_to_us)
        facts = {"count": str(len(ids)), "first": ids[0]}
        remarks.append(remark("terms_not_accepted", Actor.US, warns=warns, **facts))
        remarks += [_against(one, warns=warns) for one in objections]
    fact = seen("seen_terms", accepted=len(open_to_us), count=len(refused))
    return Outcome((fact,), tuple(remarks[:REMARKS_MAX]))


def partner_fits(shelf: Shelf, caller: Caller, offers: str, now: datetime) -> Outcome:
    """Say what a partner gets of us by what it proved, and what it lacks."""
    kinds = ", ".join(sorted({one.type for one in caller.credentials})) or "-"
    shown = shelf.visible_to(caller, now) or (shelf.registry(),)
    decisions = [shelf.allows(dataset, caller, now) for dataset in shown]
    allowed = sum(one.allowed for one in decisions)
    reasons = dict.fromkeys(reason for one in decisions for reason in one.reasons)
    fact = seen("seen_our_terms", offers=offers, count=allowed, credentials=kinds)
    if not reasons:
        return Outcome((fact,))
    difference = "; ".join(reasons)[:600]
    lacking = remark("partner_unfit", Actor.PARTNER, bpnl=caller.bpnl, difference=difference)
    return Outcome((fact,), (lacking,))


def _objections(entry: CatalogEntry, accepted: AcceptedTerms) -> tuple[Finding, ...]:
    """Return what is against the offer that comes nearest; empty if one is accepted."""
    judged: list[tuple[Finding, ...]] = [
        tuple(acceptable(offer.policy, accepted)) for offer in entry.offers
    ]
    return min(judged, key=len)


def _against(objection: Finding, *, warns: bool) -> Remark:
    severity = Severity.WARNING if warns else Severity.ERROR
    return Remark(replace(objection, severity=severity), Actor.US)
