"""The whole examination: our own side first, then the partners, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from connector.daemon.doctor.course import remark, walk
from connector.daemon.doctor.own import OwnSide, home_limits
from connector.daemon.doctor.partners import PartnerSide
from connector.daemon.doctor.patient import Eyes, Patient
from connector.daemon.doctor.stored import StoredSide
from connector.daemon.doctor.way import Way, origins
from connector.errors import SetupError
from connector.partner.model import Partner, UnlistedPartner
from connector.protocols.http import ClientLimits
from connector.web.operations import (
    Actor,
    Examination,
    ExaminationRequest,
    ExaminedStep,
    StepState,
)

PARTNERS_MAX = 50
PARTNERS_AT_ONCE = 4


async def examine(
    patient: Patient, limits: ClientLimits, request: ExaminationRequest
) -> Examination:
    """Look at everything on the way of an exchange.

    Raises `SetupError` for a partner that the address book does not name.
    """
    at = patient.clock()
    wanted = _wanted(patient, request)
    eyes = Eyes(patient, limits)
    try:
        own = await _own(patient, eyes)
        # What stands before a partner's step is named apart: both sides have a step "dns".
        before = [replace(step, name=f"own/{step.name}") for step in own]
        turns = asyncio.Semaphore(PARTNERS_AT_ONCE)
        sides = [PartnerSide(patient, eyes, one.name, one.bpnl) for one in wanted[:PARTNERS_MAX]]
        found = await asyncio.gather(*(_partner(side, before, turns) for side in sides))
    finally:
        await eyes.close()
    left_out = _left_out(len(wanted))
    steps = [*own, *left_out, *(step for steps in found for step in steps)]
    return Examination(at, patient.running, tuple(steps))


async def _own(patient: Patient, eyes: Eyes) -> list[ExaminedStep]:
    way = Way(
        origins([patient.settings.public.url]),
        home_limits(patient),
        Actor.US,
        patient.clock(),
        warns_hidden=not patient.settings.development.allow_private_networks,
    )
    return await walk([*OwnSide(patient, eyes, way).looks(), *StoredSide(patient).looks()])


async def _partner(
    side: PartnerSide, before: Sequence[ExaminedStep], turns: asyncio.Semaphore
) -> list[ExaminedStep]:
    async with turns:
        return await walk(side.looks(), side.name, before)


def _wanted(patient: Patient, request: ExaminationRequest) -> list[Partner | UnlistedPartner]:
    book = patient.book
    entries: list[Partner | UnlistedPartner] = [*book.partners, *book.unlisted]
    if not request.partner:
        return entries
    named = [one for one in entries if one.name == request.partner]
    if not named:
        raise SetupError("daemon:partner_unknown", partner=request.partner)
    return named


def _left_out(count: int) -> list[ExaminedStep]:
    if count <= PARTNERS_MAX:
        return []
    told = remark("partners_left_out", Actor.US, warns=True, count=count, most=PARTNERS_MAX)
    return [ExaminedStep("partners", StepState.WARNING, remarks=(told,))]
