"""Two members of a data space that know each other: one runs ours, the other an Eclipse one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connector.daemon.proving import dcp_settings
from connector.protocols.dcp.identity import DcpIdentity
from connector.settings.loading import load_settings
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer, Table, Tables
from deploy.demo.processes import wait_until
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write
from tests.conformance.edc.eclipse import Consumer, Json, fetch
from tests.conformance.edc_dcp import plant
from tests.conformance.edc_dcp.member import Member, Program

OURS, THEIRS = "BPNL00000000PUE1", "BPNL00000000EDC1"
ROWS = 16
STANDING_SECONDS = 1.0
CATALOG_REQUEST = (
    b'{"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],'
    b'"@type":"CatalogRequestMessage"}'
)
OFFERED = 3 * ROWS // len(PARTS)
# What our plant made: offered to the other, not offered, offered under all that the profile
# knows, and under a policy that lets only another company see it.
SEEN, UNSEEN, UNDER_CONTRACT, OF_OTHERS = PARTS[:4]
PURPOSES = ["cx.core.industrycore:1"]
POLICIES: Mapping[str, Table] = {
    "under-contract": {
        "purposes": [*PURPOSES, "cx.quality.base:1"],
        "permission": {
            "ContractReference": ["MX-2026-17"],
            "Liability": "cx.slightNegligence:1",
            "DataUsageEndDurationDays": 365,
        },
        "prohibition": {"UsageRestriction": ["cx.thirdParty.forbidden:1"]},
        "obligation": {"DataProvisioningEndDurationDays": 365},
        "access": {"BusinessPartnerNumber": {"isAnyOf": [THEIRS]}},
    },
    "of-others": {
        "purposes": PURPOSES,
        "access": {"BusinessPartnerNumber": {"isAnyOf": [OURS]}},
    },
}


@dataclass(frozen=True)
class Neighbours:
    """Both, running, with what each publishes."""

    space: DataSpace
    ours: Company
    theirs: Member

    @classmethod
    @contextmanager
    def met(cls, folder: Path, what: Program) -> Iterator[Neighbours]:
        """Start both and what lies behind them; stop all in the end."""
        with ExitStack() as stack:
            space = stack.enter_context(DataSpace.open(folder / "space"))
            ours = space.company("puebla", OURS)
            theirs = Member.made(space.company("edc", THEIRS), what, issuers=[space.authority])
            both = cls(space, ours, theirs)
            both.configure(folder)
            stack.callback(theirs.stop)
            ours.start()
            theirs.start()
            plant.publish(theirs.publisher, stack.enter_context(plant.serving(theirs.edc)))
            wait_until(lambda: ours.counts()["offers"] >= OFFERED, "our twins", 60.0)
            yield both

    def configure(self, folder: Path) -> None:
        """Let ours take in what a plant made, and offer one kind of part to the other."""
        drop, mapping = folder / "drop", folder / "serial.yaml"
        drop.mkdir()
        write(drop / "serial.csv", ROWS)
        mapping.write_text(MAPPING, encoding="utf-8")
        source = {"folder": str(drop), "encoding": ENCODING, "delimiter": DELIMITER}
        feed = Feed("serial", "delimited_file", mapping, {**source, "stable_seconds": 0.1}, 0.2)
        them = (self.theirs.wallet.name,)
        offers = [
            Offer("parts", them, parts=(SEEN,)),
            Offer("under-contract", them, parts=(UNDER_CONTRACT,), policy="under-contract"),
            Offer("of-others", them, parts=(OF_OTHERS,), policy="of-others"),
        ]
        # Every message is to be proven anew: proofs and status lists are kept otherwise.
        fresh: dict[str, Tables] = {
            "identity": {"presentation_reuse_seconds": 0},
            "limits": {"standing_seconds": STANDING_SECONDS},
            "policy": POLICIES,
        }
        partners = [self.theirs.wallet]
        self.ours.configure(partners=partners, feeds=[feed], offers=offers, further=fresh)

    @property
    def consumer(self) -> Consumer:
        """The Eclipse connector as a consumer of ours."""
        return self.theirs.consumer_of(self.ours)

    def collect(self, serial: str = plant.SERIAL) -> Json:
        """Let ours collect a radio of the other, and return what came of it."""
        part = f"partInstanceId={serial}"
        return self.ours.ask("collect", "--partner", self.theirs.wallet.name, "--part", part)

    def asked_by_us(self) -> tuple[int, str]:
        """Ask the other for its catalog in our name; return status and answer."""
        return asyncio.run(self._ask())

    async def _ask(self) -> tuple[int, str]:
        settings, findings = load_settings(self.ours.config, {})
        assert settings is not None, findings
        identity = DcpIdentity(dcp_settings(settings), settings.address_book())
        try:
            header = await identity.authorization_for(self.theirs.wallet.did)
        finally:
            await identity.close()
        headers = {"Authorization": header, "Content-Type": "application/json"}
        url = f"{self.theirs.edc.protocol_root}/2025-1/catalog/request"
        status, answer = await asyncio.to_thread(fetch, url, headers, CATALOG_REQUEST)
        return status, answer.decode()

    def told(self, pid: str) -> Json:
        """Return what ours tells its operator of a negotiation or transfer."""
        return self.ours.ask("process", pid)

    def agreements(self) -> tuple[int, int]:
        """Return how many agreements ours and the other know."""
        known = self.theirs.edc.ask("/contractagreements/request", {"@type": "QuerySpec"})
        return self.ours.counts()["agreements"], len(known)

    def keep_logs(self, folder: Path) -> None:
        """Leave what both wrote where the reports lie."""
        logs = {
            "ours.jsonl": self.ours.folder / "log.jsonl",
            "wallet.jsonl": self.theirs.wallet.folder / "log.jsonl",
            "edc.log": self.theirs.edc.log,
        }
        for name, log in logs.items():
            shutil.copyfile(log, folder / f"{self.space.folder.parent.name}.{name}")
