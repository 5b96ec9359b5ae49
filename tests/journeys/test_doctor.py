"""`eslabon doctor` between real connectors: every failure is provoked, named, and has an owner."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from connector.identifiers import Did, did_web
from connector.protocols.dcp.did import Endpoint, write_document
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dsp.discovery import version_document
from deploy.demo.authority import _subjects
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Offer, Tables
from deploy.demo.processes import HOST, free_port, listens, wait_until
from tests.doubles.certificates import CertificateAuthority, Host, host_with, self_signed
from tests.journeys.town.shops import open_shop, stock

pytestmark = pytest.mark.journey

MINUTE = dt.timedelta(minutes=1)
WELL_KNOWN = "/.well-known/dspace-version"


@dataclass(frozen=True)
class Acquainted:
    """Somebody for the address book who is no company of the space."""

    name: str
    bpnl: str
    did: Did


class Found:
    """What doctor said, by partner and step."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.steps = {(one["partner"], one["step"]): one for one in answer["steps"]}

    def state(self, step: str, partner: str = "") -> str:
        return str(self.steps[partner, step]["state"])

    def remark(self, step: str, partner: str = "") -> tuple[str, str]:
        """Return code and actor of a step's first remark."""
        remark = self.steps[partner, step]["remarks"][0]
        return remark["code"].rpartition(":")[2], remark["who"]

    def after(self, step: str, partner: str = "") -> str:
        return str(self.steps[partner, step]["after"])

    def failed(self) -> list[tuple[str, str]]:
        return [key for key, one in self.steps.items() if one["state"] == "failed"]


class Town:
    """A supplier that runs, and an OEM that each test configures as it wants."""

    def __init__(self, space: DataSpace) -> None:
        self.space = space
        self.supplier = space.company("puebla", "BPNL00000000PUE1")
        self.oem = space.company("oem", "BPNL00000000OEM1")
        # What the OEM proves changes from test to test: nothing of it may be believed for longer.
        at_once = {"identity": {"presentation_reuse_seconds": 0}}
        stock(self.supplier, ["S1"], self.oem, at_once)
        open_shop(self.supplier, 1)

    def examined(
        self, *partners: Any, further: Mapping[str, Tables] | None = None, run: bool = True
    ) -> Found:
        """Configure the OEM, let it run, and return what its doctor finds."""
        self.oem.configure(partners=partners or [self.supplier], further=further)
        if run:
            begin(self.oem)
        return self.look()

    def look(self) -> Found:
        answer = self.oem.run_command("doctor", "--json")
        found = json.loads(answer.out)
        assert (1 if found["failed"] else 0) == answer.code, answer.err
        return Found(found)

    def reissue(self, days: int = 365, *, revoked: bool = False) -> None:
        """Give the OEM other credentials than it had."""
        authority, oem = self.space.authority, self.oem
        folder = oem.folder / "credentials"
        for kind, subject in _subjects(oem.did, oem.bpnl).items():
            life = dt.timedelta(days=days)
            text = authority.credential(kind, subject, life, revocable=revoked)
            (folder / f"{kind}.jwt").write_text(text, encoding="ascii")
        if revoked:
            authority.register.withdraw(oem.did, "MembershipCredential")


def begin(company: Company) -> None:
    """Start a company that may have reasons never to be ready."""
    company.process.start()
    wait_until(lambda: listens(company.operator_port), f"{company.name} listens")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with DataSpace.open(tmp_path_factory.mktemp("doctor")) as opened:
        yield Town(opened)


@pytest.fixture
def town(space: Town) -> Iterator[Town]:
    yield space
    space.oem.stop()
    space.reissue()
    for file in (space.oem.folder / "data").glob("eslabon.db*"):
        file.unlink()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def a_partner(
    stack: ExitStack, folder: Path, versions: object, clock: Any = None
) -> tuple[Acquainted, Host]:
    """Return a partner that is nothing but documents, and the host that serves them."""
    host = stack.enter_context(host_with(Host()))
    if clock:
        host.clock = clock
    url = f"http://{HOST}:{host.port}"
    did = did_web(url)
    generate_key_file(folder / "partner.pem")
    key = load_key_file(folder / "partner.pem", did)
    services = [
        Endpoint("DataService", url + WELL_KNOWN),
        Endpoint("CredentialService", url + "/dcp"),
    ]
    host.documents["/.well-known/did.json"] = (
        200,
        orjson.dumps(write_document(did, [key], services)),
    )
    if versions is not None:
        host.documents[WELL_KNOWN] = (200, orjson.dumps(versions))
    return Acquainted("viejo", "BPNL00000000VIE1", did), host


