"""The scenes of the demo: each shows something, and returns its figures to be checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from connector.identifiers import SemanticId
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from deploy.demo import intruder, outcome
from deploy.demo.cast import DOORS, Cast
from deploy.demo.company import Company
from deploy.demo.outcome import Check
from deploy.demo.plant import data
from deploy.demo.plant.build import Built
from deploy.demo.plant.expected import Expected, expected
from deploy.demo.plant.parts import DOOR_LEFT, SEAT
from deploy.demo.processes import DidNotHappenError, wait_until
from deploy.demo.stage import Stage

DOOR = DOOR_LEFT
SETTLE_SECONDS = 20.0
WALK_SECONDS = 30.0
LINES_SHOWN = 4
MODELS = 5
ASPECTS = "SELECT i.value, count(*) FROM aspect a JOIN interned i ON i.id = a.semantic GROUP BY 1"


def curtain(stage: Stage, cast: Cast) -> None:
    """Start everybody and say who is who."""
    stage.scene("curtain")
    cast.start()
    rows = [
        (company.name, company.bpnl, stage.text(f"role_{company.name}"), company.url)
        for company in cast.space.companies
    ]
    stage.table(("company", "bpnl", "role", "address"), rows)
    if cast.broker:
        stage.say("broker", port=cast.broker.port, topic=data.TOPIC)
    else:
        stage.say("no_broker", file=data.SERIALS)


def joined(stage: Stage, cast: Cast) -> list[Check]:
    """Let the supplier get its credentials, without which nobody would believe it."""
    stage.scene("joined")
    stage.command(cast.supplier, "credentials", "request")
    stage.command(cast.supplier, "credentials", "list")
    cast.supplier.wait_ready()
    held = cast.supplier.ask("credentials", "list")["credentials"]
    valid = [one for one in held if one["state"] == "valid"] if isinstance(held, list) else []
    return [Check("credentials", len(valid), len(CATENA_X_TYPES))]


def exports(stage: Stage, cast: Cast) -> list[Check]:
    """Let the plant export, and show what that looks like."""
    stage.scene("exports")
    cast.export()
    head = ["; ".join(row) for row in (data.LOTS_HEADER, *data.lot_rows()[:LINES_SHOWN])]
    stage.console.print(f"[bold]{data.LOTS}[/]")
    stage.quote(head)
    stage.console.print(f"[bold]{data.TOPIC if cast.broker else data.SERIALS}[/]")
    stage.quote([data.messages()[0].decode()])
    return []


def intake(stage: Stage, cast: Cast) -> list[Check]:
    """Wait until everything is taken in, and count what became of it."""
    stage.scene("intake")
    wanted = expected()
    _settle(cast, wanted)
    status = cast.supplier.ask("status")
    feeds = status["feeds"]
    rows = [
        (feed["name"], feed["adapter"], feed["records"], feed["quarantined"])
        for feed in (feeds if isinstance(feeds, list) else [])
    ]
    stage.table(("feed", "adapter", "records", "kept_back"), rows, numbers=True)
    models = _aspects_by_model(cast.supplier)
    stage.console.print()
    stage.table(("model", "aspects"), sorted(models.items()), numbers=True)
    counts = cast.supplier.counts()
    return [
        Check("records", counts["records"], outcome.records(wanted, data.STRUCTURE)),
        Check("aspects", counts["aspects"], sum(wanted.aspects.values())),
        Check("aspects_by_model", models, wanted.aspects),
        Check("quarantined", counts["quarantined"], sum(wanted.quarantined.values())),
        Check("twins", counts["twins"], sum(wanted.twins.values())),
        Check("offers", counts["offers"], sum(wanted.twins.values())),
    ]


def kept_back(stage: Stage, cast: Cast) -> list[Check]:
    """Show the quarantine, and compare its places with those that are wrong on purpose."""
    stage.scene("kept_back")
    stage.command(cast.supplier, "quarantine", "list")
    entries = cast.supplier.ask("quarantine", "list")["entries"]
    serials = data.TOPIC if cast.broker else data.SERIALS
    places = [
        (finding["source"], finding["row"], finding["column"] or "")
        for entry in (entries if isinstance(entries, list) else [])
        for finding in entry["findings"]
    ]
    wanted = [
        (serials if w.file == data.SERIALS else w.file, w.row, w.column) for w in data.wrong()
    ]
    return [Check("places", sorted(places), sorted(wanted))]


def collected(stage: Stage, cast: Cast, door: Built) -> list[Check]:
    """Let the OEM collect a door with everything in it."""
    stage.scene("collected")
    part = f"partInstanceId={door.serial}"
    stage.command(cast.oem, "collect", "--partner", "puebla", "--part", part)
    below = outcome.below([door])
    _wait_for_aspects(cast.oem, below.aspects)
    counts = cast.oem.counts()
    again = cast.oem.ask("collect", "--partner", "puebla", "--part", part)
    return [
        Check("parts", _count(again, "parts"), below.places),
        Check("tombstones", _count(again, "tombstones"), 0),
        Check("kg", _rounded(again["kg_co2e_total"]), float(outcome.kg_co2e(door.part))),
        Check("door_aspects", counts["aspects"], below.aspects),
    ]


def traced(stage: Stage, cast: Cast, door: Built) -> list[Check]:
    """Show the way of one door through every room of the supplier's connector."""
    stage.scene("traced")
    stage.command(cast.supplier, "trace", door.serial)
    steps = cast.supplier.ask("trace", door.serial)["steps"]
    rooms = {step["room"] for step in steps} if isinstance(steps, list) else set()
    wanted = ["agreement", "aspect", "offer", "record", "transfer", "twin"]
    return [Check("rooms", sorted(rooms), wanted)]


