"""The address book finds partners, and does not let two share a name."""

from __future__ import annotations

import pytest

from connector.errors import SetupError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.model import Partner

PUEBLA = Partner("puebla", Bpnl("BPNL00000000PUE1"), Did("did:web:puebla.example"))
PUEBLA_TWO = Partner("puebla 2", Bpnl("BPNL00000000PUE1"), Did("did:web:two.example"))
OEM = Partner("oem", Bpnl("BPNL00000000OEM1"), Did("did:web:oem.example"))


def test_a_partner_is_found_by_name_did_and_bpnl() -> None:
    book = AddressBook((PUEBLA, OEM))

    assert OEM == book.by_name("oem")
    assert OEM == book.by_did(OEM.did)
    assert OEM == book.by_bpnl(OEM.bpnl)


def test_who_is_not_in_the_book_is_not_found() -> None:
    book = AddressBook((PUEBLA,))

    assert (None, None, None) == (
        book.by_name("oem"),
        book.by_did(OEM.did),
        book.by_bpnl(OEM.bpnl),
    )


def test_of_several_connectors_of_one_company_the_first_is_found() -> None:
    assert PUEBLA == AddressBook((PUEBLA, PUEBLA_TWO)).by_bpnl(PUEBLA.bpnl)


@pytest.mark.parametrize(
    ("twin", "key"),
    [
        (Partner("puebla", OEM.bpnl, OEM.did), "name"),
        (Partner("oem", OEM.bpnl, PUEBLA.did), "did"),
    ],
)
def test_two_entries_with_one_name_or_did_are_a_mistake(twin: Partner, key: str) -> None:
    with pytest.raises(SetupError) as caught:
        AddressBook((PUEBLA, twin))

    assert key == caught.value.params["key"]
