"""What a yearly report has besides its totals: the “七个一”, the plan's indicators, what documents say of the year."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell as at

from contracts_app.statistics.plan import indicators, registers, seven
from contracts_app.statistics.plan.beside import plan_lines
from contracts_app.statistics.plan.indicators import IndicatorLine
from contracts_app.statistics.plan.seven import Counter
from contracts_app.targets import queries as targets
from contracts_app.targets.models import Nature
from contracts_app.targets.queries import Figure, FigureFilter

from .reports import Kind, Report
from .sheets import Formula


@dataclass(frozen=True)
class Extras:
    """Nothing of it for a report that is not of a whole year."""

    counters: Sequence[Counter] = ()
    indicators: Sequence[IndicatorLine] = ()
    plans: str = ""  # the regions whose indicators they are
    figures: Sequence[Figure] = field(default=())

    def seven_cells(self) -> Iterator[list[Any]]:
        """The rows of 七个一; a counter without a register has an empty count and says why."""
        for one in self.counters:
            amount = sum((each.sums.total_amount for each in one.contracts), Decimal(0)).scaleb(-4)
            said = [
                f"{figure.name} {words(figure)}（{figure.period}，{figure.document_name}）" for figure in one.figures
            ]
            named = [f"文件提到：{one.named}"] if one.named else []
            yield [
                one.number, one.name, one.aim, one.count, one.unit or None, amount if one.contracts else None,
                one.definition, "；".join(said) or None, "；".join([*named, *([one.note] if one.note else [])]) or None,
            ]  # fmt: skip

    def indicator_cells(self, line: IndicatorLine, row: int) -> list[Any]:
        """A row of 规划指标; increase and progress are formulas, as the nature of the number allows."""
        one, latest = line.indicator, line.latest
        base, target, value = at(row, 5), at(row, 8), at(row, 11)
        way = {
            Nature.LEVEL: f'=IF({value}="","",({value}-{base})/({target}-{base}))',
            Nature.FLOW: f'=IF({value}="","",{value}/{target})',
        }
        progress: Fraction | None = latest.progress if latest else None
        usable = latest.published.value if latest and latest.published and latest.is_usable else None
        return [
            one.number, one.name, one.unit, one.nature.label, one.base_year, one.base_value, one.target_year,
            one.comparison.value, one.target_value,
            Formula(f"={target}-{base}", one.change) if one.change is not None else None,
            latest.year if latest else None, usable,
            Formula(way[one.nature], progress) if one.nature in way else None,
            latest.light.label if latest and latest.light else "未公布",
            "；".join(filter(None, (one.caliber, one.doubt))) or None,
        ]  # fmt: skip

    def figure_cells(self) -> Iterator[list[Any]]:
        """The rows of 公布数, as worded, with what is missing or doubtful said beside the value."""
        for one in self.figures:
            standings = "、".join(standing.label for standing in one.standings)
            yield [
                one.region_name, one.name, one.wording or "（原文缺字）", one.comparison.value, one.value,
                one.unit or None, one.period, standings or None, one.caliber or None, one.document_name,
                one.doubt or None,
            ]  # fmt: skip


def words(figure: Figure) -> str:
    """A figure with its standings: 47.3 亿元〔待核〕."""
    standings = "、".join(standing.label for standing in figure.standings)
    return figure.number + (f"〔{standings}〕" if standings else "")


def extras(made: Report) -> Extras:
    """What a report has besides."""
    if made.kind not in (Kind.YEARLY, Kind.PROGRESS):
        return Extras()
    reader, year = made.facts.reader, made.period.year
    counters = seven.counters(year, reader, made.region, made.facts.only_unit, made.until)
    every = targets.indicators()
    own = [one for one in every if one.region.path.startswith(made.region.path)]
    countings = {
        one.number: registers.OF_INDICATORS[one.counted_by](one.region)
        for one in own
        if one.counted_by in registers.OF_INDICATORS
    }
    lines = indicators.lines(own, plan_lines(made.facts.units, made.until), countings)
    places = {made.region.code, *(unit.code for unit in made.facts.units)}
    figures = [one for one in targets.figures(FigureFilter(section="A", year=year)) if one.region_code in places]
    return Extras(counters, lines, "、".join(dict.fromkeys(one.region.name for one in own)), figures)
