"""The file that intake is measured with: serial parts as a plant exports them."""

from __future__ import annotations

import csv
from pathlib import Path

ENCODING = "windows-1252"
DELIMITER = ";"
HEADER = ("No. de parte", "Serie", "Descripción", "Fecha de fabricación", "País", "Turno")
PARTS = (
    "ELV-2201",
    "ELV-2202",
    "MOT-1180",
    "ARN-0040",
    "TAP-0900",
    "GUI-0311",
    "CAB-7720",
    "SOP-5",
)


def write(path: Path, rows: int, first: int = 0) -> None:
    """Write a file with so many serial parts, each with a serial number of its own."""
    with path.open("w", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITER)
        writer.writerow(HEADER)
        for i in range(first, first + rows):
            part = PARTS[i % len(PARTS)]
            date = f"{1 + i % 28:02}/{1 + i // 28 % 12:02}/2026 {i % 24:02}:{i % 60:02}"
            writer.writerow(
                (part, f"SN{i:09}", f"Elevalunas eléctrico {part}", date, "MEX", i % 3)
            )


MAPPING = """\
model: urn:samm:io.catenax.serial_part:3.0.0#SerialPart
time_zone: America/Mexico_City
twin:
  type: PartInstance
  manufacturerId: {constant: own}
  manufacturerPartId: {column: "No. de parte"}
  partInstanceId: {column: Serie}
payload:
  catenaXId: {twin: self}
  localIdentifiers:
    - {key: {constant: manufacturerId}, value: {constant: own}}
    - {key: {constant: partInstanceId}, value: {column: Serie}}
  manufacturingInformation:
    date: {column: Fecha de fabricación, date: "%d/%m/%Y %H:%M", as: datetime}
    country: {column: País}
  partTypeInformation:
    manufacturerPartId: {column: "No. de parte"}
    nameAtManufacturer: {column: Descripción}
"""
