"""Messages between the network and the intake: bounded, in order, kept until durable.

The network's thread puts, the intake's thread reads and releases. A message stays here, and
unacknowledged at the broker, until its batch is durable; reading again gives it again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# The network waits in steps of this length for room, so that closing is never held up.
ROOM_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class Message:
    """One message: ``position`` counts those of its topic since the start, from 1.

    ``again`` says that the broker has sent it before, maybe to an earlier run of ours.
    ``connection`` and ``mid`` say how to acknowledge it; a message that comes again after a
    reconnect keeps its place and is acknowledged on the new connection.
    """

    topic: str
    payload: bytes
    mid: int
    qos: int
    connection: int
    number: int = 0
    position: int = 0
    again: bool = False


class Inbox:
    """What came in and is not durable yet."""

    def __init__(self, messages_max: int) -> None:
        """Hold at most ``messages_max``; then the network waits, and so does the broker."""
        self._messages_max = messages_max
        self._messages: dict[int, Message] = {}
        self._durable: set[int] = set()
        self._numbers = 0
        self._positions: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = False
        self._caught_up = False

    def put(self, message: Message, *, again: bool) -> None:
        """Add a message; where the broker sends it ``again``, the first copy stands for both."""
        with self._changed:
            if again and (known := self._copy_of(message)):
                known.connection = message.connection
                return
            while len(self._messages) >= self._messages_max and not self._closed:
                self._changed.wait(ROOM_SECONDS)
            self._numbers += 1
            self._positions[message.topic] += 1
            message.number = self._numbers
            message.position = self._positions[message.topic]
            message.again = again
            self._messages[message.number] = message
            self._changed.notify_all()

    def after(self, number: int) -> list[Message]:
        """Return what is not durable and came after ``number``."""
        with self._changed:
            return [
                message
                for message in self._messages.values()
                if message.number > number and message.number not in self._durable
            ]

    def expect_more(self) -> None:
        """Note that the broker is asked whether there is more."""
        with self._changed:
            self._caught_up = False

    def has_caught_up(self) -> None:
        """Note that nothing is on its way any more."""
        with self._changed:
            self._caught_up = True
            self._changed.notify_all()

    def wait_for_all(self, seconds: float) -> None:
        """Wait until nothing is on its way any more, or there is no room for it."""
        with self._changed:
            self._changed.wait_for(self._is_settled, seconds)

    def wait_for_newer(self, number: int, seconds: float) -> None:
        """Wait until a message comes that is newer than ``number``."""
        with self._changed:
            self._changed.wait_for(lambda: self._numbers > number, seconds)

    def release(self, messages: Sequence[Message]) -> Iterator[Message]:
        """Let go of durable messages and yield those to be acknowledged now.

        Acknowledgements go out in the order of arrival (MQTT 5, 4.6): a durable message
        waits for those that came before it.
        """
        with self._changed:
            self._durable.update(m.number for m in messages if m.number in self._messages)
            free = []
            for number in self._messages:
                if number not in self._durable:
                    break
                free.append(number)
            self._durable.difference_update(free)
            released = [self._messages.pop(number) for number in free]
            self._changed.notify_all()
        yield from released

    def close(self) -> None:
        """Let a waiting network go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_settled(self) -> bool:
        return self._caught_up or len(self._messages) >= self._messages_max

    def _copy_of(self, message: Message) -> Message | None:
        """Find the copy that an earlier connection delivered and nobody acknowledged."""
        wanted = (message.mid, message.topic, message.payload)
        for known in self._messages.values():
            same = (known.mid, known.topic, known.payload) == wanted
            if same and known.connection < message.connection:
                return known
        return None
