"""However requests and answers get lost, one family of tokens lives and nobody is locked out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.transfer.rotation import (
    REFRESHED_AFTER_EXPIRY,
    REPEATED_FOR,
    Pair,
    Refreshable,
    Request,
    derived,
    judged,
)
from connector.transfer.table import token_hash
from connector.transfer.terms import Agreed
from tests.builders.exchange import NOW

PARTNER = Did("did:web:oem.example")
LIFE = timedelta(minutes=5)
FIRST = Pair("access 0", "refresh 0")


def _request(pair: Pair, did: Did = PARTNER) -> Request:
    return Request(did, token_hash(pair.refresh), token_hash(pair.access))


def _opened(now: datetime) -> Refreshable:
    return Refreshable(
        pid="urn:t",
        partner=PARTNER,
        bpnl=Bpnl("BPNL00000000OEM1"),
        dataset_id="urn:d",
        is_open=True,
        agreed=Agreed(b"{}", now),
        refresh_hash=token_hash(FIRST.refresh),
        access_hash=token_hash(FIRST.access),
        spent_hash=None,
        spent_access_hash=None,
        seed=None,
        rotated_at=now,
        expires_at=now + LIFE,
    )


class Rotation(RuleBasedStateMachine):
    """A provider and a consumer whose answers get lost; every pair ever given is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.provider = _opened(NOW)
        self.held = FIRST
        self.given = [FIRST]
        self.lost_at: datetime | None = None

    def _answer(self, pair: Pair) -> Pair:
        """Answer a request as the desk does; raises where it refuses."""
        request = _request(pair)
        if judged(self.provider, request, self.now):
            assert self.provider.seed is not None
            return derived(self.provider.seed, pair.refresh)
        seed = bytes([len(self.given) % 256]) * 32
        following = derived(seed, pair.refresh)
        self.provider = replace(
            self.provider,
            refresh_hash=token_hash(following.refresh),
            access_hash=token_hash(following.access),
            spent_hash=self.provider.refresh_hash,
            spent_access_hash=self.provider.access_hash,
            seed=seed,
            rotated_at=self.now,
            expires_at=self.now + LIFE,
        )
        self.given.append(following)
        return following

    @rule(seconds=st.integers(0, 50))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.lost_at is None)
    @rule()
    def the_answer_arrives(self) -> None:
        self.held = self._answer(self.held)

    @precondition(lambda self: self.lost_at is None)
    @rule()
    def the_answer_is_lost(self) -> None:
        self._answer(self.held)
        self.lost_at = self.now

    @precondition(lambda self: self.lost_at is not None)
    @rule()
    def the_consumer_asks_again(self) -> None:
        assert self.lost_at is not None
        if self.now - self.lost_at < REPEATED_FOR:
            self.held = self._answer(self.held)
            assert self.held == self.given[-1]
            self.lost_at = None

    @invariant()
    def of_all_tokens_ever_given_the_last_and_at_most_its_parent_are_of_use(self) -> None:
        useful = []
        for pair in self.given:
            try:
                judged(self.provider, _request(pair), self.now)
            except PartnerError:
                continue
            useful.append(pair)
        assert set(useful) <= set(self.given[-2:])


TestRotation = Rotation.TestCase


@given(
    st.text(min_size=1),
    st.text(min_size=1),
    st.sampled_from([PARTNER, Did("did:web:other.example")]),
    st.timedeltas(timedelta(), timedelta(days=3)),
)
def test_only_the_pair_that_was_given_is_taken_by_its_partner_in_its_time(
    access: str, refresh: str, did: Did, later: timedelta
) -> None:
    now = NOW + later
    try:
        is_repeated = judged(_opened(NOW), _request(Pair(access, refresh), did), now)
    except PartnerError:
        is_taken = False
    else:
        assert not is_repeated
        is_taken = True

    is_theirs = (access, refresh, did) == (FIRST.access, FIRST.refresh, PARTNER)
    assert is_taken == (is_theirs and later < LIFE + REFRESHED_AFTER_EXPIRY)


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1), st.text(min_size=1))
def test_what_follows_is_the_same_for_the_same_and_different_for_all_else(
    seed: bytes, one: str, other: str
) -> None:
    pair = derived(seed, one)

    assert pair == derived(seed, one)
    assert pair.access != pair.refresh
    assert (pair == derived(seed, other)) == (one == other)
    assert pair != derived(bytes(32) if any(seed) else bytes([1] * 32), one)
