"""The course of an examination, and the clocks that it compares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.daemon.doctor import course
from connector.daemon.doctor.clocks import Deviation, offset_of, weighed
from connector.daemon.doctor.course import Look, Outcome, left, remark, seen, walk
from connector.errors import DataError, EslabonError, PartnerError, SetupError, TransientError
from connector.web.operations import Actor, StepState

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def gives(outcome: Outcome) -> Callable[[], Awaitable[Outcome]]:
    async def act() -> Outcome:
        return outcome

    return act


def fails(error: EslabonError) -> Callable[[], Awaitable[Outcome]]:
    async def act() -> Outcome:
        raise error

    return act


GOOD = gives(Outcome((seen("seen_public", url="here"),)))


async def test_what_stands_on_a_failed_step_is_skipped_and_names_it() -> None:
    looks = [
        Look("dns", GOOD),
        Look("tls", fails(TransientError("protocols:unreachable")), needs=("dns",)),
        Look("version", GOOD, needs=("tls",)),
        Look("catalog", GOOD, needs=("version",)),
        Look("clock", GOOD, needs=("dns",)),
    ]
    found = {one.name: (one.state, one.after) for one in await walk(looks, "oem")}

    assert {
        "dns": (StepState.OK, ""),
        "tls": (StepState.FAILED, ""),
        "version": (StepState.SKIPPED, "tls"),
        "catalog": (StepState.SKIPPED, "version"),
        "clock": (StepState.OK, ""),
    } == found


async def test_what_was_left_for_a_good_reason_or_warns_stands_in_nobodys_way() -> None:
    looks = [
        Look("tls", gives(left("plain_http"))),
        Look("dns", gives(Outcome(remarks=(remark("proxy_ignored", Actor.US, warns=True),)))),
        Look("version", GOOD, needs=("tls", "dns")),
    ]

    assert [StepState.SKIPPED, StepState.WARNING, StepState.OK] == [
        one.state for one in await walk(looks)
    ]


async def test_a_step_may_stand_on_one_of_our_own_side() -> None:
    own = await walk([Look("own/credentials", fails(SetupError("partner:entry_repeated")))])
    found = await walk([Look("catalog", GOOD, needs=("own/credentials",))], "oem", own)

    assert "own/credentials" == found[0].after


@pytest.mark.parametrize(
    ("error", "at_home", "actor"),
    [
        (SetupError("x:y"), False, Actor.US),
        (DataError("x:y"), False, Actor.US),
        (PartnerError("x:y"), False, Actor.PARTNER),
        (TransientError("x:y"), False, Actor.NOBODY),
        (PartnerError("x:y"), True, Actor.US),
        (TransientError("x:y"), True, Actor.US),
    ],
)
async def test_the_class_of_an_error_says_who_has_to_act(
    error: EslabonError, at_home: bool, actor: Actor
) -> None:
    (step,) = await walk([Look("dns", fails(error), at_home=at_home)])

    assert [actor] == [one.actor for one in step.remarks]


async def test_a_look_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "LOOK_SECONDS_MAX", 0.01)

    async def sleep() -> Outcome:
        await asyncio.sleep(60)
        return Outcome()

    (step,) = await walk([Look("dns", sleep)])

    assert StepState.FAILED is step.state
    assert "took more than 0.01 s" in step.remarks[0].finding.text().what


@given(st.floats(-1e6, 1e6), st.floats(0, 5))
def test_an_offset_is_known_to_a_second_and_half_the_way(apart: float, way: float) -> None:
    answered = NOW + timedelta(seconds=way)
    served = answered + timedelta(seconds=apart)
    date = f"{served:%a, %d %b %Y %H:%M:%S GMT}"
    found = offset_of(date, NOW, answered)

    assert found is not None
    assert abs(found - apart) <= 0.5 + way / 2 + 1e-3


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_is_none_tells_nothing(date: str) -> None:
    assert offset_of(date, NOW, NOW) is None


def test_one_wrong_clock_among_several_is_not_ours() -> None:
    assert not weighed([0.2, 3600.0, -0.4]).is_doubtful
    assert weighed([3600.2, 3600.0, -0.4]).is_wrong
    assert (True, False) == (Deviation(-3.0).is_doubtful, Deviation(-3.0).is_wrong)
