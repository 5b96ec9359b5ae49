"""The address book: looks a partner up by legal entity, identifier or name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connector.errors import SetupError
from connector.identifiers import Bpnl, Did
from connector.partner.model import Partner


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Partners as the configuration lists them; one legal entity may have several entries.

    Raises `SetupError` when two entries share a name or an identifier.
    """

    partners: tuple[Partner, ...] = ()
    _by_name: Mapping[str, Partner] = field(init=False, repr=False, compare=False)
    _by_did: Mapping[str, Partner] = field(init=False, repr=False, compare=False)
    _by_bpnl: Mapping[str, tuple[Partner, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the entries once: lookups happen on every message."""
        object.__setattr__(self, "_by_name", _unique(self.partners, "name"))
        object.__setattr__(self, "_by_did", _unique(self.partners, "did"))
        grouped: dict[str, tuple[Partner, ...]] = {}
        for partner in self.partners:
            grouped[partner.bpnl] = (*grouped.get(partner.bpnl, ()), partner)
        object.__setattr__(self, "_by_bpnl", grouped)

    def by_name(self, name: str) -> Partner | None:
        """Return the partner whom the operator calls so."""
        return self._by_name.get(name)

    def by_did(self, did: Did) -> Partner | None:
        """Return the partner with this identifier."""
        return self._by_did.get(did)

    def by_bpnl(self, bpnl: Bpnl) -> Partner | None:
        """Return the first partner entry of this legal entity, in the order of the book."""
        found = self._by_bpnl.get(bpnl, ())
        return found[0] if found else None


def _unique(partners: Iterable[Partner], key: str) -> Mapping[str, Partner]:
    found: dict[str, Partner] = {}
    for partner in partners:
        value = str(getattr(partner, key))
        if value in found:
            raise SetupError("partner:entry_repeated", key=key, value=value)
        found[value] = partner
    return found