def test_where_all_is_well_nobody_has_to_act(town: Town) -> None:
    found = town.examined()
    said = town.oem.run_command("doctor", "--partner", "puebla", "--lang", "es")

    assert [] == found.failed()
    assert "ok" == found.state("registry", "puebla")
    assert "skipped" == found.state("tls")
    assert 0 == said.code
    assert "registro             bien      se nos abrió y se puede leer" in said.out
    assert 100 >= max(map(len, said.out.splitlines()))


def test_nothing_secret_is_printed(town: Town) -> None:
    town.examined()
    said = town.oem.run_command("doctor", "--json").out + town.oem.run_command("doctor").out
    folder = town.oem.folder
    secrets = [
        *(folder / "keys").iterdir(),
        folder / "data" / "operator.token",
        *(folder / "credentials").iterdir(),
    ]

    assert [] == [
        file.name
        for file in secrets
        for line in file.read_text(encoding="ascii").splitlines()
        if "-----" not in line and line in said
    ]
    assert "Bearer" not in said


def test_without_a_running_connector_it_says_what_it_could_not_test(town: Town) -> None:
    found = town.examined(run=False)
    said = town.oem.run_command("doctor").out

    assert not found.answer["running"]
    assert ["ok", "ok"] == [found.state("credentials"), found.state("version", "puebla")]
    assert "skipped" == found.state("catalog", "puebla")
    assert "No connector runs here: what needs one was not tested." in said


def test_an_unknown_partner_is_a_mistake_of_the_call(town: Town) -> None:
    town.oem.configure(partners=[town.supplier])
    said = town.oem.run_command("doctor", "--partner", "nobody")

    assert 2 == said.code
    assert "there is no partner “nobody”" in said.err


def test_a_name_that_leads_nowhere(town: Town) -> None:
    lost = Acquainted("lost", "BPNL00000000LOS1", Did("did:web:nobody.invalid"))
    found = town.examined(lost)

    assert ("name_unknown", "partner") == found.remark("dns", "lost")
    assert "dns" == found.after("tls", "lost")
    assert "skipped" == found.state("registry", "lost")


def test_a_partner_that_is_down(town: Town) -> None:
    down = Acquainted("down", "BPNL00000000DOW1", did_web(f"http://{HOST}:{free_port()}"))
    found = town.examined(down, town.supplier)

    assert ("unreachable", "nobody") == found.remark("did_document", "down")
    assert "ok" == found.state("registry", "puebla")


@pytest.mark.parametrize(
    ("versions", "code"),
    [
        ({"protocolVersions": [{"version": "v0.8", "path": "/api/v1/dsp"}]}, "version_older"),
        ({"protocolVersions": [{"version": "2024/1", "path": "/"}]}, "version_older"),
        ({"protocolVersions": [{"version": "2031-1", "path": "/"}]}, "version_missing"),
        (None, "version_unsaid"),
    ],
    ids=["0.8", "2024/1", "newer", "no document"],
)
def test_a_partner_that_speaks_another_version_has_to_act(
    town: Town, stack: ExitStack, tmp_path: Path, versions: object, code: str
) -> None:
    partner, _ = a_partner(stack, tmp_path, versions)
    found = town.examined(partner, run=False)

    assert (code, "partner") == found.remark("version", "viejo")
    assert "version" == found.after("catalog", "viejo")


def test_a_partner_whose_clock_is_wrong(town: Town, stack: ExitStack, tmp_path: Path) -> None:
    partner, _ = a_partner(
        stack, tmp_path, version_document("/x"), lambda: dt.datetime.now(dt.UTC) - 90 * MINUTE
    )
    found = town.examined(partner, run=False)

    assert ("partner_clock_off", "partner") == found.remark("clock", "viejo")


