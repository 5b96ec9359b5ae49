"""Every sentence that a user reads exists in both languages, with the same holes to fill."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source_tree import HOUSE, ROOT, SourceFile, house

LANGUAGES = ("en", "es")
CODE = re.compile(r"([a-z_]+(?:\.[a-z_]+)*):([a-z][a-z0-9_]*)")
PARTS = {"what", "why", "fix"}
SPEAKERS = {"SetupError", "DataError", "PartnerError", "TransientError", "Finding", "say", "word"}
# Mexican Spanish, usted: neither the words of a friend nor those of the other side of the ocean.
FOREIGN = re.compile(
    r"\b(t[uú]|tus|puedes|debes|tienes|quieres|vosotros|fichero|ordenador|móvil)s?\b",
    re.IGNORECASE,
)

FOLDERS = sorted({path.parent for name in HOUSE for path in (ROOT / name).rglob("texts.*.toml")})
FILES = house()


def _id(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_both_languages_say_the_same_things(folder: Path) -> None:
    english, spanish = (_shape(folder, language) for language in LANGUAGES)

    assert english == spanish


@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_a_text_says_what_and_may_say_why_and_fix(folder: Path) -> None:
    texts = [_texts(folder, language) for language in LANGUAGES]

    assert [] == [
        key
        for catalogue in texts
        for key, entry in catalogue.items()
        if not entry.get("what") or not set(entry) <= PARTS
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_spanish_speaks_as_in_mexico_and_politely(folder: Path) -> None:
    said = [text for entry in _texts(folder, "es").values() for text in entry.values()]

    assert [] == [text for text in said if FOREIGN.search(text)]


@pytest.mark.parametrize("folder", FOLDERS, ids=_id)
def test_spanish_is_translated(folder: Path) -> None:
    english, spanish = (_texts(folder, language) for language in LANGUAGES)

    # One word may be the same in both languages; a sentence is not.
    assert [] == [
        key
        for key, entry in spanish.items()
        if entry == english.get(key) and " " in entry.get("what", "").strip()
    ]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_code_that_is_said_has_its_text(file: SourceFile) -> None:
    assert [] == [f"{file}:{line} {code}" for line, code in _codes(file) if not _is_known(code)]


def _texts(folder: Path, language: str) -> dict[str, dict[str, str]]:
    path = folder / f"texts.{language}.toml"
    raw = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {key: {"what": said} if isinstance(said, str) else said for key, said in raw.items()}


def _shape(folder: Path, language: str) -> dict[str, dict[str, set[str]]]:
    return {
        key: {part: _placeholders(text) for part, text in entry.items()}
        for key, entry in _texts(folder, language).items()
    }


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _codes(file: SourceFile) -> set[tuple[int, str]]:
    """Codes in the file: whatever a speaker is given, and what looks like one of ours."""
    given = {
        node.args[0]
        for node in file.nodes
        if isinstance(node, ast.Call) and _called(node) in SPEAKERS and node.args
    }
    return {
        (node.lineno, node.value)
        for node in file.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node in given or _names_a_package(node.value)
    }


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _names_a_package(text: str) -> bool:
    found = CODE.fullmatch(text)
    return found is not None and _folder(found[1]) in FOLDERS


def _is_known(code: str) -> bool:
    package, _, key = code.partition(":")
    return key in _texts(_folder(package), "en")


def _folder(package: str) -> Path:
    full = package if "." in package or package == "connector" else f"connector.{package}"
    return ROOT.joinpath(*full.split("."))
