"""Gets at the operations: those of the running connector, else those on its store."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from connector.cli.asking import Asked, settings_of
from connector.errors import SetupError
from connector.settings.values import Settings
from connector.telemetry import configure_logging
from connector.web.operations import Operations
from connector.web.remote import Connection, remote_operations


@contextmanager
def operations(asked: Asked) -> Iterator[Operations]:
    """Give the operations of the running connector, else those on its store.

    Without a running connector the store is opened under its lock, and closed again.
    """
    settings = settings_of(asked)
    if remote := running(settings):
        yield remote
        return
    # Slow to import, and not needed where a connector runs.
    from connector.daemon.offline import open_offline  # noqa: PLC0415

    configure_logging(sys.stderr, level=logging.WARNING)
    with open_offline(settings) as local:
        yield local


def running_operations(asked: Asked) -> Operations:
    """Return the operations of the running connector; raises `SetupError` where none runs."""
    remote = running(settings_of(asked))
    if remote is None:
        raise SetupError("cli:not_running", file=asked.config)
    return remote


def running(settings: Settings) -> Operations | None:
    """Return the operations of the connector that runs with these settings, if one does."""
    token = settings.operator.token_file.read_text(encoding="utf-8").strip()
    connection = Connection(settings.operator.port, token)
    return remote_operations(connection) if connection.is_live() else None
