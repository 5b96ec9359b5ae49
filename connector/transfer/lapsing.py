"""Ends processes that stand still for too long, and forgets what was said in ended ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.agreement.process import ProcessDoor
from connector.agreement.states import NegotiationState
from connector.store import outbox
from connector.transfer.states import TransferState

BATCH_MAX = 200

_States = tuple[StrEnum, ...]


def _going(states: Iterable[StrEnum], door: ProcessDoor[Any, Any]) -> _States:
    return tuple(state for state in states if not door.moves.is_final(state))


@dataclass
class Lapsing:
    """What has to be done in the course of time, a bounded batch at a time."""

    negotiation: ProcessDoor[Any, Any]
    transfer: ProcessDoor[Any, Any]
    _pruned_to: int = field(default=0)

    def end_overdue(self) -> list[str]:
        """End processes whose deadline has passed, at most `BATCH_MAX` of each state.

        Returns the ids of those that were ended.
        """
        ended = []
        for door, state in self._places():
            until = door.ports.clock() - timedelta(seconds=door.patience_seconds(state))
            found = door.table.still_since(door.ports.db, state, until, BATCH_MAX)
            ended += [one.pid for one in found if door.lapse(one)]
        return ended

    def next_at(self) -> datetime | None:
        """Return when the next deadline passes, None where there is none."""
        found = [one for door, state in self._places() if (one := _deadline(door, state))]
        return min(found, default=None)

    def shortest_seconds(self) -> float:
        """Return the shortest of all deadlines: no process that begins now ends before."""
        return min(door.patience_seconds(state) for door, state in self._places())

    def forget(self) -> bool:
        """Delete a batch of what is kept for long enough; return whether there may be more."""
        ports = self.negotiation.ports
        before = ports.clock() - timedelta(seconds=ports.limits.kept_seconds)
        with ports.db.transaction() as tx:
            pruned = outbox.prune(tx, before, self._pruned_to, BATCH_MAX)
            tables = (self.negotiation.table, self.transfer.table)
            forgotten = [table.forget_mail(tx, before, BATCH_MAX) for table in tables]
        self._pruned_to = pruned.go_on_after or 0
        return bool(self._pruned_to) or BATCH_MAX in forgotten

    def _places(self) -> Iterator[tuple[ProcessDoor[Any, Any], StrEnum]]:
        for state in _going(NegotiationState, self.negotiation):
            yield self.negotiation, state
        for state in _going(TransferState, self.transfer):
            yield self.transfer, state


def _deadline(door: ProcessDoor[Any, Any], state: StrEnum) -> datetime | None:
    since = door.table.oldest(door.ports.db, state)
    return since and since + timedelta(seconds=door.patience_seconds(state))
