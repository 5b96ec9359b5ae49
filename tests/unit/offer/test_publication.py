"""Door ``publication``: which twins are put before whom, and what a change of rules does."""

from dataclasses import replace

import pytest

from connector.offer.model import OfferRule
from connector.offer.publication import DOOR, REPUBLISH_TWINS_MAX, Publication
from connector.offer.sights import Sights
from connector.pipeline import EVENTS
from connector.store import journal
from connector.store.database import Database
from tests.builders.exchange import NEIGHBOUR, NOW, OEM, RULES, STRANGER, Part, Plant


@pytest.fixture
def plant(tmp_path):
    db = Database.open(tmp_path / "store.db")
    yield Plant(db)
    db.close()


def visible(plant, bpnl):
    """Return the parts of the twins that a partner sees."""
    sight = Sights(plant.db, plant.shelf).of(bpnl, NOW)
    shells = plant.twins.shells(sight.audiences, 0, 100)
    return [dict(shell.asset_ids)["manufacturerPartId"] for shell in shells]


def republish(plant):
    while plant.publication.republish(plant.db, NOW):
        pass


def test_each_partner_sees_the_parts_that_its_rules_name(plant):
    plant.make(Part("A-1", "S1"), Part("B-1", "S1"), Part("C-1", "S1"), Part("A-2", "S2"))

    assert ["A-1", "A-2"] == visible(plant, OEM)
    assert ["B-1"] == visible(plant, NEIGHBOUR)
    assert [] == visible(plant, STRANGER)


def test_what_a_partner_shared_with_us_is_offered_to_nobody(plant):
    plant.make(Part("A-1", "S1", owner=NEIGHBOUR))

    assert [] == visible(plant, OEM)
    assert [(0,)] == plant.db.rows("SELECT count(*) FROM exposure")


def test_a_twin_that_is_named_later_is_offered_then(plant):
    plant.make(Part("B-9", "S1"))
    plant.db.execute("UPDATE twin SET part = 'A-9' WHERE id = 1")
    with plant.db.transaction() as tx:
        journal.append(tx, "twin.named", NOW, rows=(1, 1))
    plant.publish()

    assert (["A-9"], []) == (visible(plant, OEM), visible(plant, NEIGHBOUR))


def test_the_door_says_what_it_has_done_and_moves_on(plant):
    plant.make(Part("A-1", "S1"), Part("A-2", "S1"))

    assert [(1, 2)] == plant.db.rows(
        "SELECT first, last FROM journal WHERE event = 'offer.published'"
    )
    assert journal.next_work(plant.db, DOOR, EVENTS[DOOR], 100) is None


def test_a_batch_that_fails_leaves_nothing_and_is_done_again(plant):
    plant.publication = Failing(RULES)
    with pytest.raises(RuntimeError):
        plant.make(Part("A-1", "S1"))
    before = visible(plant, OEM), plant.db.rows("SELECT * FROM audience")
    plant.publish()

    assert ([], []) == before
    assert ["A-1"] == visible(plant, OEM)


def test_a_rule_whose_parts_change_hides_at_once_and_shows_when_republished(plant):
    plant.make(Part("A-1", "S1"), Part("B-1", "S1"))
    republish(plant)
    plant.set_rules(replace(RULES[0], parts=("B-*",)))
    before = visible(plant, OEM)
    republish(plant)

    assert ([], ["B-1"]) == (before, visible(plant, OEM))


def test_partners_and_aspects_of_a_rule_act_without_republishing(plant):
    plant.make(Part("A-1", "S1"))
    plant.set_rules(replace(RULES[0], partners=(STRANGER,)))

    assert ([], ["A-1"]) == (visible(plant, OEM), visible(plant, STRANGER))


def test_a_rule_that_goes_takes_its_twins_back(plant):
    plant.make(Part("A-1", "S1"), Part("B-1", "S1"))
    plant.set_rules(RULES[2])
    republish(plant)

    assert ([], ["B-1"]) == (visible(plant, OEM), visible(plant, NEIGHBOUR))
    assert [(2,)] == plant.db.rows("SELECT twin FROM exposure")


def test_unchanged_rules_are_not_worked_out_again(plant):
    republish(plant)
    plant.make(Part("A-1", "S1"))
    republish(plant)

    assert 0 == republished(plant)


def test_republishing_goes_on_where_it_was_interrupted(plant):
    plant.make(*(Part("A-1", f"S{n}") for n in range(REPUBLISH_TWINS_MAX + 2)))
    plant.set_rules(OfferRule("all", (STRANGER,), "traceability"))
    more = plant.publication.republish(plant.db, NOW)
    plant.publication = Publication([OfferRule("all", (STRANGER,), "traceability")])
    last = plant.publication.republish(plant.db, NOW)

    assert (True, False, 2) == (more, last, republished(plant))
    assert [(REPUBLISH_TWINS_MAX + 2,)] == plant.db.rows("SELECT count(*) FROM exposure")


@pytest.mark.parametrize(
    ("parts", "part", "fits"),
    [
        ((), "anything", True),
        (("A-*",), "A-1", True),
        (("A-*",), "a-1", False),
        (("A-?",), "A-12", False),
        (("A-?", "*-12"), "A-12", True),
        (("A.1",), "AX1", False),
        (("A-1",), "A-1\n", False),
    ],
)
def test_patterns_are_matched_as_they_are_written(plant, parts, part, fits):
    plant.set_rules(OfferRule("r", (OEM,), "traceability", (), parts))
    plant.make(Part(part, "S1"))

    assert ([part] if fits else []) == visible(plant, OEM)


def republished(plant):
    return len(plant.db.rows("SELECT 1 FROM journal WHERE event = 'offer.republished'"))


class Failing(Publication):
    """Fails after its first batch has been written, before that is committed."""

    has_failed = False

    def _expose(self, tx, first, last):
        super()._expose(tx, first, last)
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError
