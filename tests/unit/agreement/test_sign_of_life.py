"""A partner that was away and comes back is sent at once what waits for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.store import outbox
from tests.builders.doors import Doors


def wait_after(supplier: Doors, attempts: int) -> None:
    """Let the one message that is owed fail, as if it had failed so often before."""
    (owed,) = supplier.owed()
    with supplier.db.transaction() as tx:
        outbox.postpone(tx, replace(owed, attempts=attempts), supplier.now, "nobody there")


@pytest.mark.parametrize(
    ("attempts", "due"),
    [(7, ["urn:c1", "urn:c2"]), (2, ["urn:c2"])],
    ids=["it was away for long", "it asked for a moment"],
)
def test_what_waits_long_goes_out_when_the_partner_speaks(
    tmp_path: Path, attempts: int, due: list[str]
) -> None:
    supplier = Doors(tmp_path)
    supplier.asked("urn:c1")
    wait_after(supplier, attempts)
    before = supplier.owed()
    supplier.asked("urn:c2")

    assert ([], len(due)) == (before, len(supplier.owed()))


def test_what_waits_for_somebody_else_goes_on_waiting(tmp_path: Path) -> None:
    supplier = Doors(tmp_path)
    supplier.asked("urn:c1")
    wait_after(supplier, 7)
    supplier.db.execute("UPDATE outbox SET partner = 'did:web:somebody'")
    supplier.asked("urn:c2")

    assert 1 == len(supplier.owed())
