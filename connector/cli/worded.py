"""Commands whose help and complaints speak the reader's language.

The command library brings English sentences; here all that it would say comes from the
catalogue of texts instead.
"""

from __future__ import annotations

import click
from click.types import OptionHelpExtra

from connector.texts import Text, say, word


class WordedOption(click.Option):
    """An option that adds nothing of its own to its help."""

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:  # noqa: ARG002 - the library's signature
        """Say nothing more: what is required or default stands in the help text."""
        return {}


class WordedCommand(click.Command):
    """A command with its headings in one language, set by who makes it."""

    language = "en"

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line that shows how the command is called."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        prefix = word("cli:usage", self.language) + " "
        formatter.write_usage(ctx.command_path, pieces, prefix=prefix)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options with their explanations."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = [option.get_help_record(ctx) for option in options]
        with formatter.section(word("cli:options", self.language)):
            formatter.write_dl([record for record in records if record])


class WordedGroup(WordedCommand, click.Group):
    """A group of commands with its headings in one language."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands after the options."""
        super().format_options(ctx, formatter)
        named = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section(word("cli:commands", self.language)):
            formatter.write_dl([(name, known.short_help or "") for name, known in named])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        """Return the commands in the order in which a new user needs them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or complain in the reader's language."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise UnknownCommandError(args[0], ", ".join(self.commands), ctx)
        return super().resolve_command(ctx, args)


class UnknownCommandError(click.UsageError):
    """A command was called that does not exist."""

    def __init__(self, name: str, known: str, ctx: click.Context) -> None:
        """Keep the name that was called, and those that could have been."""
        super().__init__(name, ctx)
        self.name = name
        self.known = known


def complaint(error: click.ClickException, language: str) -> Text:
    """Return what was wrong about the call, in the reader's language."""
    match error:
        case UnknownCommandError(name=name, known=known):
            text = say("cli:command_unknown", language, name=name, known=known)
        case click.NoSuchOption(option_name=name, possibilities=near):
            known = ", ".join(near or ()) or "--help"
            text = say("cli:option_unknown", language, name=name, known=known)
        case click.MissingParameter():
            text = say("cli:parameter_missing", language, name=_name_of(error))
        case click.BadParameter():
            reason = error.message
            text = say("cli:parameter_wrong", language, name=_name_of(error), reason=reason)
        case _:
            text = say("cli:call_wrong", language, reason=error.format_message())
    return text


def help_option(language: str) -> click.Option:
    """Return the option that shows the help of a command."""

    def show(ctx: click.Context, _param: click.Parameter, value: object) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()

    return WordedOption(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=word("cli:help_help", language),
    )


def _name_of(error: click.BadParameter) -> str:
    if isinstance(error.param, click.Option):
        return error.param.opts[0]
    return (error.param.metavar or error.param.name or "") if error.param else ""
