"""Whether a store is whole: a sound one is never called damaged, and a damaged one is."""

from __future__ import annotations

from pathlib import Path

from connector.daemon.doctor.stored import integrity
from connector.store.database import Database
from tests.builders.exchange import SERIAL, Part, Plant

PAGE_BYTES = 4096


def test_a_store_with_parts_is_whole(tmp_path: Path) -> None:
    store = _filled(tmp_path)

    assert "ok" == integrity(store)


def test_a_store_with_a_spoilt_page_is_not(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    size = store.stat().st_size
    with store.open("r+b") as file:
        file.seek(size // 2 // PAGE_BYTES * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES * 4)

    assert "ok" != integrity(store)


def _filled(folder: Path) -> Path:
    db = Database.open(folder / "store.db")
    plant = Plant(db)
    for number in range(200):
        plant.make(Part(f"A-{number}", f"SN-{number}", aspects=(SERIAL,)))
    with db.transaction() as tx:
        tx.execute("INSERT INTO asset_id (twin, name, value) SELECT id, 'van', part FROM twin")
    db.close()
    return folder / "store.db"
