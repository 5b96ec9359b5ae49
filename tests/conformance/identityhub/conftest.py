"""IdentityHub, the demo's authority, and our connector as it is run, on one machine."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.identifiers import Bpnl, Did
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from connector.transfer.standing import LISTS_PER_TERM
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Offer, Tables
from tests.conformance import java
from tests.conformance.edc.eclipse import fetch
from tests.conformance.edc_dcp.member import program
from tests.conformance.identityhub.eclipse_member import ALIAS, Meeting, meeting
from tests.conformance.identityhub.identity_hub import (
    FOLDER,
    IdentityHub,
    Json,
    Participant,
    issued,
)
from tests.conformance.report import Report

# Our connector keeps a status list for a sixth of this.
STANDING_SECONDS = 6.0
_report = Report("identityhub")

MEMBERS = {
    "partner": Bpnl("BPNL00000000PAR1"),
    "leaver": Bpnl("BPNL00000000PAR2"),
    "poor": Bpnl("BPNL00000000PAR3"),
}
CATALOG_REQUEST = {
    "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
    "@type": "CatalogRequestMessage",
}


@dataclass(frozen=True)
class World:
    """Everybody, and what the tests do with them."""

    hub: IdentityHub
    space: DataSpace
    us: Company
    members: dict[str, Participant]

    def issue(self, who: Participant, kinds: tuple[str, ...] = CATENA_X_TYPES) -> str:
        """Let a wallet ask the authority for credentials; return how the request ended."""
        return issued(who, self.space.authority.did, kinds)

    def wait_for_status_lists(self) -> None:
        """Wait until our connector asks for status lists anew."""
        time.sleep(STANDING_SECONDS / LISTS_PER_TERM + 0.2)

    def header(self, who: Participant, kinds: tuple[str, ...] = CATENA_X_TYPES) -> str:
        """Return the header of one message of a partner, with access to credentials."""
        scopes = " ".join(f"{ALIAS}:{kind}:read" for kind in kinds)
        return f"Bearer {who.token(self.us.did, scopes)}"

    def catalog(self, header: str) -> tuple[int, Json]:
        """Ask our connector for its catalog, as a partner's connector would."""
        headers = {"Authorization": header, "Content-Type": "application/json"}
        url = f"{self.us.url}/dsp/2025-1/catalog/request"
        status, answer = fetch(url, headers, json.dumps(CATALOG_REQUEST).encode())
        found: Json = json.loads(answer)
        return status, found


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return all of them, up; every proof of a partner is asked for anew."""
    if reason := java.lacking() or ("" if shutil.which("javac") else "there is no javac"):
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("identityhub")
    hub = IdentityHub(folder / "hub", _fresh(FOLDER / "identityhub.log"))
    try:
        hub.start()
        with DataSpace.open(folder) as space:
            us = space.company("puebla", "BPNL00000000PUE1")
            members = {name: hub.participant(name) for name in MEMBERS}
            _admit(space, us, members)
            us.start()
            yield World(hub, space, us, members)
            shutil.copyfile(us.folder / "log.jsonl", FOLDER / "under_test.jsonl")
    finally:
        hub.stop()


@pytest.fixture(scope="session")
def met(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    """Return our connector and an Eclipse one whose wallet lies in the hub."""
    folder = tmp_path_factory.mktemp("met")
    with meeting(world.hub, world.space, folder, program()) as both:
        yield both
        shutil.copyfile(both.ours.folder / "log.jsonl", FOLDER / "beside_edc.jsonl")


def _admit(space: DataSpace, us: Company, members: dict[str, Participant]) -> None:
    known = [_Known(name, MEMBERS[name], member.did) for name, member in members.items()]
    for one in known:
        space.authority.register.admit(one.did, one.bpnl)
    fresh: dict[str, Tables] = {
        "identity": {"presentation_reuse_seconds": 0},
        "limits": {"standing_seconds": STANDING_SECONDS},
    }
    us.configure(partners=known, offers=[Offer("all", tuple(MEMBERS))], further=fresh)


@dataclass(frozen=True)
class _Known:
    name: str
    bpnl: Bpnl
    did: Did


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what became of each test here."""
    outcome = yield
    _report.note(outcome)
    return outcome


def pytest_sessionfinish() -> None:
    """Write a report of these tests alone, beside those of the kits."""
    _report.write(FOLDER)


def _fresh(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    return log
