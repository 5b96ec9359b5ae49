"""An Eclipse connector that forgets everything in the middle, as its memory store does."""

from __future__ import annotations

import pytest

from tests.conformance.edc.conftest import Space
from tests.conformance.edc.terms import TERMS

pytestmark = pytest.mark.conformance


def test_we_read_again_from_one_that_has_forgotten_our_agreement(space: Space) -> None:
    space.publisher.offer(["forgotten"], space.backend, TERMS)
    _, before = space.pull("forgotten")

    space.edc.stop()
    space.edc.start()
    space.publisher.offer(["forgotten"], space.backend, TERMS)
    status, after = space.pull("forgotten")

    assert 200 == status, after
    assert before["agreement"] != after["agreement"]
    ended = space.transfer(before["transfer"], "TERMINATED")
    assert "404" in ended["reason"]


def test_a_transfer_that_it_has_forgotten_ends_with_that_reason(space: Space) -> None:
    transfer, _ = space.consumer.opened(space.consumer.catalog()[0])
    ours = space.consumer.transferred(transfer)["correlationId"]

    space.edc.stop()
    space.edc.start()
    space.end_transfer(ours)

    ended = space.transfer(ours, "TERMINATED")
    assert "404" in ended["reason"]
