"""Our messages under the official schemas and contexts: same verdicts, same meaning."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from connector.agreement.model import (
    CatalogEntry,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Negotiation,
    Offer,
)
from connector.agreement.states import NegotiationState, Role
from connector.errors import PartnerError
from connector.offer.model import Dataset, DatasetKind
from connector.offer.policy import difference
from connector.protocols.dsp import catalog, writing
from connector.protocols.dsp.messages import CONTEXT, ProcessContent
from connector.protocols.dsp.writing import to_wire
from connector.transfer.model import TransferProcess
from connector.transfer.states import TransferState
from tests.builders.messages import BOTH, CONTENTS, POLICY, SIGNED, read_back
from tests.conformance import java
from tests.conformance.dsp import official
from tests.conformance.dsp.official import Schemas

pytestmark = pytest.mark.conformance

Json = dict[str, Any]

BASE = "https://p.example/dsp/2025-1"
ODRL = "http://www.w3.org/ns/odrl/2/"
TYPE = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"
DATASET = Dataset(
    id="urn:d1",
    kind=DatasetKind.REGISTRY,
    semantic_id=None,
    offer_id="urn:o1",
    policy=POLICY,
    properties={"dct:type": {"@id": TYPE}},
    policy_name="traceability",
)
# The jars of this version hold no schema for these.
WITHOUT_SCHEMA = {
    "CatalogError",
    "TransferCompletionMessage",
    "TransferError",
    "TransferSuspensionMessage",
    "TransferTerminationMessage",
}
# What we read although the schema forbids it, and why.
_BY_ADDRESS = "the address says which process; a first message without it is refused later"
_NAMED = "an offer may be named by its id alone; what it says is compared with ours"
_SPOKEN = "a number is as good as its text"
LENIENT = {
    "@context": "peers list contexts in every shape; we understand one vocabulary anyway",
    "consumerPid": _BY_ADDRESS,
    "providerPid": _BY_ADDRESS,
    "callbackAddress": _BY_ADDRESS,
    "offer.permission": _NAMED,
    "agreement.permission": "it is compared with what we asked for",
    **dict.fromkeys(("offer.profile", "agreement.profile"), "its operands name the profile too"),
    "offer.@type": "an offer is the only thing that can stand there",
    "agreement.@type": "an agreement is the only thing that can stand there",
    "agreement.timestamp": "when it was signed binds nobody",
    "code": _SPOKEN,
    "reason": "whatever is told is shown to people",
    "dataAddress.@type": "a data address is the only thing that can stand there",
    "dataAddress.endpointType": "we pull over HTTP only",
    "dataAddress.endpoint": "peers write it into the properties",
    "dataAddress.endpointProperties": "peers write them in every shape",
    **dict.fromkeys(("offer.@id", "offer.target"), _SPOKEN),
    **dict.fromkeys(("agreement.@id", "agreement.target"), _SPOKEN),
    **dict.fromkeys(("agreement.assigner", "agreement.assignee"), _SPOKEN),
    **dict.fromkeys(("agreementId", "format"), _SPOKEN),
}
# What we insist on although the schema of a request does not.
STRICT = {"offer.target"}


def _process(kind: type[Any], **own: Any) -> Any:
    known = {"pid": "urn:p1", "peer_pid": "urn:c1", "role": Role.PROVIDER, "dataset_id": "urn:d1"}
    return kind(**known, partner=SIGNED.assignee, bpnl="", url="", **own)


def _answers() -> Iterator[Json]:
    offer = Offer("urn:o1", "urn:d1", POLICY)
    for settled in NegotiationState:
        process = _process(Negotiation, offer=offer, state=settled)
        yield writing.acknowledgement("ContractNegotiation", process)
    for state in TransferState:
        process = _process(TransferProcess, agreement_id="urn:a1", format="", state=state)
        yield writing.acknowledgement("TransferProcess", process)
    for kind in ("ContractNegotiationError", "TransferError"):
        yield writing.failure(kind, BOTH, "move_illegal", ["one", "two"])
        yield writing.failure(kind, BOTH, "move_illegal", [])
    yield writing.failure("CatalogError", {}, "dataset_unknown", ["one"])
    yield catalog.catalog_to_wire([DATASET], "did:web:p.example", BASE)
    yield catalog.catalog_to_wire([], "did:web:p.example", BASE)
    yield {"@context": [CONTEXT], **catalog.dataset_to_wire(DATASET, BASE)}
    yield {"@context": [CONTEXT], "@type": "CatalogRequestMessage"}


WRITTEN: list[Json] = [*map(to_wire, CONTENTS), *_answers()]
CHECKED = [one for one in CONTENTS if to_wire(one)["@type"] not in WITHOUT_SCHEMA]


def _kind(one: Mapping[str, object] | ProcessContent) -> str:
    return str(one["@type"] if isinstance(one, Mapping) else one.message)


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    if reason := java.lacking():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return official.schemas()


@pytest.fixture(scope="module")
def expanded() -> list[Json]:
    """Return all that we write in JSON-LD's expanded form, in the same order."""
    return [dict(one) for one in official.expanded(WRITTEN)]


