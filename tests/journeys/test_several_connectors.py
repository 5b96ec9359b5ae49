"""A partner with two connectors, under two DIDs and under one, each with its own registry."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from connector.identifiers import did_web
from connector.partner.model import Partner
from connector.protocols.dcp.did import Endpoint, write_document
from connector.protocols.dcp.key_file import generate_key_file, load_key_file
from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import HOST
from tests.doubles.certificates import Host, host_with
from tests.journeys.town.shops import collected, open_shop, stock

pytestmark = pytest.mark.journey

SUPPLIER, OEM = "BPNL00000000PUE1", "BPNL00000000OEM1"
WELL_KNOWN = "/.well-known/dspace-version"


@pytest.fixture
def space(tmp_path: Path) -> Iterator[DataSpace]:
    with DataSpace.open(tmp_path) as opened:
        yield opened


def two_plants(space: DataSpace, oem: Company) -> tuple[Company, Company]:
    north, south = space.company("north", SUPPLIER), space.company("south", SUPPLIER)
    stock(north, ["N1"], oem)
    stock(south, ["S1"], oem)
    return north, south


def test_twins_are_found_at_either_of_two_dids_and_one_down_hides_no_other(
    space: DataSpace,
) -> None:
    oem = space.company("oem", OEM)
    north, south = two_plants(space, oem)
    open_shop(north, 1)
    open_shop(south, 1)
    oem.configure(partners=[north, south])
    oem.start()
    found = [collected(oem, "north", serial) for serial in ("N1", "S1")]
    south.kill()
    still = collected(oem, "south", "N1")

    assert [[], []] == [one["tombstones"] for one in found]
    assert [1, 1] == [one["counts"]["aspects"] for one in found]
    assert 1 == still["counts"]["aspects"]
    (missed,) = still["tombstones"]
    assert "south" == missed["aspect"]
    assert "could not be reached" in missed["reason"]


@pytest.fixture
def one_did(space: DataSpace, tmp_path: Path) -> Iterator[tuple[Company, Partner, Company]]:
    """An OEM, the partner whose DID document names two connectors, and the second of them."""
    oem = space.company("oem", OEM)
    north, south = two_plants(space, oem)
    with ExitStack() as stack:
        host = stack.enter_context(host_with(Host()))
        did = did_web(f"http://{HOST}:{host.port}")
        generate_key_file(tmp_path / "partner.pem")
        services = [
            Endpoint("DataService", north.url + WELL_KNOWN),
            Endpoint("DataService", south.url + WELL_KNOWN),
            Endpoint("CredentialService", north.url + "/dcp"),
        ]
        key = load_key_file(tmp_path / "partner.pem", did)
        document = orjson.dumps(write_document(did, [key], services))
        host.documents["/.well-known/did.json"] = (200, document)
        for plant in (north, south):
            shutil.copyfile(tmp_path / "partner.pem", plant.folder / "keys" / "connector.pem")
            space.authority.issue_to(plant.folder / "credentials", did, plant.bpnl, 30)
            stock(plant, [plant.name[0].upper() + "1"], oem, {"identity": {"did": did}})
            open_shop(plant, 1)
        yield oem, Partner("puebla", north.bpnl, did), south


def test_two_connectors_under_one_did_are_both_asked(
    one_did: tuple[Company, Partner, Company],
) -> None:
    oem, partner, south = one_did
    oem.configure(partners=[partner])
    oem.start()
    found = [collected(oem, "puebla", serial) for serial in ("N1", "S1")]
    looked = oem.ask("doctor", "--partner", "puebla")
    south.kill()
    still = collected(oem, "puebla", "N1")
    again = oem.run_command("doctor", "--partner", "puebla").out

    assert [[], []] == [one["tombstones"] for one in found]
    assert [1, 1] == [one["counts"]["aspects"] for one in found]
    assert not looked["failed"]
    assert 1 == still["counts"]["aspects"]
    assert ["puebla"] == [one["aspect"].partition(" ")[0] for one in still["tombstones"]]
    assert "version              warning" in again
    assert "registry             ok" in again
