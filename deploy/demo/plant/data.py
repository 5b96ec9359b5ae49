"""The plant's exports: files as its systems write them, and the messages of its line.

Four systems, four habits: all write Windows-1252 with semicolons and day/month/year in
local time (America/Mexico_City). Quantities have decimal commas; the footprint tool, which
came from elsewhere, writes decimal points. Some rows are wrong on purpose: see `wrong`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from deploy.demo.plant.build import Built, Child, built
from deploy.demo.plant.parts import (
    BPNL,
    PLANT,
    WINDOW_MOTOR,
    Footprint,
    Lot,
    Part,
    footprints,
    lots,
    parts,
)

ENCODING = "windows-1252"
TIME_ZONE = "America/Mexico_City"
TOPIC = "planta/puebla/linea1/serial"

MASTERS = "maestro_piezas.csv"
LOTS = "lotes.csv"
STRUCTURE = "estructura.csv"
FOOTPRINTS = "huella_carbono.csv"
SERIALS = "series_linea1.jsonl"

MASTERS_HEADER = (
    "No. de parte",
    "Descripción",
    "No. parte cliente",
    "Nombre cliente",
    "Norma clasificación",
    "Clasificación",
    "Descripción clasificación",
    "Planta",
    "Función de planta",
    "Válido desde",
    "Masa kg",
)
LOTS_HEADER = (
    "Lote",
    "No. de parte",
    "Descripción",
    "Fecha de fabricación",
    "Cantidad",
    "Unidad",
    "Planta",
    "País",
)
STRUCTURE_HEADER = (
    "Parte padre",
    "Serie padre",
    "Parte hija",
    "Serie hija",
    "Lote hijo",
    "Cantidad",
    "Unidad",
    "Fecha de montaje",
    "Fabricante",
)
FOOTPRINTS_HEADER = (
    "Folio",
    "No. de parte",
    "Descripción",
    "Unidad declarada",
    "Cantidad declarada",
    "Masa kg",
    "Huella total kg CO2e",
    "Huella con captura kg CO2e",
    "Fósil kg CO2e",
    "Biogénico no CO2 kg CO2e",
    "Captura biogénica kg CO2e",
    "Uso de suelo kg CO2e",
    "Carbono total kg",
    "Carbono fósil kg",
    "Carbono biogénico kg",
    "Periodo inicio",
    "Periodo fin",
    "Fecha de cálculo",
    "Vigente hasta",
    "% datos primarios",
    "Norma",
    "Regla sectorial",
    "Potenciales GWP",
    "Fuente de factores",
    "% exento",
    "País",
    "Estado",
)

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that is wrong on purpose: its row as a spreadsheet counts, and the column."""

    file: str
    row: int
    column: str
    cause: str


def masters() -> Rows:
    """Return the part master; one part number stands twice, with different names."""
    rows = [_master(part) for part in parts()]
    twice = rows[0][2:]
    return [
        *rows,
        ("TAP-0900", "Tapa de bocina izquierda", *twice),
        ("TAP-0900", "Tapa de bocina derecha", *twice),
    ]


def lot_rows() -> Rows:
    """Return the lots; one date does not exist, and one row has a cell too many."""
    rows = [_lot(lot) for lot in lots()]
    impossible = Lot("L-AC-260231", "LAC-DC04", "31/02/2026 10:00", "8.410,000", "KG")
    unquoted = ("L-PP-261020", "PPG-30", "Polipropileno", " 30 % fibra", *rows[5][3:])
    return [*rows[:4], _lot(impossible), *rows[4:], unquoted]


def structure() -> Rows:
    """Return the bill of materials as built; one child was never made by anybody."""
    rows = [_line(item, child) for item in built() for child in item.children]
    spare = next(item for item in reversed(built()) if item.part == WINDOW_MOTOR)
    unknown = _line(spare, Child("IMA-ND35", "IM26999999", "", "2", "PZA"))
    last = max(i for i, row in enumerate(rows) if row[1] == spare.serial)
    return [*rows[: last + 1], unknown, *rows[last + 1 :]]


def footprint_rows() -> Rows:
    """Return the footprints; one has a negative mass."""
    rows = [_footprint(footprint) for footprint in footprints()]
    negative = list(rows[0])
    negative[0] = _folio("TAP-0900")
    negative[1:3] = ["TAP-0900", "Tapa de bocina"]
    negative[5] = "-0.35"
    return [*rows, tuple(negative)]


def messages() -> list[bytes]:
    """Return the payloads of the line, oldest first; one was cut off on its way."""
    names = {part.number: part for part in parts()}
    payloads = [_message(item, names[item.part]) for item in built()]
    return [*payloads[:17], payloads[17][:61], *payloads[17:]]


