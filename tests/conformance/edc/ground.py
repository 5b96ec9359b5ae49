"""What both sides agree on: who they are, where they listen, what we offer, what was seeded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from connector.identifiers import Bpnl, Did, SemanticId
from connector.partner.model import Partner
from connector.settings.values import Settings
from connector.store.database import Database
from deploy.demo.configuration import Tables, toml_of
from tests.builders.exchange import PART_TYPE, SERIAL, TRACEABILITY, Part, Plant

HOST = "127.0.0.1"
US = Did("did:web:puebla.example")
EDC = Partner("edc", Bpnl("BPNL00000000EDC1"), Did("did:web:edc.example"))

# By these paths the tests tell our connector what to do, and ask what became of it.
PULL = "/trigger/pull"
CATALOG = "/trigger/catalog"
NEGOTIATION = "/trigger/negotiation/{pid}"
TRANSFER = "/trigger/transfer/{pid}"
ENDS = "/trigger/ends"
BEGIN = "/trigger/negotiation"
BEGIN_TRANSFER = "/trigger/transfer"
HOLD = "/trigger/hold"
AGREEMENT = "/trigger/negotiation/{pid}/agreement"
NEGOTIATION_TERMINATION = "/trigger/negotiation/{pid}/termination"
TERMINATION = "/trigger/transfer/{pid}/termination"

OFFERED: tuple[SemanticId, ...] = (SERIAL, PART_TYPE)
SEEN = Part("A-1", "SN-1", aspects=(SERIAL,))
UNSEEN = Part("B-1", "SN-2", aspects=(SERIAL,))

# One of every kind: a word, a list, a number, a moment, and all three kinds of rules.
RULES: dict[str, dict[str, object]] = {
    "permission": {
        "ContractReference": ["MX-2026-17", "AGB-9832"],
        "Liability": "cx.slightNegligence:1",
        "AffiliatesRegion": ["cx.region.northAmerica:1", "cx.region.europe:1"],
        "DataUsageEndDurationDays": 365,
    },
    "prohibition": {
        "UsageRestriction": ["cx.thirdParty.forbidden:1", "cx.manipulation.forbidden:1"]
    },
    "obligation": {"DataProvisioningEndDate": "2099-12-31"},
}


def write_settings(
    folder: Path, port: int, operator_port: int, limits: Mapping[str, float]
) -> Path:
    """Write the configuration of our connector."""
    document: dict[str, Tables] = {
        "connector": {"name": "puebla", "bpnl": "BPNL00000000PUE1", "data": "data"},
        "public": {"url": f"http://{HOST}:{port}", "bind": HOST, "port": port},
        "operator": {"port": operator_port, "token_file": "operator.token"},
        "identity": {"did": US, "key_file": "unused.pem", "credentials": "."},
        "twin": {"secret_file": "twin.secret"},
        "development": {"allow_http": True, "allow_private_networks": True},
        "policy": {TRACEABILITY.name: {"purposes": list(TRACEABILITY.purposes), **RULES}},
        "consume": {
            "operands": ["ContractReference"],
            "values": {"Liability": ["cx.slightNegligence:1"]},
        },
        "limits": dict(limits),
        "partner": [{"name": EDC.name, "bpnl": EDC.bpnl, "did": EDC.did}],
        "offer": [
            {
                "name": "parts",
                "partners": [EDC.name],
                "policy": TRACEABILITY.name,
                "aspects": list(OFFERED),
                "parts": ["A-*"],
            }
        ],
    }
    for name in ("operator.token", "twin.secret", "unused.pem"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    file = folder / "eslabon.toml"
    file.write_text(toml_of(document), encoding="utf-8")
    return file


def seed(db: Database, settings: Settings) -> None:
    """Put one part in the store that the partner may see, and one that it may not."""
    Plant(db, rules=settings.offer_rules(), now=datetime.now(UTC)).make(SEEN, UNSEEN)
