"""Reads on the short way: answered as on the ordinary one, in order, within the same limits.

Each case is played twice on a real listener: with the short way, and without it.
"""

import asyncio
import re
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from connector.daemon.connection import connections
from connector.daemon.doorway import Doorway, Patience, Public
from connector.errors import TransientError
from connector.partner.rates import Rates, Share
from connector.protocols.dataplane.warm import Reader, WarmReads
from connector.store.database import Database
from connector.transfer.ledger import WAITING_MAX
from connector.twin.identity import ShellIds, key_of
from tests.builders.exchange import OEM, PCF, SECRET, SERIAL, SERIAL_4, Part, Plant, value_of

DOOR = Part("A-100", "S-1", (SERIAL, SERIAL_4, PCF))
THEIRS = Part("B-100", "S-1", (SERIAL,))
ASPECT = "io.catenax.serial_part:3.0.0:SerialPart"
NOBODYS = "7f3c8a52-0d34-4f2a-9d2c-6f1d2b0f9a11"


class WatchedReads(WarmReads):
    """Counts what is taken, and what of it is sent on to the ordinary way."""

    def __init__(self, plane):
        super().__init__(plane)
        self.taken = self.declined = 0

    def take(self, request, reader):
        is_taken = super().take(request, _Watched(self, reader))
        self.taken += is_taken
        return is_taken


@dataclass
class _Watched:
    reads: WatchedReads
    reader: Reader

    def answer(self, *given):
        self.reader.answer(*given)

    def decline(self):
        self.reads.declined += 1
        self.reader.decline()


class QuietServer(uvicorn.Server):
    """A server that leaves the signals alone."""

    @contextmanager
    def capture_signals(self):
        yield


