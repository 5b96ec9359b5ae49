"""Policies as the operator writes them: every word of the profile, and every mistake at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.errors import Severity
from connector.offer.model import AcceptedTerms
from connector.offer.odrl import Constraint
from connector.offer.vocabulary import OPERANDS, Kind, Operand, Place
from connector.settings.loading import errors
from connector.texts import LANGUAGES
from tests.unit.offer.test_vocabulary import RIGHT

if TYPE_CHECKING:
    from tests.unit.settings.conftest import Installation

TERMS = """
[policy.full]
purposes = ["cx.core.industrycore:1", "cx.quality.base:1"]
individual_purposes = ["FieldStudy"]
permission.ContractReference = ["MX-2026-17"]
permission.Liability = "cx.slightNegligence:1"
permission.DataUsageEndDurationDays = 365
obligation.DataProvisioningEndDate = 2099-12-31T12:00:00-06:00

[policy.full.prohibition]
UsageRestriction = ["cx.thirdParty.forbidden:1", "cx.manipulation.forbidden:1"]

[policy.full.access]
BusinessPartnerGroup.isAnyOf = ["gold"]
BusinessPartnerNumber.isNoneOf = ["BPNL00000000VEC1"]
inForceDate = {gteq = 2026-01-01, lteq = 2099-06-30}
"""


@pytest.fixture
def gold(here: Installation) -> Installation:
    return here.change('name = "oem"', 'name = "oem"\ngroups = ["gold"]')


def test_every_part_of_a_policy_becomes_a_value(gold: Installation) -> None:
    policy = gold.add(TERMS).settings().policies()["full"]

    assert (
        Constraint("ContractReference", "isAllOf", ("MX-2026-17",)),
        Constraint("Liability", "eq", ("cx.slightNegligence:1",)),
        Constraint("DataUsageEndDurationDays", "eq", ("365",)),
    ) == policy.permission
    forbidden = ("cx.manipulation.forbidden:1", "cx.thirdParty.forbidden:1")
    assert (Constraint("UsageRestriction", "isAllOf", forbidden),) == policy.prohibition
    assert (
        Constraint("DataProvisioningEndDate", "eq", ("2099-12-31T12:00:00-06:00",)),
    ) == policy.obligation
    assert (
        Constraint("BusinessPartnerGroup", "isAnyOf", ("gold",)),
        Constraint("BusinessPartnerNumber", "isNoneOf", ("BPNL00000000VEC1",)),
        Constraint("inForceDate", "gteq", ("2026-01-01T00:00:00Z",)),
        Constraint("inForceDate", "lteq", ("2099-06-30T23:59:59Z",)),
    ) == policy.access
    assert ("FieldStudy",) == policy.individual_purposes


def test_an_offer_may_name_groups_of_partners(gold: Installation) -> None:
    gold.change('partners = ["oem"]', 'partner_groups = ["gold"]')
    settings = gold.settings()

    assert {"BPNL00000000OEM1": {"gold"}} == settings.partner_groups()
    assert ("BPNL00000000OEM1",) == settings.offer_rules()[0].partners


def test_a_partner_named_twice_over_is_offered_once(gold: Installation) -> None:
    gold.change('partners = ["oem"]', 'partners = ["oem"]\npartner_groups = ["gold"]')

    assert ("BPNL00000000OEM1",) == gold.settings().offer_rules()[0].partners


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("operand", OPERANDS.values(), ids=lambda one: one.name)
def test_each_operand_can_be_written_where_the_profile_has_it(
    here: Installation, operand: Operand, place: Place
) -> None:
    own = operand.name in ("FrameworkAgreement", "UsagePurpose", "Membership")
    here.change("until = 2099-12-31", "").change('name = "oem"', 'name = "oem"\ngroups = ["gold"]')
    here.change("[policy.core]", f"[policy.core.{place}]\n{_written(operand)}")
    told = [one.code.partition(":")[2] for one in errors(here.load()[1])]

    if own and place is not Place.ACCESS:
        assert ["operand_has_own_key"] == told
    elif place in operand.places:
        assert [] == told
    else:
        assert ["operand_misplaced"] == told


def _written(operand: Operand) -> str:
    value = (operand.words or RIGHT[operand.kind])[0]
    if operand.kind is Kind.DATE:
        said = "2099-12-31"
    elif operand.kind is Kind.COUNT:
        said = value
    else:
        is_single = operand.operators == ("eq",)
        said = f'"{value}"' if is_single else f'["{value}"]'
    by_operator = len(operand.operators) > 1
    return f"{operand.name}{f'.{operand.operators[-1]}' if by_operator else ''} = {said}"


@pytest.mark.parametrize(
    ("said", "code", "near"),
    [
        ('permission.Liabilty = "cx.grossNegligence:1"', "unknown_key", "Liability"),
        ('permission.Liability = "cx.grosNegligence:1"', "not_a_choice", "cx.grossNegligence:1"),
        (
            'prohibition.UsageRestriction = ["cx.thirdparty.forbidden:1"]',
            "not_a_choice",
            "cx.thirdParty.forbidden:1",
        ),
        ('purposes = ["cx.core.industrycor:1"]', "purpose_unknown", "cx.core.industrycore:1"),
        ('framework_agreement = "DEG:1.0"', "value_unknown", "DataExchangeGovernance:1.0"),
        ('access.BusinessPartnerGroup.isAnyOf = ["golf"]', "group_unknown", "gold"),
        ("access.BusinessPartnerGroup.isAnOf = []", "unknown_key", "isAnyOf"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_misspelt_word_is_told_with_its_line_and_the_nearest(
    gold: Installation, said: str, code: str, near: str, language: str
) -> None:
    gold.change("[policy.core]", f"[policy.core]\n{said}")
    (finding,) = errors(gold.load()[1])

    assert (code, gold.line_of(said)) == (finding.code.partition(":")[2], finding.where.row)
    assert near in finding.text(language).fix


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("permission.Liability = []", "not_a_choice"),
        ("permission.DataUsageEndDurationDays = 0", "out_of_range"),
        ('permission.DataUsageEndDurationDays = "365"', "wrong_type"),
        ("permission.DataUsageEndDurationDays = 30", "operands_exclusive"),
        ('permission.ContractReference = "MX-1"', "wrong_type"),
        ("permission.ContractReference = []", "empty"),
        ('permission.AffiliatesBpnl = ["BPNL1"]', "wrong_form"),
        ("obligation.DataProvisioningEndDate = 2099-12-31T10:00:00", "wrong_form"),
        ('obligation.DataProvisioningEndDate = "2099-02-31"', "value_unknown"),
        ("obligation.DataProvisioningEndDate = 2020-12-31", "policy_ended"),
    ],
)
def test_a_value_of_the_wrong_form_is_told_with_its_line(
    here: Installation, said: str, code: str
) -> None:
    here.change("[policy.core]", f"[policy.core]\n{said}")
    (finding,) = here.load()[1]

    assert code == finding.code.partition(":")[2]
    # What excludes something else is told at the table that holds one of both.
    assert finding.where.row in (here.line_of(said), here.line_of("[policy.core]"))


def test_all_mistakes_of_all_policies_are_told_at_once(here: Installation) -> None:
    here.add(
        """
