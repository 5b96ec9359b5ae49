"""A ledger in a store of its own: a scribe, a notary with real keys, and ways to forge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from connector.identifiers import Did
from connector.protocols.dcp.keys import SigningKey, signing_key
from connector.protocols.dcp.notary import DcpNotary
from connector.store.database import Database, Row
from connector.transfer.audit import Verdict
from connector.transfer.chain import GENESIS, Line, Pace, line_of, links
from connector.transfer.scribe import Scribe
from connector.transfer.verification import Placed, verify

BEGINNING = 1_764_000_000_000
PACE = Pace(rows_max=4, seconds_max=60.0)
DID = Did("did:web:puebla.example")


def new_key() -> SigningKey:
    """Return a new key of the connector."""
    return signing_key(ec.generate_private_key(ec.SECP256R1()), DID)


def line(number: int, at: int = BEGINNING) -> Line:
    """Return what a partner did, different for each number."""
    partner = f"BPNL0000000000{number % 3:02}"
    return (at + number, partner, "agreement", "transfer", "submodel.read", f"part {number}", "x")


@dataclass
class Book:
    """The ledger of one connector, whose process can end and begin again."""

    path: Path
    keys: list[SigningKey] = field(default_factory=lambda: [new_key()])
    pace: Pace = PACE
    at: int = BEGINNING
    written: int = 0

    def begin(self) -> Scribe:
        """Start the connector."""
        scribe = Scribe(self.path, notary=DcpNotary(self.keys), pace=self.pace)
        scribe.open(self.at)
        scribe.sync()
        return scribe

    def write(self, scribe: Scribe, *batches: int) -> None:
        """Write batches of so many rows."""
        for size in batches:
            lines = [line(self.written + place, self.at) for place in range(size)]
            scribe.write(lines, self.at)
            scribe.sync()
            self.written += size

    def run(self, *batches: int) -> None:
        """Start, write, and die without a last word."""
        scribe = self.begin()
        self.write(scribe, *batches)
        scribe.close()

    def verify(self, logged: Sequence[Placed] = ()) -> Verdict:
        """Read it as an auditor does."""
        db = Database.open_to_read(self.path)
        try:
            return verify(db, DcpNotary(self.keys), logged)
        finally:
            db.close()

    def edit(self, sql: str, *parameters: object) -> None:
        """Do what somebody with the file in hand can do."""
        db = Database.open(self.path)
        db.execute(sql, parameters)
        db.close()

    def rows(self) -> list[Row]:
        """Return what the store holds."""
        db = Database.open_to_read(self.path)
        rows = db.rows("SELECT * FROM ledger ORDER BY number")
        db.close()
        return rows

    def forge_hashes(self) -> None:
        """Give all rows hashes that fit each other, numbers without a gap."""
        db = Database.open(self.path)
        rows = db.rows(
            "SELECT row_number() OVER (ORDER BY number), at, partner, agreement, transfer,"
            " action, subject, detail FROM ledger ORDER BY number"
        )
        each = links(GENESIS, map(line_of, rows))
        db.execute("DELETE FROM ledger")
        pairs = zip(rows, each, strict=True)
        db.executemany(
            "INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?,?)", [(*r, h) for r, h in pairs]
        )
        db.close()
