"""The engine that decides and the one that explains never disagree."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.aspect.dialect import in_2020_12
from connector.aspect.explanation import draft_04
from connector.aspect.library import CompiledModel, ModelLibrary, shipped_folder
from connector.aspect.patterns import matches
from connector.aspect.samm.vocabulary import DATATYPES
from connector.aspect.semantics import AspectModel, Characteristic, Kind, Property, Shape
from connector.aspect.strict import strict_schema_of
from connector.aspect.validation import Profile, Validator
from connector.errors import SetupError
from connector.identifiers import SemanticId

LIBRARY = ModelLibrary([shipped_folder()])
MODELS = [LIBRARY.get(semantic_id) for semantic_id in LIBRARY.list()]
DEPTH_MAX = 6
THING = SemanticId("urn:samm:org.example.thing:1.0.0#Thing")

TEXTS = st.one_of(
    st.text(alphabet=list("aZ0ñ٣ -:T\n\u00a0\u2028é.$^"), max_size=12),
    st.sampled_from(["2026-03-17", "2026-03-17T06:12:09Z", "2026-03-17T06:12:09", "unit:piece"]),
    st.sampled_from(["7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11", "BPNL00000000PUE1", "MEX", "van"]),
    st.sampled_from(
        ["2026-02-30", "--02-30", "06:12:09Z", "P1DT12H", "https://example.com/a%20b"]
    ),
    st.sampled_from(["BPNS00000000PUE1\n", "customKey:ñandú", "customKey:x", "urn:uuid:1"]),
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, 1.0, -0.0, 5, 100, 100.0, 2**53, 10.000000001]),
)
RUBBISH = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abkey"), inner, max_size=3)
    ),
    max_leaves=6,
)


def values(model: AspectModel, of: Characteristic, depth: int = 0) -> st.SearchStrategy[object]:
    """Values for a characteristic: mostly of its kind, sometimes anything."""
    return st.one_of(*[_of_kind(model, of, depth)] * 9, RUBBISH)


def objects(
    model: AspectModel, properties: tuple[Property, ...], depth: int
) -> st.SearchStrategy[object]:
    keys = {p.name: values(model, p.characteristic, depth + 1) for p in properties}
    few = st.fixed_dictionaries({}, optional=keys)
    return st.one_of(st.fixed_dictionaries(keys), few)


def _of_kind(model: AspectModel, of: Characteristic, depth: int) -> st.SearchStrategy[object]:
    if depth > DEPTH_MAX:
        return RUBBISH
    if of.kind is Kind.LIST:
        return st.lists(values(model, of.item, depth + 1), max_size=3)
    if of.kind in {Kind.OBJECT, Kind.EITHER}:
        return st.deferred(lambda: objects(model, model.properties_of(of), depth))
    allowed = list(of.bare.values)
    return st.sampled_from(allowed) if allowed else _leaf(of)


def _leaf(of: Characteristic) -> st.SearchStrategy[object]:
    if of.kind is Kind.BOOLEAN:
        return st.booleans()
    return NUMBERS if of.kind in {Kind.NUMBER, Kind.INTEGER} else TEXTS


@pytest.mark.parametrize("compiled", MODELS, ids=lambda compiled: compiled.semantic_id)
@settings(max_examples=20)
@given(data=st.data())
def test_both_engines_give_one_verdict_on_a_payload(
    compiled: CompiledModel, data: st.DataObject
) -> None:
    payload = data.draw(objects(compiled.model, compiled.model.properties, 0))
    verdict = compiled.is_valid(payload)

    assert verdict == draft_04(compiled.schema).is_valid(payload)
    assert verdict == (compiled.findings(payload) == [])


@pytest.mark.parametrize("compiled", MODELS, ids=lambda compiled: compiled.semantic_id)
@settings(max_examples=20)
@given(data=st.data())
def test_both_engines_give_one_strict_verdict_and_never_a_milder_one(
    compiled: CompiledModel, data: st.DataObject
) -> None:
    payload = data.draw(objects(compiled.model, compiled.model.properties, 0))
    verdict = compiled.strict.is_valid(payload)

    assert verdict == draft_04(compiled.strict.schema, strict=True).is_valid(payload)
    assert verdict == (compiled.strict.findings(payload) == [])
    assert compiled.is_valid(payload) or not verdict


@pytest.mark.parametrize("compiled", MODELS, ids=lambda compiled: compiled.semantic_id)
@settings(max_examples=20)
@given(data=st.data())
def test_2020_12_gives_the_same_verdict(compiled: CompiledModel, data: st.DataObject) -> None:
    payload = data.draw(objects(compiled.model, compiled.model.properties, 0))
    newer = jsonschema_rs.Draft202012Validator(in_2020_12(compiled.schema))

    assert compiled.is_valid(payload) == newer.is_valid(payload)


@given(value=RUBBISH, datatype=st.sampled_from(sorted(DATATYPES)))
def test_both_engines_are_strict_alike_about_every_datatype(value: object, datatype: str) -> None:
    property_ = Property("p", "", "", Characteristic("C", Shape.SCALAR, datatype=datatype))
    model = AspectModel(THING, "", (property_,))
    strict = Validator(strict_schema_of(model), lambda: model, Profile.STRICT)

    assert strict.is_valid({"p": value}) == draft_04(strict.schema, strict=True).is_valid(
        {"p": value}
    )


@given(pattern=st.text(alphabet=list(r"^$\dwDWsSab[]()|+*?.-0"), max_size=10), text=TEXTS)
def test_both_engines_read_a_pattern_alike(pattern: str, text: str) -> None:
    schema: dict[str, object] = {"type": "string", "pattern": pattern}
    try:
        expected = Validator(schema, _no_model).is_valid(text)
    except (SetupError, FutureWarning):  # no pattern, or one that Python means to read otherwise
        return

    assert expected == matches(pattern, text)


def _no_model() -> AspectModel:
    raise AssertionError
