"""The embedded registry over ASGI: every partner finds its own twins and no trace of others."""

import base64

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.protocols.aas import inbound
from connector.protocols.aas.inbound import BODY_BYTES_MAX
from connector.protocols.aas.messages import decoded
from connector.store.database import Database
from connector.twin.identity import ShellIds, key_of
from tests.builders.exchange import (
    NEIGHBOUR,
    OEM,
    PART_TYPE,
    PCF,
    PUBLIC_URL,
    RULES,
    SECRET,
    SERIAL,
    SERIAL_4,
    STRANGER,
    SUPPLIER,
    Part,
    Plant,
)
from tests.doubles.asgi import call

DOOR = Part("A-100", "S-1", (SERIAL_4, SERIAL, PCF), [("customerPartId", "OEM-7")])
DOOR_TYPE = Part("A-100", "", (PART_TYPE,))
LOT = Part("A-200", "L-1", (SERIAL,), instance_name="batchId")
THEIRS = Part("B-100", "S-1", (SERIAL,))


@pytest.fixture
async def plant(tmp_path):
    db = Database.open(tmp_path / "store.db")
    plant = Plant(db)
    plant.make(DOOR_TYPE, DOOR, THEIRS, LOT)
    yield plant
    await plant.ledger.close()
    db.close()


@pytest.fixture
def token(plant):
    return plant.grant(OEM)


def shell_of(plant, part):
    return ShellIds(SECRET).shell_of(key_of(part.id)).urn


def b64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def found(plant, token, *links):
    reply = await plant.search(token, *links)
    assert reply.status == 200, reply.body
    return reply.json["result"]


async def test_a_shell_descriptor_has_the_shape_that_strict_readers_want(plant, token):
    shell_id = shell_of(plant, DOOR)
    reply = await plant.get(token, f"/api/v3/shell-descriptors/{b64(shell_id)}")
    body = reply.json
    subject = {
        "type": "ExternalReference",
        "keys": [{"type": "GlobalReference", "value": OEM}],
    }

    assert (200, "application/json") == (reply.status, reply.headers["content-type"])
    assert (shell_id, DOOR.id, [], []) == (
        body["id"],
        body["globalAssetId"],
        body["description"],
        body["displayName"],
    )
    assert [
        ("manufacturerId", SUPPLIER),
        ("manufacturerPartId", "A-100"),
        ("digitalTwinType", "PartInstance"),
        ("partInstanceId", "S-1"),
        ("intrinsicId", "S-1"),
        ("customerPartId", "OEM-7"),
    ] == [(one["name"], one["value"]) for one in body["specificAssetIds"]]
    assert all(
        one["externalSubjectId"] == subject and one["supplementalSemanticIds"] == []
        for one in body["specificAssetIds"]
    )


async def test_submodels_name_their_dataset_and_address_with_the_older_model_first(plant, token):
    shell_id = shell_of(plant, DOOR)
    reply = await plant.get(token, f"/api/v3/shell-descriptors/{b64(shell_id)}")
    submodels = reply.json["submodelDescriptors"]
    by_model = {one["semanticId"]["keys"][0]["value"]: one for one in submodels}
    (endpoint,) = by_model[SERIAL]["endpoints"]
    protocol = endpoint["protocolInformation"]
    dataset = plant.dataset(SERIAL)

    models = list(by_model)
    assert {SERIAL, SERIAL_4, PCF} == set(models)
    assert models.index(SERIAL) < models.index(SERIAL_4)
    assert ("serialPart", [], [], []) == tuple(
        by_model[SERIAL][key]
        for key in ("idShort", "supplementalSemanticId", "description", "displayName")
    )
    assert "SUBMODEL-3.0" == endpoint["interface"]
    assert protocol["href"].startswith(f"{PUBLIC_URL}/data/{shell_id.removeprefix('urn:uuid:')}/")
    assert protocol["href"].endswith("/submodel")
    assert f"id={dataset.id};dspEndpoint={PUBLIC_URL}/dsp/2025-1" == protocol["subprotocolBody"]
    assert ("DSP", "plain", [{"type": "NONE", "key": "NONE", "value": "NONE"}]) == (
        protocol["subprotocol"],
        protocol["subprotocolBodyEncoding"],
        protocol["securityAttributes"],
    )
    footprint = by_model[PCF]["endpoints"][0]["protocolInformation"]["subprotocolBody"]
    assert footprint.startswith(f"id={plant.dataset(PCF, 'footprint').id};")


