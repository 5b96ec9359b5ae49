"""The two listeners: the partners' side, and the operator's side on this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from connector.errors import SetupError
from connector.settings.values import Settings

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 65
GRACE_SECONDS = 5
OPERATOR_ADDRESS = "127.0.0.1"
HEADER_BYTES_MAX = 64 * 1024


class _Server(uvicorn.Server):
    """A server that leaves the signals to the daemon, which has more than one to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@dataclass(frozen=True, slots=True)
class Listeners:
    """Both servers, bound already; `serve` runs until `close` is called."""

    servers: Sequence[_Server]
    sockets: Sequence[socket.socket]

    async def serve(self) -> None:
        """Answer requests on both sides."""
        pairs = zip(self.servers, self.sockets, strict=True)
        await asyncio.gather(*(server.serve([bound]) for server, bound in pairs))

    def close(self) -> None:
        """Let both finish what they are answering."""
        for server in self.servers:
            server.should_exit = True


def listen(settings: Settings, public: ASGIApp, operator: ASGIApp) -> Listeners:
    """Bind both addresses; raise `SetupError` naming the one that is taken."""
    side = settings.public
    servers = (
        _Server(_config(public, settings, tls=True)),
        _Server(_config(operator, settings, tls=False)),
    )
    sockets = (
        _bound(side.bind, side.port, "public.port"),
        _bound(OPERATOR_ADDRESS, settings.operator.port, "operator.port"),
    )
    return Listeners(servers, sockets)


def _config(app: ASGIApp, settings: Settings, *, tls: bool) -> uvicorn.Config:
    side = settings.public
    certificate = side.tls_certificate if tls else None
    return uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=tls and side.trusted_proxy is not None,
        forwarded_allow_ips=side.trusted_proxy or "",
        ssl_certfile=certificate,
        ssl_keyfile=side.tls_key if certificate else None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
    )


def _bound(address: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise SetupError(
            "daemon:port_taken", setting=setting, address=address, port=port, reason=error.strerror
        ) from error
    bound.set_inheritable(True)
    return bound
