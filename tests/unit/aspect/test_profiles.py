"""Each feed is judged by the profile that its settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn

from connector.aspect.derivation import Workshop
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.mapping.parsing import parse_mapping
from connector.daemon.feeds import FeedPlan, judges_of
from connector.errors import Severity
from connector.settings.sections import FeedSection
from tests.unit.aspect.test_validation import SERIAL_PART, part

LIBRARY = ModelLibrary([shipped_folder()])
MAPPING = """
model: {column: semanticId}
twin: {id: {column: id}, from_payload: true}
payload: {column: payload}
"""


def plan(name: str, profile: Literal["official", "strict"]) -> FeedPlan:
    definition, _ = parse_mapping(MAPPING, "mapping.yaml")
    assert definition is not None
    section = FeedSection(name=name, adapter="json_lines", mapping=Path("m"), profile=profile)
    return FeedPlan(section, definition, {})


def _nobody(_: object) -> NoReturn:
    raise AssertionError


def workshop() -> Workshop:
    plans = [plan("as-published", "official"), plan("exact", "strict")]
    return Workshop(_nobody, LIBRARY.get, _nobody, judges_of(plans, LIBRARY))


def test_a_feed_is_judged_officially_unless_its_settings_say_otherwise() -> None:
    payload = part(misspelt=1)

    assert [True, False, True] == [
        workshop().judge(feed, SERIAL_PART).is_valid(payload)
        for feed in ("as-published", "exact", "partner:BPNL00000000PUE1")
    ]


def test_what_is_only_risky_does_not_keep_a_record_back() -> None:
    found = workshop().judge("exact", SERIAL_PART).findings(part(misspelt=1))

    assert [Severity.WARNING] == [finding.severity for finding in found]
