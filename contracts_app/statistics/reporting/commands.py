"""A report from the command line: ``flask --app wsgi report --year 2025 --out 年报.xlsx``."""

from datetime import datetime
from pathlib import Path

import click
from flask import current_app

from contracts_app.accounts.models import Onlooker
from contracts_app.core.clock import today
from contracts_app.core.installation import is_demonstration
from contracts_app.regions import queries as regions
from contracts_app.statistics.asked import places_of
from contracts_app.statistics.periods import Period, PeriodError

from . import pdf, reports
from .extras import extras
from .workbook import workbook


@click.command("report")
@click.option("--year", type=click.IntRange(1985, 2100), help="The whole year, or that of --period; else this year.")
@click.option(
    "--period", "text", help="H1, Q1, 03, M2 (January and February), M9 (three quarters), or with the year: 2025-H1."
)
@click.option("--region", "code", help="Code of the city or of an assessment unit; the whole city if none is said.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="As it stood at the end of this day; else today.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=True)
def report_command(year: int | None, text: str | None, code: str | None, as_of: datetime | None, out: Path) -> None:
    """Write the report of a period to FILE.xlsx or FILE.pdf."""
    if out.suffix not in (".xlsx", ".pdf"):
        raise click.UsageError("--out 写成以 .xlsx 或 .pdf 结尾的文件名。")
    on = min(as_of.date(), today()) if as_of else today()
    period = _period(year or on.year, text)
    if not period.has_begun(on):
        raise click.UsageError(f"{period.name}还没有开始。")
    everybody = Onlooker.of_all()
    region = regions.region(code) if code else everybody.region
    if region is None or region.code not in {place.code for place in places_of(everybody.region)}:
        raise click.UsageError("--region 写成市或考核单元的代码，例如 350582。")
    with current_app.test_request_context():
        made = reports.report(region, period, Onlooker(region), on)
        content = (
            pdf.pdf(made)
            if out.suffix == ".pdf"
            else workbook(made, extras(made), "命令行", is_demonstration=is_demonstration())
        )
    out.write_bytes(content)
    total = made.total.now
    click.echo(f"{made.title}：{total.contracts} 项，{total.total_amount:.2f} 元，已写入 {out}")


def _period(year: int, text: str | None) -> Period:
    try:
        if not text:
            return Period(year, 1, 12)
        return Period.parse(f"{year}-{text}" if len(text) < len("2025") else text)
    except PeriodError as wrong:
        raise click.UsageError(f"--period：{wrong}") from wrong
