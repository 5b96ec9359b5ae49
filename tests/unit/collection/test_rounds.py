"""A partner with several connectors: each is asked, and one that is away hides no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from connector.collection.model import AssetIds, RemoteSubmodel, Shell, Step
from connector.collection.rounds import Rounds, Seats
from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Bpnl, Did, SemanticId
from connector.partner.model import Partner

PUEBLA = Partner("puebla", Bpnl("BPNL00000000PUE1"), Did("did:web:puebla.test"))
ONE = replace(PUEBLA, address="https://one.test/dsp/2025-1")
TWO = replace(PUEBLA, address="https://two.test/dsp/2025-1")
LEON = Partner("leon", PUEBLA.bpnl, Did("did:web:leon.test"))
SERIAL = SemanticId("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
FOOTPRINT = SemanticId("urn:samm:io.catenax.pcf:7.0.0#Pcf")
IDS: AssetIds = (("partInstanceId", "S1"),)
NO_REGISTRY = PartnerError("transfer:dataset_not_found", partner="puebla", selector="", shown=0)
AWAY = TransientError("protocols:timed_out", url="https://two.test", seconds=5)


def shell(kind: SemanticId, *, about: str = "urn:uuid:1", **links: str) -> Shell:
    return Shell(about, links, (RemoteSubmodel(kind, f"https://{kind.aspect_name}", kind, ""),))


@dataclass
class Town:
    """What each connector has: twins or a trouble, and the datasets that it offers."""

    seated: Seats
    twins: dict[Partner, list[Shell] | EslabonError] = field(default_factory=dict)
    offers: dict[Partner, set[str] | EslabonError] = field(default_factory=dict)
    asked: list[tuple[str, Partner]] = field(default_factory=list)

    async def seats(self, partner: Partner) -> Seats:
        assert PUEBLA.bpnl == partner.bpnl
        return self.seated

    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        assert IDS == asset_ids
        self.asked.append(("shells", partner))
        found = self.twins[partner]
        if isinstance(found, EslabonError):
            raise found
        return tuple(found)

    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        self.asked.append(("value", partner))
        offered = self.offers[partner]
        if isinstance(offered, EslabonError):
            raise offered
        if submodel.dataset_id not in offered:
            raise NO_REGISTRY
        return {"from": partner.name + partner.address}


async def test_a_single_connector_is_asked_as_ever() -> None:
    twin = shell(SERIAL)
    town = Town(Seats((PUEBLA,)), {PUEBLA: [twin]})

    assert (twin,) == await Rounds(town, town).shells(PUEBLA, IDS)


async def test_what_two_registries_say_of_one_twin_is_put_together() -> None:
    twins: dict[Partner, list[Shell] | EslabonError] = {
        ONE: [shell(SERIAL, partInstanceId="S1")],
        LEON: [shell(FOOTPRINT, manufacturerPartId="P"), shell(SERIAL)],
    }
    town = Town(Seats((ONE, LEON)), twins)
    (found,) = await Rounds(town, town).shells(PUEBLA, IDS)

    assert {"partInstanceId": "S1", "manufacturerPartId": "P"} == found.asset_ids
    assert [(SERIAL, ONE), (FOOTPRINT, LEON)] == [
        (one.semantic_id, one.described_by) for one in found.submodels
    ]
    assert () == found.missed


async def test_one_that_is_away_is_said_and_hides_nothing() -> None:
    town = Town(Seats((ONE, TWO)), {ONE: [shell(SERIAL)], TWO: AWAY})
    (found,) = await Rounds(town, town).shells(PUEBLA, IDS)
    (gap,) = found.missed

    assert ("puebla (https://two.test/dsp/2025-1)", Step.TWIN) == (gap.aspect, gap.step)
    assert "gave no complete answer within 5 s" in gap.reason


async def test_a_connector_that_was_not_even_reached_is_said_too() -> None:
    town = Town(Seats((ONE,), (("leon", AWAY),)), {ONE: [shell(SERIAL)]})
    (found,) = await Rounds(town, town).shells(PUEBLA, IDS)

    assert ["leon"] == [gap.aspect for gap in found.missed]


async def test_a_twin_that_may_be_at_one_that_is_away_is_sought_again() -> None:
    town = Town(Seats((ONE, TWO)), {ONE: [], TWO: AWAY})

    with pytest.raises(TransientError):
        await Rounds(town, town).shells(PUEBLA, IDS)


async def test_a_twin_that_no_registry_knows_is_not_there() -> None:
    town = Town(Seats((ONE, TWO)), {ONE: [], TWO: NO_REGISTRY})

    assert () == await Rounds(town, town).shells(PUEBLA, IDS)


async def test_a_partner_without_any_registry_is_refused() -> None:
    town = Town(Seats((ONE, TWO)), {ONE: NO_REGISTRY, TWO: NO_REGISTRY})

    with pytest.raises(PartnerError):
        await Rounds(town, town).shells(PUEBLA, IDS)


async def test_which_connector_serves_the_registry_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    town = Town(Seats((ONE, TWO)), {ONE: [shell(SERIAL)], TWO: NO_REGISTRY})
    going = Rounds(town, town)
    for _ in range(3):
        await going.shells(PUEBLA, IDS)
    first = [seat for _, seat in town.asked]
    monkeypatch.setattr("connector.collection.rounds.time.monotonic", lambda: 1e12)
    await going.shells(PUEBLA, IDS)

    assert [ONE, TWO, ONE, ONE] == first
    assert [ONE, TWO] == [seat for _, seat in town.asked[4:]]


async def test_a_submodel_is_pulled_where_its_dataset_is() -> None:
    offers: dict[Partner, set[str] | EslabonError] = {ONE: set(), TWO: {SERIAL}, LEON: set()}
    town = Town(Seats((ONE, LEON, TWO)), offers=offers)
    going = Rounds(town, town)
    submodel = replace(shell(SERIAL).submodels[0], described_by=ONE)
    for _ in range(2):
        assert {"from": f"puebla{TWO.address}"} == await going.value(PUEBLA, submodel)

    assert [ONE, LEON, TWO, TWO] == [seat for _, seat in town.asked]


@pytest.mark.parametrize("endpoint", ["https://two.test/dsp", "https://two.test/dsp/2025-1/"])
async def test_the_address_that_a_descriptor_names_is_tried_first(endpoint: str) -> None:
    town = Town(Seats((ONE, TWO)), offers={ONE: {SERIAL}, TWO: {SERIAL}})
    submodel = replace(shell(SERIAL).submodels[0], described_by=ONE, dsp_endpoint=endpoint)
    await Rounds(town, town).value(PUEBLA, submodel)

    assert [("value", TWO)] == town.asked


async def test_another_connector_with_the_same_dataset_steps_in() -> None:
    town = Town(Seats((ONE, TWO)), offers={ONE: AWAY, TWO: {SERIAL}})
    submodel = replace(shell(SERIAL).submodels[0], described_by=ONE)

    assert {"from": f"puebla{TWO.address}"} == await Rounds(town, town).value(PUEBLA, submodel)


async def test_a_refusal_is_not_taken_to_the_next_connector() -> None:
    refusal = PartnerError("transfer:offer_not_acceptable", partner="x", dataset="y", reasons="z")
    town = Town(Seats((ONE, TWO)), offers={ONE: refusal, TWO: {SERIAL}})

    with pytest.raises(PartnerError) as refused:
        await Rounds(town, town).value(PUEBLA, shell(SERIAL).submodels[0])
    assert refusal is refused.value


async def test_a_dataset_that_may_be_at_one_that_is_away_is_sought_again() -> None:
    town = Town(Seats((ONE, TWO)), offers={ONE: set(), TWO: AWAY})

    with pytest.raises(TransientError):
        await Rounds(town, town).value(PUEBLA, shell(SERIAL).submodels[0])
