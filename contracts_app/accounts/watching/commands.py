"""The log from the command line: prove it, keep a checkpoint of it, take entries along."""

import json
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contracts_app.accounts.models import AT_THE_MACHINE, Onlooker
from contracts_app.core.codes import mask_within
from contracts_app.core.db import db, only_reading, unit_of_work
from contracts_app.core.errors import Refused
from contracts_app.core.trail import audit, proving
from contracts_app.core.trail import checkpoints as audit_checkpoints

from . import export as audit_export
from . import queries
from .queries import AuditFilter

console = Console(stderr=True, highlight=False, soft_wrap=True)


@click.group(name="audit")
def audit_group() -> None:
    """Prove the log of who did what, keep checkpoints of it, take entries along."""


@audit_group.command()
@click.option(
    "--checkpoint",
    "kept",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="A checkpoint, or a folder of them, that was kept elsewhere; may be said several times.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(kept: tuple[Path, ...], form: str) -> None:
    """Prove the whole log: each entry from the one before, the end of the chain, and every checkpoint.

    Fails when something was changed, removed, moved or put in, and says where. What was found is an entry itself.
    """
    own = audit_checkpoints.folder()
    try:
        checkpoints = audit_checkpoints.all_in([*([own] if own.is_dir() else []), *kept])
    except audit_checkpoints.NoCheckpoint as unreadable:
        _fail(str(unreadable))
    columns = (TextColumn("正在核对操作记录"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        with only_reading():
            proof = proving.prove(
                db.session.connection(),
                checkpoints,
                told=lambda done, whole: bar.update(task, completed=done, total=whole),
            )
    with unit_of_work():
        audit.record("verify_audit", AT_THE_MACHINE, **proving.as_facts(proof))
    if form == "json":
        facts = proving.as_facts(proof) | {"first_fault": proof.first_fault, "sentences": proof.sentences}
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        for sentence in proof.sentences:
            click.echo(sentence)
    if not proof.is_intact:
        _fail(f"操作记录有 {proof.faults} 处不符。保留数据库现状和检查点文件，报告安全审计员。")
    if form == "text":
        click.echo(f"一致：{proof.entries} 条，到第 {proof.last_id} 条，检查点 {proof.checkpoints} 份")


@audit_group.command()
def checkpoint() -> None:
    """Keep where the log ends now in a new file of today; none is ever overwritten."""
    end = audit.head()
    now = audit_checkpoints.now(last_id=end.last_id, hash=end.hash, count=end.count)
    try:
        file = audit_checkpoints.keep(now)
    except OSError as error:
        _fail(f"检查点写不进 {audit_checkpoints.folder()}（{error.strerror}），改文件夹权限或 CHECKPOINT_DIR 后重试。")
    click.echo(str(file))


@audit_group.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--who", default="", help="Name or username, or part of one.")
@click.option("--action", default="", help="A code, such as sign_in.")
@click.option("--subject", default="", help="A code, such as contract.")
@click.option("--number", default="", help="Number of the record.")
@click.option("--from", "first", default="", help="First day.")
@click.option("--to", "last", default="", help="Last day.")
@click.option("--words", default="", help="Words in what is told, or an address of the network.")
def export(file: Path, who: str, action: str, subject: str, number: str, first: str, last: str, words: str) -> None:
    """Write the entries that fit to FILE, a new .csv or .xlsx. What was taken along is an entry itself."""
    kind = file.suffix[1:].lower()
    if kind not in audit_export.MIMES:
        raise click.UsageError("文件名以 .csv 或 .xlsx 结尾。")
    asked = {"who": who, "action": action, "subject": subject, "number": number, "words": words}
    looked_for = AuditFilter.from_args(asked | {"from": first, "to": last})
    for sentence in looked_for.faults.values():
        raise click.UsageError(f"{sentence}。")
    with only_reading():
        matching = queries.audit_entries(Onlooker.of_all(), looked_for)
        try:
            rows = audit_export.count_for_file(matching)
            with file.open("xb") as content:
                audit_export.write(content, kind, matching, looked_for, AT_THE_MACHINE)
        except Refused as refused:
            _fail("".join(refused.reasons))
        except OSError as error:
            _fail(f"{file} 写不了（{error.strerror}），换一个还没有的文件名。")
    try:
        with unit_of_work():
            asked_in_words = mask_within(looked_for.sentence())
            audit.record("export_audit", AT_THE_MACHINE, query=asked_in_words, rows=rows, file=f".{kind}")
    except BaseException:
        file.unlink()  # nothing is taken along that the log does not know of
        raise
    click.echo(f"已写入 {rows} 条", err=True)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(1)
