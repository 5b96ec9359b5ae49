"""Our connector finds, negotiates and reads what an Eclipse connector offers."""

from __future__ import annotations

import pytest

from deploy.demo.processes import wait_until
from tests.conformance.edc import ground
from tests.conformance.edc.conftest import Space
from tests.conformance.edc.eclipse import REASON, fetch
from tests.conformance.edc.terms import FOR_CARBON, GOVERNED, LIABLE, MORE_LIABLE, TERMS

pytestmark = pytest.mark.conformance


def _read(space: Space, token: str) -> int:
    """Read by a token at EDC's data plane, and return the status."""
    return fetch(f"{space.edc.public_url}/parts", {"Authorization": token})[0]


def _refuses(space: Space, token: str) -> bool:
    return _read(space, token) == 403


def test_we_read_what_it_offers_under_terms_of_the_data_space(space: Space) -> None:
    space.publisher.offer(["part"], space.backend, TERMS)

    status, told = space.pull("part")

    assert (200, {"path": "/parts/part/submodel/$value"}) == (status, told["value"])


def test_we_read_again_without_asking_again(space: Space) -> None:
    space.publisher.offer(["kept"], space.backend, TERMS)

    first, second = space.pull("kept")[1], space.pull("kept")[1]

    assert first["transfer"] == second["transfer"]


def test_we_ask_for_nothing_under_terms_that_we_have_not_accepted(space: Space) -> None:
    space.publisher.offer(["footprint"], space.backend, [GOVERNED, FOR_CARBON])

    status, told = space.pull("footprint")

    assert (409, "transfer:offer_not_acceptable") == (status, told["code"])
    assert "cx.pcf.base:1" in told["text"]


def test_we_sign_a_duty_with_the_value_that_we_have_accepted_and_no_other(space: Space) -> None:
    space.publisher.offer(["liable"], space.backend, LIABLE)
    space.publisher.offer(["more-liable"], space.backend, MORE_LIABLE)

    assert 200 == space.pull("liable")[0]
    status, told = space.pull("more-liable")
    assert (409, "transfer:offer_not_acceptable") == (status, told["code"])
    assert "cx.grossNegligence:1" in told["text"]


def test_we_say_what_it_does_not_offer(space: Space) -> None:
    status, told = space.pull("nothing of the kind")

    assert (409, "transfer:dataset_not_found") == (status, told["code"])


def test_an_operator_is_told_how_it_sees_a_transfer(space: Space) -> None:
    space.publisher.offer(["seen"], space.backend, TERMS)
    _, told = space.pull("seen")

    report = space.command("process", told["transfer"])

    assert ("STARTED", "STARTED", "") == (
        report["line"]["state"],
        report["peer_state"],
        report["peer_trouble"],
    )
    assert "TransferStartMessage" in report["received"]
    assert told["token"] not in str(report)


def test_the_token_dies_with_the_transfer_that_we_end(space: Space) -> None:
    space.publisher.offer(["ended-by-us"], space.backend, TERMS)
    _, told = space.pull("ended-by-us")
    assert 200 == _read(space, told["token"])
    theirs = space.transfer(told["transfer"], "STARTED")["peer_pid"]

    space.end_transfer(told["transfer"])

    space.publisher.transfer(theirs, "TERMINATED")
    wait_until(lambda: _refuses(space, told["token"]), "the end of the token")


def test_we_ask_anew_after_the_transfer_that_it_ends(space: Space) -> None:
    space.publisher.offer(["ended-by-it"], space.backend, TERMS)
    _, told = space.pull("ended-by-it")
    theirs = space.transfer(told["transfer"], "STARTED")["peer_pid"]

    space.edc.change(theirs, "terminate")
    ended = space.transfer(told["transfer"], "TERMINATED")
    status, anew = space.pull("ended-by-it")

    assert REASON in ended["reason"]
    assert (200, True) == (status, anew["transfer"] != told["transfer"])


def test_a_catalog_of_five_hundred_datasets_is_read_page_by_page(space: Space) -> None:
    names = [f"many-{number}" for number in range(500)]
    space.publisher.offer(names, space.backend, TERMS)

    _, told = space.ask(ground.CATALOG)

    assert set(names) <= set(told["datasets"])
