"""What the environment says wins, and secrets never lie in the file or in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.errors import SetupError

if TYPE_CHECKING:
    from tests.unit.settings.conftest import Installation

SECRET = "very-secret-word"


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("ESLABON_PUBLIC__PORT", "9000", lambda s: s.public.port == 9000),
        ("ESLABON_CONNECTOR__NAME", "007", lambda s: s.connector.name == "007"),
        ("ESLABON_CONSUME__PURPOSES", '["a", "b"]', lambda s: s.consume.purposes == ("a", "b")),
        (
            "ESLABON_PARTNER__OEM__DID",
            "did:web:new.example",
            lambda s: s.partner[0].did == "did:web:new.example",
        ),
        ("ESLABON_PARTNER__0__NAME", "oem", lambda s: s.partner[0].name == "oem"),
        ("ESLABON_OFFER__ALL_FOR_OEM__PARTS", '["A-*"]', lambda s: s.offer[0].parts == ("A-*",)),
        (
            "ESLABON_POLICY__CORE__UNTIL",
            "2028-01-31",
            lambda s: str(s.policy["core"].until) == "2028-01-31",
        ),
        ("ESLABON_POLICY__CORE__MEMBERSHIP", "false", lambda s: not s.policy["core"].membership),
        (
            "ESLABON_FEED__PARTS__SOURCE__DELIMITER",
            ";",
            lambda s: s.feed[0].source["delimiter"] == ";",
        ),
        (
            "ESLABON_LIMITS__COLLECTION_DEPTH_MAX",
            "3",
            lambda s: s.limits.collection_depth_max == 3,
        ),
    ],
)
def test_a_variable_wins_over_the_file(here: Installation, variable, value, found) -> None:
    here.environment[variable] = value

    assert found(here.settings())


@pytest.mark.parametrize(
    "variable", ["ESLABON_TRACEABILITY_DATA", "ESLABON_CONFIG", "PATH", "ESLABON__X"]
)
def test_other_variables_do_not_count(here: Installation, variable: str) -> None:
    here.environment[variable] = "x"

    here.settings()


def test_a_wrong_variable_is_named_instead_of_a_line(here: Installation) -> None:
    here.environment["ESLABON_PUBLIC__PORT"] = "many"
    (finding,) = here.load()[1]

    assert ("settings:wrong_type", "ESLABON_PUBLIC__PORT", None) == (
        finding.code,
        finding.where.source,
        finding.where.row,
    )


def test_a_misspelt_variable_is_a_mistake(here: Installation) -> None:
    here.environment["ESLABON_PUBLIC__PROT"] = "9000"

    assert ["unknown_key"] == [code for code, _, _ in here.told()]


def test_a_variable_for_an_entry_that_does_not_exist_is_a_mistake(here: Installation) -> None:
    here.environment["ESLABON_PARTNER__NOBODY__DID"] = "did:web:x"
    (finding,) = here.load()[1]

    assert ("settings:override_lost", "ESLABON_PARTNER__NOBODY__DID") == (
        finding.code,
        finding.where.source,
    )


@pytest.mark.parametrize(
    "key", ["password", "broker_password", "token", "client_secret", "api_key"]
)
def test_a_secret_in_plain_sight_is_a_mistake(here: Installation, key: str) -> None:
    here.change('folder = "inbox"', f'folder = "inbox"\n{key} = "{SECRET}"')
    findings = here.load()[1]

    assert "settings:secret_in_plain_sight" in [finding.code for finding in findings]
    assert [] == [finding for finding in findings if SECRET in repr(finding)]


def test_a_secret_is_taken_from_a_file(here: Installation) -> None:
    (here.folder / "delimiter.secret").write_text(";\n")
    here.change('folder = "inbox"', 'folder = "inbox"\ndelimiter = {file = "delimiter.secret"}')
    settings = here.settings()

    assert ";" == settings.adapter(settings.feed[0]).delimiter  # type: ignore[attr-defined]


def test_a_secret_is_taken_from_the_environment(here: Installation) -> None:
    here.environment["DELIMITER"] = "|"
    here.change('folder = "inbox"', 'folder = "inbox"\ndelimiter = {env = "DELIMITER"}')
    settings = here.settings()

    assert "|" == settings.adapter(settings.feed[0]).delimiter  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("reference", "code"),
    [('{file = "no.secret"}', "secret_unreadable"), ('{env = "UNSET"}', "secret_not_set")],
)
def test_a_secret_that_cannot_be_had_is_a_mistake(
    here: Installation, reference: str, code: str
) -> None:
    here.change('folder = "inbox"', f'folder = "inbox"\ndelimiter = {reference}')
    settings, findings = here.load()

    assert [f"settings:{code}"] == [finding.code for finding in findings]
    assert settings
    with pytest.raises(SetupError, match="secret"):
        settings.adapter(settings.feed[0])


def test_no_secret_shows_in_the_settings(here: Installation) -> None:
    (here.folder / "word.secret").write_text(SECRET)
    here.environment["WORD"] = SECRET
    here.change(
        'folder = "inbox"',
        'folder = "inbox"\nquote = {env = "WORD"}\nencoding = {file = "word.secret"}',
    )

    assert SECRET not in repr(here.load())


def test_an_adapter_is_built_with_paths_beside_the_configuration(here: Installation) -> None:
    settings = here.settings()
    adapter = settings.adapter(settings.feed[0])

    assert here.folder / "inbox" == adapter.folder  # type: ignore[attr-defined]
    assert "done" == str(adapter.done_folder)  # type: ignore[attr-defined]
