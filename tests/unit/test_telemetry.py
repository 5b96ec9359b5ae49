"""Log lines keep secrets to themselves, and figures have stable names."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connector.telemetry import HIDDEN, build_metrics, configure_logging, hide_secrets

SECRET = "s3cr3t-value-nobody-may-read"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    configure_logging(stream, readable=False)

    structlog.get_logger().info("batch.taken", feed="parts", records=1000)

    line = json.loads(stream.getvalue())
    assert ("batch.taken", "parts", 1000, "info") == (
        line["event"],
        line["feed"],
        line["records"],
        line["level"],
    )
    assert line["at"].endswith("Z")
    assert 1 == stream.getvalue().count("\n")


def test_on_a_terminal_lines_are_for_people(stream: io.StringIO) -> None:
    configure_logging(stream, readable=True)

    structlog.get_logger().info("batch.taken", feed="parts")

    assert "batch.taken" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_libraries_speak_the_same_way_and_only_when_it_matters(stream: io.StringIO) -> None:
    configure_logging(stream, readable=False)

    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("trouble with Bearer %s", SECRET)

    line = json.loads(stream.getvalue())
    assert ("library", "warning", f"trouble with Bearer {HIDDEN}") == (
        line["logger"],
        line["level"],
        line["event"],
    )


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "refresh-token",
        "Authorization",
        "password",
        "client_secret",
        "secret",
        "private_key",
        "privateKey",
        "credentials",
    ],
)
def test_a_secret_is_hidden_at_any_depth(stream: io.StringIO, key: str) -> None:
    configure_logging(stream, readable=False)

    structlog.get_logger().info("x.done", **{key: SECRET}, inner={"a": [{key: SECRET}]})

    assert SECRET not in stream.getvalue()
    assert 2 == stream.getvalue().count(HIDDEN)


def test_a_token_inside_a_text_is_hidden() -> None:
    jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
    event = hide_secrets(None, "info", {"event": "x.failed", "error": f"401 for {jwt} at host"})

    assert f"401 for {HIDDEN} at host" == event["error"]


@given(st.dictionaries(st.sampled_from(["feed", "tokens_max", "key", "secretary"]), st.integers()))
def test_what_is_no_secret_stays(event: dict[str, object]) -> None:
    assert event == hide_secrets(None, "info", dict(event))


def test_an_exception_keeps_its_place_and_loses_its_secrets(stream: io.StringIO) -> None:
    configure_logging(stream, readable=False)

    try:
        int(f"Authorization: Bearer {SECRET}")
    except ValueError:
        structlog.get_logger().exception("door.failed")

    assert SECRET not in stream.getvalue()
    assert "ValueError" in json.loads(stream.getvalue())["exception"]


def test_two_connectors_in_one_process_count_apart() -> None:
    one, other = build_metrics(), build_metrics()

    one.backlog_rows.labels("derivation").set(5)

    assert b'eslabon_backlog_rows{door="derivation"} 5.0' in one.exposition()
    assert b'door="derivation"' not in other.exposition()


def test_every_figure_bears_our_name() -> None:
    names = [metric.name for metric in build_metrics().registry.collect()]

    assert [] == [name for name in names if not name.startswith("eslabon_")]
