"""The first steps of a new user: init, check, preview."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.texts import LANGUAGES

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

SECRETS = ["keys/connector.pem", "keys/twin.secret", "data/operator.token"]
SAMPLES = {"en": "inbox/serial_parts.csv", "es": "inbox/piezas_seriadas.csv"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_init_writes_has_no_mistake(
    tmp_path: Path, eslabon: Eslabon, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    eslabon("init", tmp_path / "plant", "--lang", language)
    monkeypatch.chdir(tmp_path / "plant")
    said = eslabon("check", "--json")

    assert (0, 0) == (said.code, said.json["errors"])
    assert {
        "settings:no_credentials",
        "settings:nobody_trusted",
        "settings:http_allowed",
        "settings:private_networks_allowed",
    } == {finding["code"] for finding in said.json["findings"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_shows_good_rows_and_a_bad_one(
    tmp_path: Path, eslabon: Eslabon, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    eslabon("init", tmp_path / "plant", "--lang", language)
    monkeypatch.chdir(tmp_path / "plant")
    said = eslabon("preview", SAMPLES[language], "--json")

    assert 1 == said.code
    assert [0, 0, 1, 0] == [len(record["findings"]) for record in said.json["records"]]
    assert (
        "2026-11-17T06:12:00-06:00"
        == (said.json["records"][0]["payload"]["manufacturingInformation"]["date"])
    )
    assert [] == said.json["unreadable"]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_for_their_owner_only(plant: Path, name: str) -> None:
    assert 0o600 == stat.S_IMODE((plant / name).stat().st_mode)
    assert 0o700 == stat.S_IMODE((plant / name).parent.stat().st_mode)


def test_every_installation_has_secrets_of_its_own(tmp_path: Path, eslabon: Eslabon) -> None:
    eslabon("init", tmp_path / "a")
    eslabon("init", tmp_path / "b")

    assert [] == [
        name
        for name in SECRETS
        if (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    ]


@pytest.mark.parametrize("name", ["eslabon.toml", "keys/twin.secret", ".gitignore"])
def test_init_never_overwrites_and_then_writes_nothing(
    tmp_path: Path, eslabon: Eslabon, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    said = eslabon("init", tmp_path)

    assert (2, "mine") == (said.code, (tmp_path / name).read_text())
    assert name in said.err
    assert [name] == [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()]


def test_init_in_a_place_that_cannot_be_written_says_so(tmp_path: Path, eslabon: Eslabon) -> None:
    (tmp_path / "file").write_text("")
    said = eslabon("init", tmp_path / "file" / "plant", "--json")

    assert (2, "cli:init_failed") == (said.code, said.json["code"])


def test_check_finds_mistakes_of_settings_mapping_source_and_offer_at_once(
    plant: Path, eslabon: Eslabon
) -> None:
    _change(plant / "eslabon.toml", "poll_seconds", "pol_seconds")
    _change(plant / "mappings/serial_parts.yaml", "nameAtManufacturer", "nameAtManufaturer")
    text = (plant / "eslabon.toml").read_text(encoding="utf-8")
    feed = text[text.index("\n[[feed]]") : text.index("# ---- who")]
    other = feed.replace("serial-parts", "other").replace('"inbox"', '"nowhere"')
    _append(plant / "eslabon.toml", other.replace("pol_seconds", "poll_seconds"))
    _append(
        plant / "eslabon.toml",
        '\n[[offer]]\nname = "o"\npartners = ["p"]\npolicy = "industry-core"\n'
        'aspects = ["urn:samm:io.catenax.nothing:1.0.0#Nothing"]\n'
        '[[partner]]\nname = "p"\nbpnl = "BPNL00000000OEM1"\ndid = "did:web:x"\n',
    )
    said = eslabon("check", "--json")

    assert 1 == said.code
    assert {
        "settings:unknown_key",
        "aspect:mapping_property_misspelt",
        "connector.record.reading:folder_missing",
        "cli:offer_model_unknown",
    } == set(_errors(said))
    assert [] == [f for f in said.json["findings"] if f["row"] is None]
    assert 4 == len(_errors(said))


def test_check_in_an_empty_folder_says_how_to_begin(
    tmp_path: Path, eslabon: Eslabon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = eslabon("check")

    assert 2 == said.code
    assert "eslabon init" in said.out


def test_findings_are_shown_with_place_reason_and_remedy(plant: Path, eslabon: Eslabon) -> None:
    _change(plant / "eslabon.toml", "poll_seconds", "pol_seconds")
    line = (plant / "eslabon.toml").read_text().split("pol_seconds")[0].count("\n") + 1
    said = eslabon("check", "--lang", "es")

    assert (
        f"eslabon.toml:{line}\n"
        "  clave desconocida «feed[0].pol_seconds»\n"
        "    por qué: un ajuste mal escrito se quedaría sin efecto y sin aviso\n"
        "    solución: ¿quiso decir poll_seconds? Si no, elimínela\n"
    ) in said.out


def test_a_preview_stores_and_moves_nothing(plant: Path, eslabon: Eslabon) -> None:
    before = _files(plant)
    eslabon("preview", "inbox/serial_parts.csv")

    assert before == _files(plant)


def test_a_preview_shows_row_payload_and_findings_together(plant: Path, eslabon: Eslabon) -> None:
    said = eslabon("preview", "inbox/serial_parts.csv", "--lang", "es")

    for part in ("SN-000003", '"manufacturerPartId": "CTRL-4711"', "31/11/2026 06:17", "fila 4"):
        assert part in said.out
    assert "1 quedaría(n) retenido(s); no se guardó nada" in said.out


def test_a_preview_shows_as_many_records_as_asked(plant: Path, eslabon: Eslabon) -> None:
    said = eslabon("preview", "inbox/serial_parts.csv", "--rows", "2", "--json")

    assert (0, 2) == (said.code, len(said.json["records"]))


def test_a_preview_gives_the_ids_that_intake_will_give(plant: Path, eslabon: Eslabon) -> None:
    one, two = (eslabon("preview", "inbox/serial_parts.csv", "--json").json for _ in range(2))

    assert one == two
    assert 4 == len({record["global_asset_id"] for record in one["records"]})


def test_a_row_that_cannot_be_read_is_part_of_the_preview(plant: Path, eslabon: Eslabon) -> None:
    _append(plant / "inbox/serial_parts.csv", "CTRL-4711,too,few\n")
    said = eslabon("preview", "inbox/serial_parts.csv", "--json")

    assert [("CTRL-4711,too,few", 6)] == [
        (entry["raw"], entry["position"]) for entry in said.json["unreadable"]
    ]


def test_a_file_that_cannot_be_read_at_all_says_why(plant: Path, eslabon: Eslabon) -> None:
    (plant / "inbox/serial_parts.csv").write_bytes("Part number,País\n".encode("windows-1252"))
    said = eslabon("preview", "inbox/serial_parts.csv", "--json")

    assert 1 == said.code
    assert said.json["unreadable"][0]["findings"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nowhere.csv"], "cli:preview_no_file"),
        (["eslabon.toml"], "cli:preview_no_feed"),
        (["inbox/serial_parts.csv", "--feed", "other"], "cli:preview_no_feed"),
    ],
)
def test_a_preview_of_what_no_feed_takes_says_what_to_do(
    plant: Path, eslabon: Eslabon, words: list[str], code: str
) -> None:
    said = eslabon("preview", *words, "--json")

    assert (2, code) == (said.code, said.json["code"])


def test_a_feed_may_be_named_for_a_file_of_another_name(plant: Path, eslabon: Eslabon) -> None:
    (plant / "inbox/serial_parts.csv").rename(plant / "export.txt")
    said = eslabon("preview", "export.txt", "--feed", "serial-parts", "--json")

    assert 4 == len(said.json["records"])


def test_a_preview_with_a_wrong_mapping_shows_the_mistakes_of_the_mapping(
    plant: Path, eslabon: Eslabon
) -> None:
    _change(plant / "mappings/serial_parts.yaml", "nameAtManufacturer", "nameAtManufaturer")
    said = eslabon("preview", "inbox/serial_parts.csv", "--json")

    assert (2, "cli:settings_wrong") == (said.code, said.json["code"])
    assert ["aspect:mapping_property_misspelt"] == [f["code"] for f in said.json["findings"]]


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _errors(said) -> list[str]:
    return [f["code"] for f in said.json["findings"] if f["severity"] == "error"]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
