"""Bodies that are compressed: what they unfold to, and what they may not."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.protocols.coding import Intake

URL = "https://partner.example/data"


def taken(raw, coding="gzip", limit=1_000_000, chunk=1000):
    intake = Intake(coding, limit, URL)
    for start in range(0, len(raw), chunk):
        intake.feed(raw[start : start + chunk])
    return intake.content()


@given(st.binary(max_size=5000), st.integers(1, 400), st.integers(0, 9))
def test_what_was_compressed_comes_back(content, chunk, level):
    assert content == taken(gzip.compress(content, level), chunk=chunk)


@given(st.lists(st.binary(max_size=500), max_size=4), st.integers(1, 50))
def test_members_that_follow_each_other_are_one_body(parts, chunk):
    assert b"".join(parts) == taken(b"".join(map(gzip.compress, parts)), chunk=chunk)


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_what_is_not_compressed_is_taken_as_it_is(coding):
    assert b"plain" == taken(b"plain", coding)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_an_answer_without_a_body_is_empty(coding):
    assert b"" == taken(b"", coding)


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 10_000])
def test_a_coding_that_was_not_asked_for_is_refused(coding):
    with pytest.raises(PartnerError) as caught:
        taken(b"", coding)

    assert "protocols:coding_unknown" == caught.value.code


@pytest.mark.parametrize(
    "raw",
    [
        b"no gzip",
        gzip.compress(b"x" * 100)[:-1],
        gzip.compress(b"x")[:5],
        gzip.compress(b"x") + b"and more",
        zlib.compress(b"x"),
    ],
)
def test_what_is_no_gzip_is_refused(raw):
    with pytest.raises(PartnerError) as caught:
        taken(raw)

    assert "protocols:coding_malformed" == caught.value.code


def test_the_limit_counts_what_it_unfolds_to():
    assert 1000 == len(taken(gzip.compress(b"x" * 1000), limit=1000))
    with pytest.raises(PartnerError) as caught:
        taken(gzip.compress(b"x" * 1001), limit=1000)

    assert "protocols:answer_too_large" == caught.value.code


def test_a_bomb_takes_no_more_memory_than_the_limit():
    bomb = gzip.compress(b"\0" * 200_000_000)
    tracemalloc.start()
    with pytest.raises(PartnerError):
        taken(bomb, limit=1_000_000, chunk=65_536)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000
