"""The commands for every day, on a store that no connector has open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.store.lock import held

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon


@pytest.fixture
def taken(plant: Path, eslabon: Eslabon) -> Path:
    """Have the sample taken in: three good parts, and one with an impossible date."""
    _age(plant / "inbox/serial_parts.csv")
    assert 1 == eslabon("ingest", "--once").code
    return plant


def _age(path: Path) -> None:
    """Make a file look as if nobody had touched it for long, as far as a test can."""
    text = path.parent.parent / "eslabon.toml"
    text.write_text(
        text.read_text(encoding="utf-8").replace(
            'folder = "inbox"', 'folder = "inbox"\nstable_seconds = 0'
        ),
        encoding="utf-8",
    )
    os.utime(path, (1, 1))


def test_intake_takes_what_is_there_and_counts_it(plant: Path, eslabon: Eslabon) -> None:
    _age(plant / "inbox/serial_parts.csv")
    said = eslabon("ingest", "--once", "--json")

    assert 1 == said.code
    counts = {key: said.json[key] for key in ("documents", "records", "aspects", "quarantined")}
    assert {"documents": 1, "records": 4, "aspects": 3, "quarantined": 1} == counts
    assert [] == said.json["errors"]


def test_intake_with_nothing_new_is_all_well(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("ingest", "--once", "--lang", "es")

    assert 0 == said.code
    assert "0 registro(s) nuevo(s)" in said.out


def test_intake_without_once_points_to_run(plant: Path, eslabon: Eslabon) -> None:
    said = eslabon("ingest")

    assert (2, "") == (said.code, said.out)
    assert "eslabon ingest --once" in said.err


def test_a_source_that_cannot_be_read_is_a_finding(plant: Path, eslabon: Eslabon) -> None:
    (plant / "inbox/serial_parts.csv").unlink()
    (plant / "inbox").rmdir()
    said = eslabon("ingest", "--once", "--json")

    assert 1 == said.code
    assert ["connector.record.reading:folder_missing"] == [f["code"] for f in said.json["errors"]]


def test_the_status_counts_what_is_stored(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("status", "--json")

    assert 0 == said.code
    assert ("my-plant", False) == (said.json["name"], said.json["running"])
    assert (4, 3, 1) == tuple(said.json["counts"][k] for k in ("records", "twins", "quarantined"))
    assert ["serial-parts"] == [feed["name"] for feed in said.json["feeds"]]


def test_the_status_speaks_spanish(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("status", "--lang", "es")

    for part in ("detenido", "gemelos 3", "retenidos 1", "adaptador"):
        assert part in said.out


def test_the_quarantine_lists_place_and_reason(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("quarantine", "list", "--lang", "es")

    assert 0 == said.code
    for part in ("serial_parts.csv:4", "31/11/2026", "por qué:", "solución:", "1 de 1"):
        assert part in said.out


def test_the_quarantine_lists_one_feed(taken: Path, eslabon: Eslabon) -> None:
    assert 0 == eslabon("quarantine", "list", "--feed", "other", "--json").json["total"]
    assert 1 == eslabon("quarantine", "list", "--feed", "serial-parts", "--json").json["total"]


def test_an_entry_shows_its_row(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("quarantine", "show", "1")

    for part in ("Serial number", "SN-000003", "column Finished at", "why:", "fix:"):
        assert part in said.out


def test_an_entry_in_json_names_the_cell(taken: Path, eslabon: Eslabon) -> None:
    (finding,) = eslabon("quarantine", "show", "1", "--json").json["findings"]

    assert ("error", "serial_parts.csv", 4, "Finished at") == tuple(
        finding[key] for key in ("severity", "source", "row", "column")
    )


def test_an_unknown_entry_is_a_finding(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("quarantine", "show", "99", "--json")

    assert (1, "DataError") == (said.code, said.json["error"])


def test_a_replay_without_a_change_changes_nothing(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("quarantine", "replay", "--all", "--json")

    assert (1, {"replayed": 1, "still_quarantined": 1}) == (said.code, said.json)


def test_a_replay_after_a_corrected_mapping_lets_the_record_through(
    taken: Path, eslabon: Eslabon
) -> None:
    mapping = taken / "mappings/serial_parts.yaml"
    old = '{column: Finished at, date: "%d/%m/%Y %H:%M", as: datetime}'
    text = mapping.read_text(encoding="utf-8")
    assert old in text
    mapping.write_text(text.replace(old, '{constant: "2026-11-30"}'), encoding="utf-8")

    assert 0 == eslabon("quarantine", "replay", "1").code
    assert 4 == eslabon("status", "--json").json["counts"]["twins"]
    assert 0 == eslabon("quarantine", "list", "--json").json["total"]


def test_a_replay_of_nothing_in_particular_is_refused(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("quarantine", "replay", "--json")

    assert (2, "cli:replay_what") == (said.code, said.json["code"])


def test_the_way_of_a_part_leads_through_the_rooms(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("trace", "SN-000001", "--json")
    rooms = list(dict.fromkeys(step["room"] for step in said.json["steps"]))

    assert (0, ["record", "aspect", "twin", "offer"]) == (said.code, rooms)
    assert sorted(step["at"] for step in said.json["steps"]) == [
        step["at"] for step in said.json["steps"]
    ]


def test_the_way_of_a_wrong_row_ends_in_the_quarantine(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("trace", "record:3", "--lang", "es")

    assert "record.quarantined" in said.out
    assert "suceso" in said.out


def test_nothing_is_known_about_a_thing_that_never_came(taken: Path, eslabon: Eslabon) -> None:
    said = eslabon("trace", "SN-999", "--json")

    assert (1, "cli:trace_unknown") == (said.code, said.json["code"])


def test_collecting_needs_the_running_connector(plant: Path, eslabon: Eslabon) -> None:
    said = eslabon("collect", "--partner", "oem", "--part", "X", "--json")

    assert (2, "cli:not_running") == (said.code, said.json["code"])


@pytest.mark.parametrize("words", [[], ["--partner", "oem"], ["--part", "X"]])
def test_collecting_needs_a_partner_and_a_part(
    plant: Path, eslabon: Eslabon, words: list[str]
) -> None:
    said = eslabon("collect", *words, "--json")

    assert (2, "cli:collect_what") == (said.code, said.json["code"])


def test_a_store_that_another_process_holds_is_left_alone(taken: Path, eslabon: Eslabon) -> None:
    with held(taken / "data"):
        said = eslabon("status", "--json")

    assert (2, "store:in_use") == (said.code, said.json["code"])


def test_a_command_with_wrong_settings_shows_all_mistakes(plant: Path, eslabon: Eslabon) -> None:
    (plant / "keys/twin.secret").unlink()
    (plant / "mappings/serial_parts.yaml").unlink()
    said = eslabon("status", "--lang", "es")

    assert (2, "") == (said.code, said.out)
    assert 2 == said.err.count("no existe\n")
    assert "eslabon.toml tiene 2 error(es)" in said.err


def test_the_configuration_may_lie_elsewhere(
    taken: Path, eslabon: Eslabon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    by_option = eslabon("status", "--config", taken / "eslabon.toml", "--json")
    monkeypatch.setenv("ESLABON_CONFIG", str(taken / "eslabon.toml"))

    assert by_option == eslabon("status", "--json")
    assert 0 == by_option.code
