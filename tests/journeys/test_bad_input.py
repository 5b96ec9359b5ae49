"""Bad input, from one end to the other: a clear finding, all else arrives, nothing is lost.

One plant gets everything bad at once, each kind on a feed of its own beside a good file, and
one ``eslabon ingest --once`` takes it in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.identifiers import Did
from deploy.demo.authority import Authority
from deploy.demo.cast import MAPPINGS
from deploy.demo.company import Company
from deploy.demo.configuration import Feed
from deploy.demo.plant import data
from deploy.demo.plant.expected import expected
from deploy.demo.plant.parts import BPNL
from deploy.demo.processes import HOST, wait_until
from tests.benchmarks.serial_parts import HEADER, MAPPING
from tests.doubles.broker import Broker
from tests.journeys.faults.world import blown, start_fused

pytestmark = pytest.mark.journey

STABLE_SECONDS = 0.1
ROWS_MAX = 3
Row = tuple[str, ...]


def part(serial: str, *, date: str = "17/11/2026 06:12") -> Row:
    return ("MAS-0001", serial, "Pieza eléctrica", date, "MEX", "1")


def written(rows: Sequence[Row], delimiter: str = ";", header: Row = HEADER) -> str:
    return "".join(delimiter.join(row) + "\r\n" for row in (header, *rows))


def encoded(*rows: Row) -> bytes:
    return written(rows).encode("windows-1252")


# What each feed gets beside the good file: feed, file, content.
BAD = {
    "codificacion": ("mala.csv", encoded(part("C-1"), part("C-2"))),
    "delimitador": ("mala.csv", written([part("D-1")], ",").encode("windows-1252")),
    "columna": (
        "mala.csv",
        written([part("K-1")], header=(HEADER[0], "Num. serie", *HEADER[2:])).encode("cp1252"),
    ),
    "repetida": (
        "mala.csv",
        encoded(part("R-1"), part("R-2"), ("MAS-0001", "R-1", "Otra", *part("")[3:])),
    ),
    "fecha": ("mala.csv", encoded(part("F-1", date="31/02/2026 10:00"), part("F-2"))),
    "muchas": ("mala.csv", encoded(*(part(f"M-{i}") for i in range(ROWS_MAX + 2)))),
    "cortada": ("mala.csv", encoded(part("T-1"), part("T-2"))[:-30]),
    "ilegible": ("mala.csv", encoded(part("I-1"))),
    "vacia": ("mala.csv", b""),
    "nombre": (os.fsdecode(b"pi\xe9zas.csv"), encoded(part("N-1"))),
}
# The good rows that stand in those files beside bad ones.
GOOD_BESIDE = {"repetida": 1, "fecha": 1, "cortada": 1, "nombre": 1}


class Plant:
    """A company that only takes in; its feeds are named after what is wrong with their input."""

    def __init__(self, folder: Path, **more: Any) -> None:
        authority = Authority(folder / "authority", Did.parse("did:web:authority.example"))
        self.company = Company("puebla", BPNL, folder / "puebla", authority)
        self.mapping = folder / "serial.yaml"
        self.mapping.write_text(MAPPING, encoding="utf-8")
        self.feeds: list[Feed] = []
        self.more = more
        self.first_look: dict[str, list[dict[str, Any]]] = {}
        self.records: dict[str, int] = {}

    def look(self) -> None:
        """Look once at what stands in the quarantine and what came of each feed."""
        for entry in self.held():
            self.first_look.setdefault(entry["feed"], []).append(entry)
        status: Any = self.company.ask("status")
        self.records = {feed["name"]: feed["records"] for feed in status["feeds"]}

    def folder(self, feed: str) -> Path:
        folder = self.company.folder / "drop" / feed
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def add(self, name: str, *, rows_max: int | None = None, **source: Any) -> None:
        chosen: dict[str, Any] = {
            "folder": str(self.folder(name)),
            "stable_seconds": STABLE_SECONDS,
            "encoding": "windows-1252",
            "delimiter": ";",
            **source,
        }
        feed = Feed(name, "delimited_file", self.mapping, chosen, 0.2, rows_max)
        self.feeds.append(feed)

    def configure(self) -> None:
        self.company.configure(feeds=self.feeds, further=self.more)

    def ingest(self) -> dict[str, Any]:
        report: dict[str, Any] = self.company.ask("ingest", "--once")
        return report

    def held(self, feed: str = "") -> list[dict[str, Any]]:
        chosen = ("--feed", feed) if feed else ()
        listed: Any = self.company.ask("quarantine", "list", "--limit", "1000", *chosen)
        return list(reversed(listed["entries"]))


def places(entries: Sequence[dict[str, Any]]) -> list[tuple[str, int | None, str | None]]:
    """Return code, row and column of every finding; each must say what, why and fix."""
    findings = [finding for entry in entries for finding in entry["findings"]]
    assert all(finding["what"] and finding["why"] and finding["fix"] for finding in findings)
    return [(f["code"].split(":")[1], f["row"], f["column"]) for f in findings]


def words(entries: Sequence[dict[str, Any]]) -> str:
    findings = [finding for entry in entries for finding in entry["findings"]]
    return " ".join(" ".join((f["what"], f["why"], f["fix"])) for f in findings)


def files(folder: Path) -> list[str]:
    names = (os.fsencode(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return sorted(name.decode("latin-1") for name in names)


@contextmanager
def closed_to_us(file: Path) -> Iterator[None]:
    """Take the right to read a file away; from root too, as long as it is asked to obey."""
    file.chmod(0)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):  # it is where refused files go
            file.chmod(0o644)


OBEDIENT = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def obedient() -> tuple[str, ...]:
    """Return what makes a command of root's obey the rights of files; nothing for others."""
    if os.geteuid() != 0:
        return ()
    if shutil.which(OBEDIENT[0]) is None:
        pytest.skip("root reads every file, and there is no setpriv to keep it from that")
    return OBEDIENT


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    plant = Plant(tmp_path_factory.mktemp("bad"))
    for feed, (file, content) in BAD.items():
        rows_max = ROWS_MAX if feed == "muchas" else None
        encoding = "utf-8" if feed == "codificacion" else "windows-1252"
        plant.add(feed, rows_max=rows_max, encoding=encoding)
        (plant.folder(feed) / file).write_bytes(content)
        good = written([part(f"{feed}-bien")]).encode(encoding)
        (plant.folder(feed) / "buena.csv").write_bytes(good)
    plant.configure()
    time.sleep(2 * STABLE_SECONDS)
    with closed_to_us(plant.folder("ilegible") / "mala.csv"):
        command = ("ingest", "--once", "--json", "--config", str(plant.company.config))
        done = subprocess.run(
            (*obedient(), *plant.company.process.argv[:3], *command),
            capture_output=True,
            text=True,
            check=False,
        )
    assert 1 == done.returncode, done.stderr
    plant.look()
    return plant


