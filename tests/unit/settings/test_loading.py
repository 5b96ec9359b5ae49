"""What the operator wrote becomes values, and every mistake is told at once with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.errors import Severity
from connector.identifiers import did_web
from connector.offer.model import AcceptedTerms, OfferRule, Policy
from connector.settings.loading import FILE_BYTES_MAX, errors, load_settings
from connector.texts import LANGUAGES

if TYPE_CHECKING:
    from tests.unit.settings.conftest import Installation


def test_what_is_not_said_has_a_default(here: Installation) -> None:
    settings = here.settings()

    assert (8181, 8182, 60) == (
        settings.public.port,
        settings.operator.port,
        settings.identity.presentation_reuse_seconds,
    )
    assert not settings.development.allow_http


def test_paths_are_relative_to_the_file(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = here.settings()

    assert here.folder / "data" == settings.connector.data
    assert here.folder / "data/operator.token" == settings.operator.token_file
    assert here.folder / "parts.yaml" == settings.feed[0].mapping
    assert here.folder / "data/eslabon.db" == settings.store_file


def test_an_absolute_path_stays(
    here: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    here.change('bpnl = "BPNL00000000PUE1"', f'bpnl = "BPNL00000000PUE1"\ndata = "{elsewhere}"')

    assert elsewhere == here.settings().connector.data


def test_partners_policies_and_offers_become_values_of_the_rooms(here: Installation) -> None:
    settings = here.settings()
    partner = settings.address_book().by_name("oem")

    assert partner
    assert ("BPNL00000000OEM1", "did:web:oem.example.com") == (partner.bpnl, partner.did)
    assert {"core"} == set(settings.policies())
    assert "2099-12-31" == str(settings.policies()["core"].until)
    assert (OfferRule("all-for-oem", (partner.bpnl,), "core"),) == settings.offer_rules()
    assert AcceptedTerms() == settings.accepted_terms()
    assert Policy("core").framework_agreement == settings.policies()["core"].framework_agreement


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://puebla.example.com", "did:web:puebla.example.com"),
        ("https://puebla.example.com:8443", "did:web:puebla.example.com%3A8443"),
        ("http://localhost:8181/plant/one", "did:web:localhost%3A8181:plant:one"),
    ],
)
def test_the_identifier_follows_from_the_public_address(url: str, did: str) -> None:
    assert did == did_web(url)


def test_a_configured_identifier_wins(here: Installation) -> None:
    here.change("[identity]", '[identity]\ndid = "did:web:other.example.com"')

    assert "did:web:other.example.com" == here.settings().did


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(here: Installation) -> None:
    here.change('name = "puebla"', 'names = "puebla"')
    here.change("BPNL00000000PUE1", "bpnl1")
    here.change('trusted_proxy = "10.0.0.5"', "port = 0")
    here.change('mapping = "parts.yaml"', "mapping = 7")
    here.change('policy = "core"', 'policy = "cor"')
    here.add("\n[limitz]\n")

    assert [
        ("missing_key", "/connector/name", here.line_of("[connector]")),
        ("unknown_key", "/connector/names", here.line_of("names")),
        ("wrong_form", "/connector/bpnl", here.line_of("bpnl1")),
        ("nobody_ends_tls", "/public/url", here.line_of("url =")),
        ("out_of_range", "/public/port", here.line_of("port = 0")),
        ("wrong_type", "/feed/0/mapping", here.line_of("mapping = 7")),
        ("policy_unknown", "/offer/0/policy", here.line_of('policy = "cor"')),
        ("unknown_key", "/limitz", here.line_of("[limitz]")),
    ] == here.told()


def test_settings_with_a_mistake_of_shape_are_not_handed_out(here: Installation) -> None:
    here.change('name = "puebla"', "name = 3")

    assert here.load()[0] is None


def test_settings_with_another_mistake_are_handed_out_for_further_checks(
    here: Installation,
) -> None:
    here.change('policy = "core"', 'policy = "cor"')
    settings, findings = here.load()

    assert settings
    assert 1 == len(errors(findings))


@pytest.mark.parametrize(
    ("table", "key", "guess"),
    [
        ("[connector]", "bpln", "bpnl"),
        ("[public]", "prot", "port"),
        ("[identity]", "trusted_issuer", "trusted_issuers"),
        ("[policy.core]", "purpose", "purposes"),
        ("[[feed]]", "pol_seconds", "poll_seconds"),
        ("[feed.source]", "patterns", "pattern"),
    ],
)
def test_an_unknown_key_is_a_mistake_with_a_suggestion(
    here: Installation, table: str, key: str, guess: str
) -> None:
    here.change(table, f"{table}\n{key} = 1")
    (finding,) = here.load()[1]

    assert ("settings:unknown_key", guess) == (finding.code, finding.params["suggestion"])
    assert here.line_of(f"{key} = 1") == finding.where.row


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('name = "puebla"', 'name = "two words"', "wrong_form"),
        ("https://puebla.example.com", "ftp://puebla.example.com", "wrong_form"),
        ("https://puebla.example.com", "https://puebla.example.com/", "wrong_form"),
        ('"did:web:oem.example.com"', '"oem.example.com"', "wrong_form"),
        ("until = 2099-12-31", "until = 2027-12-31T10:00:00Z", "wrong_form"),
        ("until = 2099-12-31", "until = 3", "wrong_type"),
        ("until = 2099-12-31", "membership = 1", "wrong_type"),
        ("until = 2099-12-31", "purposes = []", "purpose_missing"),
        ('partners = ["oem"]', "partners = []", "offer_to_nobody"),
        ('partners = ["oem"]', 'partners = "oem"', "wrong_type"),
        ('partners = ["oem"]', 'partners = ["oem"]\naspects = ["SerialPart"]', "wrong_form"),
        ('name = "puebla"', 'name = "puebla"\nlanguage = "de"', "not_a_choice"),
        ('mapping = "parts.yaml"', 'mapping = "parts.yaml"\npoll_seconds = 0', "out_of_range"),
        ('mapping = "parts.yaml"', 'mapping = ""', "empty"),
        ('folder = "inbox"', 'folder = "inbox"\ndone = "delete"', "not_a_choice"),
        ('folder = "inbox"', 'pattern = "*"', "missing_key"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_its_line(
    here: Installation, old: str, new: str, code: str
) -> None:
    here.change(old, new)
    told = here.told()

    assert [code] == [found for found, _, _ in told]
    assert told[0][2] in range(here.line_of(new) - 1, here.line_of(new) + 2)


@pytest.mark.parametrize(
    ("old", "new", "code", "path"),
    [
        ('trusted_proxy = "10.0.0.5"', "", "nobody_ends_tls", "/public/url"),
        (
            'trusted_proxy = "10.0.0.5"',
            'trusted_proxy = "proxy"',
            "proxy_not_an_address",
            "/public/trusted_proxy",
        ),
        (
            'trusted_proxy = "10.0.0.5"',
            'trusted_proxy = "10.0.0.5"\nport = 8182',
            "ports_equal",
            "/operator/port",
        ),
        (
            'trusted_proxy = "10.0.0.5"',
            'trusted_proxy = "10.0.0.5"\ntls_key = "key.pem"',
            "tls_half",
            "/public/tls_key",
        ),
        ("https://puebla", "http://puebla", "url_not_https", "/public/url"),
        ('key_file = "key.pem"', 'key_file = "no.pem"', "file_absent", "/identity/key_file"),
        ('key_file = "key.pem"', "", "key_not_once", "/identity/key_file"),
        ('key_file = "key.pem"', 'key_env = "NO_KEY"', "key_env_not_set", "/identity/key_env"),
        (
            'key_file = "key.pem"',
            'key_file = "key.pem"\nfurther_key_files = ["no.pem"]',
            "file_absent",
            "/identity/further_key_files/0",
        ),
        (
            'key_file = "key.pem"',
            'key_file = "key.pem"\nsts_client_id = "edc"',
            "sts_half",
            "/identity/sts_client_id",
        ),
        (
            'key_file = "key.pem"',
            'key_file = "key.pem"\nsts_client_id = "edc"\nsts_secret_file = "no.secret"',
            "file_absent",
            "/identity/sts_secret_file",
        ),
        ('secret_file = "twin.secret"', 'secret_file = "no"', "file_absent", "/twin/secret_file"),
        ('mapping = "parts.yaml"', 'mapping = "no.yaml"', "file_absent", "/feed/0/mapping"),
        ('partners = ["oem"]', 'partners = ["eom"]', "partner_unknown", "/offer/0/partners"),
        ('policy = "core"', 'policy = "cor"', "policy_unknown", "/offer/0/policy"),
        (
            'adapter = "delimited_file"',
            'adapter = "delimted_file"',
            "adapter_unknown",
            "/feed/0/adapter",
        ),
        ("[twin]", '[models]\nfolders = ["nowhere"]\n[twin]', "folder_missing", "/models/folders"),
        (
            'name = "puebla"',
            'name = "puebla"\ndata = "key.pem"',
            "data_not_writable",
            "/connector/data",
        ),
    ],
)
def test_parts_that_do_not_fit_each_other_or_the_disk_are_told(
    here: Installation, old: str, new: str, code: str, path: str
) -> None:
    here.change(old, new)

    assert [(code, path)] == [(found, where) for found, where, _ in here.told()]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            (
                '[[feed]]\nname = "parts"\nadapter = "delimited_file"\nmapping = "parts.yaml"\n'
                'source = {folder = "x"}'
            ),
            "/feed/1/name",
        ),
        (
            '[[partner]]\nname = "oem"\nbpnl = "BPNL00000000OEM2"\ndid = "did:web:b"',
            "/partner/1/name",
        ),
        (
            (
                '[[partner]]\nname = "other"\nbpnl = "BPNL00000000OEM2"\n'
                'did = "did:web:oem.example.com"'
            ),
            "/partner/1/did",
        ),
        ('[[offer]]\nname = "all-for-oem"\npartners = ["oem"]\npolicy = "core"', "/offer/1/name"),
    ],
)
def test_what_tells_entries_apart_may_not_repeat(here: Installation, text: str, path: str) -> None:
    here.add(f"\n{text}\n")

    assert [("repeated", path)] == [(code, where) for code, where, _ in here.told()]


def test_the_same_company_may_have_two_connectors(here: Installation) -> None:
    here.add(
        '\n[[partner]]\nname = "oem-2"\nbpnl = "BPNL00000000OEM1"\ndid = "did:web:b.example"\n'
    )

    assert 2 == len(here.settings().partner)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
@pytest.mark.parametrize("name", ["key.pem", "twin.secret", "data/operator.token"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_file_that_others_may_read_is_a_mistake(
    here: Installation, name: str, mode: int
) -> None:
    (here.folder / name).chmod(mode)

    assert ["readable_by_others"] == [code for code, _, _ in here.told()]


def test_development_switches_are_warned_about(here: Installation) -> None:
    here.add("\n[development]\nallow_http = true\nallow_private_networks = true\n")
    settings, findings = here.load()

    assert settings
    assert ["settings:http_allowed", "settings:private_networks_allowed"] == [
        finding.code for finding in findings if finding.severity is Severity.WARNING
    ]
    assert [] == errors(findings)


def test_whoever_trusts_nobody_and_has_no_credentials_is_warned(here: Installation) -> None:
    here.change('trusted_issuers = ["did:web:authority.example.com"]', "")
    (here.folder / "credentials/membership.jwt").unlink()
    findings = here.load()[1]

    assert {"settings:nobody_trusted", "settings:no_credentials"} == {f.code for f in findings}
    assert [] == errors(findings)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    settings, (finding,) = load_settings(tmp_path / "eslabon.toml", {})

    assert settings is None
    assert "settings:no_configuration" == finding.code
    assert "eslabon init" in finding.text().fix


@pytest.mark.parametrize(
    ("text", "line"), [("[connector\n", 1), ('[a]\nb = "x\n', 2), ("[a]\n\nb = 1\nb = 2\n", 4)]
)
def test_a_file_that_is_no_toml_is_told_with_its_line(
    here: Installation, text: str, line: int
) -> None:
    here.text = text
    settings, (finding,) = here.load()

    assert settings is None
    assert ("settings:not_toml", line) == (finding.code, finding.where.row)


def test_a_file_in_another_encoding_is_told(here: Installation) -> None:
    here.file.write_bytes('[connector]\nname = "Fábrica"'.encode("windows-1252"))

    assert ["settings:not_toml"] == [f.code for f in load_settings(here.file, {})[1]]


def test_a_file_beyond_all_measure_is_not_read(here: Installation) -> None:
    here.file.write_text("#" * (FILE_BYTES_MAX + 1))

    assert ["settings:no_configuration"] == [f.code for f in load_settings(here.file, {})[1]]


def test_line_ends_and_marks_of_windows_are_no_trouble(here: Installation) -> None:
    here.file.write_bytes(b"\xef\xbb\xbf" + here.text.replace("\n", "\r\n").encode())

    assert [] == load_settings(here.file, {})[1]


@pytest.mark.parametrize("path", ["x" * 5000, "a\\u0000b"])
@pytest.mark.parametrize(
    "old",
    [
        'key_file = "key.pem"',
        'credentials = "credentials"',
        'secret_file = "twin.secret"',
        'mapping = "parts.yaml"',
    ],
)
def test_a_path_that_no_system_takes_is_told(here: Installation, old: str, path: str) -> None:
    here.change(old, f'{old.split(" = ", maxsplit=1)[0]} = "{path}"')

    assert 1 == len(here.told())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_says_what_why_and_fix(here: Installation, language: str) -> None:
    here.change('name = "puebla"', 'names = "puebla"').change(
        "until = 2099-12-31", "purposes = []"
    )
    here.change('policy = "core"', 'policy = "cor"').change('"inbox"', '"inbox"\npassword = "x"')
    texts = [finding.text(language) for finding in here.load()[1]]

    assert len(texts) >= 4
    assert [] == [text for text in texts if not (text.what and text.why and text.fix)]
    assert [] == [text for text in texts if "<" in str(text)]
