"""Submodel values over ASGI: what a token opens, and everything that it does not."""

import asyncio
import gzip
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from connector.errors import TransientError
from connector.offer.odrl import Constraint
from connector.partner.model import PROOF_HEADER
from connector.store.database import Database
from connector.store.journal import millis
from connector.transfer.ledger import WAITING_MAX, Deed, Ledger
from connector.transfer.scribe import Scribe
from connector.twin.identity import ShellIds, key_of
from tests.builders.exchange import (
    FOOTPRINT,
    NEIGHBOUR,
    NOW,
    OEM,
    PCF,
    RULES,
    SECRET,
    SERIAL,
    SERIAL_4,
    STRANGER,
    TRACEABILITY,
    Part,
    Plant,
    value_of,
)
from tests.doubles.asgi import call

DOOR = Part("A-100", "S-1", (SERIAL, SERIAL_4, PCF))
THEIRS = Part("B-100", "S-1", (SERIAL,))


@pytest.fixture
async def plant(tmp_path):
    db = Database.open(tmp_path / "store.db")
    plant = Plant(db)
    plant.make(DOOR, THEIRS)
    yield plant
    await plant.ledger.close()
    db.close()


@pytest.fixture
def token(plant):
    return plant.grant(OEM, plant.dataset(SERIAL))


def href(plant, part, aspect="io.catenax.serial_part:3.0.0:SerialPart"):
    return f"/data/{ShellIds(SECRET).shell_of(key_of(part.id))}/{aspect}/submodel"


@pytest.mark.parametrize("suffix", ["", "/$value", "/%24value"])
async def test_a_token_opens_the_value_at_either_address(plant, token, suffix):
    reply = await plant.get(token, href(plant, DOOR) + suffix)

    assert (200, "application/json", value_of(DOOR, SERIAL)) == (
        reply.status,
        reply.headers["content-type"],
        reply.body,
    )


async def test_the_address_of_the_descriptor_is_the_address_of_the_value(plant, token):
    registry = await plant.get(plant.grant(OEM), "/api/v3/shell-descriptors")
    (shell,) = registry.json["result"]
    submodel = shell["submodelDescriptors"][-2]
    address = submodel["endpoints"][0]["protocolInformation"]["href"]
    reply = await plant.get(token, address)

    assert SERIAL == submodel["semanticId"]["keys"][0]["value"]
    assert value_of(DOOR, SERIAL) == reply.body


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer  {} "])
async def test_the_token_may_come_with_or_without_its_scheme(plant, form):
    token = plant.grant(OEM, plant.dataset(SERIAL), name="abc.def-ghi_jkl")
    reply = await plant.get(form.format(token), href(plant, DOOR))

    assert 200 == reply.status


async def test_a_new_version_of_the_value_is_what_is_read(plant, token):
    plant.db.execute("UPDATE aspect SET payload = x'7b7d' WHERE id = 1")
    reply = await plant.get(token, href(plant, DOOR))

    assert b"{}" == reply.body


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", " ", "x" * 5000])
async def test_a_missing_token_is_asked_for(plant, header):
    headers = {"Authorization": header} if header else {}
    reply = await call(plant.app, "GET", href(plant, DOOR), headers=headers)

    assert 401 == reply.status


async def test_a_token_is_not_what_the_store_holds(plant, token):
    (stored,) = plant.db.row("SELECT hex(token_hash) FROM access_token")
    replies = [await plant.get(one, href(plant, DOOR)) for one in (stored, stored.lower())]

    assert [403, 403] == [reply.status for reply in replies]


async def test_a_bound_token_opens_the_value_to_its_holder_alone(plant, token):
    plant.bind_to_holders()
    replies = [
        await plant.get(token, href(plant, DOOR), **headers)
        for headers in (
            {},
            {PROOF_HEADER: ""},
            plant.proof(token, NEIGHBOUR),
            plant.proof("another token", OEM),
            plant.proof(token, OEM),
        )
    ]

    assert [401, 401, 401, 401, 200] == [reply.status for reply in replies]
    assert [(OEM, "submodel.read", DOOR.id)] == plant.reads()


async def test_a_plain_token_needs_no_proof_and_ignores_any(plant, token):
    headers = {PROOF_HEADER: "anything"}

    assert 200 == (await plant.get(token, href(plant, DOOR), **headers)).status


