"""Payload files to RDF, and from one version to another, as the commands do it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.lift import Lift
from connector.aspect.rdf.forms import Form
from connector.cli.asking import Asked
from connector.cli.models import carry_out_lift, carry_out_migrate
from connector.errors import DataError
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import THING, thing, write_turtle

BATCH_3 = "urn:samm:io.catenax.batch:3.0.0#Batch"
BATCH_4 = "urn:samm:io.catenax.batch:4.0.0#Batch"
BATCH = {
    "catenaXId": "urn:uuid:8f1a6a4e-52c9-4d7e-9d1b-0a9f6f1c2b11",
    "localIdentifiers": [{"key": "batchId", "value": "B-26-0417"}],
    "manufacturingInformation": {"date": "2026-03-17"},
    "partTypeInformation": {"manufacturerPartId": "8000-4711-03", "nameAtManufacturer": "Hub"},
}


lift = partial(carry_out_lift, models=[], to=None)
migrate = partial(carry_out_migrate, models=[], model=None)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "eslabon.toml", "en", as_json=False)


def written(folder: Path, content: object) -> Path:
    path = folder / "payload.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.mark.parametrize("form", Form)
def test_a_payload_is_written_as_rdf_and_nothing_else(
    tmp_path: Path, asked: Asked, capsys: Any, form: Form
) -> None:
    code = lift(asked, file=written(tmp_path, BATCH), model=BATCH_3, to=form)
    way = Lift(ModelLibrary([shipped_folder()]).get(SemanticId(BATCH_3)).model)
    said = capsys.readouterr()

    assert (0, "") == (code, said.err)
    assert BATCH == way.payload_from_text(said.out, form)


def test_an_invalid_payload_is_not_lifted(tmp_path: Path, asked: Asked, capsys: Any) -> None:
    code = lift(asked, file=written(tmp_path, {}), model=BATCH_3)
    said = capsys.readouterr()

    assert (1, "") == (code, said.out)
    assert "catenaXId is missing" in said.err


def test_digits_beyond_a_float_are_kept(tmp_path: Path, asked: Asked, capsys: Any) -> None:
    write_turtle(tmp_path, thing("[ a samm:Characteristic ; samm:dataType xsd:decimal ]"))
    file = written(tmp_path, '{"value": 0.12345678901234567891}')
    lift(asked, file=file, model=THING, models=[tmp_path])

    assert '"0.12345678901234567891"^^xsd:decimal' in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{", '{"a": NaN}', '{"a": 1}{', "[" * 100_000])
@pytest.mark.parametrize(
    "command",
    [partial(lift, model=BATCH_3), partial(migrate, to=BATCH_4)],
    ids=["lift", "migrate"],
)
def test_a_file_that_is_no_json_is_refused(
    tmp_path: Path, asked: Asked, content: str, command: partial[int]
) -> None:
    file = written(tmp_path, content)

    with pytest.raises(DataError) as caught:
        command(asked, file=file)

    assert "cli:payload_unreadable" == caught.value.code


def test_half_a_character_is_refused(tmp_path: Path, asked: Asked) -> None:
    file = written(tmp_path, json.dumps({**BATCH, "beyond": "\ud83d"}))

    with pytest.raises(DataError):
        lift(asked, file=file, model=BATCH_3, to=Form.NQUADS)


def test_a_payload_is_migrated_from_the_version_that_it_follows(
    tmp_path: Path, asked: Asked, capsys: Any
) -> None:
    code = migrate(asked, file=written(tmp_path, BATCH), to=BATCH_4)
    said = capsys.readouterr()

    assert (0, "") == (code, said.err)
    assert {
        "globalAssetId": BATCH["catenaXId"],
        "localIdentifiers": BATCH["localIdentifiers"],
        "manufacturingInformation": {"productionDate": "2026-03-17"},
        "partTypeInformation": BATCH["partTypeInformation"],
    } == json.loads(said.out)


def test_every_digit_is_migrated(tmp_path: Path, asked: Asked, capsys: Any) -> None:
    digits = ["0.12345678901234567891", "123456789012345678901234567890"]
    text = json.dumps(BATCH)[:-1] + f', "beyond": [{", ".join(digits)}]' + "}"
    migrate(asked, file=written(tmp_path, text), to=BATCH_4)
    said = capsys.readouterr().out

    assert [] == [each for each in digits if each not in said]


def test_what_gets_lost_is_said_beside_the_payload(
    tmp_path: Path, asked: Asked, capsys: Any
) -> None:
    late = {**BATCH, "manufacturingInformation": {"date": "2026-03-17T06:12:09Z"}}
    code = migrate(asked, file=written(tmp_path, late), to=BATCH_4)
    said = capsys.readouterr()

    assert 0 == code
    assert "2026-03-17T06:12:09Z became 2026-03-17" in said.err


def test_programs_get_payload_and_findings_in_one(tmp_path: Path, capsys: Any) -> None:
    asked = Asked(tmp_path / "eslabon.toml", "es", as_json=True)
    payload = {**BATCH, "beyond": 0.12345678901234567891}
    code = migrate(asked, file=written(tmp_path, payload), to=BATCH_4, model=BATCH_3)
    told = json.loads(capsys.readouterr().out)

    assert 0 == code
    assert (BATCH_3, BATCH_4) == (told["from"], told["to"])
    assert ["aspect:migration_unknown_key"] == [each["code"] for each in told["findings"]]
    assert BATCH["catenaXId"] == told["payload"]["globalAssetId"]


def test_a_payload_that_lacks_something_in_its_own_version_goes_no_further(
    tmp_path: Path, asked: Asked, capsys: Any
) -> None:
    code = migrate(asked, file=written(tmp_path, {}), to=BATCH_4, model=BATCH_3)

    assert (1, "") == (code, capsys.readouterr().out)


def test_a_payload_of_no_known_version_is_refused(tmp_path: Path, asked: Asked) -> None:
    with pytest.raises(DataError) as caught:
        migrate(asked, file=written(tmp_path, {"a": 1}), to=BATCH_4)

    assert "aspect:migration_source_unknown" == caught.value.code