@pytest.mark.parametrize("feed", BAD)
def test_what_is_good_arrives_beside_what_is_bad(plant: Plant, feed: str) -> None:
    held = plant.first_look.get(feed, [])
    kept_back = sum(entry["record"] is not None for entry in held)

    assert 1 + GOOD_BESIDE.get(feed, 0) == plant.records[feed] - kept_back
    assert [] == [name for name in files(plant.folder(feed)) if "/" not in name]


@pytest.mark.parametrize(
    ("feed", "finding", "said"),
    [
        ("codificacion", ("encoding_wrong", 1, None), "windows-1252"),
        ("delimitador", ("delimiter_wrong", 1, None), "“,”"),
        ("columna", ("columns_missing", 1, None), "“Serie” → “Num. serie”"),
        ("muchas", ("rows_too_many", None, None), f"{ROWS_MAX + 2}"),
        ("ilegible", ("file_unreadable", None, None), "Permission denied"),
        ("vacia", ("file_empty", None, None), "mala.csv"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_with_a_way_out(
    plant: Plant, feed: str, finding: tuple[str, int | None, str | None], said: str
) -> None:
    held = plant.first_look[feed]

    assert [finding] == places(held)
    assert said in words(held)
    assert ["done/buena.csv", "failed/mala.csv"] == files(plant.folder(feed))


def test_too_many_rows_are_refused_before_the_first_with_how_to_split(plant: Plant) -> None:
    assert 1 == plant.records["muchas"]
    assert "2" in plant.first_look["muchas"][0]["findings"][0]["fix"]


def test_one_key_with_two_contents_holds_both_rows_naming_each_other(plant: Plant) -> None:
    held = plant.first_look["repetida"]

    assert [2, 4] == [entry["position"] for entry in held]
    assert ["4" in words(held[:1]), "2" in words(held[1:])] == [True, True]
    assert {"key_repeated"} == {code for code, _, _ in places(held)}


def test_an_impossible_date_is_named_with_row_and_column(plant: Plant) -> None:
    held = plant.first_look["fecha"]

    assert [("cell_date_impossible", 2, "Fecha de fabricación")] == places(held)
    assert "31/02/2026" in words(held)


def test_a_file_that_was_cut_off_loses_no_row_once_it_is_whole(plant: Plant) -> None:
    before = places(plant.first_look["cortada"])
    (plant.folder("cortada") / "entera.csv").write_bytes(encoded(part("T-1"), part("T-2")))
    time.sleep(2 * STABLE_SECONDS)
    report = plant.ingest()

    assert [("cells_wrong", 3, None)] == before
    assert (1, 1, 1) == (report["records"], report["unchanged"], report["twins"])


def test_a_name_in_an_old_encoding_stops_nobody(plant: Plant) -> None:
    assert "nombre" not in plant.first_look
    assert ["done/buena.csv", "done/pi\xe9zas.csv"] == files(plant.folder("nombre"))


def test_a_refused_file_is_taken_once_it_is_mended(plant: Plant) -> None:
    folder = plant.folder("delimitador")
    (folder / "mala.csv").write_bytes(encoded(part("D-1")))
    time.sleep(2 * STABLE_SECONDS)
    report = plant.ingest()

    assert (1, []) == (report["records"], plant.held("delimitador"))


def test_a_refused_file_is_taken_once_the_feed_is_set_right(plant: Plant) -> None:
    folder = plant.folder("codificacion")
    feed = next(feed for feed in plant.feeds if feed.name == "codificacion")
    right = replace(feed, source={**feed.source, "encoding": "windows-1252"})
    plant.feeds = [right if one is feed else one for one in plant.feeds]
    plant.configure()
    (folder / "failed" / "mala.csv").rename(folder / "mala.csv")
    time.sleep(2 * STABLE_SECONDS)
    report = plant.ingest()

    assert (2, []) == (report["records"], plant.held("codificacion"))
    assert ["done/buena.csv", "done/mala.csv"] == files(folder)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """The demo's plant, whose exports hold the other mistakes."""
    plant = Plant(tmp_path_factory.mktemp("exports"))
    folder = plant.folder("todo")
    for file in (data.MASTERS, data.LOTS, data.FOOTPRINTS, data.STRUCTURE):
        stem = Path(file).stem
        plant.add(stem, folder=str(folder), pattern=file)
        plant.feeds[-1] = Feed(
            stem, "delimited_file", MAPPINGS / f"{stem}.yaml", plant.feeds[-1].source
        )
    source = {"folder": str(folder), "pattern": data.SERIALS, "stable_seconds": STABLE_SECONDS}
    plant.feeds.append(Feed("series", "json_lines", MAPPINGS / "series.yaml", source))
    plant.configure()
    data.write_files(folder)
    data.write_serials(folder)
    time.sleep(2 * STABLE_SECONDS)
    plant.ingest()
    plant.look()
    return plant


@pytest.mark.parametrize(
    ("feed", "finding"),
    [
        ("estructura", ("reference_unknown", "unknown child")),
        ("huella_carbono", ("value_under", "negative mass")),
        ("series", ("malformed", "malformed payload")),
    ],
    ids=lambda one: one if isinstance(one, str) else one[1],
)
def test_a_row_that_is_wrong_is_named_in_its_place(
    exports: Plant, feed: str, finding: tuple[str, str]
) -> None:
    code, cause = finding
    wrong = [(w.row, w.column or None) for w in data.wrong() if w.cause == cause]

    assert [(code, row, column) for row, column in wrong] == places(exports.first_look[feed])


def test_all_that_is_not_kept_back_becomes_a_twin(exports: Plant) -> None:
    counts: Any = exports.company.ask("status")
    wanted = expected()

    assert sum(wanted.aspects.values()) == counts["counts"]["aspects"]
    assert sum(wanted.twins.values()) == counts["counts"]["twins"]
    assert sum(wanted.quarantined.values()) == counts["counts"]["quarantined"]


def test_a_file_that_is_still_being_written_is_left_alone(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.add("lento", stable_seconds=1.0)
    plant.configure()
    file = plant.folder("lento") / "lento.csv"
    rows = written([part(f"L-{i}") for i in range(20)]).encode("windows-1252")
    stop = threading.Event()

    def write() -> None:
        with file.open("wb", buffering=0) as out:
            for start in range(0, len(rows), 61):
                out.write(rows[start : start + 61])
                stop.wait(0.3)
                if stop.is_set():
                    out.write(rows[start + 61 :])
                    return

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(1.2)
    early = plant.ingest()
    stop.set()
    writer.join()
    left = files(plant.folder("lento"))
    time.sleep(1.1)
    late = plant.ingest()

    assert (0, 0, []) == (early["records"], early["quarantined"], early["errors"])
    assert (["lento.csv"], 20) == (left, late["records"])


def test_a_file_that_grows_after_it_was_begun_is_read_whole(tmp_path: Path) -> None:
    """What was read of its first half, before we were stopped, does not pass for known."""
    plant = Plant(tmp_path)
    plant.add("crece")
    plant.configure()
    whole = [part(f"G-{i:05}") for i in range(2_500)]
    file = plant.folder("crece") / "crece.csv"
    file.write_bytes(encoded(*whole[:2_000]))
    time.sleep(2 * STABLE_SECONDS)
    note = tmp_path / "note.json"
    start_fused(plant.company, "taking.committed", 1, note)
    died = blown(plant.company)
    file.write_bytes(encoded(*whole))
    time.sleep(2 * STABLE_SECONDS)
    report = plant.ingest()

    assert (True, 2_500, 2_500) == (died, report["records"], report["twins"])


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    folder.mkdir()
    size = f"size={kibibytes}k"
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)),
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small disk to fill can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)


@contextmanager
def filled(folder: Path, kibibytes_left: int) -> Iterator[None]:
    """Fill a disk but for a little."""
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free
    ballast.write_bytes(bytes(max(free - kibibytes_left * 1024, 0)))
    try:
        yield
    finally:
        ballast.unlink()


def on_a_small_disk(tmp_path: Path, disk: Path) -> Plant:
    plant = Plant(tmp_path, connector={"name": "puebla", "bpnl": BPNL, "data": str(disk)})
    plant.add("grande")
    plant.configure()
    (plant.folder("grande") / "primera.csv").write_bytes(encoded(part("P-1")))
    time.sleep(2 * STABLE_SECONDS)
    return plant


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12_000) as disk:
        plant = on_a_small_disk(tmp_path, disk)
        first = plant.ingest()
        many = encoded(*(part(f"G-{i:05}") for i in range(3_000)))
        (plant.folder("grande") / "muchas.csv").write_bytes(many)
        time.sleep(2 * STABLE_SECONDS)
        with filled(disk, 200):
            told = plant.company.run_command("ingest", "--once")
            left = files(plant.folder("grande"))
        plant.ingest()
        status: Any = plant.company.ask("status")

    assert (1, ["done/primera.csv", "muchas.csv"]) == (first["records"], left)
    assert 0 != told.code
    assert "full" in told.out + told.err
    assert (3_001, 3_001, 3_001, 0) == tuple(
        status["counts"][name] for name in ("records", "aspects", "twins", "quarantined")
    )


