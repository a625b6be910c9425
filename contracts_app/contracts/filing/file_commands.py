"""The store of files from the command line: what nothing refers to any more."""

from datetime import timedelta

import click
from flask import current_app
from sqlalchemy import select

from contracts_app.contracts.models import Attachment
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db
from contracts_app.core.keeping.files import size_label
from contracts_app.core.keeping.stores import Store


@click.group()
def files() -> None:
    """Look after the store of files."""


@files.command()
@click.option("--remove", is_flag=True, help="Remove them; otherwise they are only listed.")
@click.option("--days", type=click.IntRange(1), default=7, show_default=True, help="Only what is older than this.")
def unreferenced(remove: bool, days: int) -> None:
    """List, or remove, contents that no contract names: of drafts thrown away, of uploads that were refused."""
    store: Store = current_app.extensions["files"]
    before = now_utc() - timedelta(days=days)  # an upload is kept a moment before its contract names it
    named = set(db.session.scalars(select(Attachment.sha256).distinct()))
    found = sorted((kept for kept in store.contents(before) if kept.sha256 not in named), key=lambda kept: kept.sha256)
    for kept in found:
        click.echo(f"{kept.sha256}  {size_label(kept.size)}")
        if remove:
            store.remove(kept.sha256, before)
    words = "已删除" if remove else "没有合同引用"
    click.echo(f"{words} {len(found)} 个文件，{size_label(sum(kept.size for kept in found))}", err=True)
