"""The commands with their options; what each one does lies in a file of its own.

Those files are imported when a command is called, so that help and completion come at once
and ``run`` starts with no more than it needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from connector.aspect.drafts import Draft
from connector.aspect.rdf.forms import Form
from connector.cli.labels import label
from connector.cli.worded import WordedCommand, WordedGroup, WordedOption, help_option
from connector.texts import LANGUAGES, word

PROGRAM = "eslabon"
CONFIG_VARIABLE = "ESLABON_CONFIG"
CONFIG_FILE = "eslabon.toml"

Kind = click.Path | click.IntRange | click.types.IntParamType | click.Choice[str] | None
PATH = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes commands and options in one language; texts are named after both."""

    language: str

    def command(self, name: str, place: str, *params: click.Parameter) -> WordedCommand:
        key = place.replace(":", "_")
        command = WordedCommand(
            name,
            params=[*params, *self._for_all()],
            callback=_calling(place, self.language),
            help=label(f"help_{key}", self.language),
            short_help=label(f"short_{key}", self.language),
            epilog=word("cli:exit_codes", self.language),
            options_metavar=word("cli:options_metavar", self.language),
            add_help_option=False,
        )
        command.language = self.language
        return command

    def option(self, command: str, name: str, kind: Kind = None) -> WordedOption:
        return WordedOption(
            [f"--{name}"],
            type=kind,
            metavar=label(f"metavar_{name}", self.language),
            help=label(f"help_{command}_{name}", self.language),
        )

    def several(self, command: str, name: str) -> WordedOption:
        return WordedOption(
            [f"--{name}", f"{name}s"],
            multiple=True,
            metavar=label(f"metavar_{name}", self.language),
            help=label(f"help_{command}_{name}", self.language),
        )

    def flag(self, command: str, name: str) -> WordedOption:
        text = label(f"help_{command}_{name}", self.language)
        return WordedOption([f"--{name}"], is_flag=True, help=text)

    def argument(self, name: str, kind: Kind = None, count: int = 1) -> click.Argument:
        metavar = label(f"metavar_{name}", self.language)
        return click.Argument([name], type=kind, nargs=count, required=True, metavar=metavar)

    def group(self, name: str, *commands: click.Command) -> WordedGroup:
        group = WordedGroup(
            name,
            params=[self.lang(), help_option(self.language)],
            commands=list(commands),
            help=label(f"help_{name}", self.language),
            short_help=label(f"short_{name}", self.language),
            options_metavar=word("cli:options_metavar", self.language),
            subcommand_metavar=word("cli:command_metavar", self.language),
            add_help_option=False,
            no_args_is_help=False,
            invoke_without_command=True,
            callback=_help_when_alone,
        )
        group.language = self.language
        return group

    def lang(self) -> WordedOption:
        return WordedOption(
            ["--lang"],
            type=click.Choice(LANGUAGES),
            expose_value=False,
            help=word("cli:help_lang", self.language),
        )

    def _for_all(self) -> list[click.Parameter]:
        config = WordedOption(
            ["--config"],
            type=click.Path(path_type=Path),
            default=CONFIG_FILE,
            envvar=CONFIG_VARIABLE,
            metavar=word("cli:metavar_file", self.language),
            help=word("cli:help_config", self.language),
        )
        text = word("cli:help_json", self.language)
        as_json = WordedOption(["--json", "as_json"], is_flag=True, help=text)
        return [config, as_json, self.lang(), help_option(self.language)]


def build_cli(language: str) -> click.Group:
    """Return the command ``eslabon`` with all its commands, speaking one language."""
    make = _Maker(language)
    group = make.group(
        PROGRAM,
        make.command("init", "init", make.argument("folder", click.Path(path_type=Path))),
        make.command("check", "check"),
        _preview(make),
        make.command("run", "run"),
        make.command("ingest", "ingest", make.flag("ingest", "once")),
        make.command("status", "status"),
        make.command("doctor", "doctor", make.option("doctor", "partner")),
        _quarantine(make),
        make.command("trace", "trace", make.argument("about")),
        _processes(make),
        make.command("process", "processes:one", make.argument("pid")),
        _collect(make),
        _credentials(make),
        _ledger(make),
        _policy(make),
        _models(make),
    )
    group.params.insert(0, _version(language))
    return group


def _preview(make: _Maker) -> click.Command:
    return make.command(
        "preview",
        "preview",
        make.argument("file", click.Path(path_type=Path)),
        make.option("preview", "feed"),
        make.option("preview", "rows", click.IntRange(1, 1000)),
    )


