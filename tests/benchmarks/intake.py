"""Measures intake in a process of its own: a file of serial parts to offered twins."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path

import structlog

from connector.daemon.house import Watch, open_library, open_taking, store_path
from connector.daemon.lifetime import tune
from connector.offer.publication import Publication
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from connector.store.database import Database


def take_in(settings: Settings) -> dict[str, float]:
    """Read the one feed to its end; return rows, seconds and peak memory in megabytes."""
    path = store_path(settings)
    db = Database.open(path)
    publication = Publication(settings.offer_rules())
    taking = open_taking(settings, open_library(settings), publication, Watch())
    began = time.perf_counter()
    while not _offered(db):
        taking.round(db)
    seconds = time.perf_counter() - began
    rows = _offered(db)
    taking.close()
    db.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "seconds": seconds, "megabytes": peak}


def _offered(db: Database) -> int:
    row = db.row("SELECT count(*) FROM exposure e JOIN submodel s ON s.twin = e.twin")
    return int(row[0]) if row else 0


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder, source = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.copy(source, folder.parents[1] / "drop" / "serial.csv")
    settings, _ = load_settings(folder / "eslabon.toml", {})
    assert settings is not None
    tune()
    print(json.dumps(take_in(settings)))  # noqa: T201
