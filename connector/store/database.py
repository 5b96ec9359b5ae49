"""One SQLite file, opened once per thread: the only module that imports a database driver.

WAL with ``synchronous=FULL``: a small box loses power, and what a door has committed must
still be there. Every change goes through `Database.transaction`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import resources
from pathlib import Path
from typing import Any, Self

from connector.errors import SetupError, TransientError

BUSY_WAIT_SECONDS = 30.0
CACHE_KIBIBYTES = 64 * 1024
CHECKPOINT_PAGES = 8000

Row = tuple[Any, ...]

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
        turn: AbstractContextManager[None] | None = None,
    ) -> None:
        """Wrap an open connection; use `open` to get one."""
        self.path = path
        self._connection = connection
        self._probe = probe
        self._turn: AbstractContextManager[None] = turn or nullcontext()

    @classmethod
    def open(
        cls,
        path: Path,
        probe: Callable[[str], None] = _unwatched,
        turn: AbstractContextManager[None] | None = None,
    ) -> Self:
        """Open the file, creating it if needed, and apply the migrations that it lacks.

        ``turn`` is entered around every transaction, where several threads write.

        Raises `SetupError` where the folder cannot be written or the file is newer than
        this program.
        """
        try:
            connection = sqlite3.connect(
                path, timeout=BUSY_WAIT_SECONDS, isolation_level=None, cached_statements=512
            )
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise SetupError("store:cannot_open", path=path, reason=error) from error
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
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
        """Close the connection; harmless when closed already."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """Make everything inside durable together, or nothing of it.

        Raises `TransientError` when the disk is full or another writer does not let go.
        """
        with self._turn, _worded(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._probe("committing")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._probe("committed")

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return the row id that it inserted, or 0."""
        with _worded(self.path):
            return self._connection.execute(sql, parameters).lastrowid or 0

    def commit_one(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement as a transaction of its own: durable when this returns.

        One trip to the driver instead of three, where somebody waits. Raises as
        `transaction`.
        """
        with self._turn, _worded(self.path):
            self._connection.execute(sql, parameters)

    def change(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with _worded(self.path):
            return self._connection.execute(sql, parameters).rowcount

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]]) -> None:
        """Run one statement for each tuple of parameters."""
        with _worded(self.path):
            self._connection.executemany(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query."""
        with _worded(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        with _worded(self.path):
            found: Row | None = self._connection.execute(sql, parameters).fetchone()
            return found

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
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code in _FULL:
            raise TransientError("store:disk_full", path=path) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise TransientError("store:busy", path=path) from error
        raise
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            raise SetupError("store:damaged", path=path, reason=error) from error
        raise
