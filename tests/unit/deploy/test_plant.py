"""The plant's exports read as they were written, wrong exactly where they say they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.delimited_file.adapter import DelimitedFile
from adapters.json_lines.adapter import JsonLines
from adapters.mqtt.adapter import Mqtt
from connector.record.model import Adapter, Batch, Request
from deploy.demo.plant import data
from deploy.demo.plant.build import built
from deploy.demo.plant.expected import expected
from deploy.demo.plant.parts import BUILT, RECIPES, SERIAL_PREFIXES, footprints, lots, parts
from tests.doubles.broker import Broker

FILES = [data.MASTERS, data.LOTS, data.STRUCTURE, data.FOOTPRINTS]
SERIAL_COLUMNS = ("parte", "serie", "fecha")
# What an adapter finds; the other wrong rows are read, and found by those who know the parts.
UNREADABLE = {"number of cells", "malformed payload"}


def read(adapter: Adapter, *columns: str) -> list[Batch]:
    return list(adapter.read(Request(columns=columns)))


def unreadable(file: str) -> list[int]:
    return [
        place.row for place in data.wrong() if place.file == file and place.cause in UNREADABLE
    ]


def count(batches: Sequence[Batch]) -> int:
    return sum(len(batch.rows) + len(batch.rejects) for batch in batches)


def rejected(batches: Sequence[Batch]) -> list[int]:
    return [reject.position for batch in batches for reject in batch.rejects]


@pytest.mark.parametrize("file", FILES)
def test_a_file_holds_what_is_expected(tmp_path: Path, file: str) -> None:
    data.write_files(tmp_path)
    batches = read(
        DelimitedFile(
            tmp_path, pattern=file, encoding=data.ENCODING, delimiter=";", stable_seconds=0
        )
    )

    assert (expected().rows[file], unreadable(file)) == (count(batches), rejected(batches))


def test_the_line_writes_what_is_expected(tmp_path: Path) -> None:
    data.write_serials(tmp_path)
    batches = read(JsonLines(tmp_path, stable_seconds=0), *SERIAL_COLUMNS)

    assert (expected().rows[data.SERIALS], unreadable(data.SERIALS)) == (
        count(batches),
        rejected(batches),
    )


def test_the_line_sends_what_it_writes(tmp_path: Path) -> None:
    data.write_serials(tmp_path)
    written = read(JsonLines(tmp_path, stable_seconds=0), *SERIAL_COLUMNS)
    broker = Broker(tmp_path)
    broker.start()
    adapter = Mqtt("127.0.0.1", data.TOPIC, "eslabon", port=broker.port)
    sent = read(adapter, *SERIAL_COLUMNS)
    data.publish("127.0.0.1", broker.port)
    for batch in adapter.read(Request(columns=SERIAL_COLUMNS)):
        sent.append(batch)
        adapter.acknowledge(batch, failed=False)
    adapter.close()
    broker.stop()

    assert [row for batch in written for row in batch.rows] == [
        row for batch in sent for row in batch.rows
    ]
    assert rejected(written) == rejected(sent)


def test_writing_twice_writes_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        data.write_files(tmp_path / name)
        data.write_serials(tmp_path / name)

    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two


def test_every_part_is_built_once_and_into_one_parent() -> None:
    serials = [item.serial for item in built()]
    children = [child.serial for item in built() for child in item.children if child.serial]

    assert {1} == {*Counter(serials).values(), *Counter(children).values()}
    assert sum(BUILT.values()) == len(set(serials) - set(children))


def test_every_child_is_a_part_that_was_built_or_a_lot_that_is_known() -> None:
    serials = {(item.part, item.serial) for item in built()}
    numbers = {(lot.part, lot.number) for lot in lots()}

    assert [] == [
        child
        for item in built()
        for child in item.children
        if (child.part, child.serial) not in serials and (child.part, child.lot) not in numbers
    ]


def test_assemblies_have_parts_and_these_have_material() -> None:
    below = {part: {line.child for line in lines} for part, lines in RECIPES.items()}
    depths = {
        part: 2 + any(child in SERIAL_PREFIXES for child in children)
        for part, children in below.items()
    }

    assert {2, 3} == set(depths.values())


def test_every_part_that_is_used_is_in_the_master() -> None:
    used = {item.part for item in built()} | {lot.part for lot in lots()}

    assert {part.number for part in parts()} == used


def test_footprints_add_up() -> None:
    for footprint in footprints():
        total = footprint.fossil + footprint.biogenic_non_co2 + footprint.land_use_change
        assert (total, total + footprint.uptake) == (
            footprint.excluding_uptake,
            footprint.including_uptake,
        )
        assert footprint.uptake <= 0
