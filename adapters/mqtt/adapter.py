"""MQTT: settings and adapter in one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from paho.mqtt.enums import MQTTProtocolVersion

from adapters.mqtt.inbox import Message
from adapters.mqtt.session import Broker, BrokerError, Session
from connector.errors import Finding, Location, SetupError, TransientError
from connector.record.model import Batch, Document, Reject, Request
from connector.record.reading.json_cells import (
    Column,
    MalformedError,
    cells,
    columns_of,
    json_value,
)
from connector.record.reading.raw import shortened

# How long a reading lasts at most while messages keep coming, so that others have a turn.
READING_SECONDS_MAX = 10.0

_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_PORT_MAX = 65535
_SHARED = "$share/"


@dataclass(slots=True)
class _Live:
    """The session, from the first reading until `Mqtt.close`."""

    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Messages from an MQTT broker, each a JSON object and one row.

    Messages are taken at QoS 1 and acknowledged when they are durable; while the connector
    is away the broker keeps them. The columns of a mapping say where in the object a cell
    is: ``parte``, ``cliente.numero``, ``items[0].id``. Rows are numbered by topic.
    """

    host: str
    """Name or address of the broker."""

    topic: str
    """The topics to take, such as ``planta/puebla/+/serial`` or ``planta/#``."""

    client_id: str
    """By which the broker knows this feed again; no two feeds may have the same."""

    port: int = 1883
    """The broker's port; with TLS mostly 8883."""

    username: str = ""
    """The user at the broker; empty where it asks for none."""

    password: str = field(default="", repr=False)
    """That user's password, as a reference to a file or an environment variable."""

    tls: bool = False
    """Whether the connection is encrypted; implied by ``ca_file``."""

    ca_file: Path | None = None
    """Certificates of who may vouch for the broker (PEM); without it those of the system."""

    cert_file: Path | None = None
    """Our own certificate (PEM), where the broker asks for one."""

    key_file: Path | None = None
    """The key of our own certificate (PEM)."""

    protocol: Literal["5", "3.1.1"] = "5"
    """The version of MQTT; ``3.1.1`` for brokers that are older than 2019."""

    session_hours: int = 72
    """How long the broker keeps messages while we are away, in hours (MQTT 5 only)."""

    messages_max: int = 1000
    """How many messages may be on their way, not durable yet; then the broker waits."""

    _live: _Live = field(default_factory=_Live, init=False, repr=False, compare=False)

    def check(self) -> None:
        """Connect as somebody else, subscribe and leave; raise `SetupError` saying what to do."""
        broker = self._broker()
        topic = broker.topic.split("/", 2)[2] if broker.topic.startswith(_SHARED) else broker.topic
        visitor = replace(broker, client_id=f"{broker.client_id}-check", topic=topic)
        try:
            session = Session(visitor, lasting=False)
            session.open()
            session.close()
        except BrokerError as error:
            raise SetupError(error.code, **error.params) from error

    def read(self, request: Request) -> Iterator[Batch]:
        """Yield what has come and is not durable; the first reading connects.

        Raises `TransientError` where the broker cannot be reached.
        """
        columns = _columns(request)
        session = self._session()
        until, last = time.monotonic() + READING_SECONDS_MAX, 0
        while time.monotonic() < until and (came := session.new_after(last)):
            last = came[-1].number
            yield from _batches(came, columns, request)
        if trouble := session.trouble:
            raise TransientError(trouble.code, **trouble.params)

    def acknowledge(self, batch: Batch, *, failed: bool) -> None:  # noqa: ARG002 - a stream goes on
        """Acknowledge a batch's messages at the broker, readable or not: they are durable."""
        if self._live.session and isinstance(batch.token, tuple):
            self._live.session.acknowledge(batch.token)

    def close(self) -> None:
        """Leave the broker; it keeps what is not acknowledged."""
        if self._live.session:
            self._live.session.close()
            self._live.session = None

    def _session(self) -> Session:
        if self._live.session is None:
            try:
                session = Session(self._broker())
                session.open()
            except BrokerError as error:
                raise TransientError(error.code, **error.params) from error
            self._live.session = session
        return self._live.session

    def _broker(self) -> Broker:
        """Return the settings as the session wants them; raises `SetupError`."""
        for name, fits in (
            ("host", bool(self.host)),
            ("client_id", bool(self.client_id)),
            ("topic", _is_filter(self.topic)),
            ("port", 0 < self.port <= _PORT_MAX),
            ("messages_max", self.messages_max > 0),
            ("session_hours", self.session_hours > 0),
        ):
            if not fits:
                value = getattr(self, name)
                raise SetupError("adapters.mqtt:setting_wrong", setting=name, value=repr(value))
        return Broker(
            host=self.host,
            port=self.port,
            topic=self.topic,
            client_id=self.client_id,
            version=_VERSIONS[self.protocol],
            session_seconds=self.session_hours * 3600,
            messages_max=self.messages_max,
            username=self.username,
            password=self.password,
            tls=self.tls or self.ca_file is not None,
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )


def _columns(request: Request) -> tuple[Column, ...]:
    try:
        return columns_of(request.columns)
    except ValueError as error:
        raise SetupError("adapters.mqtt:column_wrong", column=error) from error


def _batches(
    came: Sequence[Message], columns: Sequence[Column], request: Request
) -> Iterator[Batch]:
    """Group messages by topic, in order, each group cut to the size asked for."""
    topics: dict[str, list[Message]] = {}
    for message in came:
        topics.setdefault(message.topic, []).append(message)
    size = request.batch_records_max
    for topic, messages in topics.items():
        document = Document(topic, topic, request.columns, stream=True)
        for start in range(0, len(messages), size):
            yield _batch(document, messages[start : start + size], columns)


def _batch(document: Document, messages: Sequence[Message], columns: Sequence[Column]) -> Batch:
    positions: list[int] = []
    rows: list[tuple[object, ...]] = []
    rejects: list[Reject] = []
    for message in messages:
        try:
            rows.append(_row(message, columns))
            positions.append(message.position)
        except MalformedError as error:
            rejects.append(_reject(message, error))
    return Batch(
        document,
        positions,
        rows,
        taken=messages[-1].position,
        ends=True,
        rejects=rejects,
        token=tuple(messages),
        repeated=frozenset(m.position for m in messages if m.again),
    )


def _row(message: Message, columns: Sequence[Column]) -> tuple[object, ...]:
    value = json_value(message.payload)
    if not isinstance(value, dict):
        raise MalformedError(type(value).__name__)
    return cells(columns, (value,))


def _reject(message: Message, error: MalformedError) -> Reject:
    params = {"topic": message.topic, "row": message.position, "reason": error.reason}
    where = Location(message.topic, message.position)
    finding = Finding("adapters.mqtt:payload_malformed", params, where)
    return Reject(message.position, shortened(message.payload), finding)


def _is_filter(topic: str) -> bool:
    """Whether a topic filter is one: wildcards fill a level, ``#`` the last (MQTT 5, 4.7.1)."""
    *levels, last = topic.split("/")
    if not topic or "\0" in topic:
        return False
    wild = all(level == "+" or not set(level) & {"+", "#"} for level in levels)
    return wild and (last in {"+", "#"} or not set(last) & {"+", "#"})