def _quarantine(make: _Maker) -> click.Group:
    several = click.Argument(
        ["ids"], nargs=-1, type=int, metavar=word("cli:metavar_ids", make.language)
    )
    return make.group(
        "quarantine",
        make.command(
            "list",
            "quarantine:list",
            make.option("quarantine", "feed"),
            make.flag("quarantine", "closed"),
            make.option("quarantine", "limit", click.IntRange(1, 1000)),
        ),
        make.command("show", "quarantine:show", make.argument("id", click.INT)),
        make.command(
            "replay",
            "quarantine:replay",
            several,
            make.option("quarantine", "feed"),
            make.flag("quarantine", "all"),
        ),
    )


def _processes(make: _Maker) -> click.Command:
    return make.command(
        "processes",
        "processes",
        make.option("processes", "partner"),
        make.flag("processes", "stuck"),
        make.flag("processes", "all"),
    )


def _collect(make: _Maker) -> click.Command:
    return make.command(
        "collect",
        "collect",
        make.option("collect", "partner"),
        make.several("collect", "part"),
        make.several("collect", "aspect"),
        make.option("collect", "depth", click.IntRange(1, 1000)),
    )


def _credentials(make: _Maker) -> click.Group:
    types = click.Argument(["types"], nargs=-1, metavar=word("cli:metavar_types", make.language))
    number = click.Argument(
        ["number"], nargs=-1, metavar=word("cli:metavar_number", make.language)
    )
    return make.group(
        "credentials",
        make.command("list", "credentials:list"),
        make.command(
            "request",
            "credentials:request",
            types,
            make.option("credentials", "issuer"),
            make.option("credentials", "wait", click.IntRange(0, 86_400)),
        ),
        make.command("status", "credentials:status", number),
    )


def _ledger(make: _Maker) -> click.Group:
    return make.group(
        "ledger",
        make.command("verify", "ledger:verify", make.option("ledger", "heads", PATH)),
        make.command(
            "show",
            "ledger:show",
            make.option("ledger", "partner"),
            make.option("ledger", "since"),
            make.option("ledger", "until"),
            make.option("ledger", "part"),
            make.option("ledger", "limit", click.IntRange(1, 100_000)),
        ),
    )


def _policy(make: _Maker) -> click.Group:
    return make.group(
        "policy",
        make.command("list", "policies:list"),
        make.command(
            "show", "policies:show", make.argument("name"), make.option("policy", "partner")
        ),
        make.command("diff", "policies:diff", make.argument("ours"), make.argument("theirs")),
        make.command("check", "policies:check", make.argument("file", PATH)),
    )


def _models(make: _Maker) -> click.Group:
    draft = click.Choice([draft.value for draft in Draft])
    return make.group(
        "models",
        _of_models(make, "list"),
        _of_models(make, "show", make.argument("urn"), make.flag("models", "html")),
        _of_models(make, "add", make.argument("folder", PATH)),
        _of_models(
            make,
            "schema",
            make.argument("urn"),
            make.option("models", "draft", draft),
            make.flag("models", "strict"),
        ),
        _of_models(make, "example", make.argument("urn"), make.flag("models", "full")),
        _of_models(make, "diff", make.argument("urn"), make.argument("newer")),
        _of_models(
            make,
            "check",
            make.option("models", "model"),
            make.flag("models", "strict"),
            make.argument("files", PATH, -1),
        ),
        _of_models(
            make,
            "lift",
            make.option("models", "model"),
            make.option("models_lift", "to", click.Choice([form.value for form in Form])),
            make.argument("file", PATH),
        ),
        _of_models(
            make,
            "migrate",
            make.option("models_migrate", "model"),
            make.option("models_migrate", "to"),
            make.argument("file", PATH),
        ),
    )


def _of_models(make: _Maker, name: str, *params: click.Parameter) -> click.Command:
    folders = WordedOption(
        ["--models"],
        multiple=True,
        type=PATH,
        metavar=word("cli:metavar_folder", make.language),
        help=word("cli:help_models_models", make.language),
    )
    return make.command(name, f"models:{name}", *params, folders)


def _calling(place: str, language: str) -> Callable[..., int]:
    """Return a callback that imports the command's file and lets it do the work."""
    module, _, function = place.partition(":")

    def call(*, config: Path, as_json: bool, **given: object) -> int:
        asking = importlib.import_module("connector.cli.asking")
        named = importlib.import_module(f"connector.cli.{module}")
        act = getattr(named, f"carry_out_{function}" if function else "carry_out")
        return int(act(asking.Asked(config, language, as_json), **given))

    return call


@click.pass_context
def _help_when_alone(ctx: click.Context, /) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), color=ctx.color)


def _version(language: str) -> click.Option:
    def show(ctx: click.Context, _param: click.Parameter, value: object) -> None:
        if value and not ctx.resilient_parsing:
            metadata = importlib.import_module("importlib.metadata")
            click.echo(f"{PROGRAM} {metadata.version(PROGRAM)}")
            ctx.exit()

    return WordedOption(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=word("cli:help_version", language),
    )
