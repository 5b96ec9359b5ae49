"""Where in a TOML file each key stands, for messages that point at a line.

The standard parser tells no positions. So the file is cut into statements, by adding line
after line until the parser takes them, and the parser says which keys each one sets.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]


class Lines:
    """The line (1-based) of each key, table and entry of a list of tables."""

    def __init__(self, text: str) -> None:
        """Read a text that the parser has taken as a whole already."""
        self._lines: dict[Path, int] = {}
        self._entries: dict[Path, int] = {}
        table: Path = ()
        for line, statement in _statements(text):
            if statement.lstrip().startswith("["):
                table = self._open_table(statement, line)
            else:
                for keys in _key_paths(tomllib.loads(statement)):
                    self._lines.setdefault((*table, *keys), line)

    def of(self, path: Path) -> int | None:
        """Return the line of a key, or of the nearest thing around it that has one."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def _open_table(self, statement: str, line: int) -> Path:
        path: Path = ()
        at: object = tomllib.loads(statement)
        while isinstance(at, Mapping) and at:
            name, at = next(iter(at.items()))
            path = (*path, name)
            if isinstance(at, list):
                self._entries[path] = self._entries.get(path, -1) + 1
            if path in self._entries:
                path = (*path, self._entries[path])
        self._lines.setdefault(path, line)
        return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    pending: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        pending.append(line)
        statement = "\n".join(pending)
        if not statement.strip() or (len(pending) == 1 and line.lstrip().startswith("#")):
            pending = []
        elif _parses(statement):
            yield number - len(pending) + 1, statement
            pending = []


def _parses(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _key_paths(parsed: Mapping[str, object]) -> Iterator[Path]:
    for key, value in parsed.items():
        yield (key,)
        if isinstance(value, Mapping):
            yield from ((key, *rest) for rest in _key_paths(value))