def wrong() -> list[Wrong]:
    """Return every place that is wrong on purpose, so that tests need not copy it."""
    number = next(i for i, row in enumerate(structure()) if row[2] == "IMA-ND35")
    masters_end = len(masters()) + 1
    return [
        Wrong(MASTERS, masters_end - 1, "No. de parte", "duplicate key"),
        Wrong(MASTERS, masters_end, "No. de parte", "duplicate key"),
        Wrong(LOTS, 6, "Fecha de fabricación", "impossible date"),
        Wrong(LOTS, len(lot_rows()) + 1, "", "number of cells"),
        Wrong(STRUCTURE, number + 2, "Serie hija", "unknown child"),
        Wrong(FOOTPRINTS, len(footprint_rows()) + 1, "Masa kg", "negative mass"),
        Wrong(SERIALS, 18, "", "malformed payload"),
    ]


def write_files(folder: Path) -> None:
    """Write the four CSV files into ``folder``, each complete before it has its name."""
    _write(folder / MASTERS, MASTERS_HEADER, masters())
    _write(folder / LOTS, LOTS_HEADER, lot_rows())
    _write(folder / STRUCTURE, STRUCTURE_HEADER, structure())
    _write(folder / FOOTPRINTS, FOOTPRINTS_HEADER, footprint_rows())


def write_serials(folder: Path) -> None:
    """Write the messages of the line as JSON lines, for a machine without a broker."""
    (folder / SERIALS).write_bytes(b"".join(message + b"\n" for message in messages()))


def publish(host: str, port: int, *, username: str = "", password: str = "") -> None:
    """Send the messages of the line to a broker, each confirmed by it (QoS 1)."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    if username:
        client.username_pw_set(username, password)
    client.connect(host, port)
    client.loop_start()
    for message in messages():
        client.publish(TOPIC, message, qos=1).wait_for_publish(timeout=10)
    client.disconnect()
    client.loop_stop()


def _write(path: Path, header: tuple[str, ...], rows: Rows) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerows([header, *rows])
    part.replace(path)


def _master(part: Part) -> tuple[str, ...]:
    return (
        part.number,
        part.name,
        part.customer_number,
        part.customer_name,
        "ECLASS 13.0",
        part.eclass,
        part.eclass_name,
        part.site,
        "Producción",
        "01/03/2024",
        part.mass_kg.replace(".", ","),
    )


def _lot(lot: Lot) -> tuple[str, ...]:
    names = {part.number: part.name for part in parts()}
    return (
        lot.number,
        lot.part,
        names[lot.part],
        lot.made,
        lot.amount,
        lot.unit,
        PLANT,
        "MEX",
    )


def _line(item: Built, child: Child) -> tuple[str, ...]:
    return (
        item.part,
        item.serial,
        child.part,
        child.serial,
        child.lot,
        child.quantity,
        child.unit,
        item.at.strftime("%d/%m/%Y %H:%M"),
        BPNL,
    )


def _footprint(footprint: Footprint) -> tuple[str, ...]:
    names = {part.number: part.name for part in parts()}
    return (
        _folio(footprint.part),
        footprint.part,
        names[footprint.part],
        footprint.unit,
        footprint.amount,
        footprint.mass_kg,
        *_masses(footprint),
        "01/01/2025",
        "31/12/2025",
        "20/02/2026",
        "31/12/2027",
        footprint.primary_share,
        "ISO 14067",
        "Catena-X PCF Rulebook v4",
        "AR6",
        "ecoinvent 3.11",
        "0",
        "MX",
        "Vigente",
    )


def _masses(footprint: Footprint) -> Iterator[str]:
    yield str(footprint.excluding_uptake)
    yield str(footprint.including_uptake)
    yield str(footprint.fossil)
    yield str(footprint.biogenic_non_co2)
    yield str(footprint.uptake)
    yield str(footprint.land_use_change)
    yield str(footprint.fossil_carbon + footprint.biogenic_carbon)
    yield str(footprint.fossil_carbon)
    yield str(footprint.biogenic_carbon)


def _folio(part: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://huella.example/{BPNL}/{part}/2025"))


def _message(item: Built, part: Part) -> bytes:
    payload = {
        "parte": item.part,
        "descripcion": part.name,
        "serie": item.serial,
        "fecha": item.at.isoformat(),
        "parte_cliente": part.customer_number or None,
        "nombre_cliente": part.customer_name or None,
        "planta": part.site,
        "pais": "MEX",
        "estacion": "L1-OP90",
        "turno": 1,
    }
    return json.dumps(payload, ensure_ascii=False).encode()
