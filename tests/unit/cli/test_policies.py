"""``eslabon policy``: terms as they are offered, in plain words, compared and accepted or not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from connector.offer.vocabulary import NAMESPACE
from tests.architecture.source_tree import ROOT
from tests.unit.cli.conftest import Eslabon

TERMS = """
[[partner]]
name = "oem"
bpnl = "BPNL00000000OEM1"
did = "did:web:oem.example.com"
groups = ["gold"]

[[partner]]
name = "tier2"
bpnl = "BPNL00000000T2X1"
did = "did:web:tier2.example.com"

[policy.traceability-oem]
purposes = ["cx.core.industrycore:1", "cx.quality.base:1"]
permission.Liability = "cx.slightNegligence:1"
prohibition.UsageRestriction = ["cx.thirdParty.forbidden:1"]
access.BusinessPartnerGroup.isAnyOf = ["gold"]

[[offer]]
name = "brakes"
partners = ["tier2"]
partner_groups = ["gold"]
policy = "traceability-oem"
"""


@pytest.fixture
def terms(plant: Path) -> Path:
    file = plant / "eslabon.toml"
    file.write_text(file.read_text(encoding="utf-8") + TERMS, encoding="utf-8")
    return plant


def _offer(eslabon: Eslabon, folder: Path, name: str = "traceability-oem") -> Path:
    """Write a policy of ours into a file, as a partner would offer it."""
    usage = eslabon("policy", "show", name, "--json").json["usage"]
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"@id": "urn:o1", "@type": "Offer", **usage}))
    return file


def test_policies_are_listed_with_offers_and_partners(terms: Path, eslabon: Eslabon) -> None:
    said = eslabon("policy", "list", "--json")

    assert (0, ["registry", "industry-core", "traceability-oem"]) == (
        said.code,
        [row["name"] for row in said.json],
    )
    assert (["brakes"], ["oem", "tier2"]) == (said.json[2]["offers"], said.json[2]["partners"])
    assert "cx.quality.base:1" in eslabon("policy", "list").out


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["To be proven", "MembershipCredential", "forbidden: UsageRestriction"]),
        ("es", ["Hay que probar", "MembershipCredential", "prohibido: UsageRestriction"]),
    ],
)
def test_a_policy_is_shown_as_it_is_offered_and_in_plain_words(
    terms: Path, eslabon: Eslabon, language: str, words: list[str]
) -> None:
    said = eslabon("policy", "show", "traceability-oem", "--lang", language)

    assert 0 == said.code
    for one in (*words, f'"{NAMESPACE}access"', f'"{NAMESPACE}Liability"', "gold"):
        assert one in said.out


def test_to_a_partner_is_told_what_it_would_get(terms: Path, eslabon: Eslabon) -> None:
    oem = eslabon("policy", "show", "traceability-oem", "--partner", "oem")
    tier2 = eslabon("policy", "show", "traceability-oem", "--partner", "tier2")

    assert "may have the data: brakes" in oem.out
    assert "not fulfilled: BusinessPartnerGroup isAnyOf gold" in tier2.out
    assert "no offer in force" in tier2.out
    assert "BPNL00000000T2X1" not in oem.out


@pytest.mark.parametrize(
    ("command", "code", "near"),
    [
        (["show", "tracability-oem"], 1, "traceability-oem"),
        (["show", "registry", "--partner", "oen"], 1, "oem"),
        (["diff", "registry", "no.json"], 1, "registry"),
        (["check", "no.json"], 1, "no.json"),
    ],
)
def test_what_there_is_none_of_is_told_with_the_nearest(
    terms: Path, eslabon: Eslabon, command: list[str], code: int, near: str
) -> None:
    said = eslabon("policy", *command)

    assert (code, True) == (said.code, near in said.err)


def test_two_policies_are_compared_by_name_and_from_files(terms: Path, eslabon: Eslabon) -> None:
    file = _offer(eslabon, terms)
    other = eslabon("policy", "diff", "traceability-oem", "industry-core")
    same = eslabon("policy", "diff", file, "traceability-oem")

    assert (1, 0) == (other.code, same.code)
    assert "- prohibition use: UsageRestriction isAllOf cx.thirdParty.forbidden:1" in other.out
    assert "+ permission use: UsagePurpose isAnyOf cx.core.industrycore:1" in other.out
    assert "say the same" in same.out
    assert {"same": True, "difference": []} == eslabon("policy", "diff", file, file, "--json").json


def test_an_offer_is_held_against_what_we_accept(terms: Path, eslabon: Eslabon) -> None:
    file = _offer(eslabon, terms)
    said = eslabon("policy", "check", file)

    assert 1 == said.code
    assert "not accepted: 2 reason(s)" in said.out
    cure = said.out[said.out.rindex("[consume.values]") :]
    assert 'Liability = ["cx.slightNegligence:1"]' in cure
    config = terms / "eslabon.toml"
    config.write_text(config.read_text(encoding="utf-8") + cure, encoding="utf-8")

    assert 0 == eslabon("policy", "check", file).code
    assert [True] == [one["accepted"] for one in eslabon("policy", "check", file, "--json").json]


@pytest.mark.parametrize("holder", ["offer", "agreement", "policy", "dataset", "catalog"])
def test_policies_are_found_in_whatever_a_partner_sends(
    terms: Path, eslabon: Eslabon, holder: str
) -> None:
    file = _offer(eslabon, terms, "registry")
    policy = json.loads(file.read_text())
    inside = {
        "dataset": {"dataset": [{"hasPolicy": [policy]}]},
        "catalog": {"catalog": [{"dataset": [{"hasPolicy": policy}]}]},
    }
    file.write_text(json.dumps(inside.get(holder, {holder: policy})))

    assert 0 == eslabon("policy", "check", file).code
    assert 0 == eslabon("policy", "diff", file, "registry").code


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"offer": {"@id": "x"}}', '"x"', "[" * 9999])
def test_a_file_without_a_policy_is_refused(terms: Path, eslabon: Eslabon, text: str) -> None:
    (terms / "x.json").write_text(text)
    said = eslabon("policy", "check", terms / "x.json")

    assert (1, True) == (said.code, "x.json" in said.err)


def test_mistakes_in_policies_keep_them_from_being_shown(terms: Path, eslabon: Eslabon) -> None:
    config = terms / "eslabon.toml"
    text = config.read_text(encoding="utf-8").replace("cx.quality.base:1", "cx.qualty.base:1")
    config.write_text(text, encoding="utf-8")
    said = eslabon("policy", "show", "traceability-oem")

    assert 2 == said.code
    assert "did you mean cx.quality.base:1?" in said.err


def test_mistakes_elsewhere_do_not(terms: Path, eslabon: Eslabon) -> None:
    (terms / "keys" / "twin.secret").unlink()

    assert 0 == eslabon("policy", "show", "traceability-oem").code


GUIDES = ("docs/how-to/write-a-policy.md", "docs/how-to/es/escribir-una-politica.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_runs_as_it_is_written(plant: Path, eslabon: Eslabon, guide: str) -> None:
    page = (ROOT / guide).read_text(encoding="utf-8")
    terms, accepted = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    file = plant / "eslabon.toml"
    file.write_text(file.read_text(encoding="utf-8") + terms, encoding="utf-8")
    _offer(eslabon, plant).rename("offer.json")
    before = eslabon("policy", "check", "offer.json", "--json").json
    file.write_text(file.read_text(encoding="utf-8") + accepted, encoding="utf-8")
    after = eslabon("policy", "check", "offer.json", "--json").json

    typed = re.findall(r"^[$] eslabon (.*)$", page, re.MULTILINE)
    assert [0, 0, 1, 0] == [eslabon(*words.split()).code for words in typed]
    asked = [{one["what"] for one in found[0]["findings"]} for found in (before, after)]
    assert {"ContractReference", "Liability", "UsageRestriction"} == {
        what.split("\u201c")[1].split()[0] for what in asked[0] - asked[1]
    }
    assert asked[1] < asked[0]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_shows_terms_for_which_check_has_no_word(
    plant: Path, eslabon: Eslabon, guide: str
) -> None:
    page = (ROOT / guide).read_text(encoding="utf-8")
    file = plant / "eslabon.toml"
    before = eslabon("check", "--json").json["findings"]
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    file.write_text(file.read_text(encoding="utf-8") + "".join(blocks), encoding="utf-8")

    assert [one["code"] for one in before] == [
        one["code"] for one in eslabon("check", "--json").json["findings"]
    ]
