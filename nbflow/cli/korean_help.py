"""The words that Typer itself puts into ``--help``, in the user's language."""

from typing import Any

from nbflow.texts import language, t


def translate(command: Any) -> None:
    """Give Typer's own headings and options of ``command`` and all below it their Korean."""
    if language() == "en":
        return
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = t("Arguments")
    rich_utils.OPTIONS_PANEL_TITLE = t("Options")
    rich_utils.COMMANDS_PANEL_TITLE = t("Commands")
    rich_utils.ERRORS_PANEL_TITLE = t("Error")
    rich_utils.DEFAULT_STRING = t("[default: {}]")
    rich_utils.REQUIRED_LONG_STRING = t("[required]")
    rich_utils.RICH_HELP = t("Try [blue]'{command_path} {help_option}'[/] for help.")
    _translate_options(command)


def _translate_options(command: Any) -> None:
    for option in command.params:
        if option.name == "install_completion":
            option.help = t("Install completion for the current shell.")
        elif option.name == "show_completion":
            option.help = t("Print the completion of the current shell.")
    context = command.context_class(command, help_option_names=["-h", "--help"])
    option = command.get_help_option(context)
    if option is not None:
        option.help = t("Show this message and exit.")
    for below in getattr(command, "commands", {}).values():
        _translate_options(below)
