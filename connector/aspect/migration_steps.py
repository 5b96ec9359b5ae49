"""What a migration between two versions of a model does: a closed list of steps, as values.

They are read from the TOML files in ``schemas/migrations``. A step names the place that it
takes from, and the place in the newer payload that it fills.
"""

from __future__ import annotations

import tomllib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import msgspec

from connector.errors import DataError, SetupError
from connector.identifiers import SemanticId

Scalar = str | int | bool


class Move(msgspec.Struct, tag="move", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take a value to its place. ``times`` multiplies it by the value at another place."""

    source: str = msgspec.field(name="from")
    to: str
    times: str = ""


class Map(msgspec.Struct, tag="map", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take a value to its place under its name there; those of ``absent`` are said by silence."""

    source: str = msgspec.field(name="from")
    to: str
    values: Mapping[str, Scalar]
    absent: Sequence[str] = ()


class Rewrite(
    msgspec.Struct, tag="rewrite", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Take a text to its place in another form; ``lost`` names the text that says what goes."""

    source: str = msgspec.field(name="from")
    to: str
    pattern: str
    into: str = msgspec.field(name="with")
    lost: str = ""


class BySign(msgspec.Struct, tag="by_sign", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take a number to one place if it is below zero, else to another."""

    source: str = msgspec.field(name="from")
    negative: str
    other: str
    times: str = ""


class Drop(msgspec.Struct, tag="drop", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Leave a value behind and say so; ``unless`` is the value that is not worth a word."""

    source: str = msgspec.field(name="from")
    lost: str = "migration_lost"
    unless: Scalar | None = None


class Constant(
    msgspec.Struct, tag="constant", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Put a value that the newer version fixes; not where there is one already."""

    to: str
    value: Scalar | Mapping[str, Scalar]


class Require(
    msgspec.Struct, tag="require", frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Say what the newer version needs and the older one did not hold."""

    to: str


class Flag(msgspec.Struct, tag="flag", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Say something about a value unless it is the one given; take nothing."""

    source: str = msgspec.field(name="from")
    unless: Scalar
    says: str


class Renew(msgspec.Struct, tag="renew", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give a new id, and put the old one first among those that it replaces.

    On the way through several versions only the last one does so: no payload between was
    ever stated. ``item`` names the key under which a replaced id stands in its list.
    """

    source: str = msgspec.field(name="from")
    to: str
    preceding: str
    item: str = ""


MigrationStep = Move | Map | Rewrite | BySign | Drop | Constant | Require | Flag | Renew


class _File(msgspec.Struct, forbid_unknown_fields=True):
    source: list[str] = msgspec.field(name="from")
    to: str
    keep: list[str] = []
    step: list[MigrationStep] = []


@dataclass(frozen=True, slots=True)
class Migration:
    """The way from any of several versions of a model to another version of it."""

    sources: tuple[SemanticId, ...]
    target: SemanticId
    steps: tuple[MigrationStep, ...]


@dataclass(frozen=True, slots=True)
class Migrations:
    """All migrations that are known."""

    known: Sequence[Migration] = field(default_factory=tuple)

    def way(self, source: SemanticId, target: SemanticId) -> tuple[Migration, ...]:
        """Return the shortest way from one version to another, none where both are the same.

        Raises:
            SetupError: there is no way.

        """
        ahead: deque[tuple[SemanticId, tuple[Migration, ...]]] = deque([(source, ())])
        seen = {source}
        while ahead:
            at, so_far = ahead.popleft()
            if at == target:
                return so_far
            for each in self.known:
                if at in each.sources and each.target not in seen:
                    seen.add(each.target)
                    ahead.append((each.target, (*so_far, each)))
        names = sorted({f"{s} → {each.target}" for each in self.known for s in each.sources})
        raise SetupError(
            "aspect:migration_no_way", source=source, target=target, known=", ".join(names)
        )

    def sources_of(self, target: SemanticId) -> Iterator[SemanticId]:
        """Yield every version from which a way leads to this one, the nearest first."""
        ahead = deque([target])
        seen = {target}
        while ahead:
            at = ahead.popleft()
            for source in (s for each in self.known if each.target == at for s in each.sources):
                if source not in seen:
                    seen.add(source)
                    ahead.append(source)
                    yield source


def shipped_migrations() -> Migrations:
    """Return the migrations that come with Eslabón."""
    folder = Path(str(resources.files("schemas"))) / "migrations"
    return read_migrations(sorted(folder.glob("*.toml")))


def read_migrations(files: Iterable[Path]) -> Migrations:
    """Read migrations from files.

    Raises:
        SetupError: a file holds what no migration can do.

    """
    return Migrations(tuple(_read(path) for path in files))


def _read(path: Path) -> Migration:
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
        sources = tuple(SemanticId.parse(each) for each in found.source)
        target = SemanticId.parse(found.to)
    except (OSError, ValueError, DataError) as error:
        raise SetupError("aspect:migration_file_broken", file=path, reason=error) from error
    kept = tuple(Move(source=each, to=each) for each in found.keep)
    return Migration(sources, target, (*kept, *found.step))
