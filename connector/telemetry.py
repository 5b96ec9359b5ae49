"""Log lines and figures: one event per line with a stable name, and the metrics to scrape.

An event is a noun and a past participle, such as ``batch.taken``. On a terminal lines are
readable, elsewhere each is one JSON object. What is secret by its key never gets out.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TextIO

import orjson
import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HIDDEN = "[hidden]"
DEPTH_MAX = 8

_SECRET = re.compile(
    r"(^|_|-)(token|secret|authorization|password|passwd|private_?key|credential)s?$",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

Event = MutableMapping[str, Any]


def configure_logging(
    stream: TextIO | None = None, *, readable: bool | None = None, level: int = logging.INFO
) -> None:
    """Send all log lines to a stream, standard error if none is given.

    ``readable`` chooses text for people; by default it depends on whether the stream is a
    terminal. Lines of libraries go the same way, from warnings upward.
    """
    out = stream or sys.stderr
    for_people = out.isatty() if readable is None else readable
    steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
        colors=for_people, timestamp_key="at"
    )
    last = last if for_people else structlog.processors.JSONRenderer(serializer=_json)
    structlog.configure(
        processors=[*steps, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A line and its end in one piece: elsewhere each would be a call of the system.
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _lead_in_libraries(out, steps, last)


def hide_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Replace, at any depth, what is secret by its key, and tokens inside texts."""
    return {
        key: (
            HIDDEN
            if _is_secret(key)
            else value
            if isinstance(value, str) and _is_word(value)
            else _hidden(None, value, 0)
        )
        for key, value in event.items()
    }


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one connector, built once and handed down; names begin ``eslabon_``."""

    registry: CollectorRegistry = field(repr=False)
    backlog_rows: Gauge
    messages_owed: Gauge
    negotiations: Gauge
    processes_stuck: Gauge
    exchanges_begun_anew: Gauge
    stored: Gauge
    feed_failing: Gauge
    credential_expiry_seconds: Gauge
    refreshes: Gauge
    directory_age_seconds: Gauge
    directory_contradictions: Gauge
    ledger_rows: Gauge
    ledger_unsigned_rows: Gauge
    ledger_head_age_seconds: Gauge

    def exposition(self) -> bytes:
        """Return all figures in the text format that Prometheus scrapes."""
        return generate_latest(self.registry)


def build_metrics() -> Metrics:
    """Make the figures of one connector, all of them at zero, in a registry of their own."""
    registry = CollectorRegistry()
    gauge = partial(Gauge, registry=registry)
    return Metrics(
        registry=registry,
        backlog_rows=gauge("eslabon_backlog_rows", "Rows that wait before a door.", ["door"]),
        messages_owed=gauge("eslabon_messages_owed", "Messages that we still owe to partners."),
        negotiations=gauge("eslabon_negotiations", "Negotiations by state.", ["state"]),
        processes_stuck=gauge(
            "eslabon_processes_stuck",
            "Negotiations and transfers in which nothing has moved for a minute.",
            ["kind"],
        ),
        exchanges_begun_anew=gauge(
            "eslabon_exchanges_begun_anew",
            "Negotiations and transfers begun anew since a partner stumbled, ever.",
            ["kind"],
        ),
        stored=gauge("eslabon_stored", "What the store holds.", ["what"]),
        feed_failing=gauge("eslabon_feed_failing", "Feeds in trouble.", ["feed", "code"]),
        credential_expiry_seconds=gauge(
            "eslabon_credential_expiry_seconds",
            "Seconds until we can no longer prove a type of credential; negative when expired.",
            ["type"],
        ),
        refreshes=gauge(
            "eslabon_refreshes",
            "Refreshes of access tokens since the start, ours and by partners, by outcome.",
            ["role", "outcome"],
        ),
        directory_age_seconds=gauge(
            "eslabon_directory_age_seconds",
            "Seconds since the directory of the data space was read; NaN if it never was.",
        ),
        directory_contradictions=gauge(
            "eslabon_directory_contradictions",
            "Partners to whom the directory gives another DID than the address book.",
        ),
        ledger_rows=gauge("eslabon_ledger_rows", "Rows in the ledger."),
        ledger_unsigned_rows=gauge(
            "eslabon_ledger_unsigned_rows", "Rows of the ledger without a signed head above them."
        ),
        ledger_head_age_seconds=gauge(
            "eslabon_ledger_head_age_seconds",
            "Seconds since the newest head of the ledger was signed.",
        ),
    )


@lru_cache(maxsize=256)
def _is_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def _is_word(text: str) -> bool:
    """Whether a text can hold no token: it has no blanks, and none begins in it."""
    return " " not in text and "eyJ" not in text and text.isprintable()


def _without_tokens(text: str) -> str:
    return _JWT.sub(HIDDEN, _BEARER.sub(rf"\1 {HIDDEN}", text))


def _hidden(key: object, value: object, depth: int) -> object:
    if isinstance(key, str) and _SECRET.search(key):
        return HIDDEN
    match value:
        case str():
            return value if _is_word(value) else _without_tokens(value)
        case dict() | list() | tuple() if depth < DEPTH_MAX:
            return _hidden_inside(value, depth + 1)
    return value


def _hidden_inside(value: Mapping[object, object] | Sequence[object], depth: int) -> object:
    if isinstance(value, Mapping):
        return {key: _hidden(key, item, depth) for key, item in value.items()}
    return [_hidden(None, item, depth) for item in value]


def _json(event: Event, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _lead_in_libraries(
    out: TextIO, steps: list[structlog.typing.Processor], last: structlog.typing.Processor
) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *steps],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    outlet = logging.StreamHandler(out)
    outlet.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [outlet]
    root.setLevel(logging.WARNING)