@dataclass
class Stage:
    """One connector that listens, and one connection to it."""

    plant: Plant
    public: Public
    server: uvicorn.Server
    port: int
    token: str
    reader: asyncio.StreamReader = field(init=False)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def reads(self):
        return self.public._warm

    @property
    def writer(self):
        return self.writers[-1]

    async def connect(self):
        self.reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.close()
        self.writers.append(writer)

    def close(self):
        for writer in self.writers:
            writer.close()

    def request(self, path=None, **headers):
        given = {"Host": "puebla", "Authorization": self.token} | headers
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
        return f"GET {path or href()} HTTP/1.1\r\n{lines}\r\n".encode()

    async def ask(self, *given, **headers):
        self.writer.write(self.request(*given, **headers))
        return await self.answer()

    async def answer(self):
        """Return the next answer on the connection, as it came but for the time."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1]) if length else 0)
        head = re.sub(rb"date: .*?\r\n", b"", head)
        return head + re.sub(rb'"timestamp":"[^"]*"', b"", body)

    async def settle(self, **headers):
        """Ask as often as it takes for the short way to know what is asked."""
        for _ in range(3):
            await self.ask(**headers)


def href(part=DOOR, aspect=ASPECT):
    shell = part if isinstance(part, str) else ShellIds(SECRET).shell_of(key_of(part.id))
    return f"/data/{shell}/{aspect}/submodel/$value"


@asynccontextmanager
async def stage(folder, *, is_warm=True, requests_max=100):
    folder.mkdir(exist_ok=True)
    db = Database.open(folder / "store.db")
    plant = Plant(db)
    plant.make(DOOR, THEIRS)
    token = plant.grant(OEM, plant.dataset(SERIAL))
    warm = WatchedReads(plant.plane) if is_warm else None
    public = Public(plant.app, {"/data/": plant.plane}, requests_max, 30.0, warm)
    made: Any = connections(Doorway(Patience(), public))
    config = uvicorn.Config(
        public,
        http=made,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_keep_alive=65,
    )
    server = QuietServer(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        serving = asyncio.create_task(server.serve([bound]))
        one = Stage(plant, public, server, bound.getsockname()[1], token)
        await one.connect()
        try:
            yield one
        finally:
            one.close()
            server.should_exit = True
            await serving
            await plant.ledger.close()
            db.close()


def _nothing(_stage):
    """Let everything be."""


def _hide(stage):
    stage.plant.db.execute("DELETE FROM exposure")


def _suspend(stage):
    stage.plant.db.execute("UPDATE transfer SET state = 'SUSPENDED'")
    stage.plant.verdicts.forget(f"urn:uuid:{stage.token}")


def _wait(seconds):
    def change(stage):
        stage.plant.now += timedelta(seconds=seconds)

    return change


def _exhaust(stage):
    bucket = stage.plant.rates._buckets[OEM]
    bucket.left = 0.0


def _full(stage):
    def full(*_, **__):
        raise TransientError("store:disk_full", path="store.db")

    stage.plant.ledger._scribe.write = full


def _behind(stage):
    stage.plant.ledger._next.lines = [(0, "", "", "", "", "", "")] * WAITING_MAX


def _value(payload):
    def change(stage):
        stage.plant.db.execute("UPDATE aspect SET payload = ?", (payload,))

    return change


@pytest.mark.parametrize(
    ("change", "path", "headers", "status"),
    [
        (_nothing, href(), {}, 200),
        (_nothing, href().removesuffix("/$value"), {}, 200),
        (_nothing, href(), {"Accept_Encoding": "gzip, deflate", "User_Agent": "x"}, 200),
        (_nothing, href(), {"Connection": "keep-alive"}, 200),
        (_nothing, href(NOBODYS), {}, 404),
        (_nothing, href(THEIRS), {}, 404),
        (_nothing, href(aspect="io.catenax.serial_part:4.0.0:SerialPart"), {}, 403),
        (_nothing, href(aspect="io.catenax.pcf:9.0.0:Pcf"), {}, 403),
        (_hide, href(), {}, 404),
        (_suspend, href(), {}, 403),
        (_wait(2), href(), {}, 200),
        (_wait(400), href(), {}, 403),
        (_exhaust, href(), {}, 429),
        (_full, href(), {}, 503),
        (_behind, href(), {}, 503),
        (_value(b"{}"), href(), {}, 200),
        (_value(b"[" + b"1," * 5_000 + b"1]"), href(), {"Accept_Encoding": "gzip"}, 200),
        (_value(b"[" + b"1," * 20_000 + b"1]"), href(), {}, 200),
        (_value(b"[" + b"1," * 99_000 + b"1]"), href(), {"Accept_Encoding": "gzip"}, 200),
    ],
)
async def test_both_ways_give_the_same_answers_and_the_same_rows(
    tmp_path, change, path, headers, status
):
    played = []
    for is_warm in (True, False):
        async with stage(tmp_path / str(is_warm), is_warm=is_warm) as one:
            await one.settle(**headers)
            taken = one.reads.taken if is_warm else 0
            change(one)
            answer = await one.ask(path, **headers)
            one.plant.ledger._next.lines = []
            played.append((answer, one.plant.reads(), one.plant.rates._buckets[OEM].left))
            assert not is_warm or one.reads.taken == taken + 1

    assert f"HTTP/1.1 {status} ".encode() == played[0][0][:13]
    assert played[1] == played[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-3"},
        {"If_None_Match": "*"},
        {"Connection": "close"},
        {"Expect": "100-continue"},
        {"Content_Length": "0"},
    ],
)
async def test_what_is_unusual_goes_the_ordinary_way(tmp_path, headers):
    async with stage(tmp_path) as one:
        for _ in range(4):
            await one.connect()
            one.writer.write(one.request(**headers))
            await one.reader.readuntil(b"\r\n\r\n")

        assert 0 == one.reads.taken


async def test_headers_that_are_new_each_time_are_not_remembered(tmp_path):
    async with stage(tmp_path) as one:
        for number in range(5):
            await one.ask(X_Request_Id=str(number))

        assert {} == one.reads._heads


async def test_the_headers_of_strangers_are_not_remembered(tmp_path):
    async with stage(tmp_path) as one:
        one.token = "made-up"
        for _ in range(4):
            await one.ask()

        assert (0, {}) == (one.reads.taken, one.reads._heads)


async def test_a_request_in_pieces_is_no_known_one_and_is_answered(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        taken, request = one.reads.taken, one.request()
        for piece in (request[:3], request[3:70], request[70:]):
            one.writer.write(piece)
            await asyncio.sleep(0.02)
        answer = await one.answer()

        assert answer.endswith(value_of(DOOR, SERIAL))
        assert taken == one.reads.taken


async def test_after_a_short_read_the_connection_is_good_for_anything(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        answers = [await one.ask("/nowhere"), await one.ask(), await one.ask("/data/x")]

        assert [b"404", b"200", b"404"] == [answer[9:12] for answer in answers]


async def test_requests_that_do_not_wait_are_answered_in_their_order(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        one.writer.write(one.request())
        await asyncio.sleep(0)
        for path in ("/nowhere", href(), "/data/x", href(NOBODYS)):
            one.writer.write(one.request(path))
            await asyncio.sleep(0)
        answers = [await one.answer() for _ in range(5)]

        assert [b"200", b"404", b"200", b"404", b"404"] == [answer[9:12] for answer in answers]


async def test_a_bound_token_takes_the_short_way_with_the_proof_that_was_checked(tmp_path):
    async with stage(tmp_path) as one:
        one.plant.bind_to_holders()
        proof = one.plant.proof(one.token, OEM)
        await one.settle(**proof)
        taken = one.reads.taken
        refused = await one.ask()
        other = await one.ask(**one.plant.proof("another token", OEM))
        answer = await one.ask(**proof)

        assert (1, taken + 1, 0) == (taken, one.reads.taken, one.reads.declined)
        assert [b"401", b"401", b"200"] == [reply[9:12] for reply in (refused, other, answer)]


async def test_a_proof_is_checked_anew_when_its_verdict_has_gone(tmp_path):
    async with stage(tmp_path) as one:
        one.plant.bind_to_holders()
        proof = one.plant.proof(one.token, OEM)
        await one.settle(**proof)
        one.plant.proofs.trouble = TransientError("protocols:unreachable", url="u", reason="r")
        warm = await one.ask(**proof)
        one.plant.now += timedelta(seconds=2)
        cold = await one.ask(**proof)

        assert [b"200", b"503"] == [warm[9:12], cold[9:12]]


async def test_a_fault_of_ours_is_answered_as_everywhere(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        one.plant.db.execute(
            "CREATE TRIGGER jammed BEFORE INSERT ON ledger"
            " BEGIN SELECT raise(ABORT, 'jammed'); END"
        )
        answer = await one.ask()

        assert (b"500", 1) == (answer[9:12], one.reads.declined)


async def test_a_reader_that_hangs_up_leaves_its_row_and_disturbs_nobody(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        before = len(one.plant.reads())
        one.writer.write(one.request())
        await asyncio.sleep(0)
        one.writer.transport.abort()
        await one.connect()
        answer = await one.ask()

        assert b"200" == answer[9:12]
        assert before + 2 >= len(one.plant.reads()) > before
        assert 0 == one.public._requests


async def test_one_request_too_many_is_told_so_as_everywhere(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        one.public._requests_max = 0
        answer = await one.ask()

        assert (b"503", 0) == (answer[9:12], one.public._requests)
        assert b"retry-after: 1" in answer


async def test_at_a_stop_who_waits_is_answered_and_told_that_it_was_the_last(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        taken = one.reads.taken
        one.writer.write(one.request())
        while one.reads.taken == taken:  # noqa: ASYNC110 - the next turn is what is waited for
            await asyncio.sleep(0)
        for connection in list(one.server.server_state.connections):
            connection.shutdown()
        answer = await one.answer()

        assert b"200" == answer[9:12]
        assert b"connection: close\r\n" in answer
        assert b"" == await one.reader.read()


async def test_reads_that_come_together_share_a_row_number_each_and_a_commit(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        lines = [await asyncio.open_connection("127.0.0.1", one.port) for _ in range(10)]
        for _, writer in lines:
            writer.write(one.request())
        own = one.reader
        for one.reader, writer in lines:
            assert b"200" == (await one.answer())[9:12]
            writer.close()
        one.reader = own

        assert 13 == len(one.plant.reads())


async def test_an_idle_connection_is_closed_and_a_short_read_sets_the_clock_back(tmp_path):
    async with stage(tmp_path) as one:
        await one.settle()
        (connection,) = one.server.server_state.connections
        was_idle = connection.is_idle(connection._idle_since + 64)
        await one.ask()
        connection._idle_since -= 66

        assert not was_idle
        assert b"" == await asyncio.wait_for(one.reader.read(), 5)


async def test_each_partner_has_its_share_on_either_way(tmp_path):
    async with stage(tmp_path) as one:
        one.plant.rates = one.plant.plane.rates
        one.plant.rates._share = Share(1.0, 5)
        await one.settle()
        answers = [await one.ask() for _ in range(4)]

        assert [b"200", b"200", b"429", b"429"] == [answer[9:12] for answer in answers]
        assert isinstance(one.plant.rates, Rates)
