"""Settings become a proof of identity, and how long it holds becomes a figure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.daemon.proving import (
    dcp_settings,
    expose_expiries,
    expose_ledger,
    report_credentials,
)
from connector.errors import SetupError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dcp.key_file import generate_key_file
from connector.protocols.dcp.token_desk import TokenClient
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from connector.store.journal import millis
from connector.telemetry import build_metrics
from connector.transfer.scribe import State
from deploy.demo.authority import Authority
from deploy.demo.configuration import Tables, toml_of

SECRET = "0123456789abcdef0123456789abcdef"
HOLDER = Did("did:web:plant.example")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("operator.token", "twin.secret", "sts.secret"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(SECRET)
    generate_key_file(tmp_path / "key.pem")
    (tmp_path / "credentials").mkdir()
    return tmp_path


def settings(folder: Path, identity: Mapping[str, object], **environment: str) -> Settings:
    document: dict[str, Tables] = {
        "connector": {"name": "plant", "bpnl": "BPNL00000000PUE1", "data": "data"},
        "public": {"url": "https://plant.example", "trusted_proxy": "10.0.0.5"},
        "operator": {"token_file": "operator.token"},
        "identity": {"credentials": "credentials", **identity},
        "twin": {"secret_file": "twin.secret"},
    }
    (folder / "eslabon.toml").write_text(toml_of(document))
    loaded, findings = load_settings(folder / "eslabon.toml", environment)
    assert loaded is not None, findings
    return loaded


def test_deliveries_and_tokens_are_closed_unless_the_settings_open_them(folder: Path) -> None:
    plain = dcp_settings(settings(folder, {"key_file": "key.pem"}))

    assert (frozenset(), None) == (plain.holder_pids, plain.token_client)


def test_the_secret_of_the_token_client_is_read_from_its_file(folder: Path) -> None:
    identity = {"key_file": "key.pem", "sts_client_id": "edc", "sts_secret_file": "sts.secret"}

    assert TokenClient("edc", SECRET) == dcp_settings(settings(folder, identity)).token_client


def test_a_secret_that_can_be_guessed_stops_the_start(folder: Path) -> None:
    (folder / "sts.secret").write_text("short")
    identity = {"key_file": "key.pem", "sts_client_id": "edc", "sts_secret_file": "sts.secret"}

    with pytest.raises(SetupError):
        dcp_settings(settings(folder, identity))


def test_the_key_may_come_from_the_environment(folder: Path) -> None:
    pem = (folder / "key.pem").read_text()

    told = dcp_settings(settings(folder, {"key_env": "OUR_KEY"}, OUR_KEY=pem))

    assert (None, pem) == (told.key_file, told.key_pem)
    assert pem not in repr(told)


def test_how_long_a_credential_still_proves_us_is_a_figure(folder: Path) -> None:
    authority = Authority(folder / "authority", Did("did:web:authority.example"), lambda: NOW)
    bpnl = Bpnl("BPNL00000000PUE1")
    told = settings(folder, {"key_file": "key.pem"})
    authority.issue_to(folder / "credentials", told.did, bpnl, days=10)
    proof = DcpIdentity(dcp_settings(told), AddressBook(), lambda: NOW)
    metrics = build_metrics()

    expose_expiries(proof, metrics, NOW + timedelta(days=9))

    line = b'eslabon_credential_expiry_seconds{type="MembershipCredential"} 86400.0'
    assert line in metrics.exposition()


async def test_what_ends_soon_is_logged_at_start_and_then_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(folder / "authority", Did("did:web:authority.example"), lambda: NOW)
    told = settings(folder, {"key_file": "key.pem"})
    authority.issue_to(folder / "credentials", told.did, Bpnl("BPNL00000000PUE1"), days=10)
    proof = DcpIdentity(dcp_settings(told), AddressBook(), lambda: NOW)

    reporting = asyncio.create_task(report_credentials(proof, every_seconds=0.01))
    said: list[str] = []
    async with asyncio.timeout(10):
        while len(said) < 2 * 3:
            await asyncio.sleep(0.01)
            lines = capsys.readouterr().out.splitlines()
            said += [line for line in lines if "credential.reported" in line]
    reporting.cancel()

    assert ["expires in 10 days" in line for line in said[:6]] == [True] * 6


def test_a_proof_that_knows_no_credentials_has_no_figures() -> None:
    metrics = build_metrics()

    expose_expiries(object(), metrics, NOW)

    assert b"eslabon_credential_expiry_seconds{" not in metrics.exposition()


def test_a_wallet_of_another_connector_shows_partners_that_one(folder: Path) -> None:
    theirs = "https://edc.example/api/dsp/.well-known/dspace-version"
    identity = {"key_file": "key.pem", "services": {"DataService": theirs}}
    told = dcp_settings(settings(folder, identity))

    shown = DcpIdentity(told, AddressBook(), lambda: NOW).document()["service"]

    assert isinstance(shown, list)
    # Nobody but ours proves that it holds a token, so the document does not promise it.
    assert {
        "CredentialService": f"{told.public_url}/dcp",
        "DataService": theirs,
    } == {one["type"]: one["serviceEndpoint"] for one in shown}


def test_a_further_service_stands_beside_our_own(folder: Path) -> None:
    identity = {"key_file": "key.pem", "services": {"IssuerService": "https://issuer.example"}}
    proof = DcpIdentity(dcp_settings(settings(folder, identity)), AddressBook(), lambda: NOW)

    shown = proof.document()["service"]

    assert isinstance(shown, list)
    assert {"CredentialService", "DataService", "DataPullProof", "IssuerService"} == {
        one["type"] for one in shown
    }


def test_the_ledger_becomes_figures() -> None:
    metrics = build_metrics()
    signed = millis(NOW - timedelta(seconds=90))
    expose_ledger(State(rows=120, signed_rows=100, signed_at=signed), metrics, NOW)
    text = metrics.exposition().decode()

    assert "eslabon_ledger_rows 120.0" in text
    assert "eslabon_ledger_unsigned_rows 20.0" in text
    assert "eslabon_ledger_head_age_seconds 90.0" in text


def test_a_ledger_that_was_never_signed_has_no_age() -> None:
    metrics = build_metrics()
    expose_ledger(State(), metrics, NOW)

    assert "eslabon_ledger_head_age_seconds 0.0" in metrics.exposition().decode()
