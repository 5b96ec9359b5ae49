"""Runs the demo's authority for the kit, whose holder is its one member."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from connector.identifiers import Bpnl, did_web
from connector.protocols.dcp.credentials import BPN, MEMBERSHIP
from deploy.demo.authority import Authority
from tests.conformance.dcp import ground


def main(port: int, kit_port: int, folder: Path) -> None:
    """Serve until the end of the tests; the kit waits for exactly two credentials."""
    authority = Authority(folder / "authority", did_web(f"http://{ground.HOST}:{port}"))
    authority.register.admit(ground.kit_did(kit_port, "holder"), Bpnl("BPNL00000000TCK1"))
    app = authority.application((MEMBERSHIP, BPN))
    uvicorn.run(app, host=ground.HOST, port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
