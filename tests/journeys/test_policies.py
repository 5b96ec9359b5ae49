"""Terms from one company's configuration to another's: refused, accepted, and shut out again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import POLICY, Table, Tables
from tests.journeys.town.shops import collected, open_shop, stock

pytestmark = pytest.mark.journey

SUPPLIER, OEM = "BPNL00000000PUE1", "BPNL00000000OEM1"
TERMS: Mapping[str, object] = {
    "purposes": ["cx.core.industrycore:1", "cx.quality.base:1"],
    "individual_purposes": ["BrakeFieldStudy"],
    "permission": {
        "ContractReference": ["AGB-9832", "MX-2026-17"],
        "Liability": "cx.slightNegligence:1",
        "DataUsageEndDurationDays": 365,
    },
    "prohibition": {"UsageRestriction": ["cx.thirdParty.forbidden:1"]},
    "obligation": {"DataProvisioningEndDate": "2099-12-31"},
    "access": {"BusinessPartnerGroup": {"isAnyOf": ["gold"]}},
}


class Town:
    """A supplier that gives to its gold partners under many terms, and an OEM."""

    def __init__(self, space: DataSpace) -> None:
        self.supplier = space.company("puebla", SUPPLIER)
        self.oem = space.company("oem", OEM)
        self.stock("gold")
        open_shop(self.supplier, 1)

    def stock(self, *groups: str) -> None:
        """Configure the supplier, with the OEM in these groups, and another partner in gold."""
        oem = {"name": "oem", "bpnl": OEM, "did": self.oem.did, "groups": list(groups)}
        other = {"name": "leon", "bpnl": "BPNL00000000LEO1", "did": "did:web:leon.example"}
        partners: list[Table] = [oem, {**other, "groups": ["gold"]}]
        further: dict[str, Tables] = {"policy": {POLICY: TERMS}, "partner": partners}
        stock(self.supplier, ["S1"], self.oem, further)

    def walk(self, consume: Mapping[str, object]) -> dict[str, Any]:
        """Let the OEM collect the part under these accepted terms, as if for the first time."""
        self.oem.configure(partners=[self.supplier], further={"consume": consume})
        self.oem.start()
        report = collected(self.oem, "puebla", "S1")
        self.oem.stop()
        for file in (self.oem.folder / "data").glob("eslabon.db*"):
            file.unlink()
        return report


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with DataSpace.open(tmp_path_factory.mktemp("town")) as space:
        yield Town(space)


def _offer(supplier: Company) -> str:
    """Write down what the supplier offers, and return the file."""
    shown = supplier.ask("policy", "show", POLICY)
    file = supplier.folder / "offer.json"
    file.write_text(json.dumps({"@id": "urn:o1", "@type": "Offer", **dict(shown["usage"])}))  # type: ignore[call-overload]
    return str(file)


def test_terms_are_refused_until_they_are_accepted_and_then_signed(town: Town) -> None:
    refused = town.walk({})
    assert "Liability eq cx.slightNegligence:1" in json.dumps(refused["tombstones"])

    checked = town.oem.run_command("policy", "check", _offer(town.supplier))
    assert (1, True) == (checked.code, "not accepted: 5 reason(s)" in checked.out)
    cure = tomllib.loads(checked.out[checked.out.rindex("[consume.values]") :])

    collected = town.walk(cure["consume"])
    assert ("complete", []) == (collected["state"], collected["tombstones"])


def test_a_partner_that_is_taken_out_of_the_group_sees_nothing_any_more(town: Town) -> None:
    shown = town.supplier.run_command("policy", "show", POLICY, "--partner", "oem")
    town.supplier.stop()
    town.stock("silver")
    town.supplier.start()
    agreements = town.supplier.counts()["agreements"]
    shut_out = town.supplier.run_command("policy", "show", POLICY, "--partner", "oem")

    assert ("may have the data" in shown.out, "may have the data" in shut_out.out) == (True, False)
    report = town.walk({"operands": ["Liability"]})
    assert report["tombstones"]
    assert 0 == town.supplier.counts()["agreements"] - agreements
