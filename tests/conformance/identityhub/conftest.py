"""IdentityHub, the demo's authority, and our connector as it is run, on one machine."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from connector.identifiers import Bpnl
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Offer, Table
from deploy.demo.processes import wait_until
from tests.conformance import java
from tests.conformance.edc.eclipse import fetch
from tests.conformance.identityhub.identity_hub import (
    FOLDER,
    IdentityHub,
    Json,
    Participant,
)

# The alias under which an IdentityHub as it comes understands scopes.
ALIAS = "org.eclipse.edc.vc.type"
STATE_SECONDS = 20.0
# What our connector keeps a status list for, and a moment more.
STATUS_LIST_SECONDS = 11.0
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
        number = str(uuid4())
        who.request(self.space.authority.did, number, kinds)

        def is_over() -> bool:
            return who.requested(number)["status"] in {"ISSUED", "ERROR"}

        wait_until(is_over, "the issuance", STATE_SECONDS)
        return str(who.requested(number)["status"])

    def wait_for_status_lists(self) -> None:
        """Wait until our connector asks for status lists anew."""
        time.sleep(STATUS_LIST_SECONDS)

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


def _admit(space: DataSpace, us: Company, members: dict[str, Participant]) -> None:
    for name, member in members.items():
        space.authority.register.admit(member.did, MEMBERS[name])
    identity = {
        "key_file": "keys/connector.pem",
        "credentials": "credentials",
        "trusted_issuers": [space.authority.did],
        "presentation_reuse_seconds": 0,
    }
    partners: list[Table] = [
        {"name": name, "bpnl": bpnl, "did": members[name].did} for name, bpnl in MEMBERS.items()
    ]
    us.configure(
        offers=[Offer("all", tuple(MEMBERS))], further={"identity": identity, "partner": partners}
    )


def _fresh(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    return log
