"""Our credentials are read from a folder, chosen by type, and reported on in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import SetupError, Severity
from connector.identifiers import Did
from connector.protocols.dcp.credentials import BPN, CATENA_X_TYPES, MEMBERSHIP
from connector.protocols.dcp.wallet import Wallet
from deploy.demo.authority import Authority
from tests.unit.dcp.conftest import SUPPLIER, Clock

HOLDER = Did("did:web:plant.example")
ISSUER = Did("did:web:authority.example")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authority(tmp_path: Path, clock: Clock) -> Authority:
    return Authority(tmp_path / "authority", ISSUER, clock)


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Path:
    authority.issue_to(tmp_path / "credentials", HOLDER, SUPPLIER, days=365)
    return tmp_path / "credentials"


@pytest.fixture
def put(folder: Path, authority: Authority) -> Callable[[str, timedelta], str]:
    def written(name: str, life: timedelta) -> str:
        text = authority.credential(BPN, {"id": HOLDER, "bpn": SUPPLIER}, life)
        (folder / name).write_text(text)
        return text

    return written


def keys(wallet: Wallet, clock: Clock) -> list[str]:
    return [one.code.split(":")[1] for one in wallet.findings(CATENA_X_TYPES, clock())]


def test_a_complete_folder_has_nothing_to_report(folder: Path, clock: Clock) -> None:
    wallet = Wallet(folder, HOLDER)

    assert [] == keys(wallet, clock)
    assert 3 == len(wallet.presentable(CATENA_X_TYPES, clock()))


def test_only_what_is_asked_for_is_presented(folder: Path, clock: Clock) -> None:
    texts = Wallet(folder, HOLDER).presentable([MEMBERSHIP, "Unknown"], clock())

    assert ((folder / f"{MEMBERSHIP}.jwt").read_text(),) == texts


def test_of_several_of_a_type_the_one_that_lasts_longest_is_presented(
    folder: Path, put: Callable[[str, timedelta], str], clock: Clock
) -> None:
    put("a.jwt", timedelta(days=1))
    longest = put("b.jwt", timedelta(days=900))
    put("z.jwt", timedelta(days=2))

    assert (longest,) == Wallet(folder, HOLDER).presentable([BPN], clock())


def test_an_expired_credential_is_not_presented_but_reported(folder: Path, clock: Clock) -> None:
    wallet = Wallet(folder, HOLDER)
    clock.shift = timedelta(days=366)

    assert () == wallet.presentable(CATENA_X_TYPES, clock())
    assert ["credential_expired"] * 3 == keys(wallet, clock)


def test_four_weeks_before_its_expiry_a_credential_is_warned_about(
    folder: Path, clock: Clock
) -> None:
    wallet = Wallet(folder, HOLDER)
    clock.shift = timedelta(days=336)
    assert [] == keys(wallet, clock)

    clock.shift = timedelta(days=338)
    found = wallet.findings([BPN], clock())

    assert [Severity.WARNING] == [one.severity for one in found]
    assert 26 == found[0].params["days"]


def test_a_file_that_is_added_counts_within_seconds(
    folder: Path, put: Callable[[str, timedelta], str], clock: Clock
) -> None:
    (folder / f"{BPN}.jwt").unlink()
    wallet = Wallet(folder, HOLDER)
    assert ["credential_missing"] == keys(wallet, clock)
    put("new.jwt", timedelta(days=100))

    assert ["credential_missing"] == keys(wallet, clock)
    clock.shift = timedelta(seconds=6)
    assert [] == keys(wallet, clock)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", b"a" * 100_000])
def test_a_damaged_file_is_reported_and_stops_nothing_else(
    folder: Path, clock: Clock, content: bytes
) -> None:
    (folder / "damaged.jwt").write_bytes(content)
    wallet = Wallet(folder, HOLDER)

    assert ["credential_unusable"] == keys(wallet, clock)
    assert 3 == len(wallet.held(clock()))


def test_a_file_that_is_a_folder_is_reported(folder: Path, clock: Clock) -> None:
    (folder / "odd.jwt").mkdir()

    assert ["credential_unusable"] == keys(Wallet(folder, HOLDER), clock)


def test_the_credential_of_somebody_else_is_reported(
    folder: Path, authority: Authority, clock: Clock
) -> None:
    text = authority.credential(BPN, {"id": ISSUER, "bpn": SUPPLIER}, timedelta(days=365))
    (folder / "other.jwt").write_text(text)

    assert ["credential_unusable"] == keys(Wallet(folder, HOLDER), clock)


def test_other_files_are_left_alone(folder: Path, clock: Clock) -> None:
    (folder / "README.txt").write_text("hello")

    assert [] == keys(Wallet(folder, HOLDER), clock)


def test_a_missing_folder_stops_the_start(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(SetupError) as caught:
        Wallet(tmp_path / "none", HOLDER).held(clock())

    assert "connector.protocols.dcp:credentials_unreadable" == caught.value.code


def test_until_when_each_type_is_proven_is_told(
    folder: Path, put: Callable[[str, timedelta], str], clock: Clock
) -> None:
    put("longer.jwt", timedelta(days=500))

    expiries = Wallet(folder, HOLDER).expiries([BPN, MEMBERSHIP, "Unknown"], clock())

    days = {kind: round((end - clock()) / timedelta(days=1)) for kind, end in expiries.items()}
    assert {BPN: 500, MEMBERSHIP: 365} == days


def test_a_folder_that_takes_no_file_is_told_to_the_operator(tmp_path: Path) -> None:
    wallet = Wallet(tmp_path / "absent", HOLDER)

    with pytest.raises(SetupError) as refused:
        wallet.keep(BPN, ISSUER, "a.b.c")

    assert "connector.protocols.dcp:credential_not_written" == refused.value.code
