"""A supplier with hardly any IT gets its credentials by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.protocols.dcp.credentials import CATENA_X_TYPES
from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import wait_until

pytestmark = pytest.mark.journey

Json = dict[str, Any]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataSpace]:
    with DataSpace.open(tmp_path_factory.mktemp("credentials")) as space:
        yield space


@pytest.fixture
def newcomer(space: DataSpace) -> Iterator[Company]:
    """A connector that runs and has no credentials at all."""
    newcomer = space.newcomer(f"plant{len(space.companies)}", "BPNL00000000PUE1")
    newcomer.configure()
    start(newcomer)
    yield newcomer
    newcomer.stop()


def start(company: Company) -> None:
    """Start a connector; it is ready only when it has credentials."""
    company.process.start()
    company.wait_up()


def held(company: Company) -> list[Path]:
    return sorted((company.folder / "credentials").glob("*.jwt"))


def codes(answer: Json) -> set[str]:
    return {str(one["code"]).partition(":")[2] for one in answer["findings"]}


def test_one_command_gets_them_and_makes_the_connector_ready(
    newcomer: Company,
) -> None:
    assert newcomer.operate("/health/ready")[0] == 503
    assert codes(newcomer.ask("credentials", "list")) == {"credential_missing"}

    answer = newcomer.run_command("credentials", "request", "--lang", "es")

    assert (0, "") == (answer.code, answer.err)
    assert answer.out.startswith("entregado y guardado: MembershipCredential")
    assert newcomer.operate("/health/ready")[0] == 200
    listed: Json = newcomer.ask("credentials", "list")
    assert {one["type"] for one in listed["credentials"]} == set(CATENA_X_TYPES)
    assert {one["state"] for one in listed["credentials"]} == {"valid"}


def test_a_stranger_is_told_what_to_do(space: DataSpace, newcomer: Company) -> None:
    space.authority.register.expel(newcomer.did)

    answer = newcomer.run_command("credentials", "request", "BpnCredential")

    assert answer.code == 3
    assert "refused our request for credentials with status 403" in answer.err
    assert "tell the operator of the data space your DID and BPNL" in answer.err
    assert held(newcomer) == []


def test_a_request_outlives_the_connector_and_the_issuer(
    space: DataSpace, newcomer: Company
) -> None:
    space.process.stop()
    asked = newcomer.run_command("credentials", "request", "--wait", "0", "--json")
    assert asked.code == 4
    newcomer.kill()
    space.process.start()

    start(newcomer)

    wait_until(lambda: len(held(newcomer)) == len(CATENA_X_TYPES), "the delivery")
    answer: Json = newcomer.ask("credentials", "status")
    assert ["delivered"] == [one["state"] for one in answer["requests"]]


def test_without_a_running_connector_they_are_listed_and_not_asked_for(
    newcomer: Company,
) -> None:
    newcomer.stop()

    assert newcomer.run_command("credentials", "list").code == 1
    assert newcomer.run_command("credentials", "status").code == 0
    refused = newcomer.run_command("credentials", "request")
    assert (2, True) == (refused.code, "eslabon run" in refused.err)
