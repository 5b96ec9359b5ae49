"""A supplier and an OEM, what the plant delivers bit by bit, and how they are disturbed."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from deploy.demo.broker import Broker, find_broker
from deploy.demo.cast import DOORS, MAPPINGS
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.outcome import of_parts
from deploy.demo.plant import data
from deploy.demo.plant.parts import BPNL
from deploy.demo.processes import HOST, DidNotHappenError, wait_until
from tests.benchmarks.serial_parts import HEADER, MAPPING

OEM = "BPNL00000000OEM1"
BULK = "masivo"
BULK_ROWS = 1_300
DELIVERIES = 25
FILES = (data.MASTERS, data.LOTS, data.FOOTPRINTS, data.STRUCTURE)
SERIALS = [door.serial for door in of_parts(DOORS)]
MESSAGES_AT_ONCE = 4
# A message that found nobody several times is sent again after so long at most, or given up.
BLOW_SECONDS = 45.0
WALK_SECONDS = 90.0
GRANT_SECONDS = 22


@dataclass
class World:
    """Both companies and their surroundings; ``delivered`` counts what the plant has sent."""

    folder: Path
    supplier: Company
    oem: Company
    broker: Broker | None
    delivered: int = 0
    walks: list[tuple[str, str]] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=data.messages)

    @property
    def drop(self) -> Path:
        """The supplier's drop folder."""
        return self.supplier.folder / "drop"

    def deliver_plant(self) -> None:
        """Let the plant's systems write their files."""
        data.write_files(self.drop)

    def deliver(self) -> None:
        """Let the plant deliver one file more, and the line some messages, while there are."""
        if self.delivered == DELIVERIES:
            return
        self.delivered += 1
        _write_bulk(self.drop / f"{BULK}_{self.delivered:02}.csv", self.delivered)
        some, self.messages = (
            self.messages[:MESSAGES_AT_ONCE],
            self.messages[MESSAGES_AT_ONCE:],
        )
        if some and self.broker:
            _publish(self.broker.port, some)
        elif some:
            name = f"series_linea1_{self.delivered:02}.jsonl"
            (self.drop / name).write_bytes(b"".join(one + b"\n" for one in some))

    def deliver_all(self) -> None:
        """Let the plant deliver what it has not delivered yet."""
        while self.delivered < DELIVERIES:
            self.deliver()

    def begin_walk(self, serial: str) -> None:
        """Let the OEM begin to collect a door."""
        request = {"partner": self.supplier.name, "asset_ids": [["partInstanceId", serial]]}
        status, answer = self.oem.operate("/api/collections", request)
        assert 202 == status, answer
        self.walks.append((serial, str(answer["id"])))

    def finished_walks(self) -> list[tuple[str, dict[str, Any]]]:
        """Wait for all walks and return their reports with the serial numbers."""
        waiting, found = list(self.walks), []

        def ended() -> bool:
            for serial, about in list(waiting):
                report = self.oem.operate(f"/api/collections/{about}")[1]
                if report["state"] != "running":
                    found.append((serial, report))
                    waiting.remove((serial, about))
            return not waiting

        wait_until(ended, "the walks", WALK_SECONDS)
        return found

    def settle(self, company: Company) -> None:
        """Wait until everything that was delivered is behind the last door."""
        looks: list[dict[str, Any]] = []

        def settled() -> bool:
            status: Any = company.operate("/api/status")[1]
            waiting = [file.name for file in self.drop.glob("*.*")]
            kept = ("records", "aspects", "quarantined")
            counts = {name: status["counts"][name] for name in kept}
            looks.append({**counts, **status["backlog"], "feeds": status["feeds"]})
            if company is self.supplier and waiting:
                looks[-1]["files"] = waiting
                return False
            still = [look == looks[-1] for look in looks[-STILL:]]
            return not any(status["backlog"].values()) and len(still) == STILL and all(still)

        try:
            wait_until(settled, f"{company.name} settled", 60)
        except DidNotHappenError as error:
            raise DidNotHappenError(
                f"{error}\n{looks[-1]}\n{company.process.last_words()}"
            ) from None

    def quiet(self) -> None:
        """Wait until neither company owes the other a message."""

        def nothing_owed() -> bool:
            return not (self.supplier.counts()["owed"] or self.oem.counts()["owed"])

        wait_until(nothing_owed, "all messages sent", 90)


STILL = 25


def start_fused(company: Company, moment: str, nth: int, notes: Path) -> None:
    """Start a company's connector by the tests' own main, with a fuse for one moment."""
    notes.unlink(missing_ok=True)
    usual = company.process.argv
    words = (str(company.config), moment, str(nth), str(notes))
    company.process.argv = (sys.executable, "-m", "tests.journeys.faults.main", *words)
    try:
        company.process.start()
    finally:
        company.process.argv = usual


