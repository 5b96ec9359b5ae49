"""Published test data of two companies whose bills of materials cross, walked by one of them.

The files are not part of this repository: ESLABON_TRACEABILITY_DATA names their folder. Every
number here was counted by hand in the files; `by_hand` counts once more, with nothing of ours.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.published import by_hand
from tests.journeys.published.by_hand import A, B, Published, Stop
from tests.journeys.published.exchange import Missed, Pair, Walked, loaded, wait_for_rows

pytestmark = pytest.mark.journey

VARIABLE = "ESLABON_TRACEABILITY_DATA"
TWIN_STEP = "DigitalTwinRequest"

# How many aspects of each model stand in the file of A and in that of B.
ASPECTS = {
    "SerialPart": (10, 7),
    "Batch": (5, 3),
    "JustInSequencePart": (2, 2),
    "SingleLevelBomAsBuilt": (5, 6),
    "SingleLevelUsageAsBuilt": (6, 6),
    "TractionBatteryCode": (2, 1),
    "PartAsPlanned": (8, 7),
    "SingleLevelBomAsPlanned": (5, 5),
    "PartSiteInformationAsPlanned": (8, 7),
}
# None of the sites of planned parts bears catenaXsiteId, which the model requires: all of
# them write catenaXSiteId. The rows are numbered through their file, from 1.
SITELESS = {
    A: [20, 24, 27, 29, 31, 34, 36, 39],
    B: [20, 24, 26, 29, 32, 35, 37],
}
# One part just in sequence of A ends in ...c3, the asset under which it stands in ...c2.
CONTRADICTING = {A: [45], B: []}

# Four children cannot be had: two belong to companies that neither A nor B knows, one is said
# to be at A but A published nothing of it, and of two planned parts each contains the other.
STRANGER_1 = "urn:uuid:1d2d8480-90a5-4a17-9ecb-2ff039d35fec"
STRANGER_2 = "urn:uuid:aad27ddb-43aa-4e42-98c2-01e529ef127c"
ABSENT = "urn:uuid:e5c96ab5-896a-482c-8761-efd74777ca97"
CIRCLE_A = "urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4da01"
CIRCLE_B = "urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4eb01"
IN_A_CIRCLE = "the part stands in its own bill of materials"
MISSED = {
    # below the vehicle 6b22... of A, by way of the part 7eee... of B; and from that part itself
    Missed(
        "BPNL00000003CSGV",
        STRANGER_1,
        TWIN_STEP,
        "BPNL00000003CSGV is not in the address book",
    ): 2,
    # below the planned vehicle ...c79e of B; that A has an asset of the same id is no answer
    Missed(
        "BPNL00000003AYRE",
        STRANGER_2,
        TWIN_STEP,
        "BPNL00000003AYRE is not in the address book",
    ): 1,
    # below the planned battery ...127c of A; what A has is ...ca98
    Missed(A, ABSENT, TWIN_STEP, "company-a, that is we, has no twin with these ids"): 1,
    # ...da01 of A contains ...eb01 of B contains ...da01
    Missed(A, CIRCLE_A, TWIN_STEP, IN_A_CIRCLE): 1,
    Missed(B, CIRCLE_B, TWIN_STEP, IN_A_CIRCLE): 1,
}


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"set {VARIABLE} to the folder of the published files")
    return Path(named)


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Published]:
    return by_hand.read(folder)


@pytest.fixture(scope="module")
def pair(
    folder: Path, files: dict[str, Published], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with loaded(tmp_path_factory.mktemp("published"), folder, files) as both:
        yield both


Walks = Mapping[tuple[str, str], Walked]


@pytest.fixture(scope="module")
def walks(pair: Pair, files: dict[str, Published]) -> Walks:
    """Every bill of materials of either company, walked by A, and B's parts without one."""
    of_b = files[B].assets
    walked = pair.collect([*((A, root) for root in files[A].roots), *((B, one) for one in of_b)])
    wait_for_rows(pair.a, 51 + 37)
    return walked


