"""Many full exchanges in a row, each with a negotiation and a transfer of its own, counted.

An Eclipse connector ends some processes by races of its own. Those are begun anew and
reported; at its default pace there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.conformance.edc.conftest import Space, side_by_side
from tests.conformance.edc.eclipse import EndedOtherwiseError
from tests.conformance.edc.ground import SEEN
from tests.conformance.edc.reading import registry_of, search
from tests.conformance.edc.terms import TERMS

pytestmark = pytest.mark.conformance

EXCHANGES = 20
# How long EDC waits before it looks again, in ms; and the share of races that it is allowed.
PACES = {50: 0.1, 1000: 0.0}

Noting = Callable[[str, object], None]


@pytest.fixture(scope="module", params=PACES)
def paced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, backend: str
) -> Iterator[Space]:
    """Return both connectors, EDC at one of its paces."""
    with side_by_side(tmp_path_factory.mktemp("paced"), backend, request.param) as both:
        yield both


def test_the_data_that_it_asks_us_for_arrives(paced: Space, record_property: Noting) -> None:
    registry = registry_of(paced.consumer.catalog())

    def read() -> str:
        try:
            _, address = paced.consumer.opened_once(registry)
        except EndedOtherwiseError as end:
            return str(end)
        status, found = search(address, SEEN.part)
        assert (200, 1) == (status, len(found["result"]))
        return ""

    races = [race for _ in range(EXCHANGES) for race in _tried(read)]
    _check(paced, races, record_property)


def test_the_data_that_we_ask_it_for_arrives(paced: Space, record_property: Noting) -> None:
    names = [f"row-{number}" for number in range(EXCHANGES)]
    paced.publisher.offer(names, paced.backend, TERMS)

    def read(name: str) -> str:
        status, told = paced.pull_once(name)
        if status != 200:
            return str(told["text"])
        assert {"path": f"/parts/{name}/submodel/$value"} == told["value"]
        return ""

    races = [race for name in names for race in _tried(partial(read, name))]
    _check(paced, races, record_property)


def _tried(read: Callable[[], str]) -> Iterator[str]:
    """Try until it succeeds, and yield why it did not."""
    for _ in range(EXCHANGES):
        trouble = read()
        if not trouble:
            return
        yield trouble
    pytest.fail(f"not even after {EXCHANGES} attempts")


def _check(paced: Space, races: list[str], note: Noting) -> None:
    note("pace in ms", paced.edc.wait_ms)
    note("exchanges", EXCHANGES)
    note("begun anew", len(races))
    note("because", "; ".join(races))
    assert PACES[paced.edc.wait_ms] * EXCHANGES >= len(races), races
