"""Door ``publication``: twin -> offer. Each twin of ours gets the audience that it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from connector.offer import table
from connector.offer.model import OfferRule
from connector.offer.table import Published
from connector.offer.visibility import audience_of, fingerprint
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import Work

DOOR = "publication"
REPUBLISH_TWINS_MAX = 5_000
PARTS_MAX = 50_000
NOBODY = 0


class Publication:
    """The door; it keeps between batches which parts have which audience."""

    def __init__(self, rules: Iterable[OfferRule]) -> None:
        """Take the rules of the configuration, in its order."""
        rules = tuple(rules)
        self._keys_of = audience_of(rules)
        self._fingerprint = fingerprint(rules)
        self._numbers: dict[str, int] = {}

    def publish_offers(self, db: Database, work: Work, now: datetime) -> None:
        """Expose the twins of one batch to their partners, and move the door's cursor."""
        with self._transaction(db) as tx:
            self._expose(tx, work.first, work.last)
            journal.append(tx, "offer.published", now, rows=(work.first, work.last))
            journal.advance(tx, DOOR, work)

    def republish(self, db: Database, now: datetime) -> bool:
        """Work one bounded batch of old exposures out anew if the rules have changed.

        Returns whether there may be more; goes on where it was when it was interrupted.
        Until a twin's turn comes nobody sees it by a rule whose parts have changed.
        """
        state = table.published(db)
        if state is None or state.fingerprint != self._fingerprint:
            state = Published(self._fingerprint, table.newest_twin(db), 0)
        elif state.done >= state.target:
            return False
        last = min(state.done + REPUBLISH_TWINS_MAX, state.target)
        with self._transaction(db) as tx:
            if last > state.done:
                self._again(tx, state.done + 1, last, now)
            table.mark_published(tx, replace(state, done=last))
        return last < state.target

    def _again(self, tx: Database, first: int, last: int, now: datetime) -> None:
        table.hide(tx, first, last)
        self._expose(tx, first, last)
        journal.append(tx, "offer.republished", now, rows=(first, last))

    def _expose(self, tx: Database, first: int, last: int) -> None:
        numbers = self._numbers_of(tx, table.own_parts(tx, first, last))
        found = set(numbers.values())
        if len(found) > 1:
            table.expose_each(tx, first, last, numbers)
        elif found - {NOBODY}:
            table.expose_all(tx, first, last, found.pop())

    def _numbers_of(self, tx: Database, parts: Sequence[str]) -> dict[str, int]:
        """Return the audience of each part, 0 for nobody."""
        if len(self._numbers) > PARTS_MAX:
            self._numbers.clear()
        for part in parts:
            if part not in self._numbers:
                self._numbers[part] = self._number(tx, part)
        return {part: self._numbers[part] for part in parts}

    def _number(self, tx: Database, part: str) -> int:
        keys = self._keys_of(part)
        return table.audience_number(tx, keys) if keys else NOBODY

    @contextmanager
    def _transaction(self, db: Database) -> Iterator[Database]:
        """Forget the numbers of audiences that a failed transaction takes back."""
        try:
            with db.transaction() as tx:
                yield tx
        except BaseException:
            self._numbers.clear()
            raise
