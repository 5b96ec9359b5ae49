"""MQTT: messages survive restarts of either side, and every trouble is told; a real broker."""

from __future__ import annotations

import gc
import json
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.mqtt.adapter import Mqtt
from adapters.mqtt.inbox import Inbox, Message
from connector.errors import EslabonError, SetupError, TransientError
from connector.record.model import Batch, Request
from connector.texts import LANGUAGES
from tests.doubles.broker import Broker

TOPIC = "planta/puebla/linea1/serial"
COLUMNS = ("serie", "pieza.numero")
PATIENCE_SECONDS = 15


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


def adapter_for(broker: Broker, **settings: Any) -> Mqtt:
    """An adapter whose session the broker knows."""
    chosen: dict[str, Any] = {
        "host": "127.0.0.1",
        "topic": TOPIC,
        "client_id": "eslabon",
        "port": broker.port,
        **settings,
    }
    adapter = Mqtt(**chosen)
    assert [] == read(adapter)
    return adapter


@pytest.fixture
def leaky_sockets() -> Iterator[None]:
    """After a failed handshake paho leaves its socket to the garbage collector, unclosed."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def message(number: int) -> bytes:
    return json.dumps({"serie": f"S{number}", "pieza": {"numero": "P-1"}}).encode()


def read(adapter: Mqtt, size: int = 1000) -> list[Batch]:
    return list(adapter.read(Request(columns=COLUMNS, batch_records_max=size)))


def take(adapter: Mqtt) -> list[Batch]:
    batches = []
    for batch in adapter.read(Request(columns=COLUMNS)):
        batches.append(batch)
        adapter.acknowledge(batch, failed=False)
    return batches


def serials(batches: list[Batch]) -> list[object]:
    return [row[0] for batch in batches for row in batch.rows]


def eventually(try_it: Callable[[], list[Batch]]) -> list[Batch]:
    """Read until something comes, over lost connections, as the intake's loop does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            if batches := try_it():
                return batches
        except TransientError:
            time.sleep(0.1)
    raise AssertionError


# Reading


def test_a_message_becomes_a_row_of_its_topic(broker: Broker) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, [message(1)])
    (batch,) = take(adapter)
    adapter.close()

    assert (TOPIC, COLUMNS, True) == (
        batch.document.fingerprint,
        batch.document.header,
        batch.document.stream,
    )
    assert ([("S1", "P-1")], [1]) == (batch.rows, list(batch.positions))


def test_each_topic_under_a_wildcard_is_a_document_of_its_own(broker: Broker) -> None:
    adapter = adapter_for(broker, topic="planta/+/serial")
    for topic, numbers in (("planta/a/serial", [1, 2]), ("planta/b/serial", [3])):
        broker.publish(topic, map(message, numbers))
    broker.publish("planta/a/serial", [message(4)])
    broker.publish("planta/a/otro", [message(5)])
    batches = take(adapter)
    adapter.close()

    rows = {b.document.name: (serials([b]), list(b.positions)) for b in batches}
    assert {
        "planta/a/serial": (["S1", "S2", "S4"], [1, 2, 3]),
        "planta/b/serial": (["S3"], [1]),
    } == rows


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe", b"[1]", b"17", b'{"serie": ' + b"9" * 30 + b"}", b"\0", b"{} {}"],
)
def test_a_malformed_payload_is_rejected_with_its_text_and_does_not_come_again(
    broker: Broker, payload: bytes
) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, [message(1), payload, message(2)])
    (batch,) = take(adapter)
    again = take(adapter)
    adapter.close()

    assert (["S1", "S2"], [1, 3], []) == (serials([batch]), list(batch.positions), again)
    assert [(2, payload.decode("utf-8", "backslashreplace"))] == [
        (reject.position, reject.raw) for reject in batch.rejects
    ]
    assert all("<" not in str(batch.rejects[0].finding.text(lang)) for lang in LANGUAGES)


