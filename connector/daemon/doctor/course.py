"""The course of an examination: one look after the other, each with what has to hold before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.errors import (
    EslabonError,
    Finding,
    PartnerError,
    Severity,
    TransientError,
)
from connector.web.operations import Actor, ExaminedStep, Remark, StepState

# Longer than the deadline of an acquisition: its own message says more than "too slow".
LOOK_SECONDS_MAX = 45.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look brought; ``left`` says why nothing was looked at, where that is no fault."""

    seen: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    left: Finding | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to look at, under the name of its step, and the steps that it stands on.

    An error that ``act`` raises is a remark; ``at_home`` says that it is ours to mend, even
    where its class blames a partner.
    """

    name: str
    act: Callable[[], Awaitable[Outcome]]
    needs: tuple[str, ...] = ()
    at_home: bool = False


def seen(key: str, **params: object) -> Finding:
    """Return a fact that was seen; ``key`` is one of this package's texts."""
    return Finding(f"connector.daemon.doctor:{key}", _plain(params))


def remark(key: str, actor: Actor, *, warns: bool = False, **params: object) -> Remark:
    """Return a remark in this package's own words."""
    severity = Severity.WARNING if warns else Severity.ERROR
    code = f"connector.daemon.doctor:{key}"
    return Remark(Finding(code, _plain(params), severity=severity), actor)


def remark_of(error: EslabonError, actor: Actor | None = None, *, warns: bool = False) -> Remark:
    """Return a remark in the words of an error; its class says whose move it is, unless told."""
    severity = Severity.WARNING if warns else Severity.ERROR
    finding = Finding(error.code, _plain(error.params), severity=severity)
    return Remark(finding, actor or _whose(error))


def left(key: str, **params: object) -> Outcome:
    """Return that nothing was looked at, and why that is no fault."""
    return Outcome(left=seen(key, **params))


async def walk(
    looks: Iterable[Look], partner: str = "", before: Sequence[ExaminedStep] = ()
) -> list[ExaminedStep]:
    """Look at one thing after the other; what stands on a failed one is skipped."""
    steps: list[ExaminedStep] = []
    known = {step.name: step for step in before}
    for look in looks:
        blocked = next((n for n in look.needs if n in known and _blocks(known[n])), "")
        if blocked:
            step = ExaminedStep(look.name, StepState.SKIPPED, partner, after=blocked)
        else:
            step = _step(look.name, partner, await _looked(look))
        steps.append(step)
        known[look.name] = step
    return steps


async def _looked(look: Look) -> Outcome:
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            return await look.act()
    except TimeoutError:
        return Outcome(remarks=(remark("too_slow", Actor.NOBODY, seconds=LOOK_SECONDS_MAX),))
    except EslabonError as error:
        return Outcome(remarks=(remark_of(error, Actor.US if look.at_home else None),))


def _step(name: str, partner: str, outcome: Outcome) -> ExaminedStep:
    if outcome.left is not None:
        return ExaminedStep(name, StepState.SKIPPED, partner, (*outcome.seen, outcome.left))
    severities = {one.finding.severity for one in outcome.remarks}
    state = StepState.OK
    if severities:
        is_wrong = Severity.ERROR in severities
        state = StepState.FAILED if is_wrong else StepState.WARNING
    return ExaminedStep(name, state, partner, outcome.seen, outcome.remarks)


def _blocks(step: ExaminedStep) -> bool:
    return step.state is StepState.FAILED or bool(step.after)


def _whose(error: EslabonError) -> Actor:
    if isinstance(error, PartnerError):
        return Actor.PARTNER
    return Actor.NOBODY if isinstance(error, TransientError) else Actor.US


def _plain(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return parameters as they survive the way to another process."""
    return {
        name: value if isinstance(value, str | int | float) else str(value)
        for name, value in params.items()
    }
