"""The search index of contracts from the command line."""

import click

from contracts_app.core.db import unit_of_work

from .search import rebuild


@click.command()
def reindex() -> None:
    """Index the words and numbers of every contract anew, so that older ones are found by all that newer ones are."""
    with unit_of_work():
        count = rebuild()
    click.echo(f"已重新索引 {count:,} 份合同。")
