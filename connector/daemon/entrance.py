"""Puts together what decides, at every read, whether a partner may come in to data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connector.offer.datasets import Shelf
from connector.offer.sights import Sights
from connector.partner.model import HolderProofs
from connector.store.database import Database
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.gate import Gate
from connector.transfer.refresh_desk import RefreshDesk
from connector.transfer.standing import Vigil
from connector.transfer.verdicts import Verdicts
from connector.transfer.watch import AccessWatch


class Entrance:
    """The gate and the watch over it, which share what they have found out."""

    def __init__(
        self, db: Database, shelf: Shelf, clock: Callable[[], datetime], vigil: Vigil
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._clock = clock
        self._vigil = vigil
        self.verdicts = Verdicts(db, shelf, clock, vigil)

    def gate(self, holders: HolderProofs | None, reading: Database) -> Gate:
        """Return what is asked once per request; ``reading`` is where twins are read, too."""
        return Gate(self.verdicts, Sights(reading, self._shelf), self._clock, holders)

    def desk(self, delivery: DeliveryDoor, token_seconds: float) -> RefreshDesk:
        """Return what renews tokens that we gave out."""
        return RefreshDesk(delivery, self._shelf, self._vigil, token_seconds)

    def watch(self, delivery: DeliveryDoor) -> AccessWatch:
        """Return what ends the access that may go on no longer."""
        return AccessWatch(delivery, self._shelf, self._vigil, self._clock)
