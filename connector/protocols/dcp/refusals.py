"""Remembers why messages were refused lately, for who has to find out what is wrong."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from connector.errors import EslabonError
from connector.identifiers import Did

REFUSALS_MAX = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why and when a message was refused; the sender that it claims to be of is not proven."""

    at: datetime
    error: EslabonError


class Refusals:
    """The last refusal of each sender, as it called itself; the oldest give way."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last: OrderedDict[str, Refusal] = OrderedDict()

    def last(self, did: Did) -> Refusal | None:
        """Return why the last message that claimed to be of ``did`` was refused, if one was."""
        return self._last.get(did)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Remember what is raised inside, and let it go on."""
        try:
            yield
        except EslabonError as refused:
            # Some texts name the credential after its holder.
            who = str(refused.params.get("who", "")).partition(",")[0][:300]
            self._last[who] = Refusal(self._clock(), refused)
            self._last.move_to_end(who)
            if len(self._last) > REFUSALS_MAX:
                self._last.popitem(last=False)
            raise