def outsiders(stage: Stage, cast: Cast, door: Built) -> list[Check]:
    """Let two others try to get what is offered to the OEM."""
    stage.scene("outsiders")
    own = outcome.of_parts([SEAT])[0]
    seat = _walk(cast.neighbour, own.serial)
    stage.say("own_part", serial=own.serial, parts=_count(seat, "parts"))
    loot = intruder.loot_of(intruder.Reader(cast.oem, cast.supplier), door.serial)
    tried = {
        "stranger": _stranger_attempts(cast, door, loot),
        "neighbour": _neighbour_attempts(cast, door, loot),
    }
    _show_attempts(stage, tried)
    denied = [attempt.denied for attempts in tried.values() for attempt in attempts]
    return [
        Check("own_part", _count(seat, "parts"), outcome.below([own]).places),
        Check("denied", sum(denied), len(denied)),
    ]


def everything(stage: Stage, cast: Cast) -> list[Check]:
    """Let the OEM collect all its doors: more twins, and not one negotiation more."""
    stage.scene("everything")
    doors = outcome.of_parts(DOORS)
    for door in doors:
        _walk(cast.oem, door.serial)
    below = outcome.below(doors)
    _wait_for_aspects(cast.oem, below.aspects)
    counts = cast.oem.counts()
    stage.say("everything_done", doors=len(doors), parts=below.places)
    return [
        Check("oem_twins", counts["collected_twins"], below.twins),
        Check("oem_aspects", counts["aspects"], below.aspects),
        Check("agreements", counts["agreements"], MODELS + 1),
        Check("transfers", counts["transfers"], MODELS + 1),
    ]


def summary(stage: Stage, checks: Sequence[Check], seconds: float) -> None:
    """Print every figure beside what it must be."""
    stage.scene("summary")
    rows = [
        (
            stage.text(f"figure_{check.key}"),
            _shown(check.actual),
            _shown(check.expected),
            "[green]✓[/]" if check.holds else "[bold red]✗[/]",
        )
        for check in checks
    ]
    stage.table(("figure", "counted", "wanted", ""), rows, numbers=True)
    wrong = sum(not check.holds for check in checks)
    key, style = ("wrong", "bold red") if wrong else ("right", "bold green")
    said = stage.text(key, count=wrong, figures=len(checks), seconds=f"{seconds:.1f}")
    stage.console.print(f"\n[{style}]{said}[/]")


def what_next(stage: Stage, cast: Cast) -> None:
    """Say what runs still, what to try, and how to end it."""
    stage.scene("next")
    oem, supplier = f"--config {cast.oem.config}", f"--config {cast.supplier.config}"
    serial = outcome.of_parts(DOORS)[-1].serial
    tries = {
        "next_collect": f"collect --partner puebla --part partInstanceId={serial} {oem}",
        "next_status": f"status {oem}",
        "next_quarantine": f"quarantine show 1 {supplier}",
        "next_trace": f"trace {serial} {supplier}",
    }
    for key, command in tries.items():
        stage.say(key)
        stage.console.print(f"  .venv/bin/eslabon {command}", soft_wrap=True)
    stage.say("next_correct", file=cast.drop / "done" / data.LOTS, drop=cast.drop)
    stage.say("next_stop")
    stage.console.print(
        f"  .venv/bin/python -m deploy.demo.demo --stop --folder {cast.space.folder}"
    )


