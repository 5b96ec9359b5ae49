"""Runs a connector like ``eslabon run``, with a fuse in it: the tests' own main."""

from __future__ import annotations

import sys
from pathlib import Path

from connector.cli.asking import Asked, settings_of
from connector.daemon.house import Parts
from connector.daemon.lifetime import run
from connector.telemetry import configure_logging
from tests.journeys.faults.fuse import Fuse


def main(config: str, moment: str, nth: str, notes: str) -> None:
    """Run until the fuse blows, or until told to stop."""
    settings = settings_of(Asked(Path(config), "en", as_json=True))
    configure_logging(sys.stderr, readable=False)
    fuse = Fuse(moment, int(nth), Path(notes), settings.connector.data / "eslabon.db")
    run(settings, Parts(probe=fuse))


if __name__ == "__main__":
    main(*sys.argv[1:])
