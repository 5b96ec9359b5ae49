"""An Eclipse connector as a member of a data space: our program is its wallet.

The connector signs nothing itself: it asks its wallet for tokens (DCP's secure token service),
and partners ask the wallet for its credentials and its DID document. All three are served by
``eslabon run``, with the settings that the how-to names; the connector's own part are settings,
and the one small Java class of this folder for what it has no settings for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.protocols.dcp.credentials import CATENA_X_TYPES
from connector.protocols.dcp.identity import VERSION_PATH
from connector.protocols.dcp.messages import TYPE_ALIASES, scope_of
from deploy.demo.authority import Authority
from deploy.demo.company import Company
from tests.conformance import java
from tests.conformance.edc.eclipse import COMMAND, Consumer, Edc, Publisher

HERE = Path(__file__).parent
BUILT = java.BUILD / "edc-dcp"
STS_CLIENT = "edc"
STS_SECRET = "not a secret, for it is a test's"
STATUS_LIST_MILLISECONDS = 100


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: the jars, our class beside them, and what stands before and after them."""

    jars: Path
    classes: Path
    command: Sequence[str] = COMMAND
    arguments: Sequence[str] = ()


def program(command: Sequence[str] = COMMAND, arguments: Sequence[str] = ()) -> Program:
    """Return the connector's program, fetched and built where it is not there yet."""
    jars = java.jars_of(HERE / "pom.xml", BUILT)
    classes = java.extension_of(HERE / "DataSpaceMember.java", jars, BUILT)
    return Program(jars, classes, command, arguments)


@dataclass(frozen=True)
class Member:
    """One company with an Eclipse connector: the connector, and the wallet that proves it."""

    wallet: Company
    edc: Edc

    @classmethod
    def made(
        cls, wallet: Company, what: Program, *, issuers: Iterable[Authority], wait_ms: int = 50
    ) -> Member:
        """Return it ready to start; it believes the ``issuers``."""
        folder = wallet.folder / "edc"
        edc = Edc(
            folder,
            what.jars,
            folder / "log.txt",
            wait_ms,
            identity=_identity(wallet, [one.did for one in issuers]),
            classes=what.classes,
            command=what.command,
            arguments=what.arguments,
        )
        _serve_as_wallet(wallet, edc)
        return cls(wallet, edc)

    @property
    def publisher(self) -> Publisher:
        """The connector as a provider."""
        return Publisher(self.edc)

    def consumer_of(self, company: Company) -> Consumer:
        """Return the connector as a consumer of a company that runs ours."""
        return Consumer(self.edc, company.did, f"{company.url}/dsp/2025-1")

    def start(self) -> None:
        """Start wallet and connector."""
        self.wallet.start()
        self.edc.start()

    def stop(self) -> None:
        """Stop both."""
        self.edc.stop()
        self.wallet.stop()


def _serve_as_wallet(wallet: Company, edc: Edc) -> None:
    secret = wallet.folder / "keys" / "sts.secret"
    secret.touch(mode=0o600)
    secret.write_text(STS_SECRET, encoding="ascii")
    identity = {
        "sts_client_id": STS_CLIENT,
        "sts_secret_file": "keys/sts.secret",
        "services": {"DataService": edc.protocol_root + VERSION_PATH},
    }
    wallet.configure(further={"identity": identity})


def _identity(wallet: Company, issuers: Sequence[str]) -> dict[str, str]:
    scopes = [scope_of(kind, TYPE_ALIASES[0]) for kind in CATENA_X_TYPES]
    trusted = {f"edc.iam.trusted-issuer.{n}.id": did for n, did in enumerate(issuers)}
    everything = {
        f"edc.iam.trusted-issuer.{n}.supportedtypes": '["*"]' for n in range(len(issuers))
    }
    return {
        **trusted,
        **everything,
        "edc.participant.id": wallet.did,
        "edc.iam.issuer.id": wallet.did,
        "edc.iam.did.web.use.https": "false",
        "edc.iam.sts.oauth.token.url": f"{wallet.url}/dcp/token",
        "edc.iam.sts.oauth.client.id": STS_CLIENT,
        "edc.iam.sts.oauth.client.secret.alias": "sts-secret",
        "edc.iam.credential.revocation.cache.validity": str(STATUS_LIST_MILLISECONDS),
        "eslabon.sts.alias": "sts-secret",
        "eslabon.sts.secret": STS_SECRET,
        "eslabon.scopes": " ".join(scopes),
    }
