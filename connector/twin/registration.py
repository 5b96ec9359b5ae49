"""Door ``registration``: aspect -> twin. A new asset gets a twin, a known one a new version.

The ids of an asset stay; what changes is which payload is current. Old versions remain in
the aspect room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from connector.aspect import table as aspects
from connector.aspect.derivation import identity_digest
from connector.aspect.model import AspectRow
from connector.identifiers import IdentityKey
from connector.record import quarantine
from connector.store import journal
from connector.store.database import Database
from connector.store.interned import Words
from connector.store.journal import Work, millis
from connector.twin.identity import key_of

_INSERT_TWIN = (
    "INSERT INTO twin (id, global_asset_id, uuid, owner, twin_type, manufacturer, part,"
    " instance_name, instance, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)"
)
_CURRENT = "SELECT twin, semantic, version, aspect FROM submodel WHERE twin IN (%s)"
_SAME = (
    "SELECT (SELECT payload FROM aspect WHERE id = ?) = (SELECT payload FROM aspect WHERE id = ?)"
)
_UPSERT_SUBMODEL = (
    "INSERT INTO submodel (twin, semantic, aspect, version, updated_at) VALUES (?,?,?,?,?)"
    " ON CONFLICT (twin, semantic) DO UPDATE SET aspect = excluded.aspect,"
    " version = excluded.version, updated_at = excluded.updated_at"
)
_NAME_TWIN = (
    "UPDATE twin SET twin_type = ?, manufacturer = ?, part = ?, instance_name = ?, instance = ?"
    " WHERE id = ?"
)


_Keyed = tuple[bytes, AspectRow]


class _Version(NamedTuple):
    number: int
    aspect: int


@dataclass(slots=True)
class _Register:
    """What one batch changes, while its aspects are being walked through."""

    next_id: int
    ids: dict[bytes, int]
    nameless: set[int]
    versions: dict[tuple[int, int], _Version]
    twins: list[tuple[object, ...]] = field(default_factory=list)
    fresh: set[int] = field(default_factory=set)
    named: dict[int, IdentityKey] = field(default_factory=dict)
    asset_ids: list[tuple[int, str, str]] = field(default_factory=list)
    submodels: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    identities: list[IdentityKey] = field(default_factory=list)


class Registration:
    """The door; it keeps the numbers of recurring words between batches."""

    def __init__(self) -> None:
        """Begin without having seen a word."""
        self._words = Words("twin_word")
        self._semantics = Words("semantic_id")

    def register_twins(self, db: Database, work: Work, now: datetime) -> None:
        """Register the twins of one batch of aspects, and move the door's cursor past them."""
        found = aspects.aspects(db, work.first, work.last)
        batch = [(key_of(aspect.global_asset_id), aspect) for aspect in found]
        try:
            with db.transaction() as tx:
                register = self._walk(tx, batch, now)
                self._write(tx, register, now)
                journal.advance(tx, "registration", work)
        except BaseException:
            self._words.reset()
            self._semantics.reset()
            raise

    def _walk(self, tx: Database, batch: Sequence[_Keyed], now: datetime) -> _Register:
        register = self._open(tx, batch)
        created = millis(now)
        for key, aspect in batch:
            twin = register.ids.get(key)
            if twin is None:
                twin = self._add_twin(tx, register, (key, aspect), created)
            elif aspect.identity and twin in register.nameless:
                register.nameless.discard(twin)
                register.named[twin] = aspect.identity
                register.identities.append(aspect.identity)
            register.asset_ids += [(twin, name, value) for name, value in aspect.asset_ids]
            semantic = self._semantics.number(tx, aspect.semantic_id)
            self._add_version(tx, register, (twin, semantic), aspect.id)
        return register

    def _open(self, tx: Database, batch: Sequence[_Keyed]) -> _Register:
        wanted = sorted({key for key, _ in batch})
        found = tx.rows_in("SELECT uuid, id, part FROM twin WHERE uuid IN (%s)", wanted)
        ids = {row[0]: row[1] for row in found}
        current = tx.rows_in(_CURRENT, list(ids.values()))
        highest = tx.row("SELECT coalesce(max(id), 0) + 1 FROM twin")
        return _Register(
            int(highest[0]) if highest else 1,
            ids,
            {row[1] for row in found if not row[2]},
            {(row[0], row[1]): _Version(row[2], row[3]) for row in current},
        )

    def _add_twin(self, tx: Database, register: _Register, keyed: _Keyed, created: int) -> int:
        key, aspect = keyed
        twin = register.next_id
        register.next_id += 1
        register.ids[key] = twin
        register.fresh.add(twin)
        owner = self._words.number(tx, aspect.owner) if aspect.owner else None
        if aspect.identity:
            register.identities.append(aspect.identity)
        else:
            register.nameless.add(twin)
        names = self._keys(tx, aspect.identity)
        register.twins.append((twin, aspect.global_asset_id, key, owner, *names, created))
        return twin

    def _keys(self, tx: Database, identity: IdentityKey | None) -> tuple[object, ...]:
        number = self._words.number
        if identity is None:
            return (number(tx, ""), None, "", None, "")
        return (
            number(tx, identity.twin_type),
            number(tx, identity.manufacturer_id),
            identity.manufacturer_part_id,
            number(tx, identity.instance_name),
            identity.instance,
        )

    @staticmethod
    def _add_version(tx: Database, register: _Register, key: tuple[int, int], aspect: int) -> None:
        current = register.versions.get(key)
        if current and tx.row(_SAME, (current.aspect, aspect)) == (1,):
            return
        number = current.number + 1 if current else 1
        register.versions[key] = _Version(number, aspect)
        register.submodels[key] = (aspect, number)

    def _write(self, tx: Database, register: _Register, now: datetime) -> None:
        tx.executemany(_INSERT_TWIN, register.twins)
        tx.executemany(
            _NAME_TWIN, [(*self._keys(tx, key), twin) for twin, key in register.named.items()]
        )
        tx.executemany(
            "INSERT OR IGNORE INTO asset_id (twin, name, value) VALUES (?,?,?)",
            register.asset_ids,
        )
        at = millis(now)
        tx.executemany(
            _UPSERT_SUBMODEL,
            [(*key, *version, at) for key, version in register.submodels.items()],
        )
        self._announce(tx, register, now)

    @staticmethod
    def _announce(tx: Database, register: _Register, now: datetime) -> None:
        if register.twins:
            rows = (register.next_id - len(register.twins), register.next_id - 1)
            journal.append(tx, "twin.registered", now, rows=rows)
        for twin in register.named.keys() - register.fresh:
            journal.append(tx, "twin.named", now, rows=(twin, twin))
        renewed = sorted({twin for twin, _ in register.submodels} - register.fresh)
        if renewed:
            detail = {"count": len(renewed)}
            rows = (renewed[0], renewed[-1])
            journal.append(tx, "submodel.renewed", now, rows=rows, detail=detail)
        if register.identities and quarantine.anybody_awaits(tx):
            digests = [identity_digest(key) for key in register.identities]
            quarantine.release_awaiting(tx, digests, now)
