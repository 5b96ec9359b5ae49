"""The demo's dataspace authority: publishes its DID document and issues three credentials.

    python -m deploy.demo.authority --folder DIR --port 8700 serve
    python -m deploy.demo.authority --folder DIR --port 8700 issue \
        --holder did:web:... --bpnl BPNL... --days 365 --to CREDENTIALS

A real data space has an operator for this; here it is a key, a document and a signature.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connector.identifiers import Bpnl, Did
from connector.protocols.dcp.credentials import BPN, CX_CONTEXT, FRAMEWORK, MEMBERSHIP, VC_CONTEXT
from connector.protocols.dcp.did import did_web, document_path, write_document
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dcp.keys import SigningKey

KEY_FILE = "authority-key.pem"


class Authority:
    """An issuer whose key lies in ``folder``; the key is made when there is none yet."""

    def __init__(
        self, folder: Path, did: Did, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Raise `SetupError` when the key file cannot be written or is not private."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / KEY_FILE).exists():
            generate_key_file(folder / KEY_FILE)
        self.did = did
        self._clock = clock
        self._key: SigningKey = load_key_file(folder / KEY_FILE, did)

    def document(self) -> Mapping[str, object]:
        """Return the DID document under which verifiers find the authority's key."""
        return write_document(self.did, [self._key], ())

    def issue(self, holder: Did, bpnl: Bpnl, days: int) -> dict[str, str]:
        """Return the three credentials of a member as JWTs, by type (CX-0050)."""
        return {
            kind: self.credential(kind, subject, timedelta(days=days))
            for kind, subject in _subjects(holder, bpnl).items()
        }

    def credential(self, kind: str, subject: Mapping[str, object], life: timedelta) -> str:
        """Return one credential about ``subject["id"]``, valid from now for ``life``."""
        now = self._clock().replace(microsecond=0)
        number = f"urn:uuid:{uuid.uuid4()}"
        claims = {
            "iss": self.did,
            "sub": subject["id"],
            "jti": number,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + life).timestamp()),
            "vc": {
                "@context": [VC_CONTEXT, CX_CONTEXT],
                "id": number,
                "type": ["VerifiableCredential", kind],
                "issuer": self.did,
                "issuanceDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "expirationDate": f"{now + life:%Y-%m-%dT%H:%M:%SZ}",
                "credentialSubject": dict(subject),
            },
        }
        return write_jwt(claims, self._key)

    def issue_to(self, folder: Path, holder: Did, bpnl: Bpnl, days: int) -> None:
        """Put the three credentials of a member into its folder, one ``.jwt`` file each."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind, text in self.issue(holder, bpnl, days).items():
            (folder / f"{kind}.jwt").write_text(text, encoding="ascii")

    def application(self) -> Starlette:
        """Return the authority's web server: its DID document and nothing else."""

        async def document(_: Request) -> JSONResponse:
            return JSONResponse(self.document())

        return Starlette(routes=[Route(document_path(self.did), document)])


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    host: str
    port: int

    def authority(self) -> Authority:
        return Authority(self.folder, did_web(f"http://{self.host}:{self.port}"))


@click.group()
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Holds its key.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it is reached.")
@click.option("--port", type=int, default=8700, show_default=True)
@click.pass_context
def main(context: click.Context, folder: Path, host: str, port: int) -> None:
    """Run the demo's dataspace authority."""
    context.obj = _Place(folder, host, port)


@main.command()
@click.pass_obj
def serve(place: _Place) -> None:
    """Serve the DID document until stopped."""
    app = place.authority().application()
    uvicorn.run(app, host=place.host, port=place.port, log_level="warning")


@main.command()
@click.option("--holder", required=True, help="The member's DID.")
@click.option("--bpnl", required=True, help="The member's business partner number.")
@click.option("--days", type=int, default=365, show_default=True)
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The folder to fill.")
@click.pass_obj
def issue(place: _Place, holder: str, bpnl: str, days: int, to: Path) -> None:
    """Issue the three credentials of a member."""
    place.authority().issue_to(to, Did.parse(holder), Bpnl.parse(bpnl), days)
    click.echo(f"{holder}: {to}")


def _subjects(holder: Did, bpnl: Bpnl) -> dict[str, dict[str, object]]:
    member: dict[str, object] = {"id": holder, "holderIdentifier": bpnl}
    framework = {
        "group": "UseCaseFramework",
        "useCase": "DataExchangeGovernance",
        "contractTemplate": "https://w3id.org/catenax/credentials/framework",
        "contractVersion": "1.0",
    }
    return {MEMBERSHIP: member, BPN: {**member, "bpn": bpnl}, FRAMEWORK: {**member, **framework}}


if __name__ == "__main__":
    main()
