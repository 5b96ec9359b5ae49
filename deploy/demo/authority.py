"""The demo's dataspace authority: publishes its DID document, issues credentials, withdraws them.

    python -m deploy.demo.authority --folder DIR --port 8700 serve
    python -m deploy.demo.authority --folder DIR --port 8700 issue \
        --holder did:web:... --bpnl BPNL... --days 365 --to CREDENTIALS [--revocable]
    python -m deploy.demo.authority --folder DIR --port 8700 admit --holder DID --bpnl BPNL...
    python -m deploy.demo.authority --folder DIR --port 8700 revoke --holder DID [--type TYPE]

A member that was admitted may ask for its credentials by the protocol (DCP 1.0, 6). A real
data space has an operator for this; here it is a key, a document, a register and a signature.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.identifiers import Bpnl, Did, did_web
from connector.protocols.dcp.credentials import (
    BPN,
    CATENA_X_TYPES,
    CX_CONTEXT,
    FRAMEWORK,
    MEMBERSHIP,
    VC_CONTEXT,
)
from connector.protocols.dcp.did import (
    Endpoint,
    document_path,
    document_url,
    write_document,
)
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dcp.keys import SigningKey
from deploy.demo.issuance import PATH, Issuer, IssuingDesk, StrangerError
from deploy.demo.register import Register
from deploy.demo.withdrawal import ListKind, StatusList

KEY_FILE = "authority-key.pem"
LIST_PATHS: Mapping[ListKind, str] = {
    ListKind.STATUS_LIST_2021: "/status/1",
    ListKind.BITSTRING: "/status/bitstring/1",
}
JWT_LIST = "application/vc+jwt"
LIST_LIFE = timedelta(days=1)
REQUESTED_DAYS = 365


class Authority:
    """An issuer whose key lies in ``folder``; the key is made when there is none yet.

    What it withdraws stands in lists of both kinds; its credentials name the one of ``listing``.
    """

    def __init__(
        self,
        folder: Path,
        did: Did,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        listing: ListKind = ListKind.STATUS_LIST_2021,
    ) -> None:
        """Raise `SetupError` when the key file cannot be written or is not private."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / KEY_FILE).exists():
            generate_key_file(folder / KEY_FILE)
        self.did = did
        self.url = document_url(did, allow_http=True).removesuffix(document_path(did))
        self.register = Register(folder)
        self.lists = {kind: StatusList(self.url + path, kind) for kind, path in LIST_PATHS.items()}
        self._listing = listing
        self._clock = clock
        self._key: SigningKey = load_key_file(folder / KEY_FILE, did)

    def document(self) -> Mapping[str, object]:
        """Return the DID document under which verifiers find the authority's key."""
        return write_document(self.did, [self._key], [Endpoint("IssuerService", self.url + PATH)])

    def issue(
        self, holder: Did, bpnl: Bpnl, days: int, *, revocable: bool = False
    ) -> dict[str, str]:
        """Return the three credentials of a member as JWTs, by type (CX-0050)."""
        return {
            kind: self.credential(kind, subject, timedelta(days=days), revocable=revocable)
            for kind, subject in _subjects(holder, bpnl).items()
        }

    def issue_to_member(self, holder: Did, kinds: Sequence[str]) -> dict[str, str]:
        """Return credentials that a member asks for; raise `StrangerError` for a stranger."""
        bpnl = self.register.bpnl_of(holder)
        if bpnl is None:
            raise StrangerError("deploy.demo:stranger_asks", who=holder)
        subjects, life = _subjects(holder, bpnl), timedelta(days=REQUESTED_DAYS)
        return {
            kind: self.credential(kind, subjects[kind], life, revocable=True) for kind in kinds
        }

    def credential(
        self,
        kind: str,
        subject: Mapping[str, object],
        life: timedelta,
        *,
        revocable: bool = False,
    ) -> str:
        """Return one credential about ``subject["id"]``, valid from now for ``life``.

        One that is ``revocable`` names its place in the authority's status list.
        """
        vc: dict[str, object] = {"credentialSubject": dict(subject)}
        if revocable:
            place = self.register.note(Did.parse(str(subject["id"])), kind)
            vc["credentialStatus"] = dict(self.lists[self._listing].entry(place))
        return write_jwt(self._claims(kind, vc, life, str(subject["id"])), self._key)

    def status_list(self, kind: ListKind = ListKind.STATUS_LIST_2021) -> str:
        """Return the list of what was withdrawn as a signed credential."""
        return write_jwt(self._list_claims(self.lists[kind]), self._key)

    def plain_status_list(self, kind: ListKind) -> Mapping[str, object]:
        """Return the same unsigned: Eclipse connectors read no other form."""
        vc = self._list_claims(self.lists[kind])["vc"]
        assert isinstance(vc, dict)  # noqa: S101 - for the type checker
        return vc

    def _list_claims(self, listed: StatusList) -> dict[str, object]:
        vc = {"credentialSubject": listed.subject(self.register.withdrawn())}
        return self._claims(listed.credential_type, vc, LIST_LIFE, listed.url)

    def _claims(
        self, kind: str, vc: Mapping[str, object], life: timedelta, subject: str
    ) -> dict[str, object]:
        now = self._clock().replace(microsecond=0)
        number = f"urn:uuid:{uuid.uuid4()}"
        return {
            "iss": self.did,
            "sub": subject,
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
                **vc,
            },
        }

    def issue_to(
        self, folder: Path, holder: Did, bpnl: Bpnl, days: int, *, revocable: bool = False
    ) -> None:
        """Put the three credentials of a member into its folder, one ``.jwt`` file each."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind, text in self.issue(holder, bpnl, days, revocable=revocable).items():
            (folder / f"{kind}.jwt").write_text(text, encoding="ascii")

    def application(self, kinds: Sequence[str] = CATENA_X_TYPES) -> Starlette:
        """Return the authority's web server: its DID document, status list and issuer service.

        ``kinds`` are the types of credentials that members may ask for.
        """
        desk = IssuingDesk(Issuer(self.did, self._key, kinds, self.issue_to_member, self._clock))

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await desk.close()

        async def document(_: Request) -> JSONResponse:
            return JSONResponse(self.document())

        routes = [Route(document_path(self.did), document), *self._list_routes(), *desk.routes()]
        return Starlette(routes=routes, lifespan=lifespan)

    def _list_routes(self) -> list[Route]:
        def answering(kind: ListKind) -> Callable[[Request], Response]:
            def status_list(request: Request) -> Response:
                if JWT_LIST in request.headers.get("accept", ""):
                    return Response(self.status_list(kind), media_type=JWT_LIST)
                return JSONResponse(self.plain_status_list(kind))

            return status_list

        return [Route(path, answering(kind)) for kind, path in LIST_PATHS.items()]


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
    """Serve DID document, status list and issuer service until stopped."""
    app = place.authority().application()
    uvicorn.run(app, host=place.host, port=place.port, log_level="warning")


@main.command()
@click.option("--holder", required=True, help="The member's DID.")
@click.option("--bpnl", required=True, help="The member's business partner number.")
@click.option("--days", type=int, default=365, show_default=True)
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The folder to fill.")
@click.option("--revocable", is_flag=True, help="Let verifiers ask whether it still counts.")
@click.pass_obj
def issue(  # noqa: PLR0913 - one argument for each option
    place: _Place, holder: str, bpnl: str, days: int, to: Path, *, revocable: bool
) -> None:
    """Issue the three credentials of a member."""
    authority, member = place.authority(), (Did.parse(holder), Bpnl.parse(bpnl))
    authority.issue_to(to, *member, days, revocable=revocable)
    click.echo(f"{holder}: {to}")


@main.command()
@click.option("--holder", required=True, help="The member's DID.")
@click.option("--bpnl", required=True, help="The member's business partner number.")
@click.pass_obj
def admit(place: _Place, holder: str, bpnl: str) -> None:
    """Let a member ask for its credentials."""
    place.authority().register.admit(Did.parse(holder), Bpnl.parse(bpnl))
    click.echo(f"{holder}: {bpnl}")


@main.command()
@click.option("--holder", required=True, help="The member's DID.")
@click.option("--type", "kind", help="Only credentials of this type.")
@click.pass_obj
def revoke(place: _Place, holder: str, kind: str | None) -> None:
    """Withdraw what was issued to a member, as far as it is revocable."""
    count = place.authority().register.withdraw(Did.parse(holder), kind)
    click.echo(f"{holder}: {count}")


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
