"""The two listeners: the partners' side, and the operator's side on this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from connector.daemon.connection import Connection, connections
from connector.daemon.doorway import Doorway, Patience, Public
from connector.errors import SetupError
from connector.partner.rates import Excess, Rates, Share
from connector.settings.values import Settings

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 65
GRACE_SECONDS = 5
OPERATOR_ADDRESS = "127.0.0.1"


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


def listen(settings: Settings, public: Public, operator: ASGIApp) -> Listeners:
    """Bind both addresses; raise `SetupError` naming the one that is taken."""
    side = settings.public
    doorway = Doorway(patience(settings), public)
    servers = (
        _Server(_config(public, settings, doorway)),
        _Server(_config(operator, settings, None)),
    )
    sockets = (
        _bound(side.bind, side.port, "public.port"),
        _bound(OPERATOR_ADDRESS, settings.operator.port, "operator.port"),
    )
    return Listeners(servers, sockets)


def rates_of(settings: Settings) -> Rates:
    """Return what counts the requests of each partner, and logs whom it slows down."""
    limits = settings.limits
    share = Share(limits.partner_requests_per_second, limits.partner_requests_burst)

    def told(excess: Excess) -> None:
        log = structlog.get_logger()
        log.warning("partner.slowed", partner=excess.partner, refused=excess.refused)

    return Rates(share, time.monotonic, told)


def patience(settings: Settings) -> Patience:
    """Return what the partners' side bears."""
    limits, proxy = settings.limits, settings.public.trusted_proxy
    return Patience(
        connections_max=limits.public_connections_max,
        host_connections_max=limits.host_connections_max,
        head_seconds_max=limits.request_head_seconds_max,
        body_seconds_max=limits.request_body_seconds_max,
        stall_seconds_max=limits.answer_stall_seconds_max,
        proxy=ipaddress.ip_network(proxy, strict=False) if proxy else None,
    )


def _config(app: ASGIApp, settings: Settings, doorway: Doorway | None) -> uvicorn.Config:
    """Return how one side is served: the partners' through its doorway, and with TLS."""
    side = settings.public
    tls = doorway is not None
    certificate = side.tls_certificate if tls else None
    return uvicorn.Config(
        app,
        # uvicorn calls it for every connection, as it would call its own class.
        http=cast("type[Connection]", connections(doorway)) if doorway else "httptools",
        ws="none",
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