def test_our_own_clock_is_held_against_those_whom_we_trust(town: Town, stack: ExitStack) -> None:
    host = stack.enter_context(host_with(Host(clock=lambda: dt.datetime.now(dt.UTC) + MINUTE)))
    issuer = did_web(f"http://{HOST}:{host.port}")
    identity = {
        "key_file": "keys/connector.pem",
        "credentials": "credentials",
        "trusted_issuers": [issuer],
    }
    found = town.examined(further={"identity": identity}, run=False)

    assert ("clock_off", "us") == found.remark("clock")
    told = re.search(r" is ([+]\d+[.]\d) s from", found.steps["", "clock"]["remarks"][0]["what"])
    assert told is not None
    assert float(told[1]) == pytest.approx(60, abs=2)


def test_a_public_address_that_leads_to_another_connector(town: Town) -> None:
    supplier, oem = town.supplier, town.oem
    public = {"url": supplier.url, "bind": HOST, "port": oem.port}
    found = town.examined(further={"public": public})

    assert ("document_other_key", "us") == found.remark("did_document")
    assert "we sign with" in found.steps["", "did_document"]["remarks"][0]["why"]


def test_a_public_address_where_nobody_is(town: Town) -> None:
    public = {"url": f"http://{HOST}:{free_port()}", "bind": HOST, "port": town.oem.port}
    found = town.examined(further={"public": public})

    assert ("unreachable", "us") == found.remark("public_address")
    assert "public_address" == found.after("did_document")


def test_a_did_document_elsewhere_that_shows_another_key(
    town: Town, stack: ExitStack, tmp_path: Path
) -> None:
    other, _ = a_partner(stack, tmp_path, None)
    identity = {
        "key_file": "keys/connector.pem",
        "credentials": "credentials",
        "trusted_issuers": [town.space.authority.did],
        "did": other.did,
    }
    found = town.examined(further={"identity": identity})

    assert ("document_other_key", "us") == found.remark("did_document")
    codes = [one["code"] for one in found.steps["", "did_document"]["remarks"]]
    assert "connector.daemon.doctor:document_other_service" in codes


def test_expired_credentials_are_the_authoritys_move(town: Town) -> None:
    town.reissue(days=-1)
    found = town.examined()

    assert "authority" == found.remark("credentials")[1]
    assert "own/credentials" == found.after("catalog", "puebla")
    assert "ok" == found.state("version", "puebla")


def test_credentials_that_end_within_weeks_are_a_warning(town: Town) -> None:
    town.reissue(days=9)
    found = town.examined()

    assert ("credential_soon", "authority") == found.remark("credentials")
    assert ("warning", "ok") == (found.state("credentials"), found.state("registry", "puebla"))


def test_a_revoked_credential_is_found_before_a_partner_refuses_it(town: Town) -> None:
    town.reissue(revoked=True)
    found = town.examined()

    assert ("credential_withdrawn", "authority") == found.remark("credentials")


def test_a_missing_credential_is_ours_to_get(town: Town) -> None:
    (town.oem.folder / "credentials" / "BpnCredential.jwt").unlink()
    found = town.examined(run=False)

    assert ("credential_missing", "us") == found.remark("wallet")


def test_a_partner_that_does_not_trust_our_issuer(town: Town) -> None:
    authority = town.space.authority
    try:
        town.supplier.stop()
        text = town.supplier.config.read_text(encoding="utf-8")
        changed = text.replace(f'["{authority.did}"]', '["did:web:somebody.example.com"]')
        town.supplier.config.write_text(changed, encoding="utf-8")
        town.supplier.start()
        found = town.examined()
    finally:
        town.supplier.config.write_text(text, encoding="utf-8")
        town.supplier.restart()

    assert ("catalog_refused", "partner") == found.remark("catalog", "puebla")
    fix = found.steps["puebla", "catalog"]["remarks"][0]["fix"]
    assert town.oem.did in fix
    assert town.oem.bpnl in fix


def test_terms_that_we_do_not_accept_are_shown_as_a_difference(town: Town) -> None:
    found = town.examined(further={"consume": {"purposes": ["cx.pcf.base:1"]}})

    assert ("terms_not_accepted", "us") == found.remark("terms", "puebla")
    told = [one["what"] for one in found.steps["puebla", "terms"]["remarks"]]
    assert any("cx.core.digitalTwinRegistry:1" in one for one in told)
    assert "terms" == found.after("registry", "puebla")


