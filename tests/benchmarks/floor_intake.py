"""The floor under intake: the same rows through the bare libraries and nothing else.

csv reads, a payload is written out by hand, jsonschema-rs decides, orjson writes, SQLite
stores a twin with a unique id and an index over its four specific asset ids; batches of
1,000, the same PRAGMAs as the store's. No records, no quarantine, no versions, no journal.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import jsonschema_rs
import orjson

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.identifiers import SemanticId
from connector.store.database import CACHE_KIBIBYTES
from connector.store.upkeep import CHECKPOINT_PAGES
from tests.benchmarks.serial_parts import DELIMITER, ENCODING

SERIAL_PART = SemanticId.parse("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
BPNL = "BPNL00000000PUE1"
BATCH = 1000


def open_store(path: Path) -> sqlite3.Connection:
    """Return an empty store with the two indexes."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute(
        "CREATE TABLE twin (id TEXT NOT NULL UNIQUE, manufacturer TEXT, part TEXT, serial TEXT,"
        " intrinsic TEXT, payload BLOB)"
    )
    connection.execute("CREATE INDEX ids ON twin (manufacturer, part, serial, intrinsic)")
    return connection


def payload(row: list[str], twin: str) -> dict[str, object]:
    """Return a row as a SerialPart 3.0.0."""
    part, serial, name, date, country, _ = row
    made = f"{date[6:10]}-{date[3:5]}-{date[:2]}T{date[11:]}:00-06:00"
    return {
        "catenaXId": twin,
        "localIdentifiers": [
            {"key": "manufacturerId", "value": BPNL},
            {"key": "partInstanceId", "value": serial},
        ],
        "manufacturingInformation": {"date": made, "country": country},
        "partTypeInformation": {"manufacturerPartId": part, "nameAtManufacturer": name},
    }


def twins(rows: list[list[str]], is_valid: jsonschema_rs.Draft4Validator) -> Iterator[tuple]:
    """Yield what is stored of each row."""
    for row in rows:
        raw = os.urandom(16).hex()
        twin = f"urn:uuid:{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:32]}"
        made = payload(row, twin)
        if is_valid.is_valid(made):
            yield (twin, BPNL, row[0], row[1], row[1], orjson.dumps(made))


def run(source: Path, store: Path) -> int:
    """Take the file into the store and return the number of twins."""
    library = ModelLibrary([shipped_folder()], None)
    validator = jsonschema_rs.Draft4Validator(library.get(SERIAL_PART).schema)
    connection = open_store(store)
    with source.open(encoding=ENCODING, newline="") as file:
        reader = csv.reader(file, delimiter=DELIMITER)
        next(reader)
        while rows := list(islice(reader, BATCH)):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO twin VALUES (?,?,?,?,?,?)", twins(rows, validator))
            connection.execute("COMMIT")
    return int(connection.execute("SELECT count(*) FROM twin").fetchone()[0])


if __name__ == "__main__":
    began = time.perf_counter()
    count = run(Path(sys.argv[1]), Path(sys.argv[2]))
    seconds = time.perf_counter() - began
    print(orjson.dumps({"rows": count, "seconds": seconds}).decode())  # noqa: T201
