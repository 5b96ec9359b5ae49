"""``eslabon ledger``: what an operator reads, beside a store that was altered or was not."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.identifiers import did_web
from connector.protocols.dcp.key_file import load_key_file
from connector.protocols.dcp.notary import DcpNotary
from connector.store.database import Database
from connector.store.journal import millis
from connector.texts import LANGUAGES
from connector.transfer.chain import Line
from connector.transfer.scribe import Scribe

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

OEM = "BPNL00000000OEM1"
NOON = millis(datetime(2026, 11, 22, 12, tzinfo=UTC))
HOUR = 3_600_000


@pytest.fixture
def store(plant: Path) -> Path:
    """Return the store of an installation whose partner has read two parts."""
    document = tomllib.loads((plant / "eslabon.toml").read_text(encoding="utf-8"))
    did = did_web(document["public"]["url"])
    key = load_key_file(plant / document["identity"]["key_file"], did)
    (plant / "data").mkdir(exist_ok=True)
    path = plant / "data" / "eslabon.db"
    scribe = Scribe(path, notary=DcpNotary([key]))
    scribe.open(NOON)
    scribe.write([read("part 1", 0), read("part 2", 1), read("part 1", 2)], NOON)
    scribe.write([], NOON, seal=True)
    scribe.close()
    return path


def read(subject: str, hour: int) -> Line:
    return (NOON + hour * HOUR, OEM, "agreement", "transfer", "submodel.read", subject, "urn:x#Y")


def test_a_sound_ledger_is_told_as_such(eslabon: Eslabon, store: Path) -> None:
    said = eslabon("ledger", "verify")

    assert (0, "") == (said.code, said.err)
    assert said.out.startswith("sound: 4 row(s) from 2026-11-22 12:00:00")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_broken_ledger_is_an_exit_code_and_a_sentence(
    eslabon: Eslabon, store: Path, language: str
) -> None:
    edit(store, "DELETE FROM ledger WHERE number = 3")
    said = eslabon("ledger", "verify", "--lang", language)

    assert (1, "") == (said.code, said.out)
    assert "3" in said.err
    assert "transfer:" not in said.err


def test_a_broken_ledger_in_json_names_the_row(eslabon: Eslabon, store: Path) -> None:
    edit(store, "UPDATE ledger SET subject = 'other' WHERE number = 3")
    told = eslabon("ledger", "verify", "--json").json

    assert ("transfer:row_altered", 3) == (told["code"], told["params"]["number"])


def test_who_read_what_how_often_and_when(eslabon: Eslabon, store: Path) -> None:
    told = eslabon("ledger", "show", "--partner", OEM, "--json").json

    assert [("submodel.read", 3)] == [(t["action"], t["times"]) for t in told["actions"]]
    assert ["part 1", "part 2", "part 1"] == [row["subject"] for row in told["rows"]]
    assert "2026-11-22T12:00:00Z" == told["rows"][0]["at"]


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        (("--part", "part 2"), ["part 2"]),
        (("--since", "2026-11-22T13:00"), ["part 2", "part 1"]),
        (("--until", "2026-11-22T14:00+01:00"), ["part 1"]),
        (("--since", "2026-11-23"), []),
    ],
)
def test_the_question_can_be_narrowed(
    eslabon: Eslabon, store: Path, narrowed: tuple[str, ...], expected: list[str]
) -> None:
    told = eslabon("ledger", "show", "--partner", OEM, *narrowed, "--json").json

    assert expected == [row["subject"] for row in told["rows"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_say_what_they_leave_out(eslabon: Eslabon, store: Path, language: str) -> None:
    words = ("ledger", "show", "--partner", OEM, "--limit", "1", "--lang", language)
    said = eslabon(*words)

    assert (0, "") == (said.code, said.err)
    assert "--json" in said.out.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "--partner", "nobody"),
        ("show", "--partner", OEM, "--since", "yesterday"),
        ("verify", "--heads", "none.log"),
        ("verify", "--heads", "eslabon.toml"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_call_is_explained(
    eslabon: Eslabon, store: Path, words: tuple[str, ...], language: str
) -> None:
    said = eslabon("ledger", *words, "--lang", language)

    assert (2, "") == (said.code, said.out)
    assert "cli:" not in said.err


def test_an_installation_that_never_ran_has_no_ledger(eslabon: Eslabon, plant: Path) -> None:
    assert 2 == eslabon("ledger", "verify").code


def edit(store: Path, sql: str) -> None:
    db = Database.open(store)
    db.execute(sql)
    db.close()
