"""Ids of shells: a permutation that is HMAC-SHA-256 to the letter, since ids are for ever."""

import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.twin.identity import ShellIds, key_of


def uuids():
    return st.binary(min_size=16, max_size=16).map(lambda raw: key_of(raw.hex()))


@pytest.mark.parametrize("length", [1, 32, 64, 65, 200])
@given(key=uuids())
def test_a_shell_has_the_id_that_the_definition_gives_whatever_the_secret(length, key):
    secret = b"s" * length
    free = int.from_bytes(key)
    free = free >> 80 << 74 | (free >> 64 & 0xFFF) << 62 | free & (1 << 62) - 1
    left, right = free >> 61, free & (1 << 61) - 1
    for number in range(4):
        mixed = hmac.digest(secret, bytes((number,)) + right.to_bytes(8), "sha256")
        left, right = right, left ^ int.from_bytes(mixed[:8]) >> 3
    free = left << 61 | right
    uuid = free >> 74 << 80 | 4 << 76 | (free >> 62 & 0xFFF) << 64 | 2 << 62 | free & (1 << 62) - 1

    assert UUID(int=uuid) == ShellIds(secret).shell_of(key)


@given(key=uuids())
def test_a_shell_leads_back_to_its_asset(key):
    ids = ShellIds(b"s" * 32)

    assert key == ids.key_of(ids.shell_of(key))


def test_an_id_that_was_given_once_is_the_same_today():
    ids = ShellIds(b"s" * 32)

    assert "26961eed-9a10-4121-bb27-1be8dfe5fada" == str(
        ids.shell_of(bytes(6) + b"\x40\x00\x80" + bytes(7))
    )