async def test_ids_and_addresses_of_submodels_are_all_different(plant, token):
    reply = await plant.get(token, "/api/v3/shell-descriptors")
    submodels = [one for shell in reply.json["result"] for one in shell["submodelDescriptors"]]
    hrefs = {one["endpoints"][0]["protocolInformation"]["href"] for one in submodels}

    assert (5, 5, 5) == (len(submodels), len({one["id"] for one in submodels}), len(hrefs))


async def test_each_partner_lists_its_own_shells(plant, token):
    ours = await plant.get(token, "/api/v3/shell-descriptors")
    theirs = await plant.get(plant.grant(NEIGHBOUR), "/api/v3/shell-descriptors")

    assert [DOOR_TYPE.id, DOOR.id, LOT.id] == [one["globalAssetId"] for one in ours.json["result"]]
    assert [THEIRS.id] == [one["globalAssetId"] for one in theirs.json["result"]]


async def test_a_partner_reads_only_the_aspects_of_its_rules(plant, token):
    plant.set_rules(RULES[0])
    shell_id = b64(shell_of(plant, DOOR))
    reply = await plant.get(token, f"/api/v3/shell-descriptors/{shell_id}/submodel-descriptors")

    models = [one["semanticId"]["keys"][0]["value"] for one in reply.json["result"]]
    assert [SERIAL, SERIAL_4] == models


async def test_one_submodel_is_found_by_its_id(plant, token):
    path = f"/api/v3/shell-descriptors/{b64(shell_of(plant, DOOR))}/submodel-descriptors"
    (first, *_) = (await plant.get(token, path)).json["result"]
    known = await plant.get(token, f"{path}/{b64(first['id'])}")
    unknown = await plant.get(token, f"{path}/{b64(shell_of(plant, DOOR))}")

    assert (200, first, 404) == (known.status, known.json, unknown.status)


