"""Goes through a ledger from its first row to its last, and says where it is not sound.

Rows come in order, heads in between at the row where each was signed: those that the store
holds, and those that were logged elsewhere. What a head says is believed if a configured key
signed it. The key may also be a former one, if the ledger named it before, and a configured
key signed that part of the ledger later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import DataError
from connector.transfer.chain import (
    ADOPTED,
    GENESIS,
    KEY_INTRODUCED,
    OURSELVES,
    Content,
    Head,
    Seals,
    head_from_json,
    line_of,
    link,
)

# Rows that one transaction may add to those that wait for a head, and what clocks may jump.
BATCH_ROWS_MAX = 10_000
JUMP_SECONDS = 60.0


class BrokenLedgerError(DataError):
    """The ledger was altered, or does not belong to these keys."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A head as it was kept: in the store under ``number``, or on a line of a log."""

    seal: str
    number: int = 0
    source: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether it lies in the store, and not in a log."""
        return not self.source


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ledger that is sound: what it holds, and how much of it is proven.

    Times are in milliseconds since 1970, 0 where there is none. ``adopted_rows`` were
    written before there was a chain; ``logged_heads`` came from a log.
    """

    rows: int
    first_at: int
    last_at: int
    signed_rows: int
    signed_at: int
    stored_heads: int
    logged_heads: int
    adopted_rows: int

    @property
    def unsigned_rows(self) -> int:
        """Rows at the end that no head covers yet."""
        return self.rows - self.signed_rows


class Auditor:
    """Takes rows and heads in turn; raises `BrokenLedgerError` at the first that is wrong."""

    def __init__(self, seals: Seals, keys: Mapping[str, str]) -> None:
        """Take what opens seals, and the keys (JWK by name) that the store keeps."""
        self._seals = seals
        self._keys = keys
        self._introduced: dict[str, int] = {}
        self._leant_on = (0, "")
        self._proven_rows = 0
        self._rows = 0
        self._hash = GENESIS
        self._first_at = self._last_at = self._unsigned_at = 0
        self._last: Head | None = None
        self._adopted = 0
        self._counts = [0, 0]

    @property
    def rows(self) -> int:
        """How many rows have been taken."""
        return self._rows

    def row(self, content: Content, digest: object) -> None:
        """Take the next row with the hash that is stored beside it."""
        expected, number = self._rows + 1, content[0]
        if number != expected:
            raise self._broken("row_missing", number=expected, found=number)
        if digest is None:
            raise self._broken("row_unbound", number=number)
        if self._expected_hash(content) != digest:
            raise self._broken("row_altered", number=number)
        self._rows, self._hash = number, digest
        self._last_at = content[1]
        self._first_at = self._first_at or content[1]
        self._unsigned_at = self._unsigned_at or content[1]
        if content[2] == OURSELVES:
            self._note(content)

    def head(self, signed: Signed) -> None:
        """Take a head, after the last of the rows that it names."""
        head = self._opened(signed)
        if head.rows > self._rows:
            raise self._broken("tail_cut", signed=head.rows, **_where(signed))
        if head.rows != self._rows:
            raise self._broken("head_misplaced", **_where(signed))
        if head.hash != self._hash.hex():
            sound = self._last.rows if self._last else 0
            raise self._broken("rows_rewritten", first=sound + 1, last=head.rows, **_where(signed))
        if signed.is_stored:
            self._take_stored(head, signed)
        self._counts[not signed.is_stored] += 1

    def verdict(self) -> Verdict:
        """Return what was found when all rows and heads have been taken."""
        row, kid = self._leant_on
        if row > self._proven_rows:
            raise self._broken("key_unproven", kid=kid)
        last = self._last
        if last is None and self._rows:
            raise self._broken("no_heads", number=self._rows)
        if last is not None:
            self._check_tail(last)
        signed_rows, signed_at = (last.rows, last.at) if last else (0, 0)
        return Verdict(
            rows=self._rows,
            first_at=self._first_at,
            last_at=self._last_at,
            signed_rows=signed_rows,
            signed_at=signed_at,
            stored_heads=self._counts[0],
            logged_heads=self._counts[1],
            adopted_rows=self._adopted,
        )

    def _expected_hash(self, content: Content) -> bytes:
        try:
            return link(self._hash, line_of(content))
        except TypeError:
            # Something that no row can hold, such as half a character.
            return b""

    def _note(self, content: Content) -> None:
        action, subject = content[5], content[6]
        if action == KEY_INTRODUCED:
            self._introduced.setdefault(subject, content[0])
        elif action == ADOPTED and subject.isdecimal():
            self._adopted = int(subject)

    def _opened(self, signed: Signed) -> Head:
        """Return what a head says if we signed it, and remember on what that rests."""
        kid = self._seals.kid_of(signed.seal)
        content = self._seals.opened(signed.seal)
        proven = content is not None
        if content is None and kid in self._introduced and kid in self._keys:
            content = self._seals.opened(signed.seal, self._keys[kid])
            self._leant_on = max(self._leant_on, (self._introduced[kid], kid))
        if content is None:
            raise self._broken("head_unproven", kid=kid or "?", **_where(signed))
        try:
            head = head_from_json(content)
        except ValueError:
            raise self._broken("head_unproven", kid=kid, **_where(signed)) from None
        if proven:
            self._proven_rows = max(self._proven_rows, min(head.rows, self._rows))
        return head

    def _take_stored(self, head: Head, signed: Signed) -> None:
        before = self._last.number if self._last else 0
        if not before + 1 == head.number == signed.number:
            raise self._broken("head_missing", expected=before + 1, found=head.number)
        self._last = head
        self._unsigned_at = 0

    def _check_tail(self, last: Head) -> None:
        """Refuse an end without a head that is longer than the pace of the last head allows."""
        rows = self._rows - last.rows
        seconds = (self._last_at - self._unsigned_at) / 1000 if rows else 0
        too_many = rows > last.rows_max + BATCH_ROWS_MAX
        if too_many or seconds > last.seconds_max + JUMP_SECONDS:
            raise self._broken(
                "tail_long",
                first=last.rows + 1,
                rows=rows,
                seconds=round(seconds),
                rows_max=last.rows_max,
                seconds_max=f"{last.seconds_max:g}",
            )

    def _broken(self, key: str, **params: object) -> BrokenLedgerError:
        sound = self._last.rows if self._last else 0
        return BrokenLedgerError(f"transfer:{key}", sound=sound, **params)


def _where(signed: Signed) -> Mapping[str, object]:
    return {"where": signed.source or f"ledger_head {signed.number}"}