def _settle(cast: Cast, wanted: Expected) -> None:
    """Wait for the figures; if they do not come, the checks will say which."""
    figures = {
        "aspects": sum(wanted.aspects.values()),
        "twins": sum(wanted.twins.values()),
        "offers": sum(wanted.twins.values()),
        "quarantined": sum(wanted.quarantined.values()),
    }

    def settled() -> bool:
        counts = cast.supplier.counts()
        return all(counts[name] == figure for name, figure in figures.items())

    try:
        wait_until(settled, "intake", SETTLE_SECONDS)
    except DidNotHappenError:
        return


def _wait_for_aspects(company: Company, aspects: int) -> None:
    """Wait until what was collected has gone through every door, or some seconds at most."""
    try:
        wait_until(lambda: company.counts()["aspects"] >= aspects, "aspects", SETTLE_SECONDS)
    except DidNotHappenError:
        return


def _aspects_by_model(company: Company) -> dict[str, int]:
    store = company.folder / "data" / "eslabon.db"
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        rows = db.execute(ASPECTS).fetchall()
    finally:
        db.close()
    return {SemanticId(model).aspect_name: count for model, count in rows}


def _walk(company: Company, serial: str) -> dict[str, object]:
    """Collect a part of the supplier over the operator's side, and return the report."""
    request = {"partner": "puebla", "asset_ids": [["partInstanceId", serial]]}
    _, begun = company.operate("/api/collections", request)
    report: dict[str, object] = {}

    def finished() -> bool:
        report.update(company.operate(f"/api/collections/{begun['id']}")[1])
        return report.get("state") != "running"

    wait_until(finished, f"collection of {serial}", WALK_SECONDS)
    return report


def _stranger_attempts(cast: Cast, door: Built, loot: intruder.Loot) -> list[intruder.Attempt]:
    """Return what the stranger tried, who has not even an agreement."""
    thief = intruder.Intruder(intruder.Reader(cast.stranger, cast.supplier))
    shown = len(thief.catalog())
    return [
        intruder.Attempt("try_catalog", denied=shown == 0, said=f"{shown}"),
        _collect_attempt(cast.stranger, door),
        thief.negotiation(loot, _offer_to(cast, loot)),
        *thief.attempts(loot),
    ]


def _neighbour_attempts(cast: Cast, door: Built, loot: intruder.Loot) -> list[intruder.Attempt]:
    """Return what the neighbour tried; it has tokens of its own, for other parts."""
    thief = intruder.Intruder(intruder.Reader(cast.neighbour, cast.supplier))
    return [_collect_attempt(cast.neighbour, door), *thief.attempts(loot)]


def _collect_attempt(company: Company, door: Built) -> intruder.Attempt:
    counts = _walk(company, door.serial)["counts"]
    aspects = counts["aspects"] if isinstance(counts, dict) else -1
    return intruder.Attempt("try_collect", denied=aspects == 0, said=f"{aspects}")


def _offer_to(cast: Cast, loot: intruder.Loot) -> dict[str, object]:
    """Return the offer that the OEM's catalog holds for the registry."""
    for dataset in intruder.Intruder(intruder.Reader(cast.oem, cast.supplier)).catalog():
        if isinstance(dataset, dict) and dataset["@id"] == loot.registry.dataset:
            offer: dict[str, object] = dataset["hasPolicy"][0]
            return offer
    raise DidNotHappenError("the OEM's own catalog lacks the registry")


def _show_attempts(stage: Stage, tried: dict[str, list[intruder.Attempt]]) -> None:
    for name, attempts in tried.items():
        stage.console.print(f"\n[bold]{name}[/]  {stage.text(f'role_{name}')}")
        rows = [
            (
                "[green]✓[/]" if attempt.denied else "[bold red]✗[/]",
                stage.text(attempt.key),
                stage.text("nothing" if attempt.denied else "something"),
                attempt.said,
            )
            for attempt in attempts
        ]
        stage.table(("", "attempt", "brought", "answer"), rows)


def _count(report: dict[str, object], name: str) -> int:
    counts = report.get("counts")
    return int(counts[name]) if isinstance(counts, dict) else -1


def _rounded(kg: object) -> float:
    return round(float(kg), 6) if isinstance(kg, int | float) else -1.0


def _shown(figure: object) -> str:
    return str(len(figure)) if isinstance(figure, list | dict) else str(figure)
