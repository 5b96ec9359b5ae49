"""The plant's MQTT broker: Mosquitto, where there is one, on a port of its own."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path

from deploy.demo.processes import HOST, Process, free_port, listens, wait_until

PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"


class Broker:
    """A running Mosquitto."""

    def __init__(self, program: str, folder: Path) -> None:
        """Write its configuration; it runs after `start`."""
        self.port = free_port()
        folder.mkdir(parents=True)
        config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {HOST}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            # As root it would become a user who may not write here.
            f"user {getpass.getuser()}",
            "log_dest stderr",
        ]
        config.write_text("\n".join([*lines, ""]), encoding="utf-8")
        self._process = Process(
            (program, "-c", str(config)),
            folder / "log.txt",
            folder / "run.pid",
            mark=str(config),
            folder=folder,
        )

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process.start()
        wait_until(lambda: listens(self.port), "the broker")

    def stop(self) -> None:
        """Stop it."""
        self._process.stop()


def find_broker(folder: Path) -> Broker | None:
    """Return a broker to start, or None where Mosquitto is not installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)
    return Broker(program, folder.absolute()) if program else None
