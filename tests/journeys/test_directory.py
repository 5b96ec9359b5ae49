"""Partners that are named by their number alone: a directory tells where they are."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import wait_until
from tests.journeys.town.shops import Bdrs, collected, directory, logged, open_shop, stock

pytestmark = pytest.mark.journey

SUPPLIER, OEM, OTHER = "BPNL00000000PUE1", "BPNL00000000OEM1", "BPNL00000000LEO1"


class Town:
    """A supplier that runs, an OEM that is not configured yet, and a directory."""

    def __init__(self, space: DataSpace, bdrs: Bdrs) -> None:
        self.space, self.bdrs = space, bdrs
        self.supplier = space.company("puebla", SUPPLIER)
        self.oem = space.company("oem", OEM)
        stock(self.supplier, ["S1"], self.oem)
        open_shop(self.supplier, 1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with ExitStack() as stack:
        space = stack.enter_context(DataSpace.open(tmp_path_factory.mktemp("town")))
        yield Town(space, stack.enter_context(directory(space)))


@pytest.fixture
def oem(town: Town) -> Iterator[Company]:
    yield town.oem
    town.oem.stop()
    for file in (town.oem.folder / "data").glob("eslabon.db*"):
        file.unlink()
    town.oem.process.log.unlink()


def known(oem: Company, partner: str) -> dict[str, object]:
    """Wait until the directory has been read."""
    wait_until(lambda: "NaN" not in _age(oem), "the directory read")
    return collected(oem, partner, "S1")


def _age(company: Company) -> str:
    token = (company.folder / "data" / "operator.token").read_text(encoding="ascii")
    request = urllib.request.Request(
        f"http://127.0.0.1:{company.operator_port}/metrics",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as answer:
        lines = answer.read().decode().splitlines()
    return next(line for line in lines if line.startswith("eslabon_directory_age_seconds"))


def test_a_partner_known_by_its_number_alone_is_found_also_while_the_directory_is_away(
    town: Town, oem: Company
) -> None:
    town.bdrs.write({SUPPLIER: town.supplier.did, "BPNS0000000SITE1": "did:web:nobody"})
    oem.configure(unlisted=[town.supplier], further=dict(town.bdrs.section))
    oem.start()
    while_there = known(oem, "puebla")
    town.bdrs.process.stop()
    oem.restart()
    while_away = collected(oem, "puebla", "S1")
    wait_until(lambda: bool(logged(oem, "directory.unread")), "a complaint")
    town.bdrs.start()

    assert ["complete", "complete"] == [while_there["state"], while_away["state"]]
    assert [[], []] == [while_there["tombstones"], while_away["tombstones"]]
    complaint = logged(oem, "directory.unread")[0]
    assert (1, town.bdrs.url) == (complaint["entries"], complaint["source"])
    assert 0 <= complaint["age_seconds"] < 60


def test_the_address_book_wins_over_a_directory_that_contradicts_it(
    town: Town, oem: Company
) -> None:
    town.bdrs.write({SUPPLIER: "did:web:elsewhere.example.com"})
    oem.configure(partners=[town.supplier], further=dict(town.bdrs.section))
    oem.start()
    report = known(oem, "puebla")
    wait_until(lambda: bool(logged(oem, "directory.contradicted")), "the contradiction")

    assert [] == report["tombstones"]
    told = logged(oem, "directory.contradicted")[0]
    assert ("puebla", SUPPLIER) == (told["partner"], told["bpnl"])
    assert (town.supplier.did, "did:web:elsewhere.example.com") == (
        told["address_book"],
        told["directory"],
    )


def test_a_directory_introduces_nobody_whose_credentials_attest_another_number(
    town: Town, oem: Company
) -> None:
    town.bdrs.write({OTHER: town.supplier.did})
    impostor = town.space.company("leon", OTHER)
    oem.configure(unlisted=[impostor], further=dict(town.bdrs.section))
    oem.start()
    wait_until(lambda: "NaN" not in _age(oem), "the directory read")
    oem.operate("/api/collections", {"partner": "leon", "asset_ids": [["partInstanceId", "S1"]]})
    wait_until(lambda: bool(logged(oem, "message.rejected")), "a refusal")
    refused = logged(oem, "message.rejected")[0]

    assert 0 == oem.counts()["agreements"]
    assert (town.supplier.did, False) == (refused["partner"], refused["proven"])
    assert SUPPLIER in refused["reason"]
    assert OTHER in refused["reason"]


def test_a_partner_that_is_not_listed_is_said_to_be_so(town: Town, oem: Company) -> None:
    town.bdrs.write({})
    oem.configure(unlisted=[town.supplier], further=dict(town.bdrs.section))
    oem.start()
    wait_until(lambda: "NaN" not in _age(oem), "the directory read")
    answer = oem.run_command("collect", "--partner", "puebla", "--part", "X")

    assert 3 == answer.code
    assert "the directory" in answer.err
    assert "does not list it" in answer.err


def test_a_directory_that_does_not_believe_us_says_who_has_to_act(
    town: Town, oem: Company
) -> None:
    kept = oem.folder / "credentials" / "MembershipCredential.jwt"
    good = kept.read_text(encoding="ascii")
    town.space.authority.register.admit(oem.did, oem.bpnl)
    issued = town.space.authority.issue(oem.did, oem.bpnl, 1, revocable=True)
    kept.write_text(issued["MembershipCredential"], encoding="ascii")
    town.space.authority.register.withdraw(oem.did, None)
    oem.configure(unlisted=[town.supplier], further=dict(town.bdrs.section))
    oem.start()
    wait_until(lambda: bool(logged(oem, "directory.unread")), "a complaint")
    kept.write_text(good, encoding="ascii")

    assert "connector.protocols.bdrs:membership_refused" in {
        one["code"] for one in logged(oem, "directory.unread")
    }
    answer = oem.run_command("collect", "--partner", "puebla", "--part", "X")
    assert 4 == answer.code
    assert "was never read" in answer.err
