"""What credentials attested ends with their date, their issuer's word, and our trust."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.errors import PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller, Partner
from tests.unit.dcp.conftest import SUPPLIER, Pair


async def _proven(pair: Pair) -> Caller:
    """Let the supplier, whose credentials are revocable, be proven to the OEM."""
    pair.authority.issue_to(
        pair.supplier.credentials, pair.supplier.did, SUPPLIER, 30, revocable=True
    )
    return await pair.oem.identity.authenticate(await pair.call())


async def test_what_was_just_proven_counts(pair: Pair) -> None:
    caller = await _proven(pair)

    await pair.oem.identity.standing().check(caller)
    assert all(one.statuses for one in caller.credentials)


async def test_a_withdrawn_credential_counts_no_more_once_the_list_is_read_anew(
    pair: Pair,
) -> None:
    caller = await _proven(pair)
    pair.authority.register.withdraw(pair.supplier.did, "MembershipCredential")
    pair.space.clock.shift += timedelta(seconds=11)

    with pytest.raises(PartnerError, match=r"MembershipCredential .* withdrawn"):
        await pair.oem.identity.standing().check(caller)


async def test_an_expired_credential_counts_no_more(pair: Pair) -> None:
    caller = await _proven(pair)
    pair.space.clock.shift += timedelta(days=31)

    with pytest.raises(PartnerError, match="expired"):
        await pair.oem.identity.standing().check(caller)


async def test_an_issuer_who_is_trusted_no_more_counts_no_more(pair: Pair) -> None:
    caller = await _proven(pair)
    standing = replace(pair.oem.identity.standing(), trusted=frozenset({Did("did:web:x.test")}))

    with pytest.raises(PartnerError, match="not trusted"):
        await standing.check(caller)


async def test_a_partner_who_is_another_in_the_address_book_counts_no_more(pair: Pair) -> None:
    caller = await _proven(pair)
    book = AddressBook((Partner("plant", Bpnl("BPNL00000000XXX1"), pair.supplier.did),))

    with pytest.raises(PartnerError, match="address book"):
        await replace(pair.oem.identity.standing(), book=book).check(caller)


async def test_a_list_that_cannot_be_read_is_not_the_partners_fault(pair: Pair) -> None:
    caller = await _proven(pair)
    pair.authority.status_list = lambda *_: "<html>maintenance</html>"  # type: ignore[method-assign]
    pair.space.clock.shift += timedelta(seconds=11)

    with pytest.raises(TransientError, match="nobody can tell"):
        await pair.oem.identity.standing().check(caller)
