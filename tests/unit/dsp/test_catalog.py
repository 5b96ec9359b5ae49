"""The catalog: what is shown to whom, how it is queried, and how a partner's is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from starlette.applications import Starlette

from connector.errors import PartnerError
from connector.offer.model import Dataset, DatasetKind, Policy
from connector.offer.writing import usage_policy
from connector.protocols.dsp import catalog
from connector.protocols.dsp.catalog import (
    catalog_to_wire,
    entries_from_wire,
    entry_from_wire,
)
from connector.protocols.dsp.inbound import Desk, routes
from connector.protocols.dsp.query import (
    CRITERIA_MAX,
    PAGE_DATASETS_MAX,
    Criterion,
    Query,
    cursor_of,
    page_of,
    query_from_cursor,
    query_from_wire,
)
from tests.builders.doors import Doors
from tests.doubles.asgi import Reply, call
from tests.doubles.party import OEM, SERIAL_PART, STRANGER, SUPPLIER, PlayedIdentity, Town

BASE = "https://puebla.example/dsp/2025-1"
TYPE = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"
POLICY = usage_policy(Policy("traceability"))
DATASET = Dataset(
    id="urn:d1",
    kind=DatasetKind.REGISTRY,
    semantic_id=None,
    offer_id="urn:o1",
    policy=POLICY,
    properties={"dct:type": {"@id": TYPE}},
    policy_name="traceability",
)
EDC_QUERY = {
    "@context": {"edc": "https://w3id.org/edc/v0.0.1/ns/"},
    "@type": "dspace:CatalogRequestMessage",
    "dspace:filter": {
        "@type": "edc:QuerySpec",
        "edc:offset": 0,
        "edc:limit": 50,
        "edc:sortOrder": "ASC",
        "edc:filterExpression": [],
    },
}


def _criterion(left: str, operator: str, right: object) -> bytes:
    expression = {"operandLeft": left, "operator": operator, "operandRight": right}
    spec = {"@type": "QuerySpec", "filterExpression": [expression]}
    return orjson.dumps({"@type": "CatalogRequestMessage", "filter": [spec]})


def test_a_catalog_looks_as_the_schema_has_it() -> None:
    service = {"@id": BASE, "@type": "DataService", "endpointURL": BASE}
    distribution = {
        "@type": "Distribution",
        "format": "HttpData-PULL",
        "accessService": service,
    }

    assert {
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
        "@id": f"{BASE}/catalog",
        "@type": "Catalog",
        "participantId": SUPPLIER.did,
        "service": [service],
        "dataset": [
            {
                "@id": "urn:d1",
                "@type": "Dataset",
                "hasPolicy": [{"@id": "urn:o1", "@type": "Offer", **POLICY}],
                "distribution": [distribution],
                "dct:type": {"@id": TYPE},
            }
        ],
    } == catalog_to_wire([DATASET], SUPPLIER.did, BASE)


def test_an_empty_catalog_has_no_list_of_datasets() -> None:
    assert "dataset" not in catalog_to_wire([], SUPPLIER.did, BASE)


def test_what_we_write_we_read() -> None:
    [entry] = entries_from_wire(orjson.dumps(catalog_to_wire([DATASET], SUPPLIER.did, BASE)))

    assert ("urn:d1", ("HttpData-PULL",)) == (entry.dataset_id, entry.formats)
    assert [("urn:o1", "urn:d1", POLICY)] == [(o.id, o.dataset_id, o.policy) for o in entry.offers]
    assert {"@id": TYPE} == entry.properties["dct:type"]


def test_a_catalog_that_came_before_says_the_same_and_a_changed_one_is_read_anew() -> None:
    raw = orjson.dumps(catalog_to_wire([DATASET], SUPPLIER.did, BASE))
    changed = raw.replace(b"urn:o1", b"urn:o2")

    first, again, other = (entries_from_wire(one) for one in (raw, bytes(raw), changed))

    assert first == again
    assert ["urn:o1", "urn:o2"] == [one[0].offers[0].id for one in (first, other)]


def test_so_many_catalogs_are_kept_and_none_that_is_large() -> None:
    large = replace(DATASET, properties={"x": "x" * catalog.KEPT_CATALOG_BYTES_MAX})
    catalog._kept.cache_clear()
    entries_from_wire(orjson.dumps(catalog_to_wire([large], SUPPLIER.did, BASE)))

    assert 0 == catalog._kept.cache_info().currsize
    for number in range(catalog.KEPT_CATALOGS_MAX + 5):
        one = replace(DATASET, id=f"urn:{number}")
        entries_from_wire(orjson.dumps(catalog_to_wire([one], SUPPLIER.did, BASE)))
    assert catalog.KEPT_CATALOGS_MAX == catalog._kept.cache_info().currsize


def test_single_objects_and_catalogs_within_are_read() -> None:
    dataset = {
        "@id": "urn:d1",
        "odrl:hasPolicy": {"@id": "urn:o1", "odrl:permission": {"odrl:action": "use"}},
        "dcat:distribution": {"dct:format": {"@id": "HttpData-PULL"}},
        "http://purl.org/dc/terms/type": {"@id": TYPE},
    }
    inner = {"@type": "dcat:Catalog", "dcat:dataset": dataset}
    [entry] = entries_from_wire(orjson.dumps({"@type": "dcat:Catalog", "dcat:catalog": inner}))

    assert ("urn:d1", "urn:o1", ("HttpData-PULL",)) == (
        entry.dataset_id,
        entry.offers[0].id,
        entry.formats,
    )
    assert {"permission": [{"action": "use"}]} == entry.offers[0].policy
    assert {"@id": TYPE} == entry.properties["dct:type"]
    assert "urn:d1" == entry_from_wire(orjson.dumps(dataset)).dataset_id


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"", Query()),
        (orjson.dumps({"@type": "CatalogRequestMessage"}), Query()),
        (orjson.dumps({"@type": "CatalogRequestMessage", "filter": []}), Query()),
        (orjson.dumps(EDC_QUERY), Query(0, 50)),
        (
            _criterion("https://w3id.org/edc/v0.0.1/ns/id", "=", "urn:d1"),
            Query(criteria=(Criterion("@id", "=", ("urn:d1",)),)),
        ),
        (
            _criterion("'http://purl.org/dc/terms/type'.'@id'", "in", [TYPE, "x"]),
            Query(criteria=(Criterion("dct:type", "in", (TYPE, "x")),)),
        ),
        (
            orjson.dumps({"filter": [{"limit": 10**9, "offset": -3}]}),
            Query(0, PAGE_DATASETS_MAX),
        ),
    ],
)
def test_queries_are_understood_as_edc_sends_them(raw: bytes, query: Query) -> None:
    assert query == query_from_wire(raw)


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(PartnerError, match="“between”"):
        query_from_wire(_criterion("id", "between", "x"))


def test_a_filter_with_too_many_criteria_is_refused() -> None:
    one = {"operandLeft": "id", "operator": "=", "operandRight": "x"}
    spec = {"filterExpression": [one] * (CRITERIA_MAX + 1)}
    with pytest.raises(PartnerError, match="more than 50 criteria"):
        query_from_wire(orjson.dumps({"filter": [spec]}))


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ({"sortField": "id"}, ["urn:d1", "urn:d2", "urn:d3"]),
        ({"sortField": "id", "sortOrder": "DESC"}, ["urn:d3", "urn:d2", "urn:d1"]),
        ({"sortField": "id", "sortOrder": "DESC", "limit": 1, "offset": 1}, ["urn:d2"]),
        ({"sortField": "'https://x/version'.'@value'"}, ["urn:d2", "urn:d3", "urn:d1"]),
        ({"sortOrder": "DESC"}, ["urn:d2", "urn:d1", "urn:d3"]),
    ],
)
def test_datasets_come_in_the_order_that_is_asked_for(
    spec: dict[str, object], ids: list[str]
) -> None:
    versions = {"urn:d2": "1.0", "urn:d1": "3.0", "urn:d3": "2.0"}
    datasets = [
        replace(DATASET, id=one, properties={"https://x/version": version})
        for one, version in versions.items()
    ]
    page, _ = page_of(datasets, query_from_wire(orjson.dumps({"filter": [spec]})))

    assert ids == [one.id for one in page]


@pytest.mark.parametrize(
    ("criterion", "fits"),
    [
        (Criterion("@id", "=", ("urn:d1",)), True),
        (Criterion("@id", "=", ("urn:d2",)), False),
        (Criterion("@id", "in", ("urn:d2", "urn:d1")), True),
        (Criterion("@id", "like", ("urn:%",)), True),
        (Criterion("@id", "like", ("%:d%",)), True),
        (Criterion("@id", "like", ("%d2",)), False),
        (Criterion("@id", "like", ("urn:d1%1",)), False),
        (Criterion("dct:type", "=", (TYPE,)), True),
        (Criterion("nothing", "=", (TYPE,)), False),
        (Criterion("@id", "!=", ("urn:d2",)), True),
        (Criterion("@id", "!=", ("urn:d1",)), False),
        (Criterion("@id", "ilike", ("URN:%",)), True),
        (Criterion("@id", "like", ("URN:%",)), False),
        (Criterion("dct:type", "contains", (TYPE,)), True),
        (Criterion("version", "<", ("10",)), True),
        (Criterion("version", ">", ("10",)), False),
        (Criterion("version", "<=", ("9.0",)), True),
        (Criterion("version", ">=", ("9.1",)), False),
        (Criterion("@id", ">", ("urn:d0",)), True),
        (Criterion("nothing", "<", ("10",)), False),
    ],
)
def test_criteria_are_decided(criterion: Criterion, fits: bool) -> None:
    dataset = replace(DATASET, properties={**DATASET.properties, "version": "9.0"})
    page, _ = page_of([dataset], Query(criteria=(criterion,)))

    assert fits == bool(page)


def test_pages_follow_each_other_and_end() -> None:
    many = [replace(DATASET, id=f"urn:d{number}") for number in range(5)]
    query: Query | None = Query(limit=2)
    pages = []
    while query:
        page, query = page_of(many, query)
        pages.append([one.id for one in page])
        query = query and query_from_cursor(cursor_of(query))

    assert [["urn:d0", "urn:d1"], ["urn:d2", "urn:d3"], ["urn:d4"]] == pages


@pytest.mark.parametrize("cursor", ["", "x", "eyJvZmZzZXQiOiJ4In0=", "////"])
def test_a_made_up_page_is_refused(cursor: str) -> None:
    with pytest.raises(PartnerError):
        query_from_cursor(cursor)


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    doors, town = Doors(tmp_path), Town()
    identity = PlayedIdentity(town, SUPPLIER.did)
    desk = Desk(
        identity, town, doors.negotiation, doors.delivery, doors.shelf, "https://puebla.example"
    )
    return Starlette(routes=routes(desk))


async def _ask(app: Starlette, method: str, path: str, who=OEM, body: object = None) -> Reply:
    headers = {"Authorization": f"Bearer {who.did}"}
    raw = orjson.dumps(body) if body is not None else b""
    return await call(app, method, f"/dsp/2025-1{path}", headers=headers, body=raw)


async def test_a_named_partner_sees_the_datasets(app: Starlette) -> None:
    reply = await _ask(app, "POST", "/catalog/request", body=EDC_QUERY)

    types = [one.get("dct:type") for one in reply.json["dataset"]]
    semantic = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"
    assert (200, {"@id": TYPE}) == (reply.status, types[0])
    assert {"@id": SERIAL_PART} == reply.json["dataset"][1][semantic]


async def test_a_stranger_sees_an_empty_catalog(app: Starlette) -> None:
    reply = await _ask(app, "POST", "/catalog/request", STRANGER, {})

    assert (200, None) == (reply.status, reply.json.get("dataset"))


async def test_a_catalog_of_pages_is_read_by_its_links(app: Starlette) -> None:
    spec = {"filter": [{"limit": 1}]}
    first = await _ask(app, "POST", "/catalog/request", body=spec)
    link = first.headers["link"]
    url = link[link.index("<") + 1 : link.index(">")].removeprefix("https://puebla.example")
    second = await call(app, "GET", url, headers={"Authorization": f"Bearer {OEM.did}"})

    shown = [reply.json["dataset"][0]["@id"] for reply in (first, second)]
    assert 2 == len(set(shown))
    assert "link" not in second.headers
    assert link.endswith('>; rel="next"')


async def test_one_dataset_is_shown_with_its_context(app: Starlette) -> None:
    catalog = await _ask(app, "POST", "/catalog/request", body={})
    [dataset, *_] = catalog.json["dataset"]
    reply = await _ask(app, "GET", f"/catalog/datasets/{dataset['@id']}/")

    context = ["https://w3id.org/dspace/2025/1/context.jsonld"]
    assert {"@context": context, **dataset} == reply.json


async def test_a_stranger_is_answered_as_if_the_dataset_did_not_exist(app: Starlette) -> None:
    catalog = await _ask(app, "POST", "/catalog/request", body={})
    dataset_id = catalog.json["dataset"][0]["@id"]
    hidden = await _ask(app, "GET", f"/catalog/datasets/{dataset_id}", STRANGER)
    unknown = await _ask(app, "GET", "/catalog/datasets/urn:none", STRANGER)

    assert (404, 404, "CatalogError") == (hidden.status, unknown.status, hidden.json["@type"])
    assert hidden.json["reason"][0].replace(dataset_id, "urn:none") == unknown.json["reason"][0]


async def test_without_proof_nothing_is_shown(app: Starlette) -> None:
    reply = await call(app, "POST", "/dsp/2025-1/catalog/request")

    assert (401, "CatalogError") == (reply.status, reply.json["@type"])


async def test_a_filter_that_is_not_understood_says_so(app: Starlette) -> None:
    body = {"filter": [{"filterExpression": [{"operandLeft": "id", "operator": "~"}]}]}
    reply = await _ask(app, "POST", "/catalog/request", body=body)

    assert (400, "CatalogError", "filter_unsupported") == (
        reply.status,
        reply.json["@type"],
        reply.json["code"],
    )


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/.well-known/dspace-version", "/dsp/2025-1"),
        ("/dsp/.well-known/dspace-version", "/2025-1"),
    ],
)
async def test_the_version_document_leads_to_the_protocol(
    app: Starlette, path: str, base: str
) -> None:
    reply = await call(app, "GET", path)

    [version] = reply.json["protocolVersions"]
    assert ("2025-1", base, "HTTPS") == (version["version"], version["path"], version["binding"])
