"""What a company's eslabon.toml says, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POLICY = "industry-core"

Table = Mapping[str, object]
Tables = Table | list[Table]


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a company's configuration; ``source`` are the adapter's own fields."""

    name: str
    adapter: str
    mapping: Path
    source: Mapping[str, object]
    poll_seconds: float = 0.5
    rows_max: int | None = None

    def table(self) -> Table:
        """Return it as eslabon.toml says it."""
        limit = {} if self.rows_max is None else {"rows_max": self.rows_max}
        return {
            "name": self.name,
            "adapter": self.adapter,
            "mapping": str(self.mapping.absolute()),
            "poll_seconds": self.poll_seconds,
            **limit,
            "source": dict(self.source),
        }


@dataclass(frozen=True, slots=True)
class Offer:
    """What a company offers to whom; no aspects or parts named means all of them."""

    name: str
    partners: tuple[str, ...]
    aspects: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    policy: str = POLICY

    def table(self) -> Table:
        """Return it as eslabon.toml says it."""
        return {
            "name": self.name,
            "partners": self.partners,
            "policy": self.policy,
            "aspects": self.aspects,
            "parts": self.parts,
        }


def toml_of(document: Mapping[str, Tables]) -> str:
    """Return a document of tables and lists of tables as TOML."""
    return "\n".join(_tables(document))


def _tables(document: Mapping[str, Tables]) -> Iterator[str]:
    for name, content in document.items():
        head = f"[[{name}]]" if isinstance(content, list) else f"[{name}]"
        for table in content if isinstance(content, list) else [content]:
            yield head
            yield from (f"{key} = {_value(value)}" for key, value in dict(table).items())
            yield ""


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
