"""Every row of the vocabulary: taken where and as the profile says, refused otherwise."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from connector.offer.flaws import constraint_flaw
from connector.offer.odrl import Constraint, rules_of
from connector.offer.telling import meaning_of
from connector.offer.vocabulary import (
    EXCLUSIVE,
    MANDATORY,
    OPERANDS,
    PURPOSES,
    SINGLE,
    Kind,
    Operand,
    Place,
    is_value,
    nearest,
)
from connector.texts import LANGUAGES

ALL_OPERATORS = ("eq", "neq", "gteq", "lteq", "isAnyOf", "isAllOf", "isNoneOf", "isPartOf", "in")
RIGHT = {
    Kind.PURPOSE: ("cx.pcf.base:1", "cx.bpdm.vas.nps.upload:1", "PublishOnOurPage"),
    Kind.TEXT: ("MX-2026-17", "Puebla, Pue."),
    Kind.GROUP: ("gold",),
    Kind.BPNL: ("BPNL00000003CRHK",),
    Kind.DATE: ("2027-12-31T23:59:59Z", "2027-12-31T00:00:00.5-06:00"),
    Kind.COUNT: ("1", "365", "36500"),
}
WRONG = {
    Kind.WORD: ("", "active:2", "cx.region.atlantis:1", "Active"),
    Kind.PURPOSE: ("", " ", "cx.core.industrycor:1", "cx.core.industrycore:2", "cx.bpdm.x:1"),
    Kind.TEXT: ("", "  ", "x" * 501),
    Kind.GROUP: ("",),
    Kind.BPNL: ("BPNL00000003CRH", "BPNS00000003CRHK", "bpnl00000003crhk", "BPNL00000003CRHK\n"),
    Kind.DATE: ("2027-12-31", "2027-12-31T00:00:00", "2027-02-31T00:00:00Z", "20271231T000000Z"),
    Kind.COUNT: ("0", "-1", "01", "1.5", "36501", "a year", "٣"),
}
ROWS = list(OPERANDS.values())


def values_of(operand: Operand) -> tuple[str, ...]:
    return operand.words or RIGHT[operand.kind]


@pytest.mark.parametrize("operand", ROWS, ids=lambda row: row.name)
def test_a_row_takes_its_values_under_its_operators_in_its_places(operand: Operand) -> None:
    for place in operand.places:
        for operator in operand.operators:
            for value in values_of(operand):
                assert constraint_flaw(Constraint(operand.name, operator, (value,)), place) is None


@pytest.mark.parametrize("operand", ROWS, ids=lambda row: row.name)
def test_a_row_takes_nothing_else(operand: Operand) -> None:
    place, value = operand.places[0], values_of(operand)[0]
    others = [one for one in ALL_OPERATORS if one not in operand.operators]
    tried = [
        *((Constraint(operand.name, one, (value,)), place, "operator_unknown") for one in others),
        *(
            (Constraint(operand.name, operand.operators[0], (value,)), one, "operand_misplaced")
            for one in Place
            if one not in operand.places
        ),
        *(
            (Constraint(operand.name, operand.operators[0], (wrong,)), place, "value_unknown")
            for wrong in WRONG[operand.kind]
        ),
        (Constraint(operand.name, operand.operators[0], ()), place, "values_miscounted"),
    ]
    if operand.operators[0] in SINGLE:
        both = (value, value)
        wrong = Constraint(operand.name, operand.operators[0], both)
        tried.append((wrong, place, "values_miscounted"))

    for constraint, where, code in tried:
        flaw = constraint_flaw(constraint, where)
        assert flaw is not None, constraint
        assert f"offer:{code}" == flaw.code, constraint


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operand", ROWS, ids=lambda row: row.name)
def test_a_row_says_what_it_means(operand: Operand, language: str) -> None:
    assert not meaning_of(operand, language).startswith("offer:")


@pytest.mark.parametrize("operand", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("prefix", ["", "cx-policy:", "iri"])
def test_a_row_is_read_by_its_bare_prefixed_and_full_name(operand: Operand, prefix: str) -> None:
    name = operand.iri if prefix == "iri" else prefix + operand.name
    node = {"leftOperand": {"@id": name}, "operator": "odrl:eq", "rightOperand": "x"}
    (rule,) = rules_of({"permission": {"action": "use", "constraint": node}})

    assert (Constraint(operand.name, "eq", ("x",)),) == rule.constraints


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("WarrantyDuration", "WarrantyDurationMonths"),
        ("membership", "Membership"),
        ("DataUsageEnd", "DataUsageEndDate"),
        ("https://w3id.org/catenax/policy/UsagePurpose", "UsagePurpose"),
    ],
)
def test_a_word_of_another_list_finds_its_like(written: str, meant: str) -> None:
    assert meant == nearest(written, tuple(OPERANDS))


def test_where_nothing_is_known_nothing_is_near() -> None:
    assert "" == nearest("gold", ())


def test_the_table_is_whole() -> None:
    assert 28 == len(OPERANDS)
    assert set(OPERANDS) >= set(MANDATORY) | {name for group in EXCLUSIVE for name in group}
    assert len(PURPOSES) == len(set(PURPOSES))
    assert all(row.places and row.operators for row in ROWS)
    assert all(bool(row.words) == (row.kind is Kind.WORD) for row in ROWS)


@given(
    word=st.sampled_from([*OPERANDS, *PURPOSES]),
    at=st.integers(0, 60),
    letter=st.sampled_from(string.ascii_letters),
)
def test_a_word_with_one_wrong_letter_finds_its_like(word: str, at: int, letter: str) -> None:
    known = tuple(OPERANDS) if word in OPERANDS else PURPOSES
    place = at % len(word)
    mistyped = word[:place] + letter + word[place + 1 :]

    assert Levenshtein.distance(nearest(mistyped, known).casefold(), mistyped.casefold()) <= 1


@given(st.text(max_size=30))
def test_any_text_is_either_a_value_or_has_a_reason(value: str) -> None:
    for operand in ROWS:
        constraint = Constraint(operand.name, operand.operators[0], (value,))
        flaw = constraint_flaw(constraint, operand.places[0])
        assert is_value(operand, value) == (flaw is None)
        if flaw is not None:
            assert "<" not in flaw.text().fix.replace(value, "")
