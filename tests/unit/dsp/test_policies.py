"""Policies between two parties: echoed as offered; where they differ, the difference is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from connector.agreement.model import Agreement, Negotiation, Offer
from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.states import NegotiationMessage
from connector.offer.acceptance import acceptable
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.odrl import Constraint
from connector.offer.policy import difference
from connector.offer.vocabulary import NAMESPACE, OPERANDS
from connector.offer.writing import usage_policy
from connector.protocols.dsp.catalog import entries_from_wire
from connector.protocols.dsp.messages import CONTEXT
from connector.protocols.dsp.reading import negotiation_from_wire
from connector.protocols.dsp.writing import offer_to_wire
from connector.protocols.jsonld import CATENAX_CONTEXT
from connector.transfer.selection import Selector
from tests.doubles.party import OEM, SUPPLIER, Habits, Party, two_parties

Json = dict[str, Any]

# Everything at once that a usage policy of the profile may say.
FULL = Policy(
    "full",
    purposes=("cx.core.industrycore:1", "cx.quality.base:1"),
    individual_purposes=("FieldStudy",),
    until=date(2099, 12, 31),
    permission=(
        Constraint("ContractReference", "isAllOf", ("AGB-9832", "MX-2026-17")),
        Constraint("AffiliatesBpnl", "isAnyOf", ("BPNL00000003CRHK",)),
        Constraint("AffiliatesRegion", "isAnyOf", ("cx.region.all:1",)),
        Constraint("ConfidentialInformationMeasures", "eq", ("cx.confidentiality.measures:1",)),
        Constraint("ConfidentialInformationSharing", "isAnyOf", ("cx.sharing.affiliates:1",)),
        Constraint("ContractTermination", "eq", ("cx.data.deletion:1",)),
        Constraint("DataFrequency", "eq", ("cx.dataFrequency.unlimited:1",)),
        Constraint("ExclusiveUsage", "eq", ("cx.exclusiveUsage.dataConsumer:1",)),
        Constraint("JurisdictionLocation", "eq", ("Puebla",)),
        Constraint("JurisdictionLocationReference", "eq", ("cx.location.dataConsumer:1",)),
        Constraint("Liability", "eq", ("cx.slightNegligence:1",)),
        Constraint("Precedence", "eq", ("cx.precedence.rcAgreement:1",)),
        Constraint("VersionChanges", "eq", ("cx.versionChanges.minor:1",)),
        Constraint("Warranty", "eq", ("cx.warranty.none:1",)),
        Constraint("WarrantyDurationMonths", "eq", ("24",)),
    ),
    prohibition=(
        Constraint(
            "UsageRestriction",
            "isAllOf",
            ("cx.manipulation.forbidden:1", "cx.thirdParty.forbidden:1"),
        ),
    ),
    obligation=(Constraint("DataProvisioningEndDurationDays", "eq", ("365",)),),
)
WILLING = AcceptedTerms(operands=tuple(OPERANDS))


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.002)


def _reason(party: Party) -> str:
    row = party.db.row("SELECT reason FROM negotiation WHERE state = 'TERMINATED'")
    return str(row[0]) if row else ""


def _agreed(party: Party) -> Json:
    row = party.db.row("SELECT policy FROM agreement")
    assert row is not None
    return cast("Json", orjson.loads(row[0]))


async def test_every_operand_is_offered_agreed_and_echoed_as_it_is(tmp_path: Path) -> None:
    async with two_parties(tmp_path, Habits(policy=FULL)) as (supplier, oem):
        oem.acquisition.accepted = WILLING
        dataset = next(
            one
            for one in supplier.shelf.visible_to(supplier.town.callers[OEM.did], _now())
            if one.semantic_id
        )
        await oem.acquisition.dataset(SUPPLIER, dataset.id)

        assert usage_policy(FULL) == _agreed(supplier) == _agreed(oem)


async def test_a_request_for_other_terms_is_refused_with_the_difference_on_both_sides(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        url = await oem.directory.base_url(SUPPLIER.did)
        [entry, *_] = await oem.catalog.datasets(SUPPLIER, url)
        offer = entry.offers[0]
        other = usage_policy(Policy("other", purposes=("cx.pcf.base:1",), membership=False))
        oem.negotiation.request_agreement(SUPPLIER, url, replace(offer, policy=other))
        await _until(lambda: _reason(supplier) and _reason(oem))

        for party in (supplier, oem):
            assert "- permission use: Membership eq active" in _reason(party)
            assert "+ permission use: UsagePurpose isAnyOf cx.pcf.base:1" in _reason(party)


class Forger(NegotiationDoor):
    """Signs something else than was asked for."""

    def _signed(self, process: Negotiation, now: datetime) -> Agreement:
        signed = super()._signed(process, now)
        extra = Policy("x", prohibition=FULL.prohibition, purposes=process_purposes(process))
        return replace(signed, policy=usage_policy(extra))


def process_purposes(process: Negotiation) -> tuple[str, ...]:
    permission = cast("Any", process.offer.policy)["permission"][0]
    [purpose] = [
        one["rightOperand"]
        for one in permission["constraint"][0]["and"]
        if one["leftOperand"] == f"{NAMESPACE}UsagePurpose"
    ]
    return tuple(purpose)


async def test_an_agreement_on_other_terms_is_refused_with_the_difference_on_both_sides(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        supplier.negotiation.__class__ = Forger
        url = await oem.directory.base_url(SUPPLIER.did)
        [entry, *_] = await oem.catalog.datasets(SUPPLIER, url)
        oem.negotiation.request_agreement(SUPPLIER, url, entry.offers[0])
        await _until(lambda: _reason(supplier) and _reason(oem))

        line = "+ prohibition use: UsageRestriction isAllOf cx.manipulation.forbidden:1"
        assert line in _reason(oem)
        assert line in _reason(supplier)
        assert "- " not in _reason(oem)


async def test_terms_that_we_do_not_accept_are_named_with_the_cure(tmp_path: Path) -> None:
    async with two_parties(tmp_path, Habits(policy=FULL)) as (_, oem):
        url = await oem.directory.base_url(SUPPLIER.did)
        entries = await oem.catalog.datasets(SUPPLIER, url)
        [entry] = [one for one in entries if "semanticId" in str(one.properties)]

        codes = {f.code for f in acceptable(entry.offers[0].policy, AcceptedTerms())}
        named = {f.params["operand"] for f in acceptable(entry.offers[0].policy, AcceptedTerms())}
        assert {"offer:constraint_not_accepted"} == codes
        assert {"Liability", "UsageRestriction", "DataProvisioningEndDurationDays"} < named
        assert Selector(dataset_id=entry.dataset_id).fits(entry)


def _bare(policy: Json) -> Json:
    return cast("Json", orjson.loads(orjson.dumps(policy).replace(NAMESPACE.encode(), b"")))


def _prefixed(node: object) -> object:
    """Everything of ODRL with its prefix, operands as nodes, lists of one without brackets."""
    if isinstance(node, list):
        inner = [_prefixed(one) for one in node]
        return inner[0] if len(inner) == 1 else inner
    if not isinstance(node, dict):
        return node
    return {f"odrl:{key}": _named(key, value) for key, value in node.items()}


def _named(key: str, value: object) -> object:
    match key:
        case "action" | "operator":
            return {"@id": f"odrl:{value}"}
        case "leftOperand":
            return {"@id": str(value).replace(NAMESPACE, "cx-policy:")}
    return _prefixed(value)


def _expanded(policy: Json) -> object:
    text = orjson.dumps(_prefixed(policy)).replace(b"cx-policy:", NAMESPACE.encode())
    return orjson.loads(text.replace(b"odrl:", b"http://www.w3.org/ns/odrl/2/"))


def _valued(policy: Json) -> Json:
    """Right operands as JSON-LD values."""

    def walk(node: object) -> object:
        if isinstance(node, list):
            return [walk(one) for one in node]
        if not isinstance(node, dict):
            return node
        return {k: _values(v) if k == "rightOperand" else walk(v) for k, v in node.items()}

    return cast("Json", walk(_bare(policy)))


def _values(value: object) -> object:
    if isinstance(value, list):
        return [{"@value": one} for one in value]
    return {"@value": value, "@type": "http://www.w3.org/2001/XMLSchema#string"}


def _as_texts(policy: Json) -> Json:
    """Every list of two or more as one text: so an Eclipse connector echoes it."""

    def walk(node: object) -> object:
        if isinstance(node, list):
            return [walk(one) for one in node]
        if not isinstance(node, dict):
            return node
        return {k: _text(v) if k == "rightOperand" else walk(v) for k, v in node.items()}

    return cast("Json", walk(policy))


def _text(value: object) -> object:
    if not isinstance(value, list):
        return value
    return orjson.dumps([{"@value": one} for one in value]).decode() if value[1:] else value[0]


def _reordered(policy: Json) -> Json:
    turned = orjson.loads(orjson.dumps(policy))
    constraints = turned["permission"][0]["constraint"][0]["and"]
    constraints.reverse()
    for constraint in constraints:
        if isinstance(constraint["rightOperand"], list):
            constraint["rightOperand"].reverse()
    return cast("Json", turned)


TRACTUS_X: list[object] = [
    CATENAX_CONTEXT,
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld",
    {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"},
]
PREFIXES = {"odrl": "http://www.w3.org/ns/odrl/2/", "cx-policy": NAMESPACE}
SHAPES: dict[str, tuple[list[object], Callable[[Json], object]]] = {
    "bare names under the contexts of Tractus-X": (TRACTUS_X, _bare),
    "values as nodes": (TRACTUS_X, _valued),
    "prefixed names": ([PREFIXES], _prefixed),
    "full names": ([], _expanded),
    "lists as texts": ([CONTEXT], _as_texts),
    "another order": ([CONTEXT], _reordered),
    "with the profile": ([CONTEXT], lambda policy: policy | {"profile": NAMESPACE}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_in_any_shape_asks_for_the_same(shape: str) -> None:
    contexts, shaped = SHAPES[shape]
    terms = cast("Json", shaped(usage_policy(FULL)))
    message = {
        "@context": [CONTEXT, *contexts],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:c1",
        "callbackAddress": "https://c.example",
        "offer": {"@id": "urn:o1", "@type": "Offer", "target": "urn:d1", **terms},
    }
    read = negotiation_from_wire(orjson.dumps(message), NegotiationMessage.REQUEST)

    assert [] == difference(usage_policy(FULL), cast("Any", read).offer.policy)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_offer_in_any_shape_is_accepted_and_asked_for_with_the_same_meaning(shape: str) -> None:
    contexts, shaped = SHAPES[shape]
    terms = cast("Json", shaped(usage_policy(FULL)))
    catalog = {
        "@context": [CONTEXT, *contexts],
        "@type": "Catalog",
        "dataset": [
            {"@id": "urn:d1", "hasPolicy": [{"@id": "urn:o1", "@type": "Offer", **terms}]}
        ],
    }
    [entry] = entries_from_wire(orjson.dumps(catalog))
    [offer] = entry.offers

    assert [] == acceptable(offer.policy, WILLING)
    asked = offer_to_wire(Offer(offer.id, entry.dataset_id, offer.policy))
    assert [] == difference(usage_policy(FULL), asked)
    operands = orjson.dumps(asked)
    # Under the protocol's own context, which goes with what we say, only full names mean it.
    assert operands.count(NAMESPACE.encode()) >= operands.count(b'"leftOperand"')


def _now() -> datetime:
    return datetime.now().astimezone()
