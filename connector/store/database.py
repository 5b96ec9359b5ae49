"""One SQLite file, opened once per thread: the only module that imports a database driver.

WAL with ``synchronous=FULL``: a small box loses power, and what a door has committed must
still be there. Every change goes through `Database.transaction`, or through
`Database.gathered` where many small ones come at once: they then share one commit. One
connection, the ledger's, calls for the disk by itself (`Database.sync`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import resources
from operator import attrgetter
from pathlib import Path
from typing import Any, Self, TypeVar

from connector.errors import EslabonError, SetupError, TransientError
from connector.store.turns import Turn
from connector.store.upkeep import CHECKPOINT_PAGES

BUSY_WAIT_SECONDS = 30.0
CACHE_KIBIBYTES = 64 * 1024
# Should nobody patient get round to it.
CHECKPOINT_PAGES_AT_LAST = 8 * CHECKPOINT_PAGES

Row = tuple[Any, ...]
Got = TypeVar("Got")

# Told None when what was gathered is durable, or why it is not and never happened.
Told = Callable[[Exception | None], None]
Later = Callable[[Callable[[], None]], object]

# Not every platform has the quicker one.
_SYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)

_ROW_ID: Callable[[sqlite3.Cursor], int] = attrgetter("lastrowid")
_ROW_COUNT: Callable[[sqlite3.Cursor], int] = attrgetter("rowcount")
_ALL: Callable[[sqlite3.Cursor], list[Row]] = sqlite3.Cursor.fetchall
_FIRST: Callable[[sqlite3.Cursor], Row | None] = sqlite3.Cursor.fetchone

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _unwatched(_: str) -> None:
    """Take no notice: nobody probes."""


class Database:
    """A connection to the store; not to be handed from one thread to another.

    ``probe`` is told when a transaction has written all and is about to be made durable
    ("committing"), and when it is ("committed").
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        probe: Callable[[str], None] = _unwatched,
        turn: Turn | None = None,
    ) -> None:
        """Wrap an open connection; use `open` to get one."""
        self.path = path
        self._connection = connection
        self._probe = probe
        self._turn: AbstractContextManager[None] = turn or nullcontext()
        self._place = turn
        self._changes = 0
        self._log: int | None = None
        self._later: Later | None = None
        self._is_gathering = False
        self._is_writing = False
        self._answering: list[Told] = []
        self._waiting: list[Told] = []

    @classmethod
    def open(
        cls,
        path: Path,
        probe: Callable[[str], None] = _unwatched,
        turn: Turn | None = None,
        *,
        syncs: bool = True,
    ) -> Self:
        """Open the file, creating it if needed, and apply the migrations that it lacks.

        ``turn`` is entered around every transaction, where several threads write. Then it
        is a patient one among them that carries over the log (`Upkeep`).

        With ``syncs`` off, nothing is durable before `sync` has returned, and the connection
        may go from one thread to another, which must not use it at the same time.

        Raises `SetupError` where the folder cannot be written or the file is newer than
        this program.
        """
        try:
            connection = sqlite3.connect(
                path,
                timeout=BUSY_WAIT_SECONDS,
                isolation_level=None,
                cached_statements=512,
                check_same_thread=syncs,
            )
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise SetupError("store:cannot_open", path=path, reason=error) from error
        connection.execute(f"PRAGMA synchronous={'FULL' if syncs else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
        pages = CHECKPOINT_PAGES if turn is None else CHECKPOINT_PAGES_AT_LAST
        connection.execute(f"PRAGMA wal_autocheckpoint={pages}")
        database = cls(path, connection, probe, turn)
        database._migrate()
        return database

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open a store beside a program that may be writing to it; nothing can be changed.

        What is no text, because somebody or a failing disk altered it, is read as text all
        the same. Raises `SetupError` where there is no store, or one of another version.
        """
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_WAIT_SECONDS
            )
            connection.execute("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            raise SetupError("store:cannot_open", path=path, reason=error) from error
        connection.text_factory = lambda raw: str(raw, "utf-8", "surrogateescape")
        database = cls(path, connection)
        row = database.row("PRAGMA user_version")
        if row != (len(migrations()),):
            raise SetupError("store:other_version", path=path)
        return database

    def close(self) -> None:
        """Close the connection; harmless when closed already.

        What was gathered and is not durable yet never happened.
        """
        self._connection.close()
        if self._log is not None:
            os.close(self._log)
            self._log = None
        if self._is_gathering:
            self._end_gathering(TransientError("store:busy", path=self.path))

    @property
    def is_free(self) -> bool:
        """Whether no other connection with a turn is writing at this moment."""
        return self._place is None or not self._place.turns.is_taken

    def sync(self) -> None:
        """Make durable all that this connection has committed; any thread may call it.

        It is what SQLite does at each commit under ``synchronous=FULL``, and all that it
        leaves out under ``NORMAL``. Raises `TransientError` when the disk does not take it.
        """
        try:
            if self._log is None:
                self._log = os.open(f"{self.path}-wal", os.O_RDWR)
            _SYNC(self._log)
        except OSError as error:
            raise TransientError("store:disk_full", path=self.path) from error

    def gather(self, later: Later) -> None:
        """Let `gathered` gather: ``later`` calls what it is given at the loop's next turn."""
        self._later = later

    @contextmanager
    def gathered(self) -> Iterator[Self]:
        """Make everything inside happen together, or nothing of it, and durable soon.

        All that is gathered in one turn of the event loop is made durable by one commit at
        the next; nobody outside may learn of it before `when_durable` says so. Where nothing
        gathers this is a `transaction`. Raises as that does.
        """
        if self._later is None:
            with self.transaction():
                yield self
            return
        is_first = self._begin_gathering(self._later)
        with _worded(self.path):
            # The first needs no mark to go back to: it goes back to the beginning.
            if not is_first:
                self._connection.execute("SAVEPOINT one")
            waiting = len(self._waiting)
            try:
                yield self
            except BaseException:
                del self._waiting[waiting:]
                self._undo_one(is_first=is_first)
                raise
            if not is_first:
                self._connection.execute("RELEASE one")

    @property
    def is_gathering(self) -> bool:
        """Whether this connection sees what is not durable yet."""
        return self._is_gathering

    def when_durable(self, told: Told, *, first: bool = False) -> None:
        """Tell as soon as all that was changed so far is durable; at once if it is.

        Who waits to answer a partner is told ``first``, before whoever sends what comes after.

        Whoever asks inside of `gathered` or `transaction` is told nothing where that is
        undone; else to be asked before anything is awaited or gathered.
        """
        if self._is_gathering or self._is_writing:
            (self._answering if first else self._waiting).append(told)
        else:
            told(None)

    def conclude(self) -> None:
        """Make what was gathered durable now, and tell all who wait for that."""
        if not self._is_gathering:
            return
        failure: Exception | None = None
        try:
            with _worded(self.path):
                self._probe("committing")
                self._connection.execute("COMMIT")
        except (sqlite3.Error, EslabonError) as error:
            failure = error
            self._undo_all()
        self._end_gathering(failure)

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """Make everything inside durable together, or nothing of it.

        Raises `TransientError` when the disk is full or another writer does not let go.
        """
        self.conclude()
        with self._turn, _worded(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            self._is_writing = True
            try:
                yield self
                self._probe("committing")
                self._connection.execute("COMMIT")
            except BaseException:
                self._waiting.clear()
                self._undo_all()
                raise
            finally:
                self._is_writing = False
        self._committed()
        self._tell(None)

    def tidy(self) -> None:
        """Carry the log over into the file if that is due and nobody waits for us."""
        place = self._place
        if place is None or place.is_hurried or not place.turns.upkeep.is_due():
            return
        # What cannot be carried over now is safe in the log.
        with suppress(sqlite3.OperationalError):
            self._carry_over()
            with place:
                # The little that came meanwhile: only an empty log begins anew.
                self._carry_over()
            place.turns.upkeep.done()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return the row id that it inserted, or 0."""
        return self._run(_ROW_ID, sql, parameters) or 0

    def commit_one(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement as a transaction of its own: durable when this returns.

        One trip to the driver instead of three, where somebody waits. Raises as
        `transaction`.
        """
        self.conclude()
        with self._turn, _worded(self.path):
            self._connection.execute(sql, parameters)
        self._note()

    def change(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return self._run(_ROW_COUNT, sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]]) -> None:
        """Run one statement for each tuple of parameters."""
        with _worded(self.path):
            self._connection.executemany(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._run(_ALL, sql, parameters)

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        return self._run(_FIRST, sql, parameters)

    def rows_in(self, sql: str, keys: Sequence[object]) -> list[Row]:
        """Return the rows of a query whose ``IN (%s)`` takes all the keys.

        The number of marks is rounded up to a power of two, so that few statements are
        compiled; the spare marks repeat the last key.
        """
        if not keys:
            return []
        size = 1 << (len(keys) - 1).bit_length()
        padded = [*keys, *[keys[-1]] * (size - len(keys))]
        return self.rows(sql.replace("%s", ",".join("?" * size)), padded)

    def _run(
        self, get: Callable[[sqlite3.Cursor], Got], sql: str, parameters: Sequence[object]
    ) -> Got:
        try:
            return get(self._connection.execute(sql, parameters))
        except sqlite3.DatabaseError as error:
            raise _in_words(error, self.path) from error

    def _begin_gathering(self, later: Later) -> bool:
        """Begin if that has not been done yet in this turn of the loop; say whether it was now."""
        if self._is_gathering:
            return False
        self._turn.__enter__()
        try:
            with _worded(self.path):
                self._connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._turn.__exit__(None, None, None)
            raise
        self._is_gathering = True
        later(self.conclude)
        return True

    def _undo_one(self, *, is_first: bool) -> None:
        if is_first:
            self._undo_all()
            self._end_gathering(TransientError("store:disk_full", path=self.path))
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
        else:
            # A full disk undoes more than the last step.
            self._end_gathering(TransientError("store:disk_full", path=self.path))

    def _undo_all(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _end_gathering(self, failure: Exception | None) -> None:
        self._is_gathering = False
        self._turn.__exit__(None, None, None)
        if failure is None:
            self._committed()
        self._tell(failure)

    def _tell(self, failure: Exception | None) -> None:
        waiting = [*self._answering, *self._waiting]
        self._answering, self._waiting = [], []
        for told in waiting:
            told(failure)

    def _committed(self) -> None:
        self._note()
        self._probe("committed")
        self.tidy()

    def _note(self) -> None:
        if self._place is not None:
            changes = self._connection.total_changes
            self._place.turns.upkeep.note(changes - self._changes)
            self._changes = changes

    def _carry_over(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _migrate(self) -> None:
        scripts = migrations()
        row = self.row("PRAGMA user_version")
        version = int(row[0]) if row else 0
        if version > len(scripts):
            raise SetupError("store:newer_than_program", path=self.path, version=version)
        for number, script in enumerate(scripts[version:], start=version + 1):
            with _worded(self.path):
                self._connection.executescript(
                    f"BEGIN IMMEDIATE;{script};PRAGMA user_version={number};COMMIT;"
                )


def migrations() -> list[str]:
    """Return the SQL of all migrations in order."""
    folder = resources.files("connector.store.migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [file.read_text(encoding="utf-8") for file in files]


@contextmanager
def _worded(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.DatabaseError, path: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return SetupError("store:damaged", path=path, reason=error)
    if code in _FULL:
        return TransientError("store:disk_full", path=path)
    if code in _BUSY:
        return TransientError("store:busy", path=path)
    return error