@pytest.mark.parametrize(
    "path",
    [
        "/shell-descriptors/{}",
        "/shell-descriptors/{}/submodel-descriptors",
        "/shell-descriptors/{}/submodel-descriptors/{}",
        "/lookup/shells/{}",
    ],
)
async def test_another_partners_shell_is_as_absent_as_none(plant, path):
    token = plant.grant(NEIGHBOUR)
    replies = [
        await plant.get(token, f"/api/v3{path.replace('{}', b64(shell_id))}")
        for shell_id in (
            shell_of(plant, DOOR),
            "urn:uuid:00000000-0000-4000-8000-000000000000",
            DOOR.id,
            "door",
            shell_of(plant, THEIRS)[:23] + "8" + shell_of(plant, THEIRS)[24:],
        )
    ]
    for reply in replies:
        reply.json["messages"][0].pop("timestamp")

    assert [404] * 5 == [reply.status for reply in replies]
    assert 1 == len({reply.body.partition(b"timestamp")[0] for reply in replies})


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        ([("manufacturerPartId", "A-100")], [DOOR_TYPE, DOOR]),
        ([("manufacturerPartId", "A-100"), ("digitalTwinType", "PartType")], [DOOR_TYPE]),
        ([("manufacturerPartId", "A-100"), ("digitalTwinType", "PartInstance")], [DOOR]),
        ([("manufacturerId", SUPPLIER)], [DOOR_TYPE, DOOR, LOT]),
        ([("digitalTwinType", "PartType")], [DOOR_TYPE]),
        ([("partInstanceId", "S-1")], [DOOR]),
        ([("intrinsicId", "S-1")], [DOOR]),
        ([("intrinsicId", "L-1")], [LOT]),
        ([("batchId", "L-1"), ("manufacturerId", SUPPLIER)], [LOT]),
        ([("partInstanceId", "L-1")], []),
        ([("customerPartId", "OEM-7")], [DOOR]),
        ([("customerPartId", "OEM-7"), ("manufacturerPartId", "A-100")], [DOOR]),
        ([("customerPartId", "OEM-7"), ("manufacturerPartId", "A-200")], []),
        ([("customerPartId", "OEM-7"), ("partInstanceId", "S-1")], [DOOR]),
        ([("customerPartId", "OEM-7"), ("van", "1")], []),
        ([("globalAssetId", DOOR.id)], [DOOR]),
        ([("globalAssetId", DOOR.id.removeprefix("urn:uuid:"))], [DOOR]),
        ([("globalAssetId", DOOR.id), ("manufacturerPartId", "A-200")], []),
        ([("manufacturerPartId", "A-10")], []),
        ([("manufacturerPartId", "a-100")], []),
        ([("manufacturerPartId", "A-%")], []),
        ([("manufacturerPartId", "")], []),
        ([("manufacturerId", "BPNL00000000OEM1")], []),
        ([("shoeSize", "42")], []),
        ([("manufacturerPartId", "A-100"), ("manufacturerPartId", "A-200")], []),
        ([("manufacturerPartId", "B-100")], []),
        ([("globalAssetId", THEIRS.id)], []),
        ([], [DOOR_TYPE, DOOR, LOT]),
    ],
    ids=str,
)
async def test_shells_are_found_by_all_the_ids_together_exactly(plant, token, links, wanted):
    ids = await found(plant, token, *links)

    assert [shell_of(plant, part) for part in wanted] == ids


async def test_the_same_ids_lead_each_partner_to_its_own_part(plant, token):
    neighbour = plant.grant(NEIGHBOUR)

    assert [shell_of(plant, DOOR)] == await found(plant, token, ("partInstanceId", "S-1"))
    assert [shell_of(plant, THEIRS)] == await found(plant, neighbour, ("partInstanceId", "S-1"))


def encodings(text):
    """Return every way in which clients write base64 into a query."""
    raw = text.encode()
    urlsafe, standard = base64.urlsafe_b64encode(raw), base64.b64encode(raw)
    escaped = standard.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
    forms = (urlsafe, urlsafe.rstrip(b"="), standard, standard.rstrip(b"="), escaped)
    return [form.decode() for form in forms]


@pytest.mark.parametrize("form", range(5))
async def test_the_older_lookup_reads_every_base64_that_clients_send(plant, token, form):
    # The tildes and the question marks make plus signs and slashes.
    part = Part("A-~~~???>>>", "S-9")
    plant.make(part)
    links = [("manufacturerPartId", part.part), ("partInstanceId", "S-9")]
    encoded = [
        encodings(orjson.dumps({"name": name, "value": value}).decode())[form]
        for name, value in links
    ]
    query = "&".join(f"assetIds={one}" for one in encoded)
    repeated = await plant.get(token, f"/api/v3/lookup/shells?{query}")
    joined = await plant.get(token, f"/api/v3/lookup/shells?assetIds={','.join(encoded)}")

    assert [shell_of(plant, part)] == repeated.json["result"] == joined.json["result"]


@given(text=st.text(max_size=40), form=st.integers(0, 3))
@example(text="00\x80\x80\x80\x80¾", form=2)  # ends with a plus sign
def test_any_text_survives_any_base64(text, form):
    assert text == decoded(encodings(text)[form].replace("+", " "))


