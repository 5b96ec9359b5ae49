"""How commands are called: help, languages, complaints, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from connector.cli.asking import SettingsWrongError
from connector.cli.commands import build_cli
from connector.cli.entry import language_asked
from connector.cli.output import exit_code
from connector.errors import DataError, EslabonError, PartnerError, SetupError, TransientError
from connector.texts import LANGUAGES, catalogue

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

COMMANDS = [
    "init",
    "check",
    "preview",
    "run",
    "ingest",
    "status",
    "quarantine",
    "quarantine list",
    "quarantine show",
    "quarantine replay",
    "trace",
    "collect",
    "credentials",
    "credentials list",
    "credentials request",
    "credentials status",
    "ledger",
    "ledger verify",
    "ledger show",
    "models",
    *(f"models {name}" for name in "list show add schema example diff check".split()),
]
GROUPS = {"quarantine", "credentials", "ledger", "models"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself_in_both_languages(
    eslabon: Eslabon, command: str, language: str
) -> None:
    said = eslabon(*command.split(), "--help", "--lang", language)
    usage = catalogue("cli", language)["usage"]["what"]

    assert (0, "") == (said.code, said.err)
    assert said.out.startswith(f"{usage} eslabon {command}".rstrip())
    assert "cli:" not in said.out


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_names_its_exit_codes(eslabon: Eslabon, language: str) -> None:
    codes = " ".join(catalogue("cli", language)["exit_codes"]["what"].split())

    assert [] == [
        command
        for command in COMMANDS
        if command not in GROUPS
        and codes not in " ".join(eslabon(*command.split(), "-h", "--lang", language).out.split())
    ]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in GROUPS])
def test_every_command_answers_in_json_and_takes_a_configuration(command: str) -> None:
    found: click.Command = build_cli("en")
    for name in command.split():
        assert isinstance(found, click.Group)
        found = found.commands[name]
    options = {name for param in found.params for name in param.opts}

    assert options >= {"--json", "--config", "--lang", "--help"}


def test_alone_it_shows_its_help(eslabon: Eslabon) -> None:
    assert eslabon("--help").out == eslabon().out
    assert eslabon("quarantine", "--help").out == eslabon("quarantine").out


def test_it_tells_its_version(eslabon: Eslabon) -> None:
    assert re.fullmatch(r"eslabon \d+\.\d+\.\d+\n", eslabon("--version").out)


@pytest.mark.parametrize(
    ("given", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "es_MX.UTF-8"}, "es"),
        (["--lang", "es", "status"], {}, "es"),
        (["status", "--lang=es"], {"LANG": "en_US.UTF-8"}, "es"),
        (["status", "--lang", "en"], {"LANG": "es_MX.UTF-8"}, "en"),
        (["status", "--lang"], {"LANG": "es_MX.UTF-8"}, "es"),
        (["status", "--lang", "de"], {}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_environment(
    given: list[str], environment: dict[str, str], language: str
) -> None:
    assert language == language_asked(given, environment)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["checks"], "no existe el comando «checks»"),
        (["quarantine", "lst"], "no existe el comando «lst»"),
        (["check", "--jsn"], "aquí no existe la opción «--jsn»"),
        (["init"], "falta «CARPETA»"),
        (["preview", "x", "--rows", "0"], "el valor de «--rows» no sirve"),
        (["preview", "x", "--rows", "many"], "el valor de «--rows» no sirve"),
        (["quarantine", "show", "x"], "el valor de «ID» no sirve"),
        (["status", "extra"], "el comando se llamó mal"),
        (["--lang", "de", "status"], "value of “--lang” does not fit"),
    ],
)
def test_a_wrong_call_is_a_setup_error_in_the_readers_language(
    eslabon: Eslabon, words: list[str], what: str
) -> None:
    said = eslabon(*words) if "--lang" in words else eslabon(*words, "--lang", "es")

    assert (2, "") == (said.code, said.out)
    assert what in said.err
    assert 3 == len(said.err.splitlines())


@pytest.mark.parametrize(
    ("kind", "code"), [(DataError, 1), (SetupError, 2), (PartnerError, 3), (TransientError, 4)]
)
def test_the_exit_code_says_whose_move_is_next(kind: type[EslabonError], code: int) -> None:
    assert code == exit_code(kind("cli:collect_what"))


def test_mistakes_in_settings_are_a_setup_error(tmp_path) -> None:
    assert 2 == exit_code(SettingsWrongError(tmp_path, []))


def test_help_and_run_import_no_more_than_they_need() -> None:
    heavy = "{'rdflib', 'jsonschema', 'rich', 'aiohttp', 'cryptography', 'requests'}"
    code = (
        "import sys; from connector.cli.entry import main; main(['--help']);"
        f"sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
