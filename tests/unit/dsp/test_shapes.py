"""Every message of both protocols, in every shape in which JSON-LD peers send them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from connector.agreement.model import (
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Policy,
)
from connector.offer.policy import difference
from connector.protocols.dsp.messages import ProcessContent
from connector.protocols.dsp.writing import to_wire
from tests.builders.messages import CONTENTS, read_back

DSPACE = "https://w3id.org/dspace/2025/1/"
ODRL = "http://www.w3.org/ns/odrl/2/"
_ODRL = frozenset(
    "permission prohibition obligation constraint and or xone action leftOperand operator"
    " rightOperand target assigner assignee profile".split()
)
_TERMS = frozenset("action operator eventType".split())
_IDS = frozenset("consumerPid providerPid agreementId target assigner assignee".split())
Shape = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Named:
    """Names that bear a prefix or are written out; values as nodes, or single ones in lists."""

    prefix: str
    odrl: str
    nodes: bool = False
    lists: bool = False

    def __call__(self, node: dict[str, Any]) -> dict[str, Any]:
        return {
            self._name(key): self._value(key, one)
            for key, one in node.items()
            if key != "@context"
        }

    def _name(self, key: str) -> str:
        return key if key.startswith("@") else f"{self._before(key)}{key}"

    def _before(self, key: str) -> str:
        return self.odrl if key in _ODRL else self.prefix

    def _value(self, key: str, given: Any) -> Any:
        several = given if isinstance(given, list) else [given]
        shaped = [self(one) if isinstance(one, dict) else self._leaf(key, one) for one in several]
        is_list = self.lists and not key.startswith("@")
        return shaped if is_list or len(shaped) > 1 else shaped[0]

    def _leaf(self, key: str, given: Any) -> Any:
        if key == "@type":
            return f"{self.odrl if given in ('Offer', 'Agreement') else self.prefix}{given}"
        if key.startswith("@") or not self.nodes:
            return given
        if key in _TERMS:
            return {"@id": f"{self._before(key)}{given}"}
        return {"@id" if key in _IDS else "@value": given}


def _more_contexts(node: dict[str, Any]) -> dict[str, Any]:
    further = ["https://w3id.org/edc/dspace/v0.0.1", "https://w3id.org/tractusx/auth/v1.0.0"]
    return {**node, "@context": [*node["@context"], *further], "@id": "urn:m1", "x:y": {"z": [1]}}


SHAPES: dict[str, Shape] = {
    "as we write it": lambda node: node,
    "with contexts and keys that nobody asked for": _more_contexts,
    "the context alone, not in a list": lambda node: {**node, "@context": node["@context"][0]},
    "single values without a list": Named("", ""),
    "prefixed": Named("dspace:", "odrl:"),
    "prefixed, values as nodes": Named("dspace:", "odrl:", nodes=True),
    "expanded": Named(DSPACE, ODRL, nodes=True, lists=True),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("content", CONTENTS, ids=lambda one: one.message)
def test_a_message_means_the_same_in_every_shape(content: ProcessContent, shape: Shape) -> None:
    found = read_back(orjson.dumps(shape(to_wire(content))), content)

    assert [] == difference(_policy(content), _policy(found))
    assert _without_policy(content) == _without_policy(found)


def _policy(content: ProcessContent) -> Policy:
    """Its policy: one value and a list of one are the same there, and compared as such."""
    match content:
        case ContractRequest() | ContractOffer():
            return content.offer.policy
        case ContractAgreement():
            return content.agreement.policy
    return {}


def _without_policy(content: ProcessContent) -> ProcessContent:
    match content:
        case ContractRequest() | ContractOffer():
            return replace(content, offer=replace(content.offer, policy={}))
        case ContractAgreement():
            return replace(content, agreement=replace(content.agreement, policy={}))
    return content
