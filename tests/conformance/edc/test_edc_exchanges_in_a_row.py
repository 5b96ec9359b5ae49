"""Many full exchanges in a row, each with a negotiation and a transfer of its own, counted.

An Eclipse connector whose waits are short ends some processes by races of its own. As a
provider it is asked anew by our connector; as a consumer by whoever drives it, here the
tests. Both is reported. At its default pace there are none, and through us ends nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import pytest

from tests.conformance.edc.conftest import Ends, Space, side_by_side
from tests.conformance.edc.eclipse import EndedOtherwiseError
from tests.conformance.edc.ground import SEEN
from tests.conformance.edc.reading import registry_of, search
from tests.conformance.edc.terms import TERMS

pytestmark = pytest.mark.conformance

ATTEMPTS_MAX = 3

Noting = Callable[[str, object], None]


@dataclass(frozen=True)
class Pace:
    """How long EDC waits before it looks again, how many exchanges, and races allowed."""

    wait_ms: int
    exchanges: int
    races_share_max: float


PACES = (Pace(50, 200, 0.1), Pace(1000, 20, 0.0))


@pytest.fixture(scope="module", params=PACES, ids=lambda pace: f"{pace.wait_ms} ms")
def pace(request: pytest.FixtureRequest) -> Pace:
    """Return how fast EDC is."""
    found: Pace = request.param
    return found


@pytest.fixture(scope="module")
def paced(pace: Pace, tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[Space]:
    """Return both connectors, EDC at one of its paces."""
    with side_by_side(tmp_path_factory.mktemp("paced"), backend, pace.wait_ms) as both:
        yield both


def test_the_data_that_it_asks_us_for_arrives(
    paced: Space, pace: Pace, record_property: Noting
) -> None:
    registry, before = registry_of(paced.consumer.catalog()), paced.ends()
    races: list[str] = []

    def read(number: int) -> None:
        del number
        for _ in range(ATTEMPTS_MAX):
            try:
                _, address = paced.consumer.opened_once(registry)
            except EndedOtherwiseError as end:
                races.append(str(end))
                continue
            status, found = search(address, SEEN.part)
            assert (200, 1) == (status, len(found["result"]))
            return
        pytest.fail(f"not even after {ATTEMPTS_MAX} attempts: {races[-ATTEMPTS_MAX:]}")

    seconds = [_timed(read, number) for number in range(pace.exchanges)]
    _check(pace, races, paced.ends().since(before), seconds, record_property)


def test_the_data_that_we_ask_it_for_arrives(
    paced: Space, pace: Pace, record_property: Noting
) -> None:
    names = [f"row-{number}" for number in range(pace.exchanges)]
    paced.publisher.offer(names, paced.backend, TERMS)
    before = paced.ends()

    def read(number: int) -> None:
        status, told = paced.pull(names[number])
        assert 200 == status, told
        assert {"path": f"/parts/{names[number]}/submodel/$value"} == told["value"]

    seconds = [_timed(read, number) for number in range(pace.exchanges)]
    ends = paced.ends().since(before)
    _check(pace, ends.begun_anew, ends, seconds, record_property)


def _timed(read: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    read(number)
    return time.perf_counter() - began


def _check(pace: Pace, races: list[str], ends: Ends, seconds: list[float], note: Noting) -> None:
    note("EDC's waits in ms", pace.wait_ms)
    note("exchanges", pace.exchanges)
    note("median in ms", round(median(seconds) * 1000))
    note("longest in ms", round(max(seconds) * 1000))
    note("begun anew", len(races))
    note("because", "; ".join(sorted({race[:300] for race in races})))
    # It keeps another agreement than the one that it signed last: its race once more.
    lost = [reason for reason in ends.by_us if "agreement not found" in reason]
    note("agreements that it lost", len(lost))
    note("ended through us", len(ends.by_us) - len(lost))
    assert lost == ends.by_us
    races = [*races, *lost]
    assert pace.races_share_max * pace.exchanges >= len(races), races
