"""A partner is asked for credentials in the words in which it gave access to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.messages import TYPE_ALIASES, alias_of, scope_of, types_of

DEFAULT = TYPE_ALIASES[0]


@pytest.mark.parametrize("alias", TYPE_ALIASES)
def test_access_under_an_alias_is_used_under_it(alias: str, signing_key: SigningKey) -> None:
    token = write_jwt({"scope": f"openid {scope_of('BpnCredential', alias)}"}, signing_key)

    assert alias == alias_of(token, DEFAULT)


@pytest.mark.parametrize(
    "scope", ["", "openid", "some.alias:BpnCredential:read", f"{TYPE_ALIASES[1]}:x", "a:b:c:d"]
)
def test_an_alias_that_we_do_not_know_is_not_used(scope: str, signing_key: SigningKey) -> None:
    assert DEFAULT == alias_of(write_jwt({"scope": scope}, signing_key), DEFAULT)


def test_a_token_that_says_nothing_of_scopes_changes_nothing(signing_key: SigningKey) -> None:
    assert DEFAULT == alias_of(write_jwt({"scope": 7}, signing_key), DEFAULT)
    assert DEFAULT == alias_of(write_jwt({}, signing_key), DEFAULT)


@given(st.text(max_size=200))
def test_an_opaque_token_changes_nothing(token: str) -> None:
    assert DEFAULT == alias_of(token, DEFAULT)


@pytest.mark.parametrize("alias", TYPE_ALIASES)
def test_every_known_alias_is_answered(alias: str) -> None:
    assert ("BpnCredential",) == types_of([scope_of("BpnCredential", alias)])