def blown(company: Company, seconds: float = BLOW_SECONDS) -> bool:
    """Wait for a fused connector to die; False where its moment did not come."""
    try:
        wait_until(lambda: not company.process.is_alive(), "the fuse", seconds)
    except DidNotHappenError:
        return False
    company.process.kill()  # reap it
    return True


def copy_of_store(company: Company, folder: Path) -> Path:
    """Copy a store as a kill left it, so that looking at it repairs nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (company.folder / "data").glob("eslabon.db*"):
        shutil.copyfile(file, folder / file.name)
    return folder / "eslabon.db"


@contextmanager
def opened(folder: Path, secret: bytes | None = None) -> Iterator[World]:
    """Give a world in which nobody runs yet; ``secret`` is that of the supplier's ids."""
    broker = find_broker(folder / "broker")
    if broker:
        broker.start()
    try:
        with DataSpace.open(folder / "space") as space:
            yield _furnished(folder, space, broker, secret)
    finally:
        if broker:
            broker.stop()


def _furnished(
    folder: Path, space: DataSpace, broker: Broker | None, secret: bytes | None
) -> World:
    supplier, oem = space.company("puebla", BPNL), space.company("oem", OEM)
    world = World(folder, supplier, oem, broker)
    world.drop.mkdir()
    mapping = folder / "masivo.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    supplier.configure(
        partners=[oem],
        feeds=_feeds(world, mapping),
        offers=[Offer("all", ("oem",))],
        further={"limits": {"access_grant_seconds": GRANT_SECONDS}},
    )
    oem.configure(partners=[supplier])
    if secret is not None:
        (supplier.folder / "keys" / "twin.secret").write_bytes(secret)
    return world


def _feeds(world: World, bulk: Path) -> Iterator[Feed]:
    folder = {"folder": str(world.drop), "stable_seconds": 0.1}
    delimited = {**folder, "encoding": data.ENCODING, "delimiter": ";"}
    for file in FILES:
        stem = Path(file).stem
        mapping = MAPPINGS / f"{stem}.yaml"
        yield Feed(stem, "delimited_file", mapping, {**delimited, "pattern": file}, 0.2)
    yield Feed(BULK, "delimited_file", bulk, {**delimited, "pattern": f"{BULK}_*.csv"}, 0.1)
    series = MAPPINGS / "series.yaml"
    if world.broker:
        source = {"host": HOST, "port": world.broker.port, "topic": data.TOPIC}
        yield Feed("series", "mqtt", series, {**source, "client_id": "eslabon"}, 0.2)
    else:
        yield Feed("series", "json_lines", series, {**folder, "pattern": "series_*.jsonl"}, 0.2)


def _publish(port: int, payloads: Sequence[bytes]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect(HOST, port)
    client.loop_start()
    for payload in payloads:
        client.publish(data.TOPIC, payload, qos=1).wait_for_publish(timeout=10)
    client.disconnect()
    client.loop_stop()


def _write_bulk(path: Path, number: int) -> None:
    """Write a file of two batches: mostly new parts, some wrong, some corrected or repeated."""
    rows = [_part(number, i) for i in range(BULK_ROWS)]
    rows[7] = (*rows[7][:3], "31/02/2026 10:00", *rows[7][4:])
    rows += [(*rows[11][:2], "Otra cosa", *rows[11][3:])]  # one key, two contents
    if number > 1:
        before = _part(number - 1, 20)
        rows += [(*before[:2], f"Corregida {number}", *before[3:]), _part(number - 1, 21)]
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", encoding=data.ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows([HEADER, *rows])
    unfinished.replace(path)


def _part(number: int, i: int) -> tuple[str, ...]:
    date = f"{1 + i % 28:02}/{1 + i // 28 % 12:02}/2026 {i % 24:02}:{i % 60:02}"
    return ("MAS-0001", f"M{number:02}-{i:05}", "Pieza masiva", date, "MEX", str(i % 3))


def run_calmly(world: World, serials: Sequence[str]) -> None:
    """Let everything happen once, undisturbed."""
    world.supplier.process.start()
    world.oem.process.start()
    world.supplier.wait_ready()
    world.oem.wait_ready()
    time.sleep(1.0)  # the broker keeps messages for those who have subscribed once
    world.deliver_plant()
    world.deliver_all()
    world.settle(world.supplier)
    for serial in serials:
        world.begin_walk(serial)
    world.finished_walks()
    world.quiet()
    world.settle(world.oem)


def note_of(notes: Path) -> dict[str, Any]:
    """Return a fuse's last word."""
    said: dict[str, Any] = json.loads(notes.read_text(encoding="utf-8"))
    return said
