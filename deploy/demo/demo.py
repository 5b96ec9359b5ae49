"""``make demo``: a supplier's files and messages become contracted twins at an OEM.

    python -m deploy.demo.demo [--keep | --stop] [--no-broker] [--folder build/demo]

Exit code 0 if every figure is what the plant's own tables say, 1 if one differs.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.markup import escape

from connector.texts import language_of
from deploy.demo import scenes
from deploy.demo.broker import find_broker
from deploy.demo.cast import Cast, assemble
from deploy.demo.outcome import Check
from deploy.demo.plant.build import built
from deploy.demo.processes import DidNotHappenError, end_left_over
from deploy.demo.stage import Stage

FOLDER = Path("build/demo")
WELL, DIFFERS = 0, 1


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
@click.option("--keep", is_flag=True, help="Leave both companies running.")
@click.option("--stop", is_flag=True, help="Only end what --keep left running.")
@click.option("--no-broker", is_flag=True, help="Read the line's messages from a file.")
def main(*, folder: Path, keep: bool, stop: bool, no_broker: bool) -> None:
    """Play the demo and check every figure of it."""
    stage = Stage(language_of())
    folder = folder.absolute()
    try:
        with _alone(folder):
            _end_earlier(stage, folder)
            if not stop:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                sys.exit(_played(stage, folder, keep=keep, with_broker=not no_broker))
    except BlockingIOError:
        stage.say("playing", folder=folder)
        sys.exit(DIFFERS)
    except (DidNotHappenError, OSError) as error:
        stage.console.print(f"[bold red]{escape(str(error))}[/]")
        stage.say("logs", folder=folder)
        sys.exit(DIFFERS)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, so that no second demo ends the processes of a first one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _end_earlier(stage: Stage, folder: Path) -> None:
    ended = end_left_over(folder)
    if ended:
        stage.say("ended", count=len(ended))


def _played(stage: Stage, folder: Path, *, keep: bool, with_broker: bool) -> int:
    began = time.monotonic()
    stage.console.print(f"[bold]{escape(stage.text('headline'))}[/]")
    with _running(folder, keep=keep, with_broker=with_broker) as cast:
        checks = _scenes(stage, cast)
        seconds = time.monotonic() - began
        scenes.summary(stage, checks, seconds)
        if keep:
            scenes.what_next(stage, cast)
    return WELL if all(check.holds for check in checks) else DIFFERS


@contextmanager
def _running(folder: Path, *, keep: bool, with_broker: bool) -> Iterator[Cast]:
    """Give the companies; afterwards end them, or with ``keep`` only the two outsiders."""
    broker = find_broker(folder / "broker") if with_broker else None
    cast = assemble(folder, broker)
    kept = False
    try:
        yield cast
        kept = keep
    finally:
        if kept:
            cast.stranger.stop()
            cast.neighbour.stop()
        else:
            cast.close()


def _scenes(stage: Stage, cast: Cast) -> list[Check]:
    door = next(item for item in built() if item.part == scenes.DOOR)
    scenes.curtain(stage, cast)
    return [
        *scenes.joined(stage, cast),
        *scenes.exports(stage, cast),
        *scenes.intake(stage, cast),
        *scenes.kept_back(stage, cast),
        *scenes.collected(stage, cast, door),
        *scenes.traced(stage, cast, door),
        *scenes.outsiders(stage, cast, door),
        *scenes.everything(stage, cast),
    ]


if __name__ == "__main__":
    main()
