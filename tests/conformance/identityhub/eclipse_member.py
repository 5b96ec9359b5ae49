"""An Eclipse connector whose wallet is an IdentityHub, and our connector: two members that meet.

Nothing of the partner's side is ours but the settings, and the two small Java classes for what
these programs have no settings for. The authority that both believe is the demo's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connector.identifiers import Bpnl, Did
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from connector.protocols.dcp.identity import VERSION_PATH
from connector.protocols.dcp.messages import scope_of
from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import HOST, free_port, wait_until
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write
from tests.conformance.edc.eclipse import Consumer, Edc, Json, Publisher
from tests.conformance.edc_dcp import plant
from tests.conformance.edc_dcp.member import Program
from tests.conformance.identityhub.identity_hub import FOLDER, IdentityHub, Participant, issued

# The alias under which an IdentityHub as it comes understands scopes.
ALIAS = "org.eclipse.edc.vc.type"
OURS, THEIRS = "BPNL00000000PUE1", "BPNL00000000EDC1"
ROWS = 16
SEEN, UNSEEN = PARTS[0], PARTS[1]
_CONTEXTS = ("default", "management", "control", "protocol", "version", "public")


@dataclass(frozen=True)
class HubMember:
    """One company: its connector and its place in an IdentityHub."""

    wallet: Participant
    edc: Edc
    name: str
    bpnl: Bpnl

    @property
    def did(self) -> Did:
        """Its identifier, which the hub hosts."""
        return self.wallet.did

    @classmethod
    def made(cls, hub: IdentityHub, folder: Path, what: Program, issuer: Did) -> HubMember:
        """Return it ready to start; it believes one issuer."""
        ports = {name: free_port() for name in _CONTEXTS}
        root = f"http://{HOST}:{ports['protocol']}/api/dsp"
        wallet = hub.participant("edc", services={"DataService": root + VERSION_PATH})
        log = FOLDER / "edc.log"
        log.unlink(missing_ok=True)
        edc = Edc(
            folder,
            what.jars,
            log,
            identity=_identity(wallet, issuer),
            classes=what.classes,
            command=what.command,
            ports=ports,
        )
        return cls(wallet, edc, "edc", Bpnl(THEIRS))


@dataclass(frozen=True)
class Meeting:
    """Both members, running, with what each publishes."""

    ours: Company
    theirs: HubMember

    @property
    def publisher(self) -> Publisher:
        """The Eclipse connector as a provider."""
        return Publisher(self.theirs.edc)

    @property
    def consumer(self) -> Consumer:
        """The Eclipse connector as a consumer of ours."""
        return Consumer(self.theirs.edc, self.ours.did, f"{self.ours.url}/dsp/2025-1")

    def collect(self) -> Json:
        """Let ours collect the one part of the other, and return what came of it."""
        part = f"partInstanceId={plant.SERIAL}"
        return self.ours.ask("collect", "--partner", self.theirs.name, "--part", part)


@contextmanager
def meeting(hub: IdentityHub, space: DataSpace, folder: Path, what: Program) -> Iterator[Meeting]:
    """Give the other its credentials and start both; stop them in the end."""
    with ExitStack() as stack:
        ours = space.company("alongside", OURS)
        theirs = HubMember.made(hub, folder / "edc", what, space.authority.did)
        space.authority.register.admit(theirs.did, theirs.bpnl)
        assert issued(theirs.wallet, space.authority.did, CATENA_X_TYPES) == "ISSUED"
        _configure(ours, theirs, folder)
        stack.callback(theirs.edc.stop)
        ours.start()
        theirs.edc.start()
        both = Meeting(ours, theirs)
        plant.publish(both.publisher, stack.enter_context(plant.serving(theirs.edc)))
        wait_until(lambda: ours.counts()["offers"] == ROWS // len(PARTS), "our twins", 60.0)
        yield both


def _configure(ours: Company, theirs: HubMember, folder: Path) -> None:
    drop, mapping = folder / "drop", folder / "serial.yaml"
    drop.mkdir()
    write(drop / "serial.csv", ROWS)
    mapping.write_text(MAPPING, encoding="utf-8")
    source = {"folder": str(drop), "encoding": ENCODING, "delimiter": DELIMITER}
    feed = Feed("serial", "delimited_file", mapping, {**source, "stable_seconds": 0.1}, 0.2)
    # Every message is to be proven anew: a proof is kept for a minute otherwise.
    fresh = {"identity": {"presentation_reuse_seconds": 0}}
    offer = Offer("parts", (theirs.name,), parts=(SEEN,))
    ours.configure(partners=[theirs], feeds=[feed], offers=[offer], further=fresh)


def _identity(wallet: Participant, issuer: Did) -> dict[str, str]:
    return {
        "edc.participant.id": wallet.did,
        "edc.iam.issuer.id": wallet.did,
        "edc.iam.did.web.use.https": "false",
        "edc.iam.sts.oauth.token.url": wallet.hub.token_url(),
        "edc.iam.sts.oauth.client.id": wallet.client_id,
        "edc.iam.sts.oauth.client.secret.alias": "sts-secret",
        "edc.iam.trusted-issuer.one.id": issuer,
        "edc.iam.trusted-issuer.one.supportedtypes": '["*"]',
        "eslabon.sts.alias": "sts-secret",
        "eslabon.sts.secret": wallet.client_secret,
        "eslabon.scopes": " ".join(scope_of(kind, ALIAS) for kind in CATENA_X_TYPES),
    }
