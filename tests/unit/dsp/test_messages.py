"""Messages on the wire: written as the schemas have them, read in every shape that peers send."""

from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.agreement.model import (
    ContractRequest,
    Termination,
)
from connector.agreement.states import NegotiationMessage
from connector.errors import PartnerError
from connector.offer.policy import difference
from connector.offer.vocabulary import NAMESPACE
from connector.protocols.dsp.messages import ProcessContent, path_to
from connector.protocols.dsp.reading import (
    negotiation_from_wire,
    reasons_from_answer,
    transfer_from_wire,
)
from connector.protocols.dsp.writing import to_wire
from connector.protocols.jsonld import CATENAX_CONTEXT
from connector.transfer.model import (
    DataAddress,
    TransferStart,
)
from connector.transfer.states import TransferMessage
from tests.builders.messages import BOTH, CONTENTS, PIDS, POLICY, read_back

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"


@pytest.mark.parametrize("content", CONTENTS, ids=lambda one: one.message)
def test_what_is_written_is_read_as_what_was_meant(content: ProcessContent) -> None:
    assert content == read_back(orjson.dumps(to_wire(content)), content)


@pytest.mark.parametrize("content", CONTENTS, ids=lambda one: one.message)
def test_what_is_written_has_the_context_as_a_list_and_nothing_empty(
    content: ProcessContent,
) -> None:
    wire = to_wire(content)

    assert [CONTEXT] == wire["@context"]
    assert [] == [key for key, value in wire.items() if value in ("", [], None)]


def test_a_first_request_looks_as_the_schema_has_it() -> None:
    assert {
        "@context": [CONTEXT],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:c1",
        "offer": {"@id": "urn:o1", "@type": "Offer", "target": "urn:d1", **POLICY},
        "callbackAddress": "https://c.example",
    } == to_wire(CONTENTS[0])


def test_an_agreement_looks_as_the_schema_has_it() -> None:
    assert {
        "@context": [CONTEXT],
        "@type": "ContractAgreementMessage",
        **BOTH,
        "agreement": {
            "@id": "urn:a1",
            "@type": "Agreement",
            "target": "urn:d1",
            "assigner": "did:web:supplier.test",
            "assignee": "did:web:oem.test",
            "timestamp": "2026-11-22T12:00:00.123Z",
            **POLICY,
        },
    } == to_wire(CONTENTS[5])


def test_a_data_address_stands_there_twice() -> None:
    address = to_wire(CONTENTS[10])["dataAddress"]

    edc = "https://w3id.org/edc/v0.0.1/ns/"
    http = "https://w3id.org/idsa/v4.1/HTTP"
    assert isinstance(address, dict)
    assert ("https://p.example/api", http) == (address["endpoint"], address["endpointType"])
    assert {
        f"{edc}endpoint": "https://p.example/api",
        f"{edc}endpointType": http,
        f"{edc}authorization": "secret",
        f"{edc}authType": "bearer",
        "https://w3id.org/tractusx/auth/expiresIn": "300",
    } == {one["name"]: one["value"] for one in address["endpointProperties"]}


@pytest.mark.parametrize(
    ("address", "endpoint", "token", "seconds"),
    [
        (
            {"endpoint": "e", "endpointProperties": [{"name": "authorization", "value": "t"}]},
            *"et",
            None,
        ),
        (
            {
                "endpointProperties": [
                    {"name": "https://w3id.org/edc/v0.0.1/ns/endpoint", "value": "e"},
                    {"name": "https://w3id.org/edc/v0.0.1/ns/authorization", "value": "t"},
                    {"name": "https://w3id.org/tractusx/auth/expiresIn", "value": "60"},
                ]
            },
            *"et",
            60,
        ),
        (
            {
                "dspace:endpointProperties": {"dspace:name": "endpoint", "dspace:value": "e"},
                "endpoint": "other",
            },
            *("e", ""),
            None,
        ),
        ({"endpointType": "x"}, "", "", None),
        ({"endpointProperties": [{"name": "expiresIn", "value": "soon"}]}, "", "", None),
    ],
)
def test_a_data_address_is_found_wherever_peers_put_it(
    address: dict[str, object], endpoint: str, token: str, seconds: int | None
) -> None:
    raw = orjson.dumps({"@type": "TransferStartMessage", **BOTH, "dataAddress": address})
    content = transfer_from_wire(raw, TransferMessage.START)

    assert TransferStart(**PIDS, address=DataAddress(endpoint, token, seconds)) == content