def test_a_long_malformed_payload_is_kept_shortened(broker: Broker) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, [b"x" * 3_000_000])
    (batch,) = take(adapter)
    adapter.close()

    assert len(batch.rejects[0].raw) < 3000


def test_one_reading_drains_what_the_broker_kept(broker: Broker) -> None:
    adapter = adapter_for(broker)
    adapter.close()
    broker.publish(TOPIC, map(message, range(500)))
    batches = take(adapter)
    adapter.close()

    assert [f"S{i}" for i in range(500)] == serials(batches)


def test_no_more_messages_are_held_than_allowed(broker: Broker) -> None:
    adapter = adapter_for(broker, messages_max=7)
    broker.publish(TOPIC, map(message, range(50)))
    held = read(adapter)
    batches = take(adapter)
    adapter.close()

    assert [f"S{i}" for i in range(7)] == serials(held)
    assert [f"S{i}" for i in range(50)] == serials(batches)


# Restarts


def test_messages_survive_a_restart_of_the_broker(broker: Broker) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, map(message, range(30)))
    first = take(adapter)
    broker.stop()

    with pytest.raises(TransientError, match="is lost"):
        read(adapter)

    broker.start()
    broker.publish(TOPIC, map(message, range(30, 60)))
    batches = eventually(lambda: take(adapter))
    adapter.close()

    assert [f"S{i}" for i in range(60)] == serials(first + batches)


def test_what_was_read_but_not_durable_when_the_broker_restarted_comes_once(
    broker: Broker,
) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, map(message, range(10)))
    before = read(adapter)
    broker.stop()
    broker.start()
    broker.publish(TOPIC, [message(10)])
    until = time.monotonic() + PATIENCE_SECONDS
    after: list[Batch] = []
    while "S10" not in serials(after) and time.monotonic() < until:
        after = eventually(lambda: read(adapter))
    for batch in after:
        adapter.acknowledge(batch, failed=False)
    adapter.close()
    rest = read(adapter)
    adapter.close()

    assert [f"S{i}" for i in range(10)] == serials(before)
    assert ([f"S{i}" for i in range(11)], []) == (serials(after), rest)


def test_what_was_not_acknowledged_when_we_died_comes_again(broker: Broker) -> None:
    adapter = adapter_for(broker)
    adapter.close()
    broker.publish(TOPIC, map(message, range(5)))
    first, *_ = adapter.read(Request(columns=COLUMNS, batch_records_max=2))
    adapter.acknowledge(first, failed=False)
    adapter.close()
    rest = read(adapter_like(adapter))

    assert (["S0", "S1"], ["S2", "S3", "S4"]) == (serials([first]), serials(rest))
    assert [False, True] == [bool(first.repeated), all(n in rest[0].repeated for n in (1, 2, 3))]


def adapter_like(adapter: Mqtt) -> Mqtt:
    return Mqtt(adapter.host, adapter.topic, adapter.client_id, port=adapter.port)


def test_a_reading_while_the_broker_is_away_still_gives_what_came_before(broker: Broker) -> None:
    adapter = adapter_for(broker)
    broker.publish(TOPIC, [message(1)])
    assert ["S1"] == serials(read(adapter))
    broker.stop()
    given: list[Batch] = []

    with pytest.raises(TransientError, match="is lost"):
        given.extend(adapter.read(Request(columns=COLUMNS)))
    adapter.close()

    assert ["S1"] == serials(given)


def failing(try_it: Callable[[], object]) -> EslabonError | None:
    try:
        try_it()
    except EslabonError as error:
        return error
    return None


# The inbox


def arrived(mid: int, connection: int = 1, topic: str = "t") -> Message:
    return Message(topic, b"{}", mid, 1, connection)


def test_acknowledgements_go_out_in_the_order_of_arrival() -> None:
    inbox = Inbox(10)
    messages = [arrived(mid) for mid in range(1, 5)]
    for one in messages:
        inbox.put(one, again=False)

    late = [m.mid for m in inbox.release([messages[1], messages[3]])]
    early = [m.mid for m in inbox.release([messages[0]])]
    assert ([], [1, 2]) == (late, early)
    assert [3] == [m.mid for m in inbox.after(0)]
    assert [3, 4] == [m.mid for m in inbox.release([messages[2]])]


