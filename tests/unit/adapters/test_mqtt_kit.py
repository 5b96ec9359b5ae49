"""MQTT keeps every promise of an adapter, against a real broker and with both versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Literal

import pytest

from adapters.mqtt.adapter import Mqtt
from connector.testing import COLUMNS, AdapterKit, Intake
from tests.doubles.broker import Broker

NUMBERS = count(1)


class Line:
    """A line that sends messages to a broker which knows our session already."""

    def __init__(self, broker: Broker, protocol: Literal["5", "3.1.1"]) -> None:
        self.broker = broker
        self.protocol = protocol
        self.name = f"linea{next(NUMBERS)}"
        first = self.adapter()
        list(first.read(Intake().request()))
        first.close()

    def put(self, rows: Sequence[Sequence[str]], *, unreadable_after: int | None = None) -> None:
        payloads = [json.dumps(dict(zip(COLUMNS, row, strict=True))).encode() for row in rows]
        if unreadable_after is not None:
            payloads.insert(unreadable_after, b'{"part": "cut o')
        self.broker.publish(f"planta/{self.name}/serial", payloads)

    def adapter(self) -> Mqtt:
        return Mqtt(
            "127.0.0.1",
            f"planta/{self.name}/serial",
            self.name,
            port=self.broker.port,
            protocol=self.protocol,
        )

    def unreachable(self) -> Mqtt:
        return Mqtt("127.0.0.1", "planta/#", "eslabon", port=1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


class TestMqtt(AdapterKit):
    @pytest.fixture(params=["5", "3.1.1"])
    def source(self, broker: Broker, request: pytest.FixtureRequest) -> Line:
        return Line(broker, request.param)
