"""The four companies of the demo: what each takes in, whom it knows, and what it offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.broker import Broker
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.plant import data
from deploy.demo.plant.parts import BPNL, DOOR_LEFT, DOOR_RIGHT, RAIL, SEAT, parts
from deploy.demo.processes import HOST

MAPPINGS = Path(__file__).parent / "plant" / "mappings"
STABLE_SECONDS = 0.3
POLL_SECONDS = 0.2

OEM = "BPNL00000000OEM1"
STRANGER = "BPNL00000000EXT1"
NEIGHBOUR = "BPNL00000000VEC1"

DOORS = (DOOR_LEFT, DOOR_RIGHT)
SEATS = (SEAT, RAIL, "LAC-*")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays; ``broker`` is None where the line's messages come in a file instead."""

    space: DataSpace
    supplier: Company
    oem: Company
    stranger: Company
    neighbour: Company
    broker: Broker | None

    @property
    def drop(self) -> Path:
        """The supplier's drop folder."""
        return self.supplier.folder / "drop"

    def start(self) -> None:
        """Start all four at once and wait for each; the supplier is not ready yet."""
        if self.broker:
            self.broker.start()
        for company in self.space.companies:
            company.process.start()
        self.supplier.wait_up()
        for company in (self.oem, self.stranger, self.neighbour):
            company.wait_ready()

    def close(self) -> None:
        """Stop everything."""
        self.space.close()
        if self.broker:
            self.broker.stop()

    def export(self) -> None:
        """Let the plant's systems write their files, and the line send its messages."""
        data.write_files(self.drop)
        if self.broker:
            data.publish(HOST, self.broker.port)
        else:
            data.write_serials(self.drop)


def assemble(folder: Path, broker: Broker | None) -> Cast:
    """Give every company its keys, credentials and configuration, in a folder below."""
    space = DataSpace.begin(folder)
    supplier = space.newcomer("puebla", BPNL)
    oem = space.company("oem", OEM)
    stranger = space.company("stranger", STRANGER)
    neighbour = space.company("neighbour", NEIGHBOUR)
    cast = Cast(space, supplier, oem, stranger, neighbour, broker)
    cast.drop.mkdir()
    offers = (
        Offer("doors", ("oem",), parts=_doors()),
        Offer("seats", ("neighbour",), parts=SEATS),
    )
    supplier.configure(partners=(oem, neighbour), feeds=_feeds(cast), offers=offers)
    for company in (oem, stranger, neighbour):
        company.configure(partners=[supplier])
    return cast


def _doors() -> tuple[str, ...]:
    return tuple(part.number for part in parts() if part.number not in SEATS)


def _feeds(cast: Cast) -> Iterator[Feed]:
    files = {
        "maestro_piezas": data.MASTERS,
        "lotes": data.LOTS,
        "huella_carbono": data.FOOTPRINTS,
        "estructura": data.STRUCTURE,
    }
    for name, file in files.items():
        more = {"pattern": file, "encoding": data.ENCODING, "delimiter": ";"}
        yield _feed(name, "delimited_file", {**_folder(cast), **more})
    if cast.broker:
        address = {"host": HOST, "port": cast.broker.port}
        source = {**address, "topic": data.TOPIC, "client_id": "eslabon-puebla"}
        yield _feed("series", "mqtt", source)
    else:
        yield _feed("series", "json_lines", {**_folder(cast), "pattern": data.SERIALS})


def _folder(cast: Cast) -> dict[str, object]:
    return {"folder": str(cast.drop), "stable_seconds": STABLE_SECONDS}


def _feed(name: str, adapter: str, source: dict[str, object]) -> Feed:
    return Feed(name, adapter, MAPPINGS / f"{name}.yaml", source, POLL_SECONDS)
