"""A walk through a small world of parts: what it finds, what it buries, how it goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.collection import gathering, table
from connector.collection.gathering import Means, Walk, begin
from connector.collection.model import AssetIds, Gap, Node, RemoteSubmodel, Shell, Step, Wanted
from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Bpnl, Did, SemanticId
from connector.partner.model import Partner
from connector.store.database import Database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BILL = SemanticId.parse(
    "urn:samm:io.catenax.single_level_bom_as_built:3.0.0#SingleLevelBomAsBuilt"
)
OWN, OTHER = Bpnl("BPNL00000000OEM1"), Bpnl("BPNL00000000PUE1")
ROOT, ONE, TWO = (f"urn:uuid:{n * 8}-aaaa-4aaa-8aaa-aaaaaaaaaaaa" for n in "abc")
PARTNERS = {
    OWN: Partner("oem", OWN, Did("did:web:oem")),
    OTHER: Partner("puebla", OTHER, Did("did:web:puebla")),
}


def line(part: str, partner: str = OTHER) -> dict[str, object]:
    quantity = {"value": 2, "unit": "unit:piece"}
    return {"catenaXId": part, "businessPartner": partner, "quantity": quantity}


@dataclass
class World:
    """Every part by its id, and the lines below it; ``trouble`` is raised once for each."""

    bills: Mapping[str, Sequence[object]]
    trouble: dict[str, list[Exception]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    async def shells(self, _: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        part = dict(asset_ids)["globalAssetId"].removeprefix("urn:uuid:")
        known = f"urn:uuid:{part.lower()}"
        self.asked[known] += 1
        if self.trouble.get(known):
            raise self.trouble[known].pop(0)
        bill = RemoteSubmodel(BILL, known, "", "")
        return (Shell(known, {}, (bill,)),) if known in self.bills else ()

    async def value(self, _: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        return {"catenaXId": submodel.href, "childItems": self.bills[submodel.href]}


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "oem.db")


def means(db: Database, world: World, parts_max: int = 100) -> Means:
    return Means(
        db=db,
        own=OWN,
        partner=PARTNERS.get,
        visit=lambda _: world,
        invalid=lambda *_: "",
        arrived=lambda: None,
        clock=lambda: NOW,
        parts_max=parts_max,
    )


async def walked(db: Database, world: World, depth_max: int = 32, parts_max: int = 100) -> str:
    wanted = Wanted(OTHER, ROOT, depth_max=depth_max)
    about = begin(db, wanted, NOW)
    await go_on(db, world, about, parts_max)
    return about


async def go_on(db: Database, world: World, about: str, parts_max: int = 100) -> None:
    collection = table.collection(db, about)
    assert collection
    await Walk(means(db, world, parts_max), collection).run()


def buried(nodes: list[Node]) -> list[tuple[str, str, str, str]]:
    return [
        (node.partner, node.global_asset_id, node.step, node.reason)
        for node in nodes
        if node.state == "tombstone"
    ]


async def test_a_circle_is_closed_by_a_tombstone_however_the_id_is_spelled(db: Database) -> None:
    again = ROOT.removeprefix("urn:uuid:").upper()
    about = await walked(
        db, World({ROOT: [line(ONE)], ONE: [line(again, OWN), line(TWO)], TWO: []})
    )

    nodes = table.nodes(db, about)
    reason = "the part stands in its own bill of materials"
    assert [(OWN, again, "DigitalTwinRequest", reason)] == buried(nodes)
    assert [ROOT, ONE, TWO] == [node.global_asset_id for node in nodes if node.state == "done"]


async def test_a_part_that_names_itself_is_a_circle(db: Database) -> None:
    about = await walked(db, World({ROOT: [line(ROOT)]}))

    assert [ROOT] == [node[1] for node in buried(table.nodes(db, about))]


@pytest.mark.parametrize(
    ("child", "reason"),
    [
        (line(ONE, "BPNL00000000EXT1"), "BPNL00000000EXT1 is not in the address book"),
        (line(ONE, ""), "the bill of materials names no company for this part"),
        (line(ONE, OTHER), "puebla shows no twin with these ids to us"),
        (line(ONE, OWN), "oem, that is we, has no twin with these ids"),
    ],
)
async def test_a_child_that_cannot_be_had_is_buried_and_the_walk_goes_on(
    db: Database, child: dict[str, object], reason: str
) -> None:
    about = await walked(db, World({ROOT: [child, line(TWO)], TWO: []}))

    nodes = table.nodes(db, about)
    assert [(child["businessPartner"], ONE, "DigitalTwinRequest", reason)] == buried(nodes)
    assert "done" == nodes[-1].state


async def test_terms_that_we_do_not_accept_are_named_as_such(db: Database) -> None:
    params = {"partner": "puebla", "dataset": "d", "reasons": "purpose"}
    refused = PartnerError("transfer:offer_not_acceptable", **params)
    about = await walked(db, World({ROOT: [line(ONE)], ONE: []}, {ONE: [refused]}))

    assert ["UsagePolicyValidation"] == [step for *_, step, _ in buried(table.nodes(db, about))]


class Closed(World):
    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        raise PartnerError("connector.protocols.aas:value_no_object", url=submodel.href)


class WithoutPartTypes(World):
    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        if ("digitalTwinType", "PartType") in asset_ids:
            raise PartnerError("collection:twin_unknown", partner=partner.name)
        found = await super().shells(partner, asset_ids)
        return tuple(replace(one, asset_ids={"manufacturerPartId": "P-1"}) for one in found)


async def test_a_part_type_that_is_refused_is_a_gap_of_the_part_that_was_had(
    db: Database,
) -> None:
    about = await walked(db, WithoutPartTypes({ROOT: []}))

    (node,) = table.nodes(db, about)
    reason = "puebla shows no twin with these ids to us"
    assert ("done", (Gap("PartType", Step.TWIN, reason),)) == (node.state, node.gaps)


async def test_an_aspect_that_cannot_be_had_is_a_gap_of_a_part_that_was(db: Database) -> None:
    about = await walked(db, Closed({ROOT: [line(ONE)]}))

    (root,) = table.nodes(db, about)
    assert "done" == root.state
    assert [(BILL, "SubmodelRequest")] == [(gap.aspect, gap.step) for gap in root.gaps]


@pytest.mark.parametrize(
    "wrong",
    ["text", 7, None, [], {}, {"catenaXId": 7}, {"catenaXId": {"a": 1}}],
)
async def test_a_line_that_is_none_is_passed_over(db: Database, wrong: object) -> None:
    about = await walked(db, World({ROOT: [wrong, line(ONE)], ONE: []}))

    assert [ROOT, ONE] == [node.global_asset_id for node in table.nodes(db, about)]


@pytest.mark.parametrize("quantity", ["2", 2, [], {"value": "2"}, {"value": True}, None])
async def test_a_quantity_that_cannot_be_read_is_unknown(db: Database, quantity: object) -> None:
    about = await walked(db, World({ROOT: [{**line(ONE), "quantity": quantity}], ONE: []}))

    assert [None, None] == [node.quantity for node in table.nodes(db, about)]


async def test_a_part_in_two_bills_has_two_places_and_is_fetched_once(db: Database) -> None:
    world = World({ROOT: [line(ONE), line(TWO)], ONE: [line(TWO)], TWO: []})
    about = await walked(db, world)

    assert [ROOT, ONE, TWO, TWO] == [node.global_asset_id for node in table.nodes(db, about)]
    assert {ROOT: 1, ONE: 1, TWO: 1} == world.asked


async def test_a_walk_goes_as_deep_as_it_was_told(db: Database) -> None:
    about = await walked(db, World({ROOT: [line(ONE)], ONE: [line(TWO)], TWO: []}), depth_max=1)

    assert [ROOT, ONE] == [node.global_asset_id for node in table.nodes(db, about)]


async def test_a_walk_that_finds_no_end_is_stopped(db: Database) -> None:
    many = [line(f"urn:uuid:{n:08d}-aaaa-4aaa-8aaa-aaaaaaaaaaaa") for n in range(5)]

    with pytest.raises(EslabonError) as stopped:
        await walked(db, World({ROOT: many}), parts_max=5)

    assert "collection:parts_too_many" == stopped.value.code


async def test_as_many_parts_as_are_allowed_are_walked(db: Database) -> None:
    about = await walked(db, World({ROOT: [line(ONE), line(TWO)], ONE: [], TWO: []}), parts_max=3)

    assert ["done"] * 3 == [node.state for node in table.nodes(db, about)]


async def test_a_partner_that_fails_for_the_moment_is_asked_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "RETRY_SECONDS_FIRST", 0.0)
    trouble: list[Exception] = [
        TransientError("connector.protocols:timed_out", url="u", seconds=1)
    ]
    world = World({ROOT: [line(ONE)], ONE: []}, {ONE: trouble * 3})
    about = await walked(db, world)

    assert ["done", "done"] == [node.state for node in table.nodes(db, about)]
    assert 4 == world.asked[ONE]


async def test_a_walk_that_was_cut_off_goes_on_where_it_was(db: Database) -> None:
    world = World({ROOT: [line(ONE)], ONE: []}, {ONE: [KeyError("a cut")]})
    about = begin(db, Wanted(OTHER, ROOT), NOW)
    with pytest.raises(KeyError):
        await go_on(db, world, about)

    await go_on(db, world, about)

    assert ["done", "done"] == [node.state for node in table.nodes(db, about)]
    assert {ROOT: 1, ONE: 2} == world.asked


@dataclass
class SlowWorld(World):
    """A world in which the part that comes last takes its time."""

    async def value(self, _: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        await asyncio.sleep(0.02 if submodel.href == TWO else 0)
        return await super().value(_, submodel)


async def test_a_walk_that_a_full_disk_stopped_goes_on_and_has_no_place_twice(
    db: Database,
) -> None:
    world = SlowWorld({ROOT: [line(ONE), line(TWO)], ONE: [], TWO: [line(ONE)]})
    full = [TransientError("store:disk_full", path="oem.db")]

    def invalid(_: SemanticId, payload: object) -> str:
        if isinstance(payload, dict) and payload["catenaXId"] == ONE and full:
            raise full.pop()
        return ""

    about = begin(db, Wanted(OTHER, ROOT), NOW)
    collection = table.collection(db, about)
    assert collection
    with pytest.raises(TransientError):
        await Walk(replace(means(db, world), invalid=invalid), collection).run()
    await go_on(db, world, about)
    await asyncio.sleep(0.05)

    assert [ROOT, ONE, TWO, ONE] == [node.global_asset_id for node in table.nodes(db, about)]