def test_the_jars_lack_schemas_for_five_messages(schemas: Schemas) -> None:
    assert {_kind(one) for one in WRITTEN} - schemas.by_type.keys() == WITHOUT_SCHEMA


@pytest.mark.parametrize("message", WRITTEN, ids=_kind)
def test_what_we_write_is_valid(message: Json, schemas: Schemas) -> None:
    if message["@type"] not in WITHOUT_SCHEMA:
        assert schemas.objections(message) == []


def test_our_verdicts_on_spoilt_messages_are_those_of_the_schemas(schemas: Schemas) -> None:
    lenient, strict = set(), set()
    for content in CHECKED:
        for key, spoilt in _spoilt(to_wire(content)):
            allowed, taken = _allows(schemas, spoilt), _reads(spoilt, content)
            if taken and not allowed:
                lenient.add(key)
            elif allowed and not taken:
                strict.add(key)

    assert lenient == LENIENT.keys()
    assert strict == STRICT


@pytest.mark.parametrize("place", range(len(CONTENTS)), ids=[_kind(one) for one in CONTENTS])
def test_a_message_means_the_same_in_its_expanded_form(place: int, expanded: list[Json]) -> None:
    content = CONTENTS[place]

    read = read_back(orjson.dumps(expanded[place]), content)

    assert [] == difference(_policy(content), _policy(read))
    assert _without_policy(content) == _without_policy(read)


def test_a_catalog_means_the_same_in_its_expanded_form(expanded: list[Json]) -> None:
    place = next(n for n, one in enumerate(WRITTEN) if "dataset" in one)

    (meant,) = catalog.entries_from_wire(orjson.dumps(WRITTEN[place]))
    (read,) = catalog.entries_from_wire(orjson.dumps(expanded[place]))

    assert [] == difference(meant.offers[0].policy, read.offers[0].policy)
    assert _named(meant) == _named(read)


def test_every_operand_that_we_write_has_an_official_meaning(expanded: list[Json]) -> None:
    operands = {text for one in expanded for text in _operands(one)}

    assert operands
    assert {text for text in operands if not text.startswith("https://")} == set()


def _operands(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (one["@id"] for one in node.get(f"{ODRL}leftOperand", ()))
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _operands(inner)


def _named(entry: CatalogEntry) -> tuple[str, str, tuple[str, ...], set[str]]:
    return entry.dataset_id, entry.offers[0].id, entry.formats, set(entry.properties)


def _spoilt(message: Json) -> Iterator[tuple[str, Json]]:
    """Yield the message with one value gone, or of a kind that can mean nothing."""
    inner = [(part, key) for part, of in message.items() if isinstance(of, dict) for key in of]
    for path in [*((key,) for key in message), *inner]:
        for instead in _nothing_or_nonsense(path[-1]):
            spoilt = copy.deepcopy(message)
            place = spoilt if len(path) == 1 else spoilt[path[0]]
            del place[path[-1]]
            place.update(instead)
            yield ".".join(path), spoilt


def _nothing_or_nonsense(key: str) -> tuple[Json, ...]:
    return {}, {key: 1}, {key: []}


def _allows(schemas: Schemas, message: Json) -> bool:
    known = schemas.by_type.get(str(message.get("@type")))
    return known is not None and known.is_valid(message)


def _reads(message: Json, content: ProcessContent) -> bool:
    try:
        read_back(orjson.dumps(message), content)
    except PartnerError:
        return False
    return True


def _policy(content: ProcessContent) -> Mapping[str, object]:
    match content:
        case ContractRequest(offer=offer) | ContractOffer(offer=offer):
            return offer.policy
        case ContractAgreement(agreement=agreement):
            return agreement.policy
    return {}


def _without_policy(content: ProcessContent) -> ProcessContent:
    match content:
        case ContractRequest() | ContractOffer():
            return replace(content, offer=replace(content.offer, policy={}))
        case ContractAgreement():
            return replace(content, agreement=replace(content.agreement, policy={}))
    return content
