"""Tells the door that owed a message what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.process import ProcessDoor
from connector.agreement.states import NegotiationMessage
from connector.store.database import Database
from connector.store.outbox import Owed
from connector.store.receipt import Receipt
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.states import TransferMessage


class Fates:
    """What the fate of a message means for its process; see `connector.loops.sending`."""

    def __init__(self, negotiation: NegotiationDoor, delivery: DeliveryDoor) -> None:
        doors: dict[str, ProcessDoor[Any, Any]] = dict.fromkeys(NegotiationMessage, negotiation)
        self._doors = doors | dict.fromkeys(TransferMessage, delivery)

    def settled(self, tx: Database, owed: Owed, receipt: Receipt, now: datetime) -> None:
        """Take note that a message arrived."""
        self._doors[owed.outgoing.message].message_settled(tx, owed, receipt, now)

    def refused(self, tx: Database, owed: Owed, reason: str, now: datetime) -> None:
        """Take note that a message will not arrive, and why."""
        self._doors[owed.outgoing.message].message_refused(tx, owed, reason, now)
