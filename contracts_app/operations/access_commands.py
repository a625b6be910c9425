"""``flask --app wsgi access``: who opens what, as a table, a page of the documentation, or for programs."""

from collections import defaultdict

import click
from flask import Flask, current_app

from .access import access_json, access_page, access_table

SHAPES = {"table": access_table, "page": access_page, "json": access_json}


def addresses(app: Flask) -> dict[str, list[str]]:
    """The rules under which each endpoint answers. What a rule may be is left out where it is a long list."""
    found: dict[str, list[str]] = defaultdict(list)
    for rule in app.url_map.iter_rules():
        found[rule.endpoint].append("".join(part if is_text else f"<{part}>" for is_text, part in _parts(str(rule))))
    return found


def _parts(rule: str) -> list[tuple[bool, str]]:
    """``/contracts/<int:contract_id>/<any(a, b):move>`` in pieces: text, and the names of its variables."""
    pieces: list[tuple[bool, str]] = []
    for piece in rule.split("<"):
        variable, closed, after = piece.rpartition(">")
        if closed:
            pieces.append((False, variable.rpartition(":")[2]))
        pieces.append((True, after))
    return pieces


@click.command()
@click.option("--format", "form", type=click.Choice(list(SHAPES)), default="table", show_default=True)
def access(form: str) -> None:
    """Print who opens what, as it was agreed: each address, the roles, and what lies behind it.

    ``page`` is docs/ACCESS.md, which a test compares with the table.
    """
    click.echo(SHAPES[form](addresses(current_app)))