def test_the_files_hold_what_was_counted_by_hand(files: dict[str, Published]) -> None:
    counted = {name: (files[A].by_model[name], files[B].by_model[name]) for name in ASPECTS}
    lines = [line for bpnl in (A, B) for line in files[bpnl].lines]
    roots = [(bpnl, root) for bpnl in (A, B) for root in files[bpnl].roots]
    stops = [stop for bpnl, root in roots for stop in by_hand.walk(files, bpnl, root)]

    assert (24, 18) == (len(files[A].assets), len(files[B].assets))
    assert (51, 44) == (len(files[A].aspects), len(files[B].aspects))
    assert ASPECTS == counted
    assert (10, 11) == (len(files[A].roots), len(files[B].roots))
    assert 22 == len(lines)
    assert (26, 27) == (sum_of_stops(files, A), sum_of_stops(files, B))
    assert {"": 47, "stranger": 3, "absent": 1, "circle": 2} == Counter(s.why for s in stops)
    assert (42, 37) == (len(files[A].sound), len(files[B].sound))


@pytest.mark.parametrize("bpnl", [A, B])
def test_the_rows_in_the_quarantine_were_counted_by_hand(
    files: dict[str, Published], bpnl: str
) -> None:
    siteless = [aspect.row for aspect in files[bpnl].aspects if aspect.lacks_a_site]
    contradicting = [aspect.row for aspect in files[bpnl].aspects if aspect.contradicts_its_asset]

    assert SITELESS[bpnl] == siteless
    assert CONTRADICTING[bpnl] == contradicting


def test_every_row_becomes_an_aspect_or_stands_in_the_quarantine(pair: Pair) -> None:
    kept = "records aspects quarantined twins offers"
    of_a, of_b = pair.counts[A], pair.counts[B]

    assert [51, 42, 9, 24, 24] == [of_a[name] for name in kept.split()]
    assert [44, 37, 7, 18, 18] == [of_b[name] for name in kept.split()]


def test_the_quarantine_says_the_true_reason(pair: Pair) -> None:
    siteless = [("aspect:value_missing", "payload", "sites[0].catenaXsiteId is missing")]
    contradiction = (
        "the payload says catenaXId urn:uuid:bcfae197-40fa-4be0-821d-5c1873a1b7c3,"
        " but its part is urn:uuid:bcfae197-40fa-4be0-821d-5c1873a1b7c2"
    )
    contradicting = [("aspect:mapping_id_contradicts", "^assetMetaInfo.catenaXId", contradiction)]
    of_a = {**dict.fromkeys(SITELESS[A], siteless), 45: contradicting}

    assert of_a == pair.quarantined(pair.a)
    assert dict.fromkeys(SITELESS[B], siteless) == pair.quarantined(pair.b)


def test_every_company_stores_its_own_aspects_as_published(
    pair: Pair, files: dict[str, Published]
) -> None:
    for company in (pair.a, pair.b):
        own = {key[1:]: value for key, value in pair.stored(company).items() if not key[0]}
        assert files[company.bpnl].sound == own


def test_every_bill_of_materials_is_walked_to_its_leaves(
    walks: Walks, files: dict[str, Published]
) -> None:
    expected = {part: sorted(places(files, *part)) for part in walks}

    assert {"complete"} == {walked.state for walked in walks.values()}
    assert expected == {part: sorted(walked.stops) for part, walked in walks.items()}
    assert 10 + 18 == len(walks)


def test_a_child_that_cannot_be_had_leaves_a_tombstone(walks: Walks) -> None:
    assert MISSED == Counter(missed for walked in walks.values() for missed in walked.missed)


def test_all_else_arrives_complete_and_under_its_own_ids(
    pair: Pair, walks: Walks, files: dict[str, Published]
) -> None:
    arrived = {key: value for key, value in pair.stored(pair.a).items() if key[0]}
    counts = pair.a.counts()

    assert 28 == len(walks)
    assert {(B, *key): value for key, value in files[B].sound.items()} == arrived
    assert (37, 18) == (len(arrived), counts["collected_twins"])
    assert (42 + 37, 9) == (counts["aspects"], counts["quarantined"])


def test_a_planned_part_whose_type_stands_elsewhere_is_found_by_its_keys(pair: Pair) -> None:
    keys = [f"manufacturerId={B}", "manufacturerPartId=7805659-25", "digitalTwinType=PartType"]
    words = [word for key in keys for word in ("--part", key)]
    found: Any = pair.a.ask("collect", "--partner", "company-b", *words, "--depth", "1")

    assert [CIRCLE_B, CIRCLE_A] == [part["global_asset_id"] for part in found["parts"]]


def sum_of_stops(files: Mapping[str, Published], bpnl: str) -> int:
    return sum(len(places(files, bpnl, root)) for root in files[bpnl].roots)


def places(files: Mapping[str, Published], bpnl: str, asset: str) -> list[Stop]:
    return [stop._replace(why="") for stop in by_hand.walk(files, bpnl, asset)]
