"""State machines as tables of moves that read like the specification."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from connector.errors import PartnerError

State = TypeVar("State", bound=StrEnum)
Message = TypeVar("Message", bound=StrEnum)
Role = TypeVar("Role", bound=StrEnum)


class Move(NamedTuple, Generic[State, Message, Role]):
    """One arrow: in ``state`` (None: before the first), ``by`` may send ``message``."""

    state: State | None
    message: Message
    by: Role
    leads_to: State


class IllegalMoveError(PartnerError):
    """A message that nobody, or not this side, may send in this state."""


class MoveTable(Generic[State, Message, Role]):
    """All moves of one state machine.

    ``drawn`` are the arrows of the specification's drawing: those we send. ``tolerated``
    are moves that its text allows beyond the drawing: those we accept from others, too.
    """

    def __init__(
        self,
        name: str,
        drawn: Iterable[tuple[State | None, Message, Role, State]],
        tolerated: Iterable[tuple[State | None, Message, Role, State]] = (),
    ) -> None:
        self.name = name
        self.rows = tuple(Move(*row) for row in drawn)
        self._drawn = {(m.state, m.message, m.by): m.leads_to for m in self.rows}
        extra = {(m.state, m.message, m.by): m.leads_to for m in (Move(*r) for r in tolerated)}
        self._accepted = {**extra, **self._drawn}

    def after(self, state: State | None, message: Message, by: Role) -> State:
        """Return the state that a message of the other side leads to.

        Raises `IllegalMoveError` listing what is allowed instead.
        """
        return self._look_up(self._accepted, state, message, by)

    def after_sending(self, state: State | None, message: Message, by: Role) -> State:
        """Return the state that a message of ours leads to; only drawn moves are sent.

        Raises `IllegalMoveError` listing what is allowed instead.
        """
        return self._look_up(self._drawn, state, message, by)

    def accepts(self, state: State | None, message: Message, by: Role) -> bool:
        """Return whether a message of the other side is allowed in a state."""
        return (state, message, by) in self._accepted

    def is_final(self, state: State | None) -> bool:
        """Return whether no move leads out of a state."""
        return not any(origin == state for origin, _, _ in self._accepted)

    def _look_up(
        self,
        moves: dict[tuple[State | None, Message, Role], State],
        state: State | None,
        message: Message,
        by: Role,
    ) -> State:
        try:
            return moves[state, message, by]
        except KeyError:
            allowed = sorted(f"{m} by {r}" for s, m, r in moves if s == state)
            raise IllegalMoveError(
                "connector:move_illegal",
                machine=self.name,
                by=by,
                message=message,
                state=state or "START",
                allowed=", ".join(allowed) or "nothing, the state is final",
            ) from None
