"""Year totals as the command line prints them: exact, in 元, for people and for programs."""

import csv
import io
import json
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from .queries import UnitLine

COLUMNS = {
    "unit": "考核单元",
    "contracts": "项数",
    "total_amount": "成交额（元）",
    "technology_amount": "技术交易额（元）",
    "target": "年度任务（元）",
    "completion": "完成率",
}
Row = dict[str, str | int | None]


def rows(lines: Sequence[UnitLine]) -> list[Row]:
    """One plain row a unit: amounts in 元 with two decimals, completion as a fraction with four, None for no target."""
    return [
        {
            "unit": line.name,
            "contracts": line.counted.contracts,
            "total_amount": f"{line.counted.total_amount:.2f}",
            "technology_amount": f"{line.counted.technology_amount:.2f}",
            "target": None if line.target is None else f"{line.target:.2f}",
            "completion": None if line.completion is None else four_places(line.completion),
        }
        for line in lines
    ]


def as_json(lines: Sequence[UnitLine]) -> str:
    return json.dumps(rows(lines), ensure_ascii=False, indent=2)


def as_csv(lines: Sequence[UnitLine]) -> str:
    """The same columns as JSON; what is None there is empty here."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(lines))
    return text.getvalue().rstrip("\n")


def as_table(lines: Sequence[UnitLine]) -> str:
    """A Markdown table with Chinese heads; — for none."""
    heads = [f"| {' | '.join(COLUMNS.values())} |", f"| --- |{' ---: |' * (len(COLUMNS) - 1)}"]
    body = [f"| {' | '.join('—' if cell is None else str(cell) for cell in row.values())} |" for row in rows(lines)]
    return "\n".join(heads + body)


def four_places(share: Fraction) -> str:
    """0.9610, half up, from the exact value."""
    return str((Decimal(share.numerator) / share.denominator).quantize(Decimal("0.0001"), ROUND_HALF_UP))
