"""A partner's share of requests: what it may ask, and what it is told when it asks more."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connector.identifiers import Did
from connector.partner.rates import (
    TOLD_EVERY_SECONDS,
    Excess,
    RatedIdentity,
    Rates,
    Share,
    TooManyRequestsError,
)
from connector.protocols.dsp.answering import NEGOTIATION_ERROR, Refusal
from tests.builders.exchange import NEIGHBOUR, OEM, caller
from tests.doubles.asgi import call


@dataclass
class Hall:
    """Rates with a clock that the test sets."""

    share: Share = Share(10.0, 5)  # noqa: RUF009 - a frozen value
    now: float = 1000.0
    told: list[Excess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rates = Rates(self.share, lambda: self.now, self.told.append)

    def takes(self, partner=OEM, times=1):
        """Return how many of so many requests had room."""
        return sum(self._fits(partner) for _ in range(times))

    def _fits(self, partner):
        try:
            self.rates.take(partner)
        except TooManyRequestsError:
            return False
        return True


def test_a_burst_has_room_and_no_more():
    assert 5 == Hall().takes(times=20)


def test_the_share_fills_at_its_rate():
    hall = Hall()
    hall.takes(times=5)
    hall.now += 0.31

    assert 3 == hall.takes(times=20)


def test_the_share_never_holds_more_than_a_burst():
    hall = Hall()
    hall.now += 3600

    assert 5 == hall.takes(times=20)


def test_one_partner_takes_nothing_from_another():
    hall = Hall()
    hall.takes(OEM, 20)

    assert 5 == hall.takes(NEIGHBOUR, 20)


def test_who_asks_too_fast_hears_when_there_is_room():
    hall = Hall(Share(0.25, 1))
    hall.takes()
    with pytest.raises(TooManyRequestsError) as caught:
        hall.rates.take(OEM)
    hall.now += caught.value.retry_seconds

    assert (4, 1) == (caught.value.retry_seconds, hall.takes())


def test_an_excess_is_told_once_in_a_while_with_its_count():
    hall = Hall()
    hall.takes(times=25)
    hall.now += TOLD_EVERY_SECONDS
    hall.takes(times=25)

    assert [Excess(OEM, 1), Excess(OEM, 20)] == hall.told


@given(
    st.floats(0.1, 1000),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), min_size=1, max_size=50),
)
def test_nobody_gets_more_than_burst_and_rate_allow(rate, burst, pauses):
    hall = Hall(Share(rate, burst))
    began, taken = hall.now, 0
    for pause in pauses:
        hall.now += pause
        taken += hall.takes(times=3)

    assert taken <= burst + (hall.now - began) * rate + 1e-6


async def test_the_dataspace_protocol_says_it_in_its_own_words():
    class Known:
        async def authenticate(self, _):
            return caller(OEM)

        async def authorization_for(self, audience):
            return f"for {audience}"

    async def durable():
        pass

    async def act(_request, _caller):
        return PlainTextResponse("done")

    identity = RatedIdentity(Known(), Hall(Share(1.0, 1)).rates)
    app = Starlette(
        routes=[Route("/{pid}", Refusal(NEGOTIATION_ERROR, identity, durable).endpoint(act))]
    )
    first, second = [await call(app, "GET", "/x") for _ in range(2)]
    body = json.loads(second.body)

    assert (200, 429, "1") == (first.status, second.status, second.headers["retry-after"])
    assert (NEGOTIATION_ERROR, "x", "too_many") == (
        body["@type"],
        body["providerPid"],
        body["code"],
    )
    assert "for did" == await identity.authorization_for(Did("did"))
