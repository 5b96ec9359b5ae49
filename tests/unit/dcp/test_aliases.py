"""A partner is asked for credentials in the words in which it gave access to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.messages import (
    ID_ALIAS,
    TYPE_ALIASES,
    Wording,
    ids_of,
    scope_of,
    types_of,
    wording_of,
)

DEFAULT = Wording(TYPE_ALIASES[0])


@pytest.mark.parametrize("alias", TYPE_ALIASES)
@pytest.mark.parametrize(("given", "used"), [("", ""), (":read", ":read"), (":*", ":read")])
def test_access_is_used_in_the_words_in_which_it_was_given(
    alias: str, given: str, used: str, signing_key: SigningKey
) -> None:
    token = write_jwt({"scope": f"openid {alias}:BpnCredential{given}"}, signing_key)

    assert f"{alias}:X{used}" == wording_of(token, DEFAULT).scope("X")


@pytest.mark.parametrize(
    "scope",
    ["", "openid", "some.alias:BpnCredential:read", f"{TYPE_ALIASES[1]}:x:write", "a:b:c:d"],
)
def test_an_alias_that_we_do_not_know_is_not_used(scope: str, signing_key: SigningKey) -> None:
    assert DEFAULT == wording_of(write_jwt({"scope": scope}, signing_key), DEFAULT)


def test_a_token_that_says_nothing_of_scopes_changes_nothing(signing_key: SigningKey) -> None:
    assert DEFAULT == wording_of(write_jwt({"scope": 7}, signing_key), DEFAULT)
    assert DEFAULT == wording_of(write_jwt({}, signing_key), DEFAULT)


@given(st.text(max_size=200))
def test_an_opaque_token_changes_nothing(token: str) -> None:
    assert DEFAULT == wording_of(token, DEFAULT)


@pytest.mark.parametrize("alias", TYPE_ALIASES)
def test_every_known_alias_is_answered(alias: str) -> None:
    assert ("BpnCredential",) == types_of([scope_of("BpnCredential", alias)])


@pytest.mark.parametrize("ending", ["", ":read", ":*", ":all"])
def test_a_scope_may_say_at_its_end_what_may_be_done(ending: str) -> None:
    assert ("X",) == types_of([f"{DEFAULT.alias}:X{ending}"])
    assert frozenset({"urn:uuid:1"}) == ids_of([f"{ID_ALIAS}:urn:uuid:1{ending}"])


def test_ids_are_read_as_they_are_and_unescaped() -> None:
    asked = [f"{ID_ALIAS}:did:web:a%3A1#x", f"{ID_ALIAS}:urn%3Auuid%3A1", f"{ID_ALIAS}:", "x:y"]

    assert {"did:web:a%3A1#x", "did:web:a:1#x", "urn%3Auuid%3A1", "urn:uuid:1"} == ids_of(asked)
    assert () == types_of(asked[:3])
