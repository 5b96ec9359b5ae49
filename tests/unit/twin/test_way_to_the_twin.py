"""Derivation and registration together: records become aspects on twins, or are kept back."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from connector.aspect.derivation import Workshop, derive_aspects
from connector.aspect.model import Draft, Slot
from connector.errors import Finding, Location
from connector.identifiers import IdentityKey, SemanticId, TwinType
from connector.record import intake, quarantine
from connector.record.model import Batch, Document, Feed
from connector.store import journal
from connector.store.database import Database
from connector.twin.identity import TwinIdentities, derive_id
from connector.twin.registration import Registration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = b"s" * 32
URN = SemanticId.parse("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
HEADER = ("serial", "name", "child", "id")


def key_of(serial: str) -> IdentityKey:
    return IdentityKey(TwinType.PART_INSTANCE, "BPNL00000000PUE1", "P-1", "partInstanceId", serial)


class SmallMapping:
    """A mapping written by hand: serial, name, an optional child, an optional given id."""

    def apply(self, rows: Sequence[Sequence[object]], positions: Sequence[int]) -> Draft:
        serial, name, child, given = map(str, rows[0])
        payload: dict[str, object] = {"name": name}
        slots = [Slot(payload, "catenaXId", None)]
        if child:
            slots.append(Slot(payload, "child", key_of(child), positions[0], "child"))
        identity = key_of(serial) if serial else None
        return Draft(URN, payload, identity, given or None, tuple(slots))

    def origin(self, path: str, positions: Sequence[int]) -> Location:
        return Location("", positions[0], path.strip("/"))


class SmallSource:
    owner: str | None = None

    def compiled(self, header: tuple[str, ...]) -> SmallMapping:
        return SmallMapping()


class PartnerSource(SmallSource):
    owner = "BPNL00000000EXT1"


class NamedThings:
    """A model whose one rule is that a thing has a name."""

    def is_valid(self, payload: object) -> bool:
        return isinstance(payload, dict) and bool(payload.get("name"))

    def findings(self, payload: object) -> list[Finding]:
        return [Finding("aspect:value_missing", {"name": "name"}, path="/name")]


class House:
    """The way from a row to a twin, with the doors opened until nothing moves."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.registration = Registration()
        sources = {"own": SmallSource(), "partner": PartnerSource()}
        self.workshop = Workshop(
            sources.__getitem__,
            lambda _: NamedThings(),
            lambda database: TwinIdentities(database, SECRET),
        )

    def take(self, *rows: tuple[str, str, str, str], name: str = "a", feed: str = "own") -> None:
        document = Document(name, name, HEADER)
        batch = Batch(document, range(2, 2 + len(rows)), rows, len(rows), ends=True)
        intake.take(self.db, Feed(feed, ("serial",), HEADER), batch, NOW)
        while self.derive() or self.register():
            pass

    def derive(self) -> bool:
        events = ("record.received", "record.replayed")
        work = journal.next_work(self.db, "derivation", events, 1000)
        if work:
            derive_aspects(self.db, work, self.workshop, NOW)
        return work is not None

    def register(self) -> bool:
        work = journal.next_work(self.db, "registration", ("aspect.derived",), 1000)
        if work:
            self.registration.register_twins(self.db, work, NOW)
        return work is not None

    def twins(self) -> dict[str, str]:
        return dict(self.db.rows("SELECT instance, global_asset_id FROM twin ORDER BY id"))

    def versions(self) -> list[tuple[int, int]]:
        return self.db.rows("SELECT twin, version FROM submodel ORDER BY twin")

    def held(self) -> list[tuple[int | None, str]]:
        return [(q.position, q.findings[0].code) for q in quarantine.listed(self.db, None, 99)]


@pytest.fixture
def house(tmp_path):
    db = Database.open(tmp_path / "store.db")
    yield House(db)
    db.close()


