"""The command ``eslabon``: chooses the language, calls, and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click

from connector.cli.commands import PROGRAM, build_cli
from connector.cli.worded import complaint
from connector.errors import EslabonError
from connector.texts import LANGUAGES, language_of

INTERRUPTED = 130
USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code.

    0 all is well; 1 findings in data or settings; 2 wrongly set up or called; 3 a partner
    refused; 4 try again later. Anything that is ours to mend shows its traceback.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    language = language_asked(given, os.environ)
    try:
        return _called(given, language)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has closed it; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def language_asked(given: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language after ``--lang``, else that of the environment."""
    for place, word in enumerate(given):
        following = given[place + 1] if place + 1 < len(given) else ""
        asked = following if word == "--lang" else word.removeprefix("--lang=")
        if word.startswith("--lang") and asked in LANGUAGES:
            return asked
    return language_of(environment)


def _called(given: list[str], language: str) -> int:
    try:
        answer = build_cli(language).main(given, prog_name=PROGRAM, standalone_mode=False)
    except EslabonError as error:
        from connector.cli.output import show_error  # noqa: PLC0415 - slow, and rarely needed

        return show_error(error, language, as_json="--json" in given)
    except click.ClickException as error:
        from connector.cli.output import show_text  # noqa: PLC0415 - slow, and rarely needed

        show_text(complaint(error, language), language)
        return USAGE
    return answer if isinstance(answer, int) else 0
