"""Whatever JSON a payload holds, it comes back from RDF in the same canonical form."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.lift import Lift
from connector.aspect.rdf.forms import Form
from connector.identifiers import SemanticId

# The first is flat, the second nested, the third contains itself.
MODELS = [
    "urn:samm:io.catenax.serial_part:3.0.0#SerialPart",
    "urn:samm:io.catenax.pcf:9.0.0#Pcf",
    "urn:samm:io.catenax.traction_battery_code:2.0.0#TractionBatteryCode",
]
KEYS = [
    *("catenaXId", "localIdentifiers", "manufacturingInformation", "date", "key", "value"),
    *("scopeOfPcfForm", "specVersion", "productInformation", "declaredUnitAmount", "version"),
    *("subcomponents", "productType", "tractionBatteryCode", "left", "right", "@type", "en"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SAFE = 2**53 - 1
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(st.sampled_from(KEYS) | TEXTS, JSON, max_size=5)


@cache
def lift(semantic_id: str) -> Lift:
    folders = [shipped_folder()]
    if named := os.environ.get("ESLABON_SEMANTIC_MODELS"):
        folders.insert(0, Path(named) / "models")
    return Lift(ModelLibrary(folders).get(SemanticId(semantic_id)).model)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("semantic_id", MODELS)
@given(payload=PAYLOADS)
def test_any_object_comes_back_from_a_graph(semantic_id: str, payload: Any) -> None:
    way = lift(semantic_id)

    assert rfc8785.dumps(payload) == rfc8785.dumps(way.payload(way.graph(payload)))  # type: ignore[arg-type]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("semantic_id", MODELS)
@pytest.mark.parametrize("form", Form)
@given(payload=PAYLOADS)
def test_any_object_comes_back_from_text(semantic_id: str, form: Form, payload: Any) -> None:
    way = lift(semantic_id)
    back: Any = way.payload_from_text(way.text(payload, form), form)

    assert rfc8785.dumps(payload) == rfc8785.dumps(back)
