"""What the receiver of a message that we owed answered, in no protocol's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What an answer means for the message: soon, the receiver is about to be ready for it."""

    ACCEPTED = "accepted"
    SOON = "soon"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """An answer; ``peer_pid`` is the receiver's id of the process, where the answer names it."""

    outcome: Outcome
    peer_pid: str = ""
    reason: str = ""
