"""``eslabon run``: the connector itself, until it is told to stop."""

from __future__ import annotations

import sys

import structlog

from connector.cli.asking import Asked, settings_and_warnings
from connector.cli.output import OK
from connector.daemon.lifetime import run
from connector.telemetry import configure_logging


def carry_out(asked: Asked) -> int:
    """Start the connector; risky settings are warned about at every start."""
    settings, warnings = settings_and_warnings(asked)
    configure_logging(sys.stderr, readable=False if asked.as_json else None)
    log = structlog.get_logger()
    for warning in warnings:
        text = warning.text(settings.connector.language or asked.language)
        log.warning("settings.warned", setting=warning.path, what=text.what, why=text.why)
    run(settings)
    return OK
