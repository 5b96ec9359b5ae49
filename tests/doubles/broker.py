"""A real MQTT broker of the test's own: Mosquitto on a free port, with its own disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_SECONDS = 10
PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class Broker:
    """Mosquitto; ``extra`` lines are added to its configuration."""

    def __init__(self, folder: Path, *extra: str) -> None:
        if PROGRAM is None:
            pytest.skip("needs an MQTT broker: install it with: sudo apt-get install mosquitto")
        self.folder = folder
        self.port = _free_port()
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            "log_dest stderr",
            *extra,
        ]
        (folder / "mosquitto.conf").write_text("\n".join([*lines, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "-c", str(self.folder / "mosquitto.conf")], stderr=log
            )
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.folder / "mosquitto.log").read_text())

    def stop(self) -> None:
        """Stop it in good order; sessions and their messages stay on its disk."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def publish(self, topic: str, payloads: Iterable[bytes], *, qos: int = 1) -> None:
        """Send messages; when this returns, the broker has them."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        for payload in payloads:
            client.publish(topic, payload, qos=qos).wait_for_publish(PATIENCE_SECONDS)
        client.disconnect()
        client.loop_stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
