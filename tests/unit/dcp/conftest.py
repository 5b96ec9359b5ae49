"""A small data space on loopback: companies and an authority, all over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.identifiers import Bpnl, Did, did_web
from connector.partner.book import AddressBook
from connector.partner.model import Partner
from connector.protocols.dcp.identity import DcpIdentity, DcpSettings
from connector.protocols.dcp.inbound import routes
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.tokens import access_claims, token_claims
from deploy.demo.authority import Authority

SUPPLIER = Bpnl("BPNL00000000PUE1")
OEM = Bpnl("BPNL00000000OEM1")


class Clock:
    """The time of the machine, moved by as much as a test says."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def seconds(self) -> int:
        return int(self().timestamp())


@dataclass
class Company:
    """One participant: its identity, what forgers would like to have, and who asked it what."""

    identity: DcpIdentity
    did: Did
    key: SigningKey
    credentials: Path
    clock: Clock
    asked: Counter[str] = field(default_factory=Counter)

    def claims_for(self, audience: Did, **changes: object) -> dict[str, object]:
        now = self.clock.seconds()
        access = write_jwt(self.access_claims_for(audience), self.key)
        claims = token_claims(
            self.did, audience, access, jti=f"{id(changes)}-{now}", lifetime=(now, now + 60)
        )
        changed = {**claims, **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def access_claims_for(self, audience: Did, **changes: object) -> Mapping[str, object]:
        now = self.clock.seconds()
        scopes = " ".join(
            f"org.eclipse.dspace.dcp.vc.type:{kind}:read"
            for kind in self.identity._settings.presented_credentials
        )
        claims = access_claims(self.did, audience, scopes, jti="a", lifetime=(now, now + 60))
        return {**claims, **changes}

    def forged(self, audience: Did, **changes: object) -> str:
        return self.signed_by(self.key, audience, **changes)

    def signed_by(self, key: SigningKey, audience: Did, **changes: object) -> str:
        return "Bearer " + write_jwt(self.claims_for(audience, **changes), key)


class AnyWallet:
    """A wallet that presents whatever it was given, asked for or not."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def presentable(self, types: Iterable[str], now: datetime) -> tuple[str, ...]:
        return self._texts


class _Quiet(uvicorn.Server):
    """A server that leaves signals alone, and says at once when it has started and stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.over = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.up.set()
        await self.over.wait()


class Dataspace:
    """Starts what a test needs on ports of its own, and stops it all in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.identity_type = DcpIdentity
        self._servers: list[tuple[_Quiet, asyncio.Task[None]]] = []
        self._identities: list[DcpIdentity] = []

    async def serve(self, app_at: Callable[[str], ASGIApp]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(app_at(url), log_level="error", lifespan="auto")
        server = _Quiet(config)
        task = asyncio.create_task(server.serve([listener]))
        await server.up.wait()
        self._servers.append((server, task))
        return url

    async def authority(self, name: str = "authority") -> Authority:
        made: list[Authority] = []

        def app(url: str) -> ASGIApp:
            made.append(Authority(self.folder / name, did_web(url), self.clock))
            return made[0].application()

        await self.serve(app)
        return made[0]

    async def company(
        self, name: str, *, trusts: Authority, book: AddressBook | None = None, **settings: object
    ) -> Company:
        made: list[Company] = []

        def app(url: str) -> ASGIApp:
            company = self._company(name, url, trusts, book or AddressBook(), settings)
            made.append(company)
            return _counted(Starlette(routes=routes(company.identity)), company.asked)

        await self.serve(app)
        return made[0]

    def _company(
        self,
        name: str,
        url: str,
        trusts: Authority,
        book: AddressBook,
        settings: Mapping[str, object],
    ) -> Company:
        folder = self.folder / name
        (folder / "credentials").mkdir(parents=True)
        generate_key_file(folder / "key.pem")
        given: dict[str, object] = {
            "did": did_web(url),
            "key_file": folder / "key.pem",
            "credentials_folder": folder / "credentials",
            "trusted_issuers": (trusts.did,),
            "public_url": url,
            "allow_http": True,
            "allow_private_networks": True,
            **settings,
        }
        full = DcpSettings(**given)  # type: ignore[arg-type]
        identity = self.identity_type(full, book, self.clock)
        self._identities.append(identity)
        key = load_key_file(folder / "key.pem", full.did)
        return Company(identity, full.did, key, full.credentials_folder, self.clock)

    async def stop(self) -> None:
        for identity in self._identities:
            await identity.close()
        for server, _ in self._servers:
            server.over.set()
        await asyncio.gather(*(task for _, task in self._servers))


@dataclass
class Pair:
    """A supplier with its credentials and an OEM that is called by it."""

    space: Dataspace
    authority: Authority
    supplier: Company
    oem: Company

    def supplier_presents(self, *texts: str) -> None:
        self.supplier.identity._wallet = AnyWallet(*texts)  # type: ignore[assignment]

    async def call(self) -> str:
        return await self.supplier.identity.authorization_for(self.oem.did)


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Dataspace]:
    space = Dataspace(tmp_path)
    yield space
    await space.stop()


@pytest.fixture
async def pair(space: Dataspace) -> Pair:
    authority = await space.authority()
    supplier = await space.company("supplier", trusts=authority)
    book = AddressBook((Partner("plant", SUPPLIER, supplier.did),))
    oem = await space.company("oem", trusts=authority, book=book)
    authority.issue_to(supplier.credentials, supplier.did, SUPPLIER, days=30)
    authority.issue_to(oem.credentials, oem.did, OEM, days=30)
    return Pair(space, authority, supplier, oem)


@pytest.fixture
def signing_key(tmp_path: Path) -> SigningKey:
    generate_key_file(tmp_path / "some.pem")
    return load_key_file(tmp_path / "some.pem", Did("did:web:holder.example"))


def _counted(app: ASGIApp, asked: Counter[str]) -> ASGIApp:
    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["path"]] += 1
        await app(scope, receive, send)

    return counting