def test_a_partner_that_offers_us_nothing(town: Town) -> None:
    stranger = town.space.company("leon", "BPNL00000000LEO1")
    try:
        stranger.configure(partners=[town.oem])
        stranger.start()
        found = town.examined(stranger)
    finally:
        stranger.stop()

    assert ("catalog_empty", "partner") == found.remark("catalog", "leon")


def test_a_registry_that_stays_closed_to_an_older_framework_agreement(town: Town) -> None:
    kind = "DataExchangeGovernanceCredential"
    subject = _subjects(town.oem.did, town.oem.bpnl)[kind] | {"contractVersion": "0.9"}
    text = town.space.authority.credential(kind, subject, dt.timedelta(days=365))
    (town.oem.folder / "credentials" / f"{kind}.jwt").write_text(text, encoding="ascii")
    found = town.examined()

    assert "ok" == found.state("terms", "puebla")
    assert ("negotiation_ended", "partner") == found.remark("registry", "puebla")
    assert "FrameworkAgreement" in found.steps["puebla", "registry"]["remarks"][0]["why"]


def test_what_a_partner_lacks_for_our_offers(town: Town) -> None:
    poor = town.space.company("lerma", "BPNL00000000LER1")
    (poor.folder / "credentials" / "DataExchangeGovernanceCredential.jwt").unlink()
    try:
        poor.configure(partners=[town.oem], offers=[Offer("all", ("oem",))])
        begin(poor)
        town.oem.configure(partners=[poor], offers=[Offer("all", ("lerma",))])
        town.oem.start()
        poor.run_command("doctor")
        found = town.look()
    finally:
        poor.stop()

    assert ("partner_unfit", "partner") == found.remark("our_terms", "lerma")
    assert "FrameworkAgreement" in found.steps["lerma", "our_terms"]["remarks"][0]["why"]


class TestOverTls:
    """Names and certificates, with plain http forbidden as in earnest."""

    @pytest.fixture(autouse=True)
    def trusted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path
        self.authority = CertificateAuthority()
        (tmp_path / "authority.pem").write_bytes(self.authority.certificate)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    def secure(self, town: Town, proof: tuple[Path, Path]) -> Mapping[str, Tables]:
        certificate, key = map(str, proof)
        return {
            "public": {
                "url": f"https://localhost:{town.oem.port}",
                "bind": HOST,
                "port": town.oem.port,
                "tls_certificate": certificate,
                "tls_key": key,
            },
            "development": {"allow_http": False, "allow_private_networks": True},
        }

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("expired", "certificate_expired"),
            ("self-signed", "certificate_self_signed"),
            ("other name", "certificate_name"),
        ],
    )
    def test_a_partners_certificate_is_the_partners_to_mend(
        self, town: Town, stack: ExitStack, kind: str, code: str
    ) -> None:
        made = {
            "expired": self.authority.issue("localhost", since_days=-9, until_days=-1),
            "self-signed": self_signed("localhost"),
            "other name": self.authority.issue("elsewhere.example.com"),
        }
        host = stack.enter_context(host_with(Host(), made[kind].written(self.folder, "partner")))
        did = did_web(f"https://localhost:{host.port}")
        partner = Acquainted("tls", "BPNL00000000TLS1", did)
        own = self.authority.issue("localhost").written(self.folder, "own")
        found = town.examined(partner, further=self.secure(town, own), run=False)

        assert (code, "partner") == found.remark("tls", "tls")
        assert "tls" == found.after("did_document", "tls")
        assert [] == host.asked

    @pytest.mark.parametrize("run", [True, False], ids=["running", "offline"])
    def test_our_own_expired_certificate_is_ours_to_mend(self, town: Town, run: bool) -> None:
        proof = self.authority.issue("localhost", since_days=-9, until_days=-1)
        town.oem.configure(further=self.secure(town, proof.written(self.folder, "own")))
        if run:
            begin(town.oem)
        found = town.look()

        code = "certificate_expired" if run else "certificate_over"
        assert (code, "us") == found.remark("tls")
        assert not run or found.after("public_address") == "tls"

    def test_our_own_certificate_that_ends_soon_is_a_warning(self, town: Town) -> None:
        proof = self.authority.issue("localhost", until_days=5).written(self.folder, "own")
        town.oem.configure(further=self.secure(town, proof))
        begin(town.oem)
        found = town.look()

        assert ("certificate_soon", "us") == found.remark("tls")
        assert "ok" == found.state("public_address")
