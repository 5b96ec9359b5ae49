"""The address book: looks a partner up by legal entity, identifier or name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeVar

from connector.errors import PartnerError, SetupError, TransientError
from connector.identifiers import Bpnl, Did
from connector.partner.model import Partner, UnlistedPartner

Entry = TypeVar("Entry", bound=Partner | UnlistedPartner)


class Dids(Protocol):
    """The port to a directory that knows the DIDs of legal entities."""

    @property
    def source(self) -> str:
        """Where the directory is."""
        ...

    def did_of(self, bpnl: Bpnl) -> Did | None:
        """Return the DID listed for a legal entity."""
        ...

    def age(self) -> timedelta | None:
        """Return how long ago the directory was read; None if it never was."""
        ...


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Partners as the configuration lists them; one legal entity may have several entries.

    An ``unlisted`` entry names no DID: the ``directory`` tells it, each time it is asked for.
    Raises `SetupError` when two entries share a name or an identifier.
    """

    partners: tuple[Partner, ...] = ()
    unlisted: tuple[UnlistedPartner, ...] = ()
    directory: Dids | None = None
    _by_name: Mapping[str, Partner | UnlistedPartner] = field(
        init=False, repr=False, compare=False
    )
    _by_did: Mapping[str, Partner] = field(init=False, repr=False, compare=False)
    _by_bpnl: Mapping[str, tuple[Partner, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the entries once: lookups happen on every message."""
        entries: list[Partner | UnlistedPartner] = [*self.partners, *self.unlisted]
        names = _unique(entries, "name")
        object.__setattr__(self, "_by_name", names)
        object.__setattr__(self, "_by_did", _unique(self.partners, "did"))
        grouped: dict[str, tuple[Partner, ...]] = {}
        for partner in self.partners:
            grouped[partner.bpnl] = (*grouped.get(partner.bpnl, ()), partner)
        object.__setattr__(self, "_by_bpnl", grouped)

    def by_name(self, name: str) -> Partner | None:
        """Return the partner whom the operator calls so.

        Raises `PartnerError` where neither the entry nor the directory tells its DID, and
        `TransientError` where the directory was never read so far.
        """
        found = self._by_name.get(name)
        return self._looked_up(found) if isinstance(found, UnlistedPartner) else found

    def by_did(self, did: Did) -> Partner | None:
        """Return the partner with this identifier."""
        known = self._by_did.get(did)
        if known is not None:
            return known
        # The book wins: a DID that it gives to somebody is nobody else's.
        named = (one for one in self.unlisted if self._listed_did(one) == did)
        return next((Partner(one.name, one.bpnl, did) for one in named), None)

    def by_bpnl(self, bpnl: Bpnl) -> Partner | None:
        """Return the first entry of this legal entity; raises as `by_name`."""
        found = self.all_of(bpnl)
        return found[0] if found else None

    def all_of(self, bpnl: Bpnl) -> tuple[Partner, ...]:
        """Return all connectors of this legal entity, in the order of the book.

        Entries that name a DID come first. Raises as `by_name` where there is none of them.
        """
        found = self._by_bpnl.get(bpnl, ())
        further = [one for one in self.unlisted if one.bpnl == bpnl]
        if not found and further:
            return (self._looked_up(further[0]),)
        listed = ((one, self._listed_did(one)) for one in further)
        return (
            *found,
            *(Partner(one.name, bpnl, did) for one, did in listed if did and self._is_new(did)),
        )

    def _is_new(self, did: Did) -> bool:
        return did not in self._by_did

    def _listed_did(self, entry: UnlistedPartner) -> Did | None:
        return None if self.directory is None else self.directory.did_of(entry.bpnl)

    def _looked_up(self, entry: UnlistedPartner) -> Partner:
        did = self._listed_did(entry)
        if did is not None:
            return Partner(entry.name, entry.bpnl, did)
        directory = self.directory
        source = "" if directory is None else directory.source
        age = None if directory is None else directory.age()
        if age is None:
            raise TransientError(
                "partner:directory_unread", partner=entry.name, bpnl=entry.bpnl, source=source
            )
        minutes = int(age.total_seconds() // 60)
        raise PartnerError(
            "partner:did_unlisted",
            partner=entry.name,
            bpnl=entry.bpnl,
            source=source,
            minutes=minutes,
        )


def _unique(entries: Iterable[Entry], key: str) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        value = str(getattr(entry, key))
        if value in found:
            raise SetupError("partner:entry_repeated", key=key, value=value)
        found[value] = entry
    return found