async def test_a_holder_that_cannot_be_looked_up_is_told_to_come_again(plant, token):
    plant.bind_to_holders()
    plant.proofs.trouble = TransientError("protocols:unreachable", url="u", reason="r")
    reply = await plant.get(token, href(plant, DOOR), **plant.proof(token, OEM))

    assert 503 == reply.status


async def test_a_connector_that_cannot_check_proofs_refuses_a_bound_token(plant, token):
    plant.bind_to_holders()
    plant.proofs = None
    plant.set_rules(*RULES)
    reply = await plant.get(token, href(plant, DOOR), **plant.proof(token, OEM))

    assert 401 == reply.status


async def test_the_neighbours_own_valid_token_opens_nothing_of_ours(plant):
    token = plant.grant(NEIGHBOUR, plant.dataset(SERIAL))
    own = await plant.get(token, href(plant, THEIRS))
    ours = await plant.get(token, href(plant, DOOR))
    absent = await plant.get(token, href(plant, DOOR).replace(href(plant, DOOR)[6:14], "0" * 8))

    assert (200, 404, 404) == (own.status, ours.status, absent.status)
    assert ours.json["messages"][0]["text"] == absent.json["messages"][0]["text"]


@pytest.mark.parametrize("bpnl", [NEIGHBOUR, STRANGER])
async def test_a_token_for_a_dataset_that_no_rule_gives_the_partner_opens_nothing(plant, bpnl):
    token = plant.grant(bpnl, plant.dataset(PCF, "footprint"))
    reply = await plant.get(token, href(plant, DOOR, "io.catenax.pcf:9.0.0:Pcf"))

    assert 403 == reply.status


async def test_a_token_opens_one_aspect_in_one_version(plant, token):
    replies = [
        await plant.get(token, href(plant, DOOR, aspect))
        for aspect in (
            "io.catenax.serial_part:4.0.0:SerialPart",
            "io.catenax.pcf:9.0.0:Pcf",
            "bamm:io.catenax.serial_part:3.0.0:SerialPart",
            "anything",
        )
    ]

    assert [403] * 4 == [reply.status for reply in replies]


async def test_the_registrys_token_opens_no_value(plant):
    reply = await plant.get(plant.grant(OEM), href(plant, DOOR))

    assert 403 == reply.status


async def test_an_agreement_under_other_terms_does_not_open_the_part(plant):
    """The same aspect is offered under two policies: each opens the parts of its own rule."""
    loose = replace(RULES[0], name="loose", policy="footprint", parts=("C-*",))
    part = Part("C-1", "S-1")
    plant.set_rules(*RULES, loose)
    while plant.publication.republish(plant.db, NOW):
        pass
    plant.make(part)
    strict, other = (
        plant.grant(OEM, plant.dataset(SERIAL, policy)) for policy in ("traceability", "footprint")
    )
    statuses = {
        (which, one.part): (await plant.get(token, href(plant, one))).status
        for which, token in (("strict", strict), ("loose", other))
        for one in (DOOR, part)
    }

    assert {
        ("strict", "A-100"): 200,
        ("strict", "C-1"): 404,
        ("loose", "A-100"): 404,
        ("loose", "C-1"): 200,
    } == statuses


async def test_a_rule_that_no_longer_names_the_partner_ends_reading_at_once(plant, token):
    before = await plant.get(token, href(plant, DOOR))
    plant.set_rules(replace(RULES[0], partners=(NEIGHBOUR,)))
    after = await plant.get(token, href(plant, DOOR))

    assert (200, 403) == (before.status, after.status)


async def test_a_rule_that_no_longer_covers_the_part_ends_reading_at_once(plant, token):
    plant.set_rules(replace(RULES[0], parts=("Z-*",)))
    reply = await plant.get(token, href(plant, DOOR))

    assert 404 == reply.status


async def test_reading_ends_with_the_last_day_of_the_policy(plant):
    plant.now = NOW.replace(hour=23, minute=59)
    ending = replace(TRACEABILITY, until=date(2026, 11, 22))
    plant.set_rules(*RULES, policies=(ending, FOOTPRINT))
    token = plant.grant(OEM, plant.dataset(SERIAL))
    before = await plant.get(token, href(plant, DOOR))
    plant.now += timedelta(minutes=2)
    after = await plant.get(token, href(plant, DOOR))

    assert (200, 403) == (before.status, after.status)