def test_a_repeated_message_is_acknowledged_where_it_came_last() -> None:
    inbox = Inbox(10)
    first = arrived(5, connection=1)
    inbox.put(first, again=False)
    inbox.put(arrived(5, connection=2), again=True)

    assert [(1, 2)] == [(m.number, m.connection) for m in inbox.after(0)]
    assert [2] == [m.connection for m in inbox.release([first])]


@pytest.mark.parametrize(
    ("second", "again"),
    [(arrived(5, connection=2), False), (arrived(5, 2, "other"), True), (arrived(6, 2), True)],
    ids=["a new message with an old number", "another topic", "another number"],
)
def test_what_only_looks_repeated_is_kept(second: Message, again: bool) -> None:
    inbox = Inbox(10)
    inbox.put(arrived(5), again=False)
    inbox.put(second, again=again)

    assert 2 == len(inbox.after(0))


def test_a_full_inbox_holds_the_network_until_there_is_room() -> None:
    inbox = Inbox(1)
    first = arrived(1)
    inbox.put(first, again=False)
    network = threading.Thread(target=inbox.put, args=[arrived(2)], kwargs={"again": False})
    network.start()
    network.join(0.1)
    assert ([1], True) == ([m.mid for m in inbox.after(0)], network.is_alive())

    list(inbox.release([first]))
    network.join(PATIENCE_SECONDS)

    assert [2] == [m.mid for m in inbox.after(0)]


def test_closing_lets_a_waiting_network_go() -> None:
    inbox = Inbox(1)
    inbox.put(arrived(1), again=False)
    network = threading.Thread(target=inbox.put, args=[arrived(2)], kwargs={"again": False})
    network.start()
    inbox.close()
    network.join(PATIENCE_SECONDS)

    assert not network.is_alive()


# Trouble


def troubles(**settings: Any) -> list[str]:
    """What check and read say, in English; both languages have it complete."""
    chosen: dict[str, Any] = {
        "host": "127.0.0.1",
        "topic": TOPIC,
        "client_id": "eslabon",
        **settings,
    }
    adapter = Mqtt(**chosen)
    errors = [failing(adapter.check), failing(lambda: read(adapter))]
    adapter.close()
    assert [SetupError, TransientError] == [type(error) for error in errors]
    texts = [error.text(language) for error in errors if error for language in LANGUAGES]
    assert all("<" not in str(text) for text in texts)
    return [str(error) for error in errors]


def test_a_host_that_nobody_knows_is_told() -> None:
    for text in troubles(host="nowhere.invalid"):
        assert "nobody knows the MQTT broker nowhere.invalid:1883" in text


def test_a_port_where_nobody_listens_is_told() -> None:
    for text in troubles(port=1):
        assert "nothing answers at the MQTT broker 127.0.0.1:1" in text


def test_a_port_where_something_else_listens_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.mqtt.session.ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        for text in troubles(port=mute.getsockname()[1]):
            assert "takes the connection and says nothing" in text


def test_a_wrong_password_is_told_without_naming_it(tmp_path: Path) -> None:
    with guarded_broker(tmp_path) as broker:
        for text in troubles(port=broker.port, username="ana", password="falsch-123"):
            assert "does not let the user “ana” in" in text
            assert "falsch-123" not in text


