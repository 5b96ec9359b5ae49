"""A company on another address of this machine whose side a test plays: true keys, any manners.

It lives on 127.0.0.2, so that what it vouches for is not where the connector under attack
listens. What it serves is its own identity's routes, unless a path is given to a `Trick`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.identifiers import Bpnl, Did, did_web
from connector.partner.book import AddressBook
from connector.protocols.dcp.identity import DcpIdentity, DcpSettings
from connector.protocols.dcp.inbound import routes
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from deploy.demo.authority import Authority

HOST = "127.0.0.2"
SECONDS = 60.0


class Stranger:
    """The company; what its partners fetch from it is counted by path."""

    def __init__(self, name: str, bpnl: str, folder: Path, authority: Authority) -> None:
        self.name, self.bpnl = name, Bpnl.parse(bpnl)
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.did: Did = did_web(self.url)
        self.tricks: dict[str, ASGIApp] = {}
        folder.mkdir(parents=True)
        generate_key_file(folder / "key.pem")
        self.key = load_key_file(folder / "key.pem", self.did)
        authority.issue_to(folder / "credentials", self.did, self.bpnl, 30)
        self._settings = DcpSettings(
            did=self.did,
            key_file=folder / "key.pem",
            credentials_folder=folder / "credentials",
            trusted_issuers=(authority.did,),
            public_url=self.url,
            allow_http=True,
            allow_private_networks=True,
        )
        self._up = threading.Event()

    @contextmanager
    def listening(self) -> Iterator[Stranger]:
        """Serve until the end of the block, in a thread."""
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name=self.name)
        thread.start()
        self._up.wait(SECONDS)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            thread.join(SECONDS)

    def authorization(self, audience: Did) -> str:
        """Return a fresh and true ``Authorization`` header."""
        asked = asyncio.run_coroutine_threadsafe(
            self._identity.authorization_for(audience), self._loop
        )
        return asked.result(SECONDS)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._identity = DcpIdentity(self._settings, AddressBook(), lambda: datetime.now(UTC))
        inner = Starlette(routes=routes(self._identity))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            usual = polite if scope["path"].startswith("/dsp/") else inner
            await self.tricks.get(scope["path"], usual)(scope, receive, send)

        server = _Quiet(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve([self._listener]))
        self._up.set()
        await self._over.wait()
        # Whoever still reads what never ends is left to it.
        server.should_exit = server.force_exit = True
        await serving
        for line in list(server.server_state.connections):
            line.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self._identity.close()


class _Quiet(uvicorn.Server):
    """A server that leaves signals alone: it does not run in the main thread."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def polite(scope: Scope, receive: Receive, send: Send) -> None:
    """Say yes to whatever is said."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def redirecting(place: str) -> ASGIApp:
    """Send whoever asks to another address."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        headers = [(b"location", place.encode())]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a JSON text that never ends, as fast as it is read."""
    await _answer_for_ever(receive, send, b"a" * 65536, 0.0)


async def trickling(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with one byte every now and then, without end."""
    await _answer_for_ever(receive, send, b"a", 0.2)


async def _answer_for_ever(receive: Receive, send: Send, part: bytes, seconds: float) -> None:
    left = asyncio.create_task(_left(receive))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"id":"', "more_body": True})
    while not left.done():
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(seconds)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