async def test_what_a_partner_sees_ends_with_the_second_of_its_policy(plant):
    ends = Constraint("inForceDate", "lteq", (f"{NOW:%Y-%m-%dT%H:%M:%SZ}",))
    lasting = replace(RULES[1], parts=("Z-*",))
    policies = (replace(TRACEABILITY, access=(ends,)), FOOTPRINT)
    plant.set_rules(RULES[0], lasting, policies=policies)
    plant.publish()
    token, key = plant.grant(OEM), ("manufacturerPartId", DOOR.part)
    before = await plant.search(token, key)
    plant.now += timedelta(seconds=2)
    after = await plant.search(token, key)

    assert (1, 0) == (len(before.json["result"]), len(after.json["result"]))


async def test_a_token_dies_with_its_lifetime(plant, token):
    plant.now += timedelta(milliseconds=299_999)
    before = await plant.get(token, href(plant, DOOR))
    plant.now += timedelta(milliseconds=1)
    after = await plant.get(token, href(plant, DOOR))

    assert (200, 403) == (before.status, after.status)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("UPDATE transfer SET state = 'REQUESTED', heading = 'STARTED'", 200),
        ("UPDATE transfer SET state = 'REQUESTED'", 403),
        ("UPDATE transfer SET state = 'SUSPENDED'", 403),
        ("UPDATE transfer SET state = 'COMPLETED'", 403),
        ("UPDATE transfer SET state = 'TERMINATED'", 403),
        ("UPDATE transfer SET heading = 'SUSPENDED'", 403),
        ("UPDATE transfer SET heading = 'TERMINATED'", 403),
        ("UPDATE transfer SET role = 'consumer'", 403),
        ("DELETE FROM transfer", 403),
        ("UPDATE agreement SET retired_at = 1", 403),
        ("UPDATE agreement SET partner = 'did:web:other'", 403),
        ("UPDATE access_token SET revoked_at = 1", 403),
        ("UPDATE access_token SET dataset = 'urn:uuid:none'", 403),
    ],
)
async def test_a_token_opens_only_while_its_transfer_and_agreement_stand(
    plant, token, change, status
):
    plant.db.execute(change)
    reply = await plant.get(token, href(plant, DOOR))

    assert status == reply.status


async def test_a_header_that_claims_to_be_somebody_else_changes_nothing(plant):
    token = plant.grant(NEIGHBOUR, plant.dataset(SERIAL))
    reply = await plant.get(token, href(plant, DOOR), **{"Edc-Bpn": OEM, "X-Bpn": OEM})

    assert 404 == reply.status


@pytest.mark.parametrize("shell", ["..", "x", "%00", "1" * 5000, "urn:uuid:", "{}"])
async def test_a_malformed_id_is_not_there(plant, token, shell):
    path = f"/data/{shell}/io.catenax.serial_part:3.0.0:SerialPart/submodel"

    assert 404 == (await plant.get(token, path)).status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_values_are_read_only(plant, token, method):
    headers = {"Authorization": token}
    reply = await call(plant.app, method, href(plant, DOOR), headers=headers)

    assert 405 == reply.status


async def test_a_read_is_answered_when_its_line_is_durable(plant, token):
    await plant.get(token, href(plant, DOOR))
    elsewhere = Database.open(plant.db.path)
    lines = elsewhere.rows(
        "SELECT at, partner, agreement, transfer, action, subject, detail FROM ledger"
    )
    elsewhere.close()

    agreement, transfer = f"agreement {token}", f"urn:uuid:{token}"
    assert [(millis(NOW), OEM, agreement, transfer, "submodel.read", DOOR.id, SERIAL)] == lines


async def test_a_refused_read_leaves_no_line(plant, token):
    await plant.get(token, href(plant, THEIRS))
    await plant.get("made-up", href(plant, DOOR))

    assert [] == plant.reads()


async def test_reads_at_the_same_time_share_their_commits_and_lose_no_line(plant, token):
    replies = await asyncio.gather(*(plant.get(token, href(plant, DOOR)) for _ in range(200)))

    assert Counter({200: 200}) == Counter(reply.status for reply in replies)
    assert [(OEM, "submodel.read", DOOR.id)] * 200 == plant.reads()


async def test_a_reader_that_hangs_up_does_not_disturb_the_others(plant, token):
    reads = [asyncio.create_task(plant.get(token, href(plant, DOOR))) for _ in range(5)]
    await asyncio.sleep(0)
    reads[2].cancel()
    done = await asyncio.gather(*reads, return_exceptions=True)

    statuses = [getattr(one, "status", type(one)) for one in done]
    assert [200, 200, asyncio.CancelledError, 200, 200] == statuses


