"""Negotiations and transfers that are cut off in the middle: by either side, or by a restart.

The Eclipse connector keeps everything in memory, so that a restart makes it forget. Nothing
of ours may wait for ever: it ends within its deadline, says why, and what is begun after
that succeeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.demo.processes import wait_until
from tests.conformance.edc.conftest import Space, side_by_side
from tests.conformance.edc.eclipse import REASON, STEP_SECONDS, Json
from tests.conformance.edc.reading import registry_of
from tests.conformance.edc.terms import TERMS

pytestmark = pytest.mark.conformance

# EDC takes three seconds for every step: time enough to cut it off in between.
WAIT_MS = 3000
DEADLINE_SECONDS = 15.0
# The deadline, and the longest wait between two attempts to tell it.
FORGETTING_SECONDS = 60.0


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[Space]:
    """Return both connectors; ours gives up what stands still for long."""
    limits = {
        "negotiation_step_seconds_max": DEADLINE_SECONDS,
        "transfer_step_seconds_max": DEADLINE_SECONDS,
    }
    folder = tmp_path_factory.mktemp("midway")
    with side_by_side(folder, backend, WAIT_MS, **limits) as both:
        yield both


def _asked_by_edc(slow: Space) -> tuple[str, str]:
    """Let EDC ask for our registry while we hold back; return its id and ours."""
    theirs = slow.consumer.negotiate(registry_of(slow.consumer.catalog()))
    ours = slow.consumer.agreed(theirs, "REQUESTED")["correlationId"]
    return theirs, ours


def _asked_by_us(slow: Space, dataset: str) -> tuple[str, str]:
    """Ask EDC for a dataset; return our id and the one that it gave."""
    slow.publisher.offer([dataset], slow.backend, TERMS)
    ours = slow.begin(dataset)
    found: list[Json] = []

    def is_known() -> bool:
        found[:] = [slow.negotiation(ours, "REQUESTED")]
        return bool(found[0]["peer_pid"])

    wait_until(is_known, "EDC's id of the negotiation", STEP_SECONDS)
    return ours, found[0]["peer_pid"]


def test_a_negotiation_that_we_asked_for_and_it_ends(slow: Space) -> None:
    ours, theirs = _asked_by_us(slow, "midway-1")

    slow.edc.end_negotiation(theirs)

    ended = slow.negotiation(ours, "TERMINATED")
    assert ("partner", True) == (ended["ended_by"], REASON in ended["reason"])
    assert 200 == slow.pull("midway-1")[0]


def test_a_negotiation_that_we_asked_for_and_we_end(slow: Space) -> None:
    ours, theirs = _asked_by_us(slow, "midway-2")

    slow.end_negotiation(ours)

    assert slow.consumer.agreed(theirs, "TERMINATED")
    assert "us" == slow.negotiation(ours, "TERMINATED")["ended_by"]
    assert 200 == slow.pull("midway-2")[0]


def test_a_negotiation_that_it_asked_for_and_it_ends(slow: Space) -> None:
    with slow.holding():
        theirs, ours = _asked_by_edc(slow)
        slow.edc.end_negotiation(theirs)
        ended = slow.negotiation(ours, "TERMINATED")

    assert ("partner", True) == (ended["ended_by"], REASON in ended["reason"])
    assert slow.consumer.opened(registry_of(slow.consumer.catalog()))


def test_a_negotiation_that_it_asked_for_and_we_end(slow: Space) -> None:
    with slow.holding():
        theirs, ours = _asked_by_edc(slow)
        slow.end_negotiation(ours)

    assert slow.consumer.agreed(theirs, "TERMINATED")
    assert "us" == slow.negotiation(ours, "TERMINATED")["ended_by"]
    assert slow.consumer.opened(registry_of(slow.consumer.catalog()))


def test_a_negotiation_that_it_asked_for_and_nobody_goes_on_with(slow: Space) -> None:
    with slow.holding():
        theirs, ours = _asked_by_edc(slow)
        assert slow.consumer.agreed(theirs, "TERMINATED")

    ended = slow.negotiation(ours, "TERMINATED")
    assert "stood still in the state requested for 15 s" in ended["reason"]
    assert "us" == ended["ended_by"]


def test_it_forgets_a_negotiation_that_we_asked_for(slow: Space) -> None:
    slow.edc.restart(frozen="negotiation.provider")
    ours, _ = _asked_by_us(slow, "midway-3")

    slow.edc.restart()

    ended = slow.negotiation(ours, "TERMINATED", FORGETTING_SECONDS)
    assert "stood still in the state requested for 15 s" in ended["reason"]
    assert "404" in ended["reason"]
    slow.publisher.offer(["midway-3"], slow.backend, TERMS)
    assert 200 == slow.pull("midway-3")[0]


def test_it_forgets_a_negotiation_that_it_asked_for(slow: Space) -> None:
    with slow.holding():
        _, ours = _asked_by_edc(slow)
        slow.edc.restart()

    ended = slow.negotiation(ours, "TERMINATED", FORGETTING_SECONDS)
    assert "404" in ended["reason"]
    assert slow.consumer.opened(registry_of(slow.consumer.catalog()))


def test_it_forgets_a_transfer_that_we_asked_for(slow: Space) -> None:
    slow.edc.restart(frozen="transfer")
    slow.publisher.offer(["midway-4"], slow.backend, TERMS)
    agreed = slow.negotiation(slow.begin("midway-4"), "FINALIZED")
    ours = slow.begin_transfer(agreed["agreement"])
    wait_until(lambda: bool(slow.transfer(ours, "REQUESTED")["peer_pid"]), "EDC's id of it")

    slow.edc.restart()

    ended = slow.transfer(ours, "TERMINATED", FORGETTING_SECONDS)
    assert "stood still in the state requested for 15 s" in ended["reason"]
    assert "404" in ended["reason"]
    slow.publisher.offer(["midway-4"], slow.backend, TERMS)
    assert 200 == slow.pull("midway-4")[0]
