"""Partners that ask too much, too slowly, or do not listen: a running connector bears it.

Raw sockets speak to the command as it is installed; its limits are set low.
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import HOST, wait_until
from tests.benchmarks import reads
from tests.benchmarks.exchange import supplier_of

pytestmark = pytest.mark.journey

LIMITS = {
    "request_head_seconds_max": 1.5,
    "request_body_seconds_max": 2.0,
    "answer_stall_seconds_max": 2.0,
    "host_connections_max": 40,
    "public_requests_max": 8,
    "partner_requests_per_second": 20.0,
    "partner_requests_burst": 30,
}
LARGE_BYTES = 8 * 1024 * 1024
SEARCH = "/api/v3/lookup/shellsByAssetLink"


@dataclass
class Plant:
    """A supplier with low limits, a token for its registry, and one for values."""

    company: Company
    registry: str
    value: str
    path: str

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.company.port), timeout=20)

    def asked(self, path: str, token: str, **headers: str) -> bytes:
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n{more}"
        return f"{head}Connection: close\r\n\r\n".encode()

    def answer(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.connect() as line:
            line.sendall(request)
            return parsed(read_all(line))

    def lines(self, event: str) -> list[dict[str, object]]:
        text = self.company.process.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if f'"{event}"' in line]

    def is_well(self) -> bool:
        time.sleep(2.0)  # the partner's share fills again
        return 200 == self.answer(self.asked(self.path, self.value))[0]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("limits")
    with DataSpace.open(folder / "space") as space:
        supplier = supplier_of(space, folder, rows=5)
        oem = space.companies[1]
        document = supplier.config.read_text(encoding="utf-8")
        limits = "\n".join(f"{name} = {value}" for name, value in LIMITS.items())
        supplier.config.write_text(f"{document}\n[limits]\n{limits}\n", encoding="utf-8")
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 5, "twins", 30.0)
        oem.start()
        tokens = reads._grants(supplier, oem)
        _, (path, *_) = next(reads._shells(supplier, tokens["registry"]))
        yield Plant(supplier, tokens["registry"], tokens["serial"], f"{path}/$value")


def test_a_partner_that_asks_too_fast_is_told_when_to_come_again(plant: Plant) -> None:
    answers = [plant.answer(plant.asked(plant.path, plant.value)) for _ in range(60)]
    statuses = [status for status, _, _ in answers]
    _, headers, body = next(one for one in answers if one[0] == 429)

    assert {200, 429} == set(statuses)
    assert int(headers["retry-after"]) >= 1
    assert "429" == json.loads(body)["messages"][0]["code"]
    assert "asks more than 20 times" in json.loads(body)["messages"][0]["text"]
    assert 1 == len(plant.lines("partner.slowed"))
    assert plant.is_well()


def test_what_is_refused_for_its_rate_is_in_no_ledger(plant: Plant) -> None:
    before = plant.company.ask("ledger", "verify")["rows"]
    answers = [plant.answer(plant.asked(plant.path, plant.value)) for _ in range(60)]
    given = [status for status, _, _ in answers].count(200)
    after = plant.company.ask("ledger", "verify")["rows"]

    assert given == int(str(after)) - int(str(before))
    assert plant.is_well()


@pytest.mark.parametrize(
    "drip",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n"],
    ids=["silence", "one letter", "half a head", "empty lines"],
)
def test_who_does_not_finish_asking_is_cut(plant: Plant, drip: bytes) -> None:
    with plant.connect() as line:
        line.sendall(drip)
        began = time.monotonic()

        assert b"" == read_all(line)
    assert time.monotonic() - began < 5.0


def test_who_drips_a_head_is_cut_however_lively(plant: Plant) -> None:
    with plant.connect() as line:
        line.sendall(b"GET / HTTP/1.1\r\n")

        assert dripping(line, b"x: y\r\n") < 5.0


def test_who_drips_a_body_is_cut(plant: Plant) -> None:
    with plant.connect() as line:
        head = f"POST {SEARCH} HTTP/1.1\r\nHost: x\r\nAuthorization: {plant.registry}\r\n"
        line.sendall(f"{head}Content-Length: 60000\r\n\r\n".encode())

        assert dripping(line, b" ") < 6.0
    assert plant.is_well()


def test_who_drips_a_body_after_the_answer_is_cut(plant: Plant) -> None:
    with plant.connect() as line:
        line.sendall(f"POST {SEARCH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n".encode())

        assert dripping(line, b" ") < 6.0


def test_a_head_without_end_is_refused(plant: Plant) -> None:
    with plant.connect() as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        try:
            for _ in range(100):
                line.sendall(b"x: " + b"y" * 4096 + b"\r\n")
        except OSError:
            return
        status, _, _ = parsed(read_all(line))

    assert 431 == status


def test_who_asks_for_much_and_takes_nothing_is_cut(plant: Plant) -> None:
    store = sqlite3.connect(plant.company.folder / "data" / "eslabon.db", timeout=30)
    with store:
        store.execute(
            "UPDATE aspect SET payload = ? WHERE id = (SELECT max(id) FROM aspect)",
            (b'"' + b"x" * LARGE_BYTES + b'"',),
        )
    store.close()
    path = path_of_large(plant)
    plant.is_well()
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect((HOST, plant.company.port))
    line.sendall(plant.asked(path, plant.value))
    time.sleep(LIMITS["answer_stall_seconds_max"] + 2.0)
    line.settimeout(10)
    got = drained(line)
    line.close()

    assert got < LARGE_BYTES
    assert 1 == len(plant.lines("connection.cut"))
    assert plant.is_well()


def test_a_large_value_comes_compressed_and_in_parts(plant: Plant) -> None:
    path = path_of_large(plant)
    plant.is_well()
    _, headers, body = plant.answer(plant.asked(path, plant.value, **{"Accept-Encoding": "gzip"}))
    whole = gzip.decompress(body)
    status, part_headers, part = plant.answer(
        plant.asked(path, plant.value, Range=f"bytes={len(whole) - 10}-")
    )

    assert "gzip" == headers["content-encoding"]
    assert len(body) < len(whole) / 100
    assert (206, whole[-10:]) == (status, part)
    assert (
        f"bytes {len(whole) - 10}-{len(whole) - 1}/{len(whole)}" == part_headers["content-range"]
    )


def test_one_host_has_only_so_many_connections(plant: Plant) -> None:
    lines = [plant.connect() for _ in range(60)]
    time.sleep(0.5)
    closed = len(select.select(lines, [], [], 0)[0])
    for line in lines:
        line.close()

    assert 20 == closed
    assert 1 == len(plant.lines("connection.refused"))
    assert plant.is_well()


def test_more_requests_than_can_be_borne_are_asked_to_come_again(plant: Plant) -> None:
    head = f"POST {SEARCH} HTTP/1.1\r\nHost: x\r\nAuthorization: {plant.registry}\r\n"
    waiting = [plant.connect() for _ in range(8)]
    for line in waiting:
        line.sendall(f"{head}Content-Length: 10\r\n\r\n".encode())
    time.sleep(0.3)
    refused = [
        plant.answer(plant.asked(path, plant.value))
        for path in (plant.path, "/api/v3/shell-descriptors", "/api/dsp/2025-1/negotiations/x")
    ]
    for line in waiting:
        line.close()

    assert [503, 503, 503] == [status for status, _, _ in refused]
    assert ["1", "1", "1"] == [headers["retry-after"] for _, headers, _ in refused]
    assert "messages" in json.loads(refused[0][2])
    assert "ContractNegotiationError" == json.loads(refused[2][2])["@type"]
    assert 1 == len(plant.lines("request.refused"))
    assert plant.is_well()


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (b"\x16\x03\x01 no http at all\r\n\r\n", "request.malformed"),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            "upgrade.refused",
        ),
    ],
)
def test_a_flood_of_nonsense_is_one_line_of_the_log(plant: Plant, raw: bytes, event: str) -> None:
    before = len(plant.company.process.log.read_text(encoding="utf-8").splitlines())
    for _ in range(30):
        with plant.connect() as line:
            line.sendall(raw)
            line.settimeout(5)
            line.recv(100)
    after = plant.company.process.log.read_text(encoding="utf-8").splitlines()[before:]

    assert 1 == len(plant.lines(event))
    assert len(after) < 5
    assert plant.is_well()


def test_requests_that_follow_each_other_on_one_line_are_all_answered(plant: Plant) -> None:
    plant.is_well()
    keep = plant.asked(plant.path, plant.value).replace(b"Connection: close\r\n", b"")
    last = plant.asked(plant.path, plant.value)
    with plant.connect() as line:
        line.sendall(keep * 4 + last)

        assert 5 == read_all(line).count(b"HTTP/1.1 200 OK")


def test_the_head_of_a_value_comes_without_its_body(plant: Plant) -> None:
    plant.is_well()
    asked = plant.asked(plant.path, plant.value).replace(b"GET", b"HEAD", 1)
    status, headers, body = plant.answer(asked)

    assert (200, b"") == (status, body)
    assert int(headers["content-length"]) > 0


def path_of_large(plant: Plant) -> str:
    """Return the path of the last value of the store, which was made large."""
    shells = list(reads._shells(plant.company, plant.registry))
    sizes = {}
    for _, (path, *_) in shells:
        time.sleep(0.1)
        asked = plant.asked(f"{path}/$value", plant.value).replace(b"GET", b"HEAD", 1)
        sizes[f"{path}/$value"] = int(plant.answer(asked)[1]["content-length"])
    return max(sizes, key=lambda path: sizes[path])


def read_all(line: socket.socket) -> bytes:
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def drained(line: socket.socket) -> int:
    size = 0
    try:
        while part := line.recv(1 << 20):
            size += len(part)
    except OSError:
        pass
    return size


def dripping(line: socket.socket, drop: bytes) -> float:
    """Send drops until the other side has had enough; return after how many seconds."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < 15:
            line.sendall(drop)
            time.sleep(0.2)
    except OSError:
        pass
    return time.monotonic() - began


def parsed(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    return int(first.split()[1]), headers, body
