"""One session at a broker: connect, subscribe, acknowledge, and say what went wrong.

The session outlives the connection, and the program: the broker keeps what comes while we
are away. paho reconnects by itself, with growing pauses; after each connect we subscribe
anew, since a broker may have lost the session.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from adapters.mqtt.inbox import Inbox, Message

ANSWER_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 30
RECONNECT_SECONDS_MAX = 30
# How long to wait for the broker's word that nothing more is on its way.
CATCH_UP_SECONDS = 2.0
LINGER_SECONDS = 0.1
# The most that MQTT can say (MQTT 5, 3.1.2.11.3).
RECEIVE_MAXIMUM = 65535

_PLACE = "adapters.mqtt"
# Nobody subscribes to this: the broker's answer is all that matters.
_NO_TOPIC = "eslabon/caught-up"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how to be let in."""

    host: str
    port: int
    topic: str
    client_id: str
    version: MQTTProtocolVersion
    session_seconds: int
    messages_max: int
    username: str
    password: str = field(repr=False)
    tls: bool
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None

    @property
    def place(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


class BrokerError(Exception):
    """The broker cannot be used now: the code and parameters of the text that says why."""

    def __init__(self, key: str, broker: Broker, reason: object = "") -> None:
        """Name what went wrong, at which broker, in whose words."""
        super().__init__(key)
        self.code = f"{_PLACE}:{key}"
        self.params = {
            "broker": broker.place,
            "topic": broker.topic,
            "username": broker.username or "-",
            "client_id": broker.client_id,
            "reason": str(reason),
        }


class Session:
    """A live subscription; ``lasting`` makes the broker keep it while we are away."""

    def __init__(self, broker: Broker, *, lasting: bool = True) -> None:
        """Prepare a client; raises `BrokerError` where TLS files or the topic are unfit."""
        self.inbox = Inbox(broker.messages_max)
        self._broker = broker
        self._lasting = lasting
        self._connection = 0
        self._trouble: BrokerError | None = None
        self._answered = threading.Event()
        self._client = self._new_client()

    def open(self) -> None:
        """Connect and subscribe; raises `BrokerError` and lets go of everything otherwise."""
        try:
            self._connect()
        except OSError as error:
            raise self._explained(error) from error
        self._client.loop_start()
        answered = self._answered.wait(ANSWER_SECONDS)
        trouble = self._trouble if answered else BrokerError("no_answer", self._broker)
        if trouble:
            self.close()
            raise trouble

    def new_after(self, number: int) -> list[Message]:
        """Return messages that came after ``number``; none when the broker has no more.

        Where a reading goes on (``number`` is above 0) the broker is given a moment more: it
        may take our acknowledgements in before it sends what they made room for.
        """
        came = self.inbox.after(number)
        if not came:
            self._catch_up()
            came = self.inbox.after(number)
        if not came and number:
            self.inbox.wait_for_newer(number, LINGER_SECONDS)
            came = self.inbox.after(number)
        return came

    def close(self) -> None:
        """Leave the broker; what is not acknowledged stays there."""
        self.inbox.close()
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that messages are durable, as far as their connection still stands."""
        for message in self.inbox.release(messages):
            if message.qos and message.connection == self._connection:
                self._client.ack(message.mid, message.qos)

    @property
    def trouble(self) -> BrokerError | None:
        """What keeps messages from coming now, or None."""
        if self._trouble or self._client.is_connected():
            return self._trouble
        return BrokerError("disconnected", self._broker)

    def _catch_up(self) -> None:
        """Wait until all that the broker had for us is here, and no longer.

        What a broker sends stays in order, so its answer to any question comes behind the
        messages that it sent before.
        """
        self.inbox.expect_more()
        if self._client.unsubscribe(_NO_TOPIC)[0] is MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.inbox.wait_for_all(CATCH_UP_SECONDS)

    def _new_client(self) -> Client:
        broker = self._broker
        is_v5 = broker.version is MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            clean_session=None if is_v5 else not self._lasting,
            protocol=broker.version,
            manual_ack=True,
        )
        client.connect_timeout = ANSWER_SECONDS
        client.reconnect_delay_set(1, RECONNECT_SECONDS_MAX)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._secure(client)
        return client

    def _secure(self, client: Client) -> None:
        files = (self._broker.ca_file, self._broker.cert_file, self._broker.key_file)
        ca_file, cert_file, key_file = (str(file) if file else None for file in files)
        try:
            client.tls_set(ca_file, cert_file, key_file)
        except (OSError, ValueError) as error:
            raise BrokerError("tls_files", self._broker, error) from error

    def _connect(self) -> None:
        broker = self._broker
        if broker.version is not MQTTProtocolVersion.MQTTv5:
            self._client.connect(broker.host, broker.port, KEEP_ALIVE_SECONDS)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = broker.session_seconds if self._lasting else 0
        properties.ReceiveMaximum = min(broker.messages_max, RECEIVE_MAXIMUM)
        self._client.connect(
            broker.host,
            broker.port,
            KEEP_ALIVE_SECONDS,
            clean_start=not self._lasting,
            properties=properties,
        )

    def _explained(self, error: OSError) -> BrokerError:
        kinds: tuple[tuple[type[OSError], str], ...] = (
            (ssl.SSLCertVerificationError, "tls_untrusted"),
            (ssl.SSLError, "tls_failed"),
            (socket.gaierror, "host_unknown"),
            (ConnectionRefusedError, "refused"),
        )
        key = next((key for kind, key in kinds if isinstance(error, kind)), "unreachable")
        return BrokerError(key, self._broker, error.strerror or error)

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._answer(_refused(reason, self._broker))
            return
        self._connection += 1
        log = structlog.get_logger()
        log.info("broker.connected", broker=self._broker.place, resumed=flags.session_present)
        client.subscribe(self._broker.topic, qos=1)

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        self._answer(BrokerError("topic_refused", self._broker, refused[0]) if refused else None)

    def _on_unsubscribe(
        self,
        _client: Client,
        _userdata: object,
        _mid: int,
        _reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self.inbox.has_caught_up()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        structlog.get_logger().info(
            "broker.disconnected", broker=self._broker.place, reason=str(reason)
        )

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            # Brokers must refuse such a name (MQTT 5, 1.5.4); its message is not lost for it.
            topic = self._broker.topic
        came = Message(
            topic=topic,
            payload=bytes(message.payload),
            mid=message.mid,
            qos=message.qos,
            connection=self._connection,
        )
        self.inbox.put(came, again=message.dup)

    def _answer(self, trouble: BrokerError | None) -> None:
        self._trouble = trouble
        self._answered.set()


def _without_delay(_client: Client, _userdata: object, opened: object) -> None:
    """Send acknowledgements at once: the broker sends no more before it has them."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _refused(reason: ReasonCode, broker: Broker) -> BrokerError:
    said = str(reason)
    unauthorised = said in {"Not authorized", "Bad user name or password", "Banned"}
    return BrokerError("unauthorised" if unauthorised else "rejected", broker, said)