def test_the_part_of_that_test_needs_both_awkward_signs():
    link = orjson.dumps({"name": "manufacturerPartId", "value": "A-~~~???>>>"}).decode()

    assert {"+", "/"} <= set(encodings(link)[2])


@pytest.mark.parametrize("form", range(5))
async def test_the_id_in_a_path_may_be_any_base64(plant, token, form):
    shell_id = encodings(shell_of(plant, DOOR))[form]
    reply = await plant.get(token, f"/api/v3/shell-descriptors/{shell_id}")

    assert (200, DOOR.id) == (reply.status, reply.json["globalAssetId"])


@pytest.mark.parametrize(
    "path",
    [
        "/shell-descriptors",
        "/shell-descriptors/{}",
        "/shell-descriptors/{}/submodel-descriptors",
        "/shell-descriptors/{}/submodel-descriptors/{}",
        "/lookup/shells",
        "/lookup/shells/{}",
        "/description",
    ],
)
async def test_a_token_that_is_bound_opens_nothing_without_its_holders_proof(plant, token, path):
    plant.bind_to_holders()
    path = f"/api/v3{path.replace('{}', b64(shell_of(plant, DOOR)))}"
    bare = await plant.get(token, path)
    foreign = await plant.get(token, path, **plant.proof(token, NEIGHBOUR))
    own = await plant.get(token, path, **plant.proof(token, OEM))

    assert (401, 401) == (bare.status, foreign.status)
    assert own.status in (200, 404), own.body
    assert OEM in bare.json["messages"][0]["text"]


async def test_a_search_with_a_bound_token_needs_its_holders_proof(plant, token):
    plant.bind_to_holders()
    links = [("partInstanceId", "S-1")]
    bare = await plant.search(token, *links)
    own = await plant.search(token, *links, **plant.proof(token, OEM))

    assert (401, [shell_of(plant, DOOR)]) == (bare.status, own.json["result"])


async def test_a_lookup_without_ids_in_the_older_form_finds_nothing(plant, token):
    reply = await plant.get(token, "/api/v3/lookup/shells")

    assert (200, []) == (reply.status, reply.json["result"])


async def test_the_ids_of_a_shell_can_be_listed(plant, token):
    reply = await plant.get(token, f"/api/v3/lookup/shells/{b64(shell_of(plant, LOT))}")

    assert [
        ("globalAssetId", LOT.id),
        ("manufacturerId", SUPPLIER),
        ("manufacturerPartId", "A-200"),
        ("digitalTwinType", "PartInstance"),
        ("batchId", "L-1"),
        ("intrinsicId", "L-1"),
    ] == [(one["name"], one["value"]) for one in reply.json]


async def test_the_intrinsic_id_of_a_part_just_in_sequence_is_composed(plant, token):
    order = [("parentOrderNumber", "-O7"), ("jisCallDate", "-2026-11-22")]
    seat = Part("A-SEAT", "J1", asset_ids=order, instance_name="jisNumber")
    plant.make(seat)
    reply = await plant.get(token, f"/api/v3/lookup/shells/{b64(shell_of(plant, seat))}")
    links = {one["name"]: one["value"] for one in reply.json}

    assert ("J1", "J1-O7-2026-11-22") == (links["jisNumber"], links["intrinsicId"])
    assert [shell_of(plant, seat)] == await found(plant, token, ("jisNumber", "J1"))
    assert [] == await found(plant, token, ("intrinsicId", "J1"))


async def pages(plant, token, first, ask):
    """Follow cursors from the first page to the last, and return all pages."""
    seen, cursor = [], ""
    while True:
        reply = await ask(f"{first}{cursor}")
        seen.append(reply.json["result"])
        more = reply.json["paging_metadata"].get("cursor")
        if not more:
            return seen
        cursor = f"&cursor={more}"


