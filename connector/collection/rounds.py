"""Visits all connectors of a partner: finds a twin where it is, and its submodels where they are.

A partner may have several connectors, under one DID or several, and a registry at each
(CX-0002). All are asked at once; one that is away does not hide what the others have.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import structlog

from connector.collection.model import AssetIds, Gap, RemoteSubmodel, Shell, Step, Visit
from connector.errors import EslabonError, PartnerError, TransientError
from connector.partner.model import Partner

# A connector without a registry is not asked for one at every step of a walk.
WITHOUT_REGISTRY_SECONDS = 300.0
AWAY_SECONDS = 30.0
REMEMBERED_MAX = 10_000
_NOT_THERE = "transfer:dataset_not_found"

Key = TypeVar("Key")
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Seats:
    """A partner's connectors, and why others of it are not among them."""

    partners: tuple[Partner, ...]
    troubles: tuple[tuple[str, EslabonError], ...] = ()


class Seating(Protocol):
    """The port that knows the connectors of a partner."""

    async def seats(self, partner: Partner) -> Seats:
        """Return all connectors of the partner's legal entity; raises where there is none."""
        ...


class Rounds:
    """Visits by way of another visit, which goes to one connector at a time."""

    def __init__(self, visit: Visit, seating: Seating) -> None:
        """Take the visit to one connector, and what knows which there are."""
        self._visit = visit
        self._seating = seating
        self._resting: OrderedDict[Partner, tuple[float, EslabonError]] = OrderedDict()
        self._serving: OrderedDict[tuple[Partner | None, str, str], Partner] = OrderedDict()

    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        """Return the twins that bear all these ids, wherever the partner keeps them.

        What two registries say of one twin is put together. Raises as the visit does where
        nothing is found and not all connectors could be asked.
        """
        seats = await self._seating.seats(partner)
        if len(seats.partners) == 1 and not seats.troubles:
            return await self._visit.shells(seats.partners[0], asset_ids)
        asked = (self._looked(seat, asset_ids) for seat in seats.partners)
        outcomes = await asyncio.gather(*asked)
        troubles = [*seats.troubles, *(o for o in outcomes if isinstance(o, tuple))]
        answers = [one for one in outcomes if isinstance(one, list)]
        found = _together(shell for answer in answers for shell in answer)
        missed = [(who, error) for who, error in troubles if error.code != _NOT_THERE]
        if not found and (missed or not answers):
            raise _weightiest([error for _, error in missed or troubles])
        gaps = tuple(Gap(who, Step.TWIN, error.text().what) for who, error in missed)
        for who, error in missed:
            structlog.get_logger().warning("connector.missed", connector=who, code=error.code)
        return tuple(replace(shell, missed=gaps) for shell in found)

    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        """Return a submodel's value from the connector that offers its dataset."""
        seats = await self._seating.seats(partner)
        # Two connectors of one partner may well call different datasets the same.
        key = (submodel.described_by, submodel.dsp_endpoint, submodel.dataset_id)
        troubles: list[EslabonError] = []
        for seat in _nearest_first(seats.partners, submodel, self._serving.get(key)):
            try:
                found = await self._visit.value(seat, submodel)
            except TransientError as away:
                troubles.append(away)
            except PartnerError as refused:
                if refused.code != _NOT_THERE:
                    raise
                troubles.append(refused)
            else:
                _keep(self._serving, key, seat)
                return found
        raise _weightiest([*troubles, *(error for _, error in seats.troubles)])

    async def _looked(
        self, seat: Partner, asset_ids: AssetIds
    ) -> list[Shell] | tuple[str, EslabonError]:
        resting = self._resting.get(seat)
        if resting is not None and time.monotonic() < resting[0]:
            return _named(seat), resting[1]
        try:
            shells = await self._visit.shells(seat, asset_ids)
        except EslabonError as trouble:
            pause = WITHOUT_REGISTRY_SECONDS if trouble.code == _NOT_THERE else AWAY_SECONDS
            _keep(self._resting, seat, (time.monotonic() + pause, trouble))
            return _named(seat), trouble
        return [
            replace(s, submodels=tuple(replace(m, described_by=seat) for m in s.submodels))
            for s in shells
        ]


def _nearest_first(
    seats: Sequence[Partner], submodel: RemoteSubmodel, serving: Partner | None
) -> list[Partner]:
    """Return the connectors in the order in which they probably have a submodel's dataset."""
    endpoint = submodel.dsp_endpoint.rstrip("/")

    def distance(seat: Partner) -> int:
        if endpoint and seat.address and endpoint in (seat.address, _root(seat.address)):
            return 0
        if seat == serving:
            return 1
        return 2 if seat == submodel.described_by else 3

    return sorted(seats, key=distance)


def _together(shells: Iterable[Shell]) -> list[Shell]:
    """Return each twin once, with the ids and submodels that any registry has of it."""
    found: dict[str, Shell] = {}
    for shell in shells:
        known = found.get(shell.global_asset_id)
        if known is None:
            found[shell.global_asset_id] = shell
            continue
        there = {(one.semantic_id, one.href) for one in known.submodels}
        further = (m for m in shell.submodels if (m.semantic_id, m.href) not in there)
        found[shell.global_asset_id] = replace(
            known,
            asset_ids={**shell.asset_ids, **known.asset_ids},
            submodels=(*known.submodels, *further),
        )
    return list(found.values())


def _keep(memory: OrderedDict[Key, Kept], key: Key, value: Kept) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED_MAX:
        memory.popitem(last=False)


def _root(address: str) -> str:
    return address.rpartition("/")[0]


def _named(seat: Partner) -> str:
    return f"{seat.name} ({seat.address})" if seat.address else seat.name


def _weightiest(troubles: Sequence[EslabonError]) -> EslabonError:
    """Return the trouble to report: one that may pass leaves hope, so it comes first."""
    passing = [one for one in troubles if isinstance(one, TransientError)]
    return (*passing, *troubles)[0]
