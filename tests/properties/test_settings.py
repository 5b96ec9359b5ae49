"""However wrong a configuration is, it is told in words, and never with a crash."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Severity
from connector.settings.loading import errors, examine
from connector.settings.overrides import PREFIX
from connector.settings.shape import dotted
from connector.texts import LANGUAGES

GOOD = tomllib.loads("""
connector = {name = "puebla", bpnl = "BPNL00000000PUE1", data = "data", language = "es"}
public = {url = "https://x.example", port = 8181, trusted_proxy = "10.0.0.5"}
operator = {port = 8182, token_file = "token"}
identity = {key_file = "key", credentials = "credentials", trusted_issuers = ["did:web:a"]}
twin = {secret_file = "secret"}
development = {allow_http = false, allow_private_networks = false}
models = {folders = []}
feed = [{name = "f", adapter = "delimited_file", mapping = "m", source = {folder = "in"}}]
partner = [{name = "p", bpnl = "BPNL00000000OEM1", did = "did:web:p"}]
policy = {core = {membership = true, purposes = ["cx.pcf.base:1"], until = 2099-01-01}}
offer = [{name = "o", partners = ["p"], policy = "core", aspects = [], parts = ["A*"]}]
consume = {purposes = ["cx.pcf.base:1"], operands = []}
limits = {collection_parts_max = 3, access_grant_seconds = 1.5}
""")

WORDS = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            "core",
            "p",
            "data",
            "did:web:x",
            "{what}",
            "[bold]",
            "10.0.0.5",
            "\0",
            "x" * 5000,
            "https://ñ/é",
        ]
    ),
    st.text(max_size=12),
)
LEAVES = st.one_of(
    WORDS, st.integers(-(2**70), 2**70), st.booleans(), st.floats(allow_nan=False), st.dates()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def broken(draw: st.DrawFn) -> dict[str, object]:
    """Draw a good configuration with one to four things replaced, added or taken away."""
    document = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        at: object = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))  # type: ignore[arg-type]
            key = draw(st.sampled_from(keys)) if keys else "new"
            inner = at[key] if keys else None  # type: ignore[index]
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                break
            at = inner
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if isinstance(at, list):
            at.append(draw(VALUES))
        elif action == "add" or not keys:
            at[draw(WORDS)] = draw(VALUES)  # type: ignore[index]
        elif action == "remove":
            del at[key]  # type: ignore[attr-defined]
        else:
            at[key] = draw(VALUES)  # type: ignore[index]
    return document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation")
    for name in ("token", "key", "secret", "m"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o600)
    (folder / "credentials").mkdir()
    (folder / "credentials" / "a.jwt").write_text("x")
    return folder


def test_the_good_one_is_good(folder: Path) -> None:
    assert [] == _examined(folder, GOOD).findings


@given(broken())
def test_every_mistake_is_told_in_words(folder: Path, document: dict[str, object]) -> None:
    examined = _examined(folder, document)
    texts = [f.text(language) for f in examined.findings for language in LANGUAGES]

    assert [] == [text for text in texts if not (text.what and text.why and text.fix)]
    assert [] == [f for f in examined.findings if not f.where.source]


@given(broken())
def test_what_is_handed_out_is_sound(folder: Path, document: dict[str, object]) -> None:
    examined = _examined(folder, document)
    if examined.settings and not errors(examined.findings):
        assert examined.settings.did
        examined.settings.address_book()
        examined.settings.offer_rules()
        examined.settings.policies()
        examined.settings.adapter(examined.settings.feed[0]) if examined.settings.feed else None


@given(
    st.lists(
        st.sampled_from(["PUBLIC", "PORT", "FEED", "0", "F", "X", "POLICY", "9", ""]), max_size=4
    ),
    WORDS.filter(lambda text: "\0" not in text),
)
def test_any_variable_is_taken_or_told(folder: Path, steps: list[str], value: str) -> None:
    name = PREFIX + "__".join(steps)
    examined = _examined(folder, GOOD, {name: value})

    assert [] == [
        dotted((f.path,))
        for f in examined.findings
        if f.severity is Severity.ERROR and not (f.text().what and f.text("es").what)
    ]


def _examined(folder: Path, document: dict[str, object], env: Mapping[str, str] | None = None):
    file = folder / "eslabon.toml"
    lines = (f"{_quoted(key)} = {_written(value)}" for key, value in document.items())
    file.write_text("\n".join(lines), encoding="utf-8")
    return examine(file, env or {})


def _written(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_quoted(k)} = {_written(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
        case str():
            return _quoted(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'