def test_a_right_password_is_let_in(tmp_path: Path) -> None:
    with guarded_broker(tmp_path) as broker:
        known: dict[str, Any] = {"port": broker.port, "username": "ana", "password": "secreto"}
        adapter = Mqtt("127.0.0.1", TOPIC, "eslabon", **known)
        adapter.check()

        assert [] == read(adapter)
        adapter.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_topic_that_the_broker_refuses_is_told(tmp_path: Path, protocol: str) -> None:
    rules = {"publishClientSend": True, "publishClientReceive": True, "unsubscribe": True}
    access = {"defaultACLAccess": {**rules, "subscribe": False}}
    (tmp_path / "rules.json").write_text(json.dumps(access))
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("needs a plugin of the package mosquitto: sudo apt-get install mosquitto")
    lines = [f"plugin {plugin}", f"plugin_opt_config_file {tmp_path}/rules.json"]
    with running(Broker(tmp_path, *lines)) as broker:
        for text in troubles(port=broker.port, protocol=protocol):
            assert f"does not give us the topic {TOPIC}" in text


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_check_leaves_the_session_and_its_messages_alone(broker: Broker, protocol: str) -> None:
    adapter = adapter_for(broker, protocol=protocol)
    broker.publish(TOPIC, [message(1)])
    adapter.check()
    batches = read(adapter)
    adapter.close()

    assert ["S1"] == serials(batches)


def test_check_takes_no_message_from_a_shared_subscription(broker: Broker) -> None:
    adapter = adapter_for(broker, topic=f"$share/plant/{TOPIC}")
    adapter.check()
    broker.publish(TOPIC, map(message, range(5)))
    batches = read(adapter)
    adapter.close()

    assert [f"S{i}" for i in range(5)] == serials(batches)


def test_tls_works_with_the_certificate_of_the_issuer(tmp_path: Path) -> None:
    with tls_broker(tmp_path) as broker:
        adapter = adapter_for(broker, host="localhost", ca_file=tmp_path / "ca.pem")
        adapter.check()
        adapter.close()


@pytest.mark.usefixtures("leaky_sockets")
def test_a_broker_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    with tls_broker(tmp_path) as broker:
        for text in troubles(host="localhost", port=broker.port, tls=True):
            assert "the certificate of the MQTT broker" in text


@pytest.mark.usefixtures("leaky_sockets")
def test_tls_against_a_broker_without_it_is_told(broker: Broker) -> None:
    for text in troubles(port=broker.port, tls=True):
        assert "no TLS connection with the MQTT broker" in text or "cannot be reached" in text


def test_a_missing_certificate_file_is_told(tmp_path: Path) -> None:
    for text in troubles(ca_file=tmp_path / "none.pem"):
        assert "the TLS files of the feed" in text


@pytest.mark.parametrize(
    "settings",
    [
        {"host": ""},
        {"client_id": ""},
        {"port": 0},
        {"port": 70_000},
        {"messages_max": 0},
        {"session_hours": 0},
        {"topic": ""},
        {"topic": "a/#/b"},
        {"topic": "a+/b"},
        {"topic": "a/b#"},
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any]) -> None:
    chosen: dict[str, Any] = {"host": "h", "topic": "a/+/#", "client_id": "c", **settings}

    with pytest.raises(SetupError, match=f"'{next(iter(settings))}' of the feed cannot be"):
        Mqtt(**chosen).check()


def test_a_column_that_makes_no_sense_is_told() -> None:
    with pytest.raises(SetupError, match="is no way to a value"):
        list(Mqtt("h", "t", "c").read(Request(columns=("a[",))))


@contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    broker.start()
    yield broker
    broker.stop()


def guarded_broker(folder: Path) -> AbstractContextManager[Broker]:
    """A broker that knows one user."""
    password = shutil.which("mosquitto_passwd")
    if password is None:
        pytest.skip("needs mosquitto_passwd: install it with: sudo apt-get install mosquitto")
    users = folder / "users"
    command = [password, "-b", "-c", str(users), "ana", "secreto"]
    subprocess.run(command, check=True, capture_output=True)
    return running(Broker(folder, "allow_anonymous false", f"password_file {users}"))


def tls_broker(folder: Path) -> AbstractContextManager[Broker]:
    """A broker with a certificate for localhost that vouches for itself."""
    write_certificate(folder)
    certificate = f"{folder}/ca.pem"
    return running(
        Broker(
            folder, f"cafile {certificate}", f"certfile {certificate}", f"keyfile {folder}/key.pem"
        )
    )


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
