"""What both sides of the kit's tests agree on: names, settings, datasets and agreements."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from connector.agreement.model import Agreement, Negotiation, Offer
from connector.agreement.states import NegotiationState, Role
from connector.agreement.table import keep_agreement, negotiations
from connector.identifiers import Bpnl, Did
from connector.offer.datasets import Shelf
from connector.offer.model import HTTP_PULL
from connector.partner.model import Partner
from connector.settings.values import Settings
from connector.store.database import Database
from deploy.demo.configuration import Tables, toml_of
from tests.builders.exchange import SERIAL, Part, Plant
from tests.conformance.dsp.script import (
    CONSUMER_NEGOTIATIONS,
    CONSUMER_TRANSFERS,
    PROVIDER_NEGOTIATIONS,
    PROVIDER_TRANSFERS,
)

HOST = "127.0.0.1"
KIT = Partner("kit", Bpnl("BPNL00000000TCK1"), Did("did:web:tck.example"))
US = Did("did:web:under-test.example")
AUTHORIZATION = "Bearer TCK_PARTICIPANT"
NEGOTIATION_TRIGGER = "/trigger/negotiation"
TRANSFER_TRIGGER = "/trigger/transfer"
TERMS = {"permission": [{"action": "use"}]}

# One policy for each dataset that the kit asks for: that makes as many datasets of one aspect.
_CATALOG = ("CAT_01_01", "CAT_01_02")
SHELVED = (*_CATALOG, *PROVIDER_NEGOTIATIONS)


def write_settings(folder: Path, port: int, operator_port: int) -> Path:
    """Write the configuration of the connector under test."""
    document: dict[str, Tables] = {
        "connector": {"name": "under-test", "bpnl": "BPNL00000000PUE1", "data": "data"},
        "public": {"url": f"http://{HOST}:{port}", "bind": HOST, "port": port},
        "operator": {"port": operator_port, "token_file": "operator.token"},
        "identity": {"did": US, "key_file": "unused.pem", "credentials": "."},
        "twin": {"secret_file": "twin.secret"},
        "development": {"allow_http": True, "allow_private_networks": True},
        "policy": {name: {"purposes": ["cx.core.industrycore:1"]} for name in SHELVED},
        "partner": [{"name": KIT.name, "bpnl": KIT.bpnl, "did": KIT.did}],
        "offer": [{"name": n, "partners": [KIT.name], "policy": n} for n in SHELVED],
    }
    for name in ("operator.token", "twin.secret", "unused.pem"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    file = folder / "eslabon.toml"
    file.write_text(toml_of(document), encoding="utf-8")
    return file


def dataset_ids(settings: Settings) -> dict[str, tuple[str, str]]:
    """Return dataset id and offer id for each test that asks for a dataset of ours."""
    policies = settings.policies().values()
    shelf = Shelf(settings.offer_rules(), policies, lambda: (SERIAL,), settings.did)
    made = {name: shelf.submodels(SERIAL, name) for name in SHELVED}
    return {name: (dataset.id, dataset.offer_id) for name, dataset in made.items()}


def seed(db: Database, settings: Settings) -> None:
    """Put one part with one aspect in the store, and the agreements of the transfer tests."""
    Plant(db).make(Part("A-1", "SN-1"))
    dataset_id = dataset_ids(settings)["CAT_01_01"][0]
    tests = dict.fromkeys(PROVIDER_TRANSFERS, Role.PROVIDER)
    for test, role in (tests | dict.fromkeys(CONSUMER_TRANSFERS, Role.CONSUMER)).items():
        _settle(db, test, role, dataset_id)


def _settle(db: Database, test: str, role: Role, dataset_id: str) -> None:
    parties = (US, KIT.did) if role is Role.PROVIDER else (KIT.did, US)
    now = datetime.now(UTC)
    negotiation = Negotiation(
        pid=f"urn:seeded:{test}",
        role=role,
        partner=KIT.did,
        bpnl=KIT.bpnl,
        url="",
        dataset_id=dataset_id,
        state=NegotiationState.FINALIZED,
        offer=Offer(f"offer-{test}", dataset_id, TERMS),
        agreement_id=test,
    )
    with db.transaction() as tx:
        negotiations().put(tx, negotiation, now)
        keep_agreement(tx, Agreement(test, dataset_id, *parties, TERMS, now), negotiation)


def kit_values(settings: Settings) -> dict[str, str]:
    """Return what the kit has to be told for each of its tests."""
    values: dict[str, str] = {}
    for test, (dataset_id, offer_id) in dataset_ids(settings).items():
        values |= {f"{test}_DATASETID": dataset_id, f"{test}_OFFERID": offer_id}
    values |= {f"{test}_DATASETID": test for test in CONSUMER_NEGOTIATIONS}
    for test in (*PROVIDER_TRANSFERS, *CONSUMER_TRANSFERS):
        values |= {f"{test}_AGREEMENTID": test, f"{test}_FORMAT": HTTP_PULL}
    return values
