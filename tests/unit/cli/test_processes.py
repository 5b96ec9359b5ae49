"""``eslabon processes`` and ``eslabon process`` on a store that no connector has open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.store import outbox
from tests.builders.doors import Doors
from tests.doubles.party import OEM, SUPPLIER

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

ANSWER = "https://oem.example/dsp answered 400: the context is unknown"


@pytest.fixture
def doors(plant: Path) -> Doors:
    """What the plant's own store holds, as of two minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=2)
    return Doors(plant / "data", replace(SUPPLIER, name="eslabon"), now=at)


@pytest.fixture
def stuck(doors: Doors) -> str:
    """Have a negotiation whose agreement does not arrive; return its pid."""
    pid = doors.asked().pid
    [owed] = doors.owed()
    with doors.db.transaction() as tx:
        outbox.postpone(tx, owed, doors.now, ANSWER)
    doors.db.close()
    return pid


def test_without_any_processes_it_says_so(plant: Path, eslabon: Eslabon) -> None:
    assert plant.exists()
    assert (0, "Nothing is on its way.\n") == _said(eslabon("processes"))
    assert (0, "No hay nada atascado.\n") == _said(eslabon("processes", "--stuck", "--lang", "es"))


def test_what_is_stuck_is_listed_with_what_mends_it(stuck: str, eslabon: Eslabon) -> None:
    said = eslabon("processes", "--stuck")

    assert 1 == said.code
    assert stuck in said.out
    assert "REQUESTED → AGREED" in said.out
    assert "we: ContractAgreementMessage" in said.out
    assert ANSWER in said.out
    assert "fix:" in said.out


def test_only_one_partners_are_listed(stuck: str, eslabon: Eslabon) -> None:
    theirs, others = (
        eslabon("processes", "--partner", who, "--json") for who in (OEM.bpnl, "somebody")
    )

    assert [stuck] == [line["pid"] for line in theirs.json]
    assert [] == others.json


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_one_process_is_shown_with_everything_by_either_id(
    stuck: str, eslabon: Eslabon, which: str
) -> None:
    said = eslabon("process", stuck if which == "ours" else "urn:c1")

    assert 1 == said.code
    for part in (
        stuck,
        "urn:c1",
        ANSWER,
        "negotiation.requested",
        "received ContractRequestMessage",
        '"@type": "ContractAgreementMessage"',
        "deadline (UTC)",
        "https://oem.example/dsp/2025-1",
    ):
        assert part in said.out, said.out


def test_one_process_is_told_to_programs(stuck: str, eslabon: Eslabon) -> None:
    told = eslabon("process", stuck, "--json").json

    assert ("us", 1, True) == (
        told["line"]["mover"],
        told["line"]["attempts"],
        told["line"]["stuck"],
    )
    assert "transfer:progress_undelivered" == told["line"]["advice"]["code"]


def test_an_unknown_process_is_said_to_be_one(stuck: str, eslabon: Eslabon) -> None:
    assert stuck
    said = eslabon("process", "urn:nobody", "--lang", "es")

    assert (1, "") == (said.code, said.out)
    assert "urn:nobody" in said.err
    assert "eslabon processes --all" in said.err


def _said(said: object) -> tuple[int, str]:
    return said.code, said.out  # type: ignore[attr-defined]