SHAPES = {
    "prefixed names": {
        "@context": {"dspace": "https://w3id.org/dspace/2025/1/"},
        "@type": "dspace:ContractRequestMessage",
        "dspace:consumerPid": {"@id": "urn:c1"},
        "dspace:callbackAddress": "https://c.example",
        "dspace:offer": {
            "@id": "urn:o1",
            "@type": "odrl:Offer",
            "odrl:target": {"@id": "urn:d1"},
            "odrl:permission": {
                "odrl:action": {"@id": "odrl:use"},
                "odrl:constraint": {
                    "odrl:and": {
                        "odrl:leftOperand": {"@id": "cx-policy:FrameworkAgreement"},
                        "odrl:operator": {"@id": "odrl:eq"},
                        "odrl:rightOperand": "DataExchangeGovernance:1.0",
                    }
                },
            },
        },
    },
    "expanded": {
        "@type": ["https://w3id.org/dspace/2025/1/ContractRequestMessage"],
        "https://w3id.org/dspace/2025/1/consumerPid": [{"@id": "urn:c1"}],
        "https://w3id.org/dspace/2025/1/callbackAddress": [{"@value": "https://c.example"}],
        "https://w3id.org/dspace/2025/1/offer": [
            {
                "@id": "urn:o1",
                "@type": ["http://www.w3.org/ns/odrl/2/Offer"],
                "http://www.w3.org/ns/odrl/2/target": [{"@id": "urn:d1"}],
                "http://www.w3.org/ns/odrl/2/permission": [
                    {
                        "http://www.w3.org/ns/odrl/2/action": [
                            {"@id": "http://www.w3.org/ns/odrl/2/use"}
                        ],
                        "http://www.w3.org/ns/odrl/2/constraint": [
                            {
                                "http://www.w3.org/ns/odrl/2/leftOperand": [
                                    {
                                        "@id": "https://w3id.org/catenax/2025/9/policy/"
                                        "FrameworkAgreement"
                                    }
                                ],
                                "http://www.w3.org/ns/odrl/2/operator": [
                                    {"@id": "http://www.w3.org/ns/odrl/2/eq"}
                                ],
                                "http://www.w3.org/ns/odrl/2/rightOperand": [
                                    {"@value": "DataExchangeGovernance:1.0"}
                                ],
                            }
                        ],
                    }
                ],
            }
        ],
    },
    "compact with things nobody asked for": {
        "@context": [CONTEXT, "https://w3id.org/edc/dspace/v0.0.1"],
        "@id": "urn:m1",
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:c1",
        "callbackAddress": "https://c.example",
        "more": {"x": [1, None, True]},
        "offer": {
            "@id": "urn:o1",
            "@type": "Offer",
            "target": "urn:d1",
            "constraints": [],
            "permission": [
                {
                    "action": "use",
                    "constraint": [
                        {
                            "leftOperand": "FrameworkAgreement",
                            "operator": "eq",
                            "rightOperand": "DataExchangeGovernance:1.0",
                        }
                    ],
                }
            ],
        },
    },
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_one_request_in_many_shapes_means_the_same(shape: dict[str, object]) -> None:
    content = negotiation_from_wire(orjson.dumps(shape), NegotiationMessage.REQUEST)

    assert isinstance(content, ContractRequest)
    assert ("urn:c1", "", "https://c.example", "urn:o1", "urn:d1") == (
        content.consumer_pid,
        content.provider_pid,
        content.callback_address,
        content.offer.id,
        content.offer.dataset_id,
    )
    framework = {"leftOperand": "FrameworkAgreement", "operator": "eq"}
    right = {"rightOperand": "DataExchangeGovernance:1.0"}
    wanted = {"permission": [{"action": "use", "constraint": [framework | right]}]}
    assert [] == difference(wanted, content.offer.policy)


@pytest.mark.parametrize(
    ("context", "operand", "meant"),
    [
        (CATENAX_CONTEXT, "UsagePurpose", f"{NAMESPACE}UsagePurpose"),
        (CATENAX_CONTEXT, "dateTime", "dateTime"),
        ("https://w3id.org/edc/dspace/v0.0.1", "UsagePurpose", "UsagePurpose"),
        ({"cx-policy": NAMESPACE}, "cx-policy:UsagePurpose", f"{NAMESPACE}UsagePurpose"),
    ],
)
def test_an_operand_is_echoed_as_what_it_means_where_it_came_from(
    context: object, operand: str, meant: str
) -> None:
    asked = {"leftOperand": operand, "operator": "eq", "rightOperand": "x"}
    offer = {
        "@id": "urn:o1",
        "@type": "Offer",
        "target": "urn:d1",
        "permission": [{"action": "use", "constraint": [{"and": [asked]}]}],
    }
    wire = to_wire(CONTENTS[1]) | {"@context": [CONTEXT, context], "offer": offer}
    read = read_back(orjson.dumps(wire), CONTENTS[1])

    constraint = {**asked, "leftOperand": meant}
    permission = {"action": "use", "constraint": [{"and": [constraint]}]}
    assert [permission] == to_wire(read)["offer"]["permission"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "not a JSON object|nests deeper"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nests deeper"),
        (b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nests deeper"),
        (b"{}", "where a “ContractRequestMessage” is expected"),
        (b'{"@type":"Catalog"}', "is a “Catalog”"),
        (b'{"@type":"ContractRequestMessage"}', "lacks a usable “offer”"),
        (b'{"@type":"ContractRequestMessage","offer":"x"}', "lacks a usable “offer”"),
        (b'{"@type":"ContractRequestMessage","offer":{"@id":"x"}}', "lacks a usable “target”"),
        (
            b'{"@type":"ContractRequestMessage","consumerPid":"' + b"x" * 501 + b'"}',
            "“consumerPid” is longer",
        ),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(raw: bytes, said: str) -> None:
    with pytest.raises(PartnerError, match=said):
        negotiation_from_wire(raw, NegotiationMessage.REQUEST)


def test_an_event_of_an_unknown_type_is_refused() -> None:
    raw = orjson.dumps({"@type": "ContractNegotiationEventMessage", "eventType": "MAYBE"})

    with pytest.raises(PartnerError, match="eventType"):
        negotiation_from_wire(raw, NegotiationMessage.ACCEPTANCE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "@id @type @value offer target permission constraint dataAddress name value code"
                " endpointProperties reason consumerPid agreement dspace:offer and x".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["offer", "agreement", "dataAddress", "reason"]), JSON))
def test_nothing_that_a_peer_sends_breaks_the_reader(said: dict[str, object]) -> None:
    for content in CONTENTS:
        wire = {"@type": to_wire(content)["@type"], "eventType": "ACCEPTED"} | said
        with suppress(PartnerError):
            read_back(orjson.dumps(wire), content)


@given(st.dictionaries(st.sampled_from(["permission", "obligation", "x"]), JSON))
def test_every_policy_that_is_read_can_be_compared(policy: dict[str, object]) -> None:
    offer = {"@id": "urn:o1", "target": "urn:d1"} | policy
    raw = orjson.dumps({"@type": "ContractRequestMessage", "offer": offer})
    with suppress(PartnerError):
        content = negotiation_from_wire(raw, NegotiationMessage.REQUEST)
        assert isinstance(content, ContractRequest)
        assert difference(POLICY, content.offer.policy)


@pytest.mark.parametrize(
    ("content", "peer_pid", "path"),
    [
        (CONTENTS[0], "", "/negotiations/request"),
        (CONTENTS[1], "urn:p1", "/negotiations/urn:p1/request"),
        (CONTENTS[2], "", "/negotiations/offers"),
        (CONTENTS[3], "urn:c1", "/negotiations/urn:c1/offers"),
        (CONTENTS[4], "urn:p1", "/negotiations/urn:p1/events"),
        (CONTENTS[5], "urn:c1", "/negotiations/urn:c1/agreement"),
        (CONTENTS[6], "urn:p1", "/negotiations/urn:p1/agreement/verification"),
        (CONTENTS[7], "urn:c1", "/negotiations/urn:c1/events"),
        (CONTENTS[8], "a/b ?", "/negotiations/a%2Fb%20%3F/termination"),
        (CONTENTS[9], "", "/transfers/request"),
        (CONTENTS[10], "urn:c1", "/transfers/urn:c1/start"),
        (CONTENTS[12], "urn:c1", "/transfers/urn:c1/suspension"),
        (CONTENTS[13], "urn:c1", "/transfers/urn:c1/completion"),
        (CONTENTS[14], "urn:c1", "/transfers/urn:c1/termination"),
    ],
)
def test_every_message_has_its_address(content: ProcessContent, peer_pid: str, path: str) -> None:
    assert path == path_to(content, peer_pid)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"code":"409","reason":["too late",{"@value":"sorry"}]}', "409; too late; sorry"),
        (b'{"dspace:reason":{"@value":"one"}}', "one"),
        (b"<html>", ""),
        (b"{}", ""),
    ],
)
def test_reasons_are_read_from_error_bodies(raw: bytes, told: str) -> None:
    assert told == reasons_from_answer(raw)


