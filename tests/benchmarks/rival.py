"""The Eclipse connector beside ours: what it is measured at here, or why it is not."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tests.benchmarks import eclipse
from tests.benchmarks.eclipse import EclipseExchanges, EclipseReads

NAME = "EDC 0.14.0"
DEFAULT_WAIT_MS, TUNED_WAIT_MS = 1000, 50
DEFAULT_ROUNDS, TUNED_ROUNDS = 10, 40
MEASURED_BEFORE = (
    "Measured once on a machine of the same kind, on 2026-11-22: 5,016 ms for an exchange at its"
    " defaults, 846 ms with its waits at 50 ms, 1,684 reads a second; 3 s to start, 250 MB after"
    " it and 980 MB after 260 exchanges."
)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Rival:
    """Exchanges at its defaults and with short waits, and reads; None where it did not run.

    ``reasons`` say why.
    """

    default: EclipseExchanges | None
    tuned: EclipseExchanges | None
    reads: EclipseReads | None
    reasons: tuple[str, ...]


def measure(default_rounds: int = DEFAULT_ROUNDS, tuned_rounds: int = TUNED_ROUNDS) -> Rival:
    """Measure all that this machine lets run."""
    if reason := eclipse.lacking():
        return Rival(None, None, None, (reason,))
    reasons: list[str] = []
    return Rival(
        _tried(lambda: eclipse.measure_exchanges(DEFAULT_WAIT_MS, default_rounds), reasons),
        _tried(lambda: eclipse.measure_exchanges(TUNED_WAIT_MS, tuned_rounds), reasons),
        _tried(eclipse.measure_reads, reasons),
        tuple(reasons),
    )


def page(rival: Rival) -> Iterator[str]:
    """Yield the lines that say how it was measured, or why it was not."""
    yield ""
    yield (
        f"{NAME} stands for two of them that exchange with each other by their real DCP stack, in"
        " this run, on this machine, with in-memory stores and the JVM's defaults; each has one"
        " of our programs as its wallet. Alone: `python -m tests.benchmarks.eclipse ROUNDS"
        " WAIT_MS`."
    )
    if rival.default and rival.tuned:
        anew = rival.default.begun_anew + rival.tuned.begun_anew
        yield (
            f"Of its {len(rival.default.steps)} and {len(rival.tuned.steps)} exchanges {anew}"
            " ended by a race of its own and were begun anew; their time is not counted."
        )
    if rival.reasons:
        yield ""
        yield f"**Not all of {NAME} was measured in this run**: {'; '.join(rival.reasons)}."
        yield MEASURED_BEFORE


def _tried(measuring: Callable[[], Found], reasons: list[str]) -> Found | None:
    try:
        return measuring()
    except Exception as error:  # noqa: BLE001 - a quarter of an hour of figures is not thrown away
        traceback.print_exc(file=sys.stderr)
        reasons.append(f"{type(error).__name__}: {str(error).strip().splitlines()[:1]}")
        return None