[policy.other]
purposes = ["cx.pcf:1"]
permission.Liability = "none"

[policy.other.prohibition]
DataFrequency = "cx.dataFrequency.once:1"

[consume]
operands = ["Liabilty"]
values.Warranty = ["none"]
purposes = ["cx.pcf:1"]
"""
    )
    here.change('policy = "core"', 'policy = "core"\npartner_groups = ["gold"]')

    assert [
        "group_unknown",
        "purpose_unknown",
        "not_a_choice",
        "operand_misplaced",
        "operand_unknown",
        "value_unknown",
        "value_unknown",
    ] == [code for code, _, _ in here.told()]


def test_a_policy_that_is_over_is_a_warning(here: Installation) -> None:
    here.change("until = 2099-12-31", "until = 2020-12-31")
    findings = here.load()[1]

    assert [Severity.WARNING] == [one.severity for one in findings]
    assert [] == errors(findings)


def test_accepted_terms_name_operands_and_values(here: Installation) -> None:
    here.add('\n[consume]\noperands = ["Liability"]\nvalues.Warranty = ["cx.warranty.none:1"]\n')

    wanted = AcceptedTerms(operands=("Liability",), values={"Warranty": ("cx.warranty.none:1",)})
    assert wanted == here.settings().accepted_terms()


@pytest.mark.parametrize(
    ("access", "told"),
    [
        ('access.BusinessPartnerGroup.isAnyOf = ["silver"]', ["partner_shut_out"]),
        ('access.BusinessPartnerGroup.isNoneOf = ["gold"]', ["partner_shut_out"]),
        ('access.BusinessPartnerNumber.isNoneOf = ["BPNL00000000OEM1"]', ["partner_shut_out"]),
        ('access.BusinessPartnerGroup.isAnyOf = ["gold"]', []),
        ("access.inForceDate.gteq = 2020-01-01", []),
    ],
)
def test_a_partner_that_an_offer_names_and_its_policy_shuts_out_is_told(
    gold: Installation, access: str, told: list[str]
) -> None:
    gold.change("[policy.core]", f"[policy.core]\n{access}")
    gold.add(
        '\n[[partner]]\nname = "leon"\nbpnl = "BPNL00000000LEO1"\n'
        'did = "did:web:leon.example.com"\ngroups = ["silver"]\n'
    )
    findings = gold.load()[1]

    assert told == [one.code.partition(":")[2] for one in findings]
    assert [] == errors(findings)