@pytest.mark.parametrize("identifier", [[], {}, ["urn:o1", "urn:o2"], True])
def test_an_identifier_that_is_no_text_is_refused(identifier: object) -> None:
    wire = to_wire(CONTENTS[0]) | {"offer": {"@id": identifier, "target": "urn:d1"}}

    with pytest.raises(PartnerError, match="@id"):
        read_back(orjson.dumps(wire), CONTENTS[0])


@pytest.mark.parametrize("address", [[], 1, "https://p.example/api"])
def test_a_start_with_something_else_than_a_data_address_is_refused(address: object) -> None:
    start = TransferStart(**PIDS)
    wire = to_wire(start) | {"dataAddress": address}

    with pytest.raises(PartnerError, match="dataAddress"):
        read_back(orjson.dumps(wire), start)


def test_a_policy_that_nobody_would_agree_to_is_refused() -> None:
    constraint = {"leftOperand": "x", "operator": "eq", "rightOperand": "y"}
    permission = {"action": "use", "constraint": [constraint] * 15_000}
    offer = {"@id": "urn:o1", "target": "urn:d1", "permission": [permission]}
    wire = to_wire(CONTENTS[0]) | {"offer": offer}

    with pytest.raises(PartnerError, match="more than 2000 values"):
        read_back(orjson.dumps(wire), CONTENTS[0])


def test_of_a_thousand_reasons_the_first_are_kept() -> None:
    wire = to_wire(Termination(**PIDS)) | {"reason": ["x" * 900, *map(str, range(1000))]}

    read = read_back(orjson.dumps(wire), Termination(**PIDS))

    assert isinstance(read, Termination)
    assert ("x" * 500, "0", "18") == (read.reasons[0], read.reasons[1], read.reasons[-1])
