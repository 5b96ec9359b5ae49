"""Every step, state and actor of an examination has its words, and a report fits a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.cli import doctor
from connector.daemon.doctor.course import left, remark, seen
from connector.daemon.doctor.own import OwnSide
from connector.daemon.doctor.partners import PartnerSide
from connector.daemon.doctor.patient import Eyes, Patient
from connector.daemon.doctor.stored import StoredSide
from connector.daemon.doctor.way import Way
from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller
from connector.protocols.http import ClientLimits
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from connector.store.database import Database
from connector.texts import catalogue
from connector.web.operations import Actor, Examination, ExaminedStep, StepState

AT = datetime(2026, 11, 22, tzinfo=UTC)
LONG = "urn:uuid:" + "d03a7689" * 20


class Nobody:
    """A proof of identity that proves nobody."""

    async def authenticate(self, authorization: str | None) -> Caller:
        raise PartnerError("connector:did_malformed", value=authorization)

    async def authorization_for(self, audience: Did) -> str:
        return f"Bearer {audience}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "eslabon.toml"
    file.write_text(
        '[connector]\nname = "oem"\nbpnl = "BPNL00000000OEM1"\n'
        '[public]\nurl = "https://oem.example.com"\n'
        '[identity]\nkey_file = "k.pem"\ncredentials = "c"\n[twin]\nsecret_file = "s"\n',
        encoding="utf-8",
    )
    read, _ = load_settings(file, {})
    assert read is not None
    return read


async def test_every_step_has_a_name_in_both_languages(settings: Settings, tmp_path: Path) -> None:
    db = Database.open(tmp_path / "store.db")
    patient = Patient(settings, db, AddressBook(), Nobody(), None, lambda: AT)
    eyes = Eyes(patient, ClientLimits())
    way = Way((), ClientLimits(), Actor.US, AT)
    looks = [
        *OwnSide(patient, eyes, way).looks(),
        *StoredSide(patient).looks(),
        *PartnerSide(patient, eyes, "puebla", Bpnl("BPNL00000000PUE1")).looks(),
    ]
    keys = {f"step_{look.name}" for look in looks} | {"step_partners"}
    keys |= {f"state_{one}" for one in StepState} | {f"actor_{one}" for one in Actor}

    assert [set(), set()] == [keys - set(catalogue("cli", lang)) for lang in ("en", "es")]
    # A step may only stand on one that comes before it.
    for place, look in enumerate(looks):
        known = {one.name for one in looks[:place]}
        assert {name.removeprefix("own/") for name in look.needs} <= known


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_report_fits_a_hundred_columns_whatever_it_holds(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {"first": LONG, "count": 3, "accepted": 1}
    wrong = remark("terms_not_accepted", Actor.US, first=LONG, count=3)
    steps = (
        ExaminedStep("dns", StepState.OK, seen=(seen("seen_number", host="h" * 300),)),
        ExaminedStep("terms", StepState.FAILED, "oem", (seen("seen_terms", **facts),), (wrong,)),
        ExaminedStep("registry", StepState.SKIPPED, "oem", after="terms"),
        ExaminedStep("catalog", StepState.SKIPPED, "oem", after="own/credentials"),
        ExaminedStep("our_terms", StepState.SKIPPED, "oem", (_told(),)),
    )
    doctor._show(Examination(AT, running=False, steps=steps), language)
    lines = capsys.readouterr().out.splitlines()

    assert 100 >= max(map(len, lines))
    assert lines == [line.rstrip() for line in lines]
    assert not any("<" in line or "step_" in line for line in lines)


def _told():
    found = left("nothing_offered", partner="oem").left
    assert found is not None
    return found
