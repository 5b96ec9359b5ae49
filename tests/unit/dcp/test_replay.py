"""Used tokens are remembered while they hold, within bounds, and across a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError, SetupError, TransientError
from connector.identifiers import Did
from connector.protocols.dcp import replay
from connector.protocols.dcp.replay import SeenTokens
from connector.protocols.dcp.used_files import OPEN_FILES_MAX, Used, UsedFiles

A, B, GREEDY, MODEST = (Did(f"did:web:{name}.example") for name in ("a", "b", "greedy", "modest"))


def knows_all(_: Did) -> bool:
    return True


def files_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_token_is_used_once_per_issuer() -> None:
    seen = SeenTokens()
    seen.use(A, "1", expires=100, now=50)
    seen.use(B, "1", expires=100, now=50)
    seen.use(A, "2", expires=100, now=50)

    with pytest.raises(PartnerError):
        seen.use(A, "1", expires=200, now=100)


def test_what_has_expired_is_forgotten() -> None:
    seen = SeenTokens()
    for number in range(100):
        seen.use(A, str(number), expires=number, now=0)
    seen.use(A, "last", expires=500, now=200)

    assert (1, 1) == (len(seen._seen), len(seen._by_expiry))
    assert [1, 1] == list(seen._counts.values())


def test_one_partner_cannot_take_all_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "TOKENS_PER_PARTNER_MAX", 3)
    seen = SeenTokens(is_partner=knows_all)
    for number in range(3):
        seen.use(GREEDY, str(number), expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use(GREEDY, "x", expires=100, now=0)
    seen.use(MODEST, "x", expires=100, now=0)
    seen.use(GREEDY, "x", expires=200, now=101)


def test_strangers_together_take_nothing_from_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "TOKENS_OF_STRANGERS_MAX", 3)
    seen = SeenTokens(is_partner=lambda did: did == MODEST)
    for number in range(3):
        seen.use(Did(f"did:web:s{number}.example"), "1", expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use(Did("did:web:s9.example"), "1", expires=100, now=0)
    seen.use(MODEST, "1", expires=100, now=0)


def test_a_stranger_is_given_less_than_a_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "TOKENS_PER_STRANGER_MAX", 1)
    seen = SeenTokens()
    seen.use(A, "1", expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use(A, "2", expires=100, now=0)


def test_all_partners_together_are_bounded_and_none_is_forgotten_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "TOKENS_MAX", 3)
    seen = SeenTokens(is_partner=knows_all)
    for number in range(3):
        seen.use(Did(f"did:web:p{number}.example"), "1", expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use(A, "1", expires=100, now=0)
    with pytest.raises(PartnerError):
        seen.use(Did("did:web:p0.example"), "1", expires=100, now=0)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    # Nothing is closed: the first one dies where it stands.
    SeenTokens(tmp_path / "used").use(A, "1", expires=100, now=50)
    after = SeenTokens(tmp_path / "used")

    with pytest.raises(PartnerError):
        after.use(A, "1", expires=100, now=60)
    after.use(A, "2", expires=100, now=60)


def test_shares_are_counted_across_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "TOKENS_PER_PARTNER_MAX", 2)
    for number in range(2):
        SeenTokens(tmp_path, knows_all).use(A, str(number), expires=100, now=50)

    with pytest.raises(TransientError):
        SeenTokens(tmp_path, knows_all).use(A, "x", expires=100, now=60)


def test_files_go_when_all_in_them_has_expired(tmp_path: Path) -> None:
    seen = SeenTokens(tmp_path)
    seen.use(A, "1", expires=59, now=0)
    seen.use(A, "2", expires=61, now=0)
    assert files_in(tmp_path) == ["0.used", "1.used"]

    seen.use(A, "3", expires=130, now=70)

    assert files_in(tmp_path) == ["1.used", "2.used"]


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_a_record_that_was_cut_off_harms_no_other(tmp_path: Path, cut: int) -> None:
    for number in range(3):
        SeenTokens(tmp_path).use(A, str(number), expires=30, now=0)
    file = tmp_path / "0.used"
    file.write_bytes(file.read_bytes()[:-cut])

    SeenTokens(tmp_path).use(A, "after", expires=30, now=0)

    after = SeenTokens(tmp_path)
    for known in ("0", "1", "after"):
        with pytest.raises(PartnerError):
            after.use(A, known, expires=30, now=0)


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError):
        SeenTokens(tmp_path / "file")


def test_a_use_that_cannot_be_written_is_refused_for_the_moment(tmp_path: Path) -> None:
    seen = SeenTokens(tmp_path / "used")
    (tmp_path / "used").rmdir()

    with pytest.raises(TransientError):
        seen.use(A, "1", expires=100, now=50)


def test_strange_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    (tmp_path / "x.used").touch()

    SeenTokens(tmp_path).use(A, "1", expires=1_000, now=500)

    assert {"note.txt", "x.used"} < set(files_in(tmp_path))


@given(
    st.lists(
        st.builds(
            Used,
            st.floats(0, 5_000),
            st.binary(min_size=16, max_size=16),
            st.binary(min_size=16, max_size=16),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, uses: list[Used]
) -> None:
    folder = tmp_path_factory.mktemp("used")
    with closing(UsedFiles(folder)) as files:
        for used in uses:
            files.write(used)

    assert sorted(uses) == sorted(UsedFiles(folder).read())


def test_the_open_files_are_bounded(tmp_path: Path) -> None:
    with closing(UsedFiles(tmp_path)) as files:
        for number in range(OPEN_FILES_MAX + 5):
            files.write(Used(number * 60.0, b"m" * 16, b"i" * 16, by_partner=True))

        assert OPEN_FILES_MAX == len(files._open)
        files.write(Used(0.0, b"n" * 16, b"i" * 16, by_partner=True))


@pytest.fixture(autouse=True)
def files_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close in the end what the tests let die."""
    made: list[UsedFiles] = []
    init = UsedFiles.__init__

    def noted(self: UsedFiles, folder: Path) -> None:
        made.append(self)
        init(self, folder)

    monkeypatch.setattr(UsedFiles, "__init__", noted)
    yield
    for one in made:
        one.close()