async def test_what_cannot_be_logged_is_not_given_out(plant, token):
    plant.db.execute(
        "CREATE TRIGGER jammed BEFORE INSERT ON ledger BEGIN SELECT raise(ABORT, 'jammed'); END"
    )

    with pytest.raises(Exception, match="jammed"):
        await plant.get(token, href(plant, DOOR))


async def test_a_log_that_cannot_keep_up_says_come_again(tmp_path, plant, token):
    plant.ledger._next.lines = [(0, "", "", "", "", "", "")] * WAITING_MAX
    reply = await plant.get(token, href(plant, DOOR))
    plant.ledger._next.lines = []

    assert 503 == reply.status


async def test_closing_the_log_writes_what_waits(plant, token):
    log = Ledger(Scribe(plant.db.path), plant.clock)
    access = plant.access(token)
    deeds = [Deed(access, "submodel.read", str(n)) for n in range(3)]
    waiting = [asyncio.create_task(log.record(deed)) for deed in deeds]
    await asyncio.sleep(0)
    await log.close()
    await asyncio.gather(*waiting)

    assert ["0", "1", "2"] == [subject for _, _, subject in plant.reads()]


async def test_a_full_disk_is_nobodys_fault_and_the_read_is_not_given_out(plant, token):
    def full(*_, **__):
        raise TransientError("store:disk_full", path="store.db")

    plant.ledger._scribe.write = full
    reply = await plant.get(token, href(plant, DOOR))

    assert 503 == reply.status


async def test_a_part_of_a_value_is_a_row_that_says_which(plant, token):
    whole = value_of(DOOR, SERIAL)
    reply = await plant.get(token, href(plant, DOOR), Range="bytes=2-5")
    (row,) = plant.db.rows("SELECT detail FROM ledger")

    assert (206, whole[2:6]) == (reply.status, reply.body)
    assert f"bytes 2-5/{len(whole)}" == reply.headers["content-range"]
    assert (f"{SERIAL} bytes 2-5",) == row


async def test_a_part_behind_the_end_is_refused_with_the_size(plant, token):
    reply = await plant.get(token, href(plant, DOOR), Range="bytes=100000-")

    assert 416 == reply.status
    assert f"bytes */{len(value_of(DOOR, SERIAL))}" == reply.headers["content-range"]
    assert "416" == reply.json["messages"][0]["code"]
    assert [] == plant.reads()


async def test_a_version_that_the_reader_has_is_a_row_too(plant, token):
    first = await plant.get(token, href(plant, DOOR))
    again = await plant.get(token, href(plant, DOOR), **{"If-None-Match": first.headers["etag"]})
    rows = plant.db.rows("SELECT detail FROM ledger ORDER BY number")

    assert (304, b"") == (again.status, again.body)
    assert [(SERIAL,), (f"{SERIAL} unchanged",)] == rows


async def test_a_new_version_has_another_validator(plant, token):
    first = await plant.get(token, href(plant, DOOR))
    plant.db.execute("UPDATE aspect SET payload = x'7b7d'")
    again = await plant.get(token, href(plant, DOOR), **{"If-None-Match": first.headers["etag"]})

    assert (200, b"{}") == (again.status, again.body)


async def test_the_head_of_a_value_has_its_size_and_no_body(plant, token):
    headers = {"Authorization": token, "Range": "bytes=0-1"}
    reply = await call(plant.app, "HEAD", href(plant, DOOR), headers=headers)

    assert (200, b"") == (reply.status, reply.body)
    assert str(len(value_of(DOOR, SERIAL))) == reply.headers["content-length"]


async def test_a_large_value_is_compressed_away_from_the_loop(plant, token):
    large = b'"' + b"large " * 50_000 + b'"'
    plant.db.execute("UPDATE aspect SET payload = ?", (large,))
    reply = await plant.get(token, href(plant, DOOR), **{"Accept-Encoding": "gzip"})

    assert ("gzip", large) == (reply.headers["content-encoding"], gzip.decompress(reply.body))


@pytest.mark.parametrize("path", ["/data/", "/data/x", "/data/x/y/submodel/z", "/data/x/y"])
async def test_what_is_no_address_of_a_value_is_not_there(plant, token, path):
    assert 404 == (await plant.get(token, path)).status