async def test_paging_through_shells_loses_and_repeats_none(plant, token):
    parts = [Part("A-1", f"S{n}") for n in range(25)]
    for part in parts:
        plant.make(part, Part("B-1", part.serial))
    ask = lambda query: plant.get(token, f"/api/v3/shell-descriptors{query}")  # noqa: E731
    seen = await pages(plant, token, "?limit=7", ask)

    assert [7, 7, 7, 7] == [len(page) for page in seen]
    assert [DOOR_TYPE.id, DOOR.id, LOT.id, *(part.id for part in parts)] == [
        shell["globalAssetId"] for page in seen for shell in page
    ]


@pytest.mark.parametrize(
    "links",
    [
        [("manufacturerPartId", "A-1")],
        [("manufacturerPartId", "A-1"), ("digitalTwinType", "PartInstance")],
        [("customerPartId", "X")],
        [("manufacturerId", SUPPLIER), ("digitalTwinType", "PartInstance")],
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [1, 3, 25, 27])
async def test_paging_through_a_search_loses_and_repeats_none(
    plant, token, links, limit, monkeypatch
):
    monkeypatch.setattr("connector.twin.reading.SCANNED_MAX", 5)
    parts = [Part("A-1", f"S{n}", asset_ids=[("customerPartId", "X")]) for n in range(25)]
    plant.make(*parts, *(Part("B-1", part.serial) for part in parts))
    ask = lambda query: plant.search(token, *links, query=query)  # noqa: E731
    seen = [one for page in await pages(plant, token, f"?limit={limit}", ask) for one in page]

    mine = {shell_of(plant, part) for part in parts}
    expected = mine if links[0][0] != "manufacturerId" else mine | _own_instances(plant)
    assert (len(expected), expected) == (len(seen), set(seen))


def _own_instances(plant):
    return {shell_of(plant, DOOR), shell_of(plant, LOT)}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?limit=1", 200),
        ("?limit=99999", 200),
        ("?limit=0", 400),
        ("?limit=-1", 400),
        ("?limit=ten", 400),
        ("?limit=٣", 400),
        ("?limit=" + "9" * 5000, 400),
        ("?cursor=nonsense", 400),
        ("?cursor=" + b64("[1]"), 400),
        ("?cursor=" + b64('["1", ""]'), 400),
        ("?cursor=" + b64("[1, 2]"), 400),
        ("?cursor=" + b64("[true, null]"), 400),
        ("?assetKind=Instance", 501),
        ("?createdAfter=2026-01-01", 501),
    ],
)
async def test_wrong_limits_and_cursors_are_refused(plant, token, query, status):
    replies = [
        await plant.get(token, f"/api/v3/shell-descriptors{query}"),
        await plant.search(token, ("manufacturerId", SUPPLIER), query=query),
    ]

    assert [status] * 2 == [reply.status for reply in replies]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b'[{"name": "x"}]',
        b'[{"name": "x", "value": 1}]',
        b'[{"name": "x", "value": "%s"}]' % (b"v" * 3000),
        orjson.dumps([{"name": "x", "value": "y"}] * 51),
        b"[" * 100_000,
        b" " * (BODY_BYTES_MAX + 1),
    ],
    ids=lambda body: body[:30].decode(),
)
async def test_a_malformed_search_is_refused(plant, token, body):
    path = "/api/v3/lookup/shellsByAssetLink"
    reply = await call(plant.app, "POST", path, headers={"Authorization": token}, body=body)

    assert 400 == reply.status
    assert "\n  fix: " in reply.json["messages"][0]["text"]


@pytest.mark.parametrize("given", ["%%%", "a", "e30", "bnVsbA", "/w=="])
async def test_a_malformed_older_search_is_refused(plant, token, given):
    reply = await plant.get(token, f"/api/v3/lookup/shells?assetIds={given}")

    assert 400 == reply.status


