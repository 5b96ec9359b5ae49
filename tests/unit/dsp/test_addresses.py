"""The addresses of the protocol are found as a router would find them, only sooner."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from connector.protocols.dsp.answering import Addresses, Endpoint
from tests.doubles.asgi import Reply, call

POSTED = (
    *("/catalog/request", "/negotiations/request", "/negotiations/{pid}/request"),
    *("/negotiations/{pid}/agreement", "/negotiations/{pid}/agreement/verification"),
    *("/transfers/request", "/transfers/{pid}/start"),
)
SEGMENTS = (
    *("", "catalog", "negotiations", "transfers", "request", "agreement", "verification"),
    *("start", "urn:uuid:1", "{pid}", "%7Bpid%7D", "datasets", "a b", "x\n"),
)


def endpoint(name: str) -> Endpoint:
    async def answer(request: Request) -> Response:
        return PlainTextResponse(f"{name} {request.path_params}")

    return Endpoint(answer)


ROUTES = [
    *(Route(path, endpoint(path), methods=["POST"]) for path in POSTED),
    Route("/negotiations/{pid}", endpoint("shown"), methods=["GET"]),
    Route("/catalog/datasets/{dataset_id:path}", endpoint("dataset"), methods=["GET"]),
]


def asked(app: ASGIApp, method: str, path: str) -> Reply:
    return asyncio.run(call(Router([Mount("/dsp", app=app)]), method, f"/dsp{path}"))


@given(st.lists(st.sampled_from(SEGMENTS), max_size=5), st.sampled_from(["POST", "GET", "PUT"]))
def test_every_address_leads_where_a_router_would_lead(segments: list[str], method: str) -> None:
    path = "".join(f"/{one}" for one in segments)
    routed = asked(Router(ROUTES, redirect_slashes=False), method, path.rstrip("/") or "/")

    found = asked(Addresses(ROUTES), method, path or "/")

    assert (routed.status, routed.body) == (found.status, found.body)


def test_what_stands_in_the_place_of_an_id_is_the_id_whatever_it_looks_like() -> None:
    path = "/negotiations/{pid}/agreement"

    assert b"{'pid': '{pid}'}" in asked(Addresses(ROUTES), "POST", path).body
    assert 404 == asked(Addresses(ROUTES), "POST", "/negotiations//agreement").status