def test_a_record_becomes_an_aspect_on_a_twin_with_an_id_that_its_serial_does_not_tell(house):
    house.take(("S1", "door", "", ""))

    assert house.twins() == {"S1": derive_id(SECRET, key_of("S1"))}
    assert derive_id(b"t" * 32, key_of("S1")) != derive_id(SECRET, key_of("S1"))


def test_the_id_of_the_twin_stands_in_its_payload(house):
    house.take(("S1", "door", "", ""))
    payload = house.db.row("SELECT payload FROM aspect")

    assert payload == (f'{{"name":"door","catenaXId":"{house.twins()["S1"]}"}}'.encode(),)


def test_an_id_that_the_source_gives_is_the_twins_id(house):
    given = "urn:uuid:00000000-0000-4000-8000-000000000001"
    house.take(("S1", "door", "", given))

    assert house.twins() == {"S1": given}


def test_a_stored_id_wins_over_a_changed_secret(house):
    house.take(("S1", "door", "", ""))
    before = house.twins()
    house.workshop = Workshop(
        house.workshop.source, house.workshop.model, lambda db: TwinIdentities(db, b"x" * 32)
    )
    house.take(("S1", "gate", "", ""), name="b")

    assert (house.twins(), house.versions()) == (before, [(1, 2)])


def test_a_corrected_row_is_a_new_version_under_the_same_id_and_the_old_one_stays(house):
    house.take(("S1", "door", "", ""))
    before = house.twins()
    house.take(("S1", "gate", "", ""), name="b")

    assert (house.twins(), house.versions()) == (before, [(1, 2)])
    assert house.db.row("SELECT count(*) FROM aspect") == (2,)


def test_a_change_that_the_payload_does_not_show_is_no_new_version(house):
    house.take(("S1", "door", "", ""))
    given = house.twins()["S1"]
    house.take(("S1", "door", "", given), name="b")

    assert house.versions() == [(1, 1)]


def test_what_the_model_refuses_is_kept_back_with_row_and_column(house):
    house.take(("S1", "door", "", ""), ("S2", "", "", ""))
    held = quarantine.listed(house.db, None, 9)[0]

    assert list(house.twins()) == ["S1"]
    assert held.findings[0].where == Location("a", 3, "name")


def test_a_record_waits_for_the_part_that_it_refers_to_and_then_goes_on_by_itself(house):
    house.take(("S1", "door", "S2", ""))
    before = house.held()
    house.take(("S2", "hinge", "", ""), name="b")

    assert before == [(2, "aspect:reference_unknown")]
    assert (house.held(), sorted(house.twins())) == ([], ["S1", "S2"])


def test_an_id_that_contradicts_the_stored_one_is_kept_back(house):
    house.take(("S1", "door", "", ""))
    house.take(("S1", "door", "", "urn:uuid:00000000-0000-4000-8000-000000000001"), name="b")

    assert house.held() == [(2, "aspect:id_differs")]


def test_an_id_of_another_part_is_kept_back(house):
    given = "urn:uuid:00000000-0000-4000-8000-000000000001"
    house.take(("S1", "door", "", given))
    house.take(("S2", "door", "", given), name="b")

    assert house.held() == [(2, "aspect:id_taken")]


def test_a_partner_cannot_speak_about_a_part_of_ours(house):
    given = "urn:uuid:00000000-0000-4000-8000-000000000001"
    house.take(("S1", "door", "", given))
    house.take(("S1", "gate", "", given), name="b", feed="partner")

    assert (house.held(), house.versions()) == ([(2, "aspect:id_of_another")], [(1, 1)])


def test_a_twin_known_by_id_alone_learns_its_keys_later(house):
    given = "urn:uuid:00000000-0000-4000-8000-000000000001"
    house.take(("", "door", "", given))
    house.take(("S1", "door", "", given), name="b")

    assert house.db.rows("SELECT global_asset_id, instance FROM twin") == [(given, "S1")]


def test_a_record_that_names_no_part_is_kept_back(house):
    house.take(("", "door", "", ""))

    assert house.held() == [(2, "aspect:identity_missing")]
