"""Runs our connector for the kit: it asks for the kit's credentials, at the kit's trigger."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.daemon.house import Parts, Trust
from connector.daemon.lifetime import run
from connector.daemon.proving import dcp_settings
from connector.errors import EslabonError
from connector.protocols.dcp import inbound
from connector.protocols.dcp.identity import DcpIdentity
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from connector.telemetry import configure_logging
from tests.conformance.dcp.ground import MEMBERSHIP, SENSITIVE, TRIGGER


def parts_for(settings: Settings) -> Parts:
    """Return the product's own identity, asking for the one credential that the kit demands."""
    asking = replace(
        dcp_settings(settings),
        requested_credentials=(MEMBERSHIP,),
        required_credentials=(MEMBERSHIP,),
        presented_credentials=(MEMBERSHIP, SENSITIVE),
    )
    identity = DcpIdentity(asking, settings.address_book())
    trust = Trust(identity, inbound.routes(identity), identity.holder_binding())
    return Parts(trust=trust, routes=[_trigger(identity)])


def _trigger(identity: DcpIdentity) -> Route:
    async def trigger(request: Request) -> Response:
        try:
            await identity.presented(request.headers.get("authorization"))
        except EslabonError as trouble:
            return Response(str(trouble), inbound.status_of(trouble))
        return Response()

    return Route(TRIGGER, trigger, methods=["POST"])


def main(config: Path) -> None:
    """Run until the end of the tests."""
    settings, findings = load_settings(config, os.environ)
    assert settings is not None, [finding.text().what for finding in findings]
    configure_logging(sys.stderr, readable=False)
    run(settings, parts_for(settings))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