def test_a_running_connector_outlives_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12_000) as disk:
        plant = on_a_small_disk(tmp_path, disk)
        company = plant.company
        company.start()
        try:
            wait_until(lambda: company.counts()["twins"] == 1, "the first part")
            with filled(disk, 100):
                many = encoded(*(part(f"G-{i:05}") for i in range(3_000)))
                (plant.folder("grande") / "muchas.csv").write_bytes(many)
                wait_until(lambda: "full" in company.process.log.read_text(), "the trouble", 20)
                alive = company.operate("/health/live")[0]
            wait_until(lambda: company.counts()["offers"] >= 0, "an answer")
            wait_until(lambda: company.counts()["twins"] == 3_001, "all parts", 40)
            counts = company.counts()
        finally:
            company.stop()

    assert (200, 3_001, 3_001, 0) == (
        alive,
        counts["records"],
        counts["aspects"],
        counts["quarantined"],
    )


GOOD_MESSAGE = (
    b'{"parte": "MAS-0001", "serie": "Q-1", "descripcion": "Pieza", "pais": "MEX",'
    b' "fecha": "2026-11-17T06:12:30"}'
)
MESSAGES = (
    GOOD_MESSAGE,
    b'{"parte": "MAS-0001", "serie": ',
    b"[1, 2]",
    b"",
    b"\xff\xfe\x00",
    b'{"parte": "MAS-0001", "serie": "\\ud800"}',
    b'{"parte": "MAS-0001"}',
    b'{"parte": 123456789012345678901234567890, "serie": "Q-2"}',
)


def test_malformed_messages_stand_in_the_quarantine_and_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    broker = Broker(tmp_path / "broker")
    plant = Plant(tmp_path)
    source = {"host": HOST, "port": broker.port, "topic": data.TOPIC, "client_id": "bad"}
    plant.feeds.append(Feed("linea", "mqtt", MAPPINGS / "series.yaml", source))
    plant.configure()
    broker.start()
    try:
        plant.ingest()  # from now on the broker keeps what comes
        broker.publish(data.TOPIC, [*MESSAGES, GOOD_MESSAGE.replace(b"Q-1", b"Q-3")])
        report = plant.ingest()
        held = plant.held("linea")
        again = plant.ingest()
    finally:
        broker.stop()

    assert (2, len(MESSAGES) - 1) == (report["twins"], len(held))
    assert Counter({"payload_malformed": 6}) == Counter(
        code for code, _, _ in places(held) if code == "payload_malformed"
    )
    assert (0, 0, len(held)) == (again["records"], again["quarantined"], len(plant.held("linea")))
