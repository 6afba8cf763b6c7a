"""The command that shows the process models of the shelf."""

from typing import Annotated

import typer

from discovery.commands.guard import guarded, show


@guarded
def processes(
    name: Annotated[
        str | None, typer.Argument(help="Show one: equation, parameters, reference.")
    ] = None,
) -> None:
    """List the process models that come with the toolkit, or show one."""
    from discovery.shelf.listing import describe_process, list_processes

    show(list_processes() if name is None else describe_process(name))