async def test_an_error_is_a_result_with_one_message(plant, token):
    reply = await plant.get(token, f"/api/v3/shell-descriptors/{b64('urn:uuid:x')}")
    (message,) = reply.json["messages"]

    assert ["messages"] == list(reply.json)
    assert ("404", "Error") == (message["code"], message["messageType"])
    assert message["text"].startswith("there is nothing here")
    assert {"code", "messageType", "text", "timestamp"} == set(message)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/shell-descriptors"),
        ("PUT", "/shell-descriptors/x"),
        ("DELETE", "/shell-descriptors/x"),
        ("POST", "/shell-descriptors/x/submodel-descriptors"),
        ("DELETE", "/lookup/shells/x"),
        ("POST", "/lookup/shells/x"),
        ("POST", "/query/shell-descriptors"),
        ("GET", "/bulk/status/x"),
        ("GET", "/"),
        ("GET", "/shells"),
    ],
)
async def test_what_is_not_offered_says_so(plant, token, method, path):
    reply = await call(plant.app, method, f"/api/v3{path}", headers={"Authorization": token})

    assert (501, "501") == (reply.status, reply.json["messages"][0]["code"])


async def test_the_description_lists_the_profiles(plant, token):
    reply = await plant.get(token, "/api/v3/description")

    assert {"SSP-005", "SSP-002"} == {one[-7:] for one in reply.json["profiles"]}


PATHS = [
    "/shell-descriptors",
    "/shell-descriptors/x",
    "/shell-descriptors/x/submodel-descriptors",
    "/shell-descriptors/x/submodel-descriptors/x",
    "/lookup/shells",
    "/lookup/shells/x",
    "/description",
]


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_gets_in_without_a_token_for_the_registry(plant, path):
    other = plant.grant(OEM, plant.dataset(SERIAL))
    statuses = [
        (await call(plant.app, "GET", f"/api/v3{path}")).status,
        (await plant.get("made-up", f"/api/v3{path}")).status,
        (await plant.get(other, f"/api/v3{path}")).status,
        (await plant.get(plant.grant(STRANGER), f"/api/v3{path}")).status,
    ]

    assert [401, 403, 403, 403] == statuses


async def test_a_header_that_claims_to_be_somebody_else_changes_nothing(plant):
    claim = {"Edc-Bpn": OEM, "edc-contract-agreement-id": "x"}
    reply = await plant.get(plant.grant(NEIGHBOUR), "/api/v3/shell-descriptors", **claim)

    assert [THEIRS.id] == [one["globalAssetId"] for one in reply.json["result"]]


async def test_every_read_of_the_registry_is_logged(plant, token):
    await plant.get(token, "/api/v3/shell-descriptors?limit=2")
    await plant.get(token, f"/api/v3/shell-descriptors/{b64(shell_of(plant, DOOR))}")
    await plant.search(token, ("manufacturerPartId", "A-100"), ("digitalTwinType", "PartType"))
    await plant.get(token, f"/api/v3/shell-descriptors/{b64(shell_of(plant, THEIRS))}")

    (_, _, listed), *_ = plant.reads()
    assert 2 == listed.count("urn:uuid:")
    assert [
        (OEM, "shells.listed", listed),
        (OEM, "shell.read", DOOR.id),
        (OEM, "shells.searched", "manufacturerPartId=A-100 digitalTwinType=PartType"),
    ] == plant.reads()


async def test_a_page_holds_no_more_bytes_than_a_client_reads(monkeypatch, plant, token):
    whole = await plant.get(token, "/api/v3/shell-descriptors")
    monkeypatch.setattr(inbound, "PAGE_BYTES_MAX", len(whole.body) // 3)
    found, cursor = [], ""
    while True:
        reply = await plant.get(token, f"/api/v3/shell-descriptors{cursor}")
        found += reply.json["result"]
        if "cursor" not in reply.json["paging_metadata"]:
            break
        cursor = f"?cursor={reply.json['paging_metadata']['cursor']}"

    assert cursor
    assert whole.json["result"] == found
