"""What is asked of the totals page: which contracts, split by what, in which figure. Made from an address and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict

from contracts_app.accounts.models import Reader
from contracts_app.contracts.counting.dimensions import DIMENSIONS, Dimension, Of
from contracts_app.contracts.finding.addresses import DateKind
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core.clock import same_period_last_year, today
from contracts_app.core.words import Word
from contracts_app.regions.queries import codes_of_units
from contracts_app.statistics.measures import GROWTH, MEASURES, SHARE, Measure

_LONG = ("town", "subtype", "field", "platform", "broker")  # lists of which people want the largest first
# Where a click on a row leads: the same figures by the next smaller thing.
_BELOW = {
    "year": "quarter",
    "half": "quarter",
    "quarter": "month",
    "month": "unit",
    "unit": "town",
    "town": "type",
    "type": "subtype",
}
_INSTEAD = ("unit", "type", "month", "field", "flow", "band")


class Show(Word):
    """What stands in a cell."""

    VALUE = "value", "数值"
    OF_ROW = "row", "占本行合计"
    OF_COLUMN = "column", "占本列合计"
    OF_WHOLE = "whole", "占全部合计"
    GROWTH = "growth", "同比增长"

    @property
    def is_share(self) -> bool:
        return self in (Show.OF_ROW, Show.OF_COLUMN, Show.OF_WHOLE)

    @property
    def definition(self) -> str:
        """How it is worked out."""
        return {Show.VALUE: "指标本身", Show.GROWTH: GROWTH}.get(self, SHARE)


class Order(Word):
    """How the rows are sorted; columns always stand in their list's order."""

    LIST = "list", "按名称次序"
    AMOUNT = "amount", "从大到小"


@dataclass(frozen=True)
class Question:
    """One table of totals. The query names a year; without columns the table shows several figures side by side."""

    query: ContractQuery
    rows: Dimension
    columns: Dimension | None = None
    measure: Measure = MEASURES["total_amount"]
    show: Show = Show.VALUE
    order: Order = Order.LIST
    page: int = 1
    across: int = 1  # the page of columns
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by argument

    @classmethod
    def from_args(cls, args: Mapping[str, str], person: Reader) -> "Question":
        """Read an address. What cannot be read is left out and told of in ``faults``."""
        given = MultiDict(args)
        given["year"] = args.get("year", "").strip() or str(today().year)  # so that what goes by years can be asked
        reader = _Reader(args, ContractQuery.from_args(given).known(person))
        rows = reader.chosen("rows", DIMENSIONS, "行") or DIMENSIONS[_first_rows(person)]
        columns = reader.columns(rows)
        measure = reader.chosen("measure", MEASURES, "指标") or MEASURES["total_amount"]
        show = reader.chosen("show", {one.value: one for one in Show}, "格内") or Show.VALUE
        if show.is_share and not measure.is_sum:
            reader.fault("show", f"{measure.label}不能算占比，换一个指标")
            show = Show.VALUE
        usual = Order.AMOUNT if rows.code in _LONG else Order.LIST
        order = reader.chosen("order", {one.value: one for one in Order}, "行序") or usual
        query = measure.asked(reader.query())
        pages = reader.page("page"), reader.page("across")
        return cls(query, rows, columns, measure, show, order, *pages, faults=reader.faults)

    def to_args(self) -> dict[str, str]:
        """The address's arguments that ask this again, from the first page."""
        asked = replace(self.query, cause=None) if self.measure.cause else self.query
        return {
            **asked.to_args(),
            "rows": self.rows.code,
            "columns": self.columns.code if self.columns else "",
            "measure": self.measure.code,
            "show": self.show.value,
            "order": self.order.value,
        }

    @property
    def unread(self) -> list[str]:
        """Sentences of what could not be read, but for the numbers of pages: a file has the whole table."""
        told = (sentences for name, sentences in self.faults.items() if name not in ("page", "across"))
        return [sentence for sentences in told for sentence in sentences]

    @property
    def edges(self) -> tuple[date, date]:
        """The first and the last day that can be counted in it: a year that runs ends today."""
        first, last = self.query.edges
        return first, min(last, max(first, today()))

    @property
    def before(self) -> ContractQuery:
        """The same of a year earlier, the same days."""
        first, last = same_period_last_year(*self.edges)
        since = first.year if first.year != last.year else None
        whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
        days = (None, None) if whole else (first, last)
        return replace(self.query, year=last.year, since=since, date_from=days[0], date_to=days[1])

    @property
    def title(self) -> str:
        """成交额：考核单元 × 合同类型."""
        across = f" × {self.columns.label}" if self.columns else ""
        return f"{self.measure.label}：{self.rows.label}{across}"

    @property
    def turned(self) -> "Question":
        """The same with rows and columns exchanged."""
        if self.columns is None:
            return self
        shows = {Show.OF_ROW: Show.OF_COLUMN, Show.OF_COLUMN: Show.OF_ROW}
        show, order = shows.get(self.show, self.show), _order(self.columns.code)
        return replace(self, rows=self.columns, columns=self.rows, show=show, order=order, page=1, across=1)

    def cell(self, query: ContractQuery, row: str | None = None, column: str | None = None) -> ContractQuery:
        """The contracts of a row, of a column, or of both."""
        if row is not None:
            query = self.rows.narrowed(query, row)
        return query if column is None or self.columns is None else self.columns.narrowed(query, column)

    def below_row(self, key: str) -> "Question":
        """One row, split by what comes next below it."""
        narrow = self.rows.narrowed(self.query, key)
        code = _BELOW.get(self.rows.code, "") if key else ""
        if code == "town" and not _has_towns(key):
            code = "type"
        taken = {self.rows.code, self.columns.code if self.columns else ""}
        if code == "" or code in taken:
            free = (one for one in _INSTEAD if one not in taken and not _is_narrowed(narrow, one))
            code = next(free, "year" if "year" not in taken else "month")
        return replace(self, query=narrow, rows=DIMENSIONS[code], order=_order(code), page=1)

    def below_column(self, key: str) -> "Question":
        """One column alone, by the same rows."""
        return replace(self, query=self.cell(self.query, column=key), columns=None, across=1)


class _Reader:
    """Reads the arguments that are not the contract query's, and what the query may not ask here."""

    def __init__(self, args: Mapping[str, str], asked: ContractQuery) -> None:
        self.args, self.asked = args, asked
        self.faults: dict[str, tuple[str, ...]] = {}
        for name, sentence in asked.faults:
            self.fault(name, sentence)

    def fault(self, name: str, sentence: str) -> None:
        self.faults[name] = (*self.faults.get(name, ()), sentence)

    def chosen(self, name: str, among: Mapping[str, Any], called: str) -> Any:
        code = self.args.get(name, "")
        if code and code not in among:
            self.fault(name, f"{called}从列表里选一项")
        return among.get(code)

    def columns(self, rows: Dimension) -> Dimension | None:
        """A first visit gets columns; whoever chooses none has none."""
        if "columns" not in self.args and "rows" not in self.args:
            return DIMENSIONS["type" if rows.code != "type" else "quarter"]
        columns: Dimension | None = self.chosen("columns", DIMENSIONS, "列")
        if columns is rows:
            self.fault("columns", "行和列选两个不同的维度")
            return None
        return columns

    def page(self, name: str) -> int:
        text = self.args.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            self.fault(name, "页码写成数字，例如 2；这是第 1 页")
            return 1
        return int(text[:9] or 1)

    def query(self) -> ContractQuery:
        """The contract query with a year, and with days on which something is counted."""
        query = replace(self.asked, year=self.asked.year or today().year, faults=())
        if query.date_kind is not DateKind.REGISTERED:
            self.fault("date_to", "统计按登记日期计入；按签订、提交日期筛选到合同列表里办")
            query = replace(query, date_kind=DateKind.REGISTERED, date_from=None, date_to=None)
        first, last = replace(query, date_from=None, date_to=None).edges
        if query.date_to and query.date_to < max(first, query.date_from or first):
            self.fault("date_to", f"截至日期早于 {first.isoformat()}，核对年度后重新填写")
            query = replace(query, date_to=None)
        if query.date_from and query.date_from > last:
            self.fault("date_to", f"起始日期晚于 {last.isoformat()}，已不作条件")
            query = replace(query, date_from=None)
        return replace(
            query,
            date_from=None if query.date_from and query.date_from <= first else query.date_from,
            date_to=None if query.date_to and query.date_to >= min(last, max(first, today())) else query.date_to,
        )


def _first_rows(person: Reader) -> str:
    inside = [path for path in codes_of_units().values() if path.startswith(person.region.path)]
    return "unit" if len(inside) > 1 else "type"


def _order(code: str) -> Order:
    return Order.AMOUNT if code in _LONG else Order.LIST


def _has_towns(unit: str) -> bool:
    return any(town.startswith(unit) for town in DIMENSIONS["town"].names())


def _is_narrowed(query: ContractQuery, code: str) -> bool:
    """Whether the query asks for one value of a dimension already."""
    dimension = DIMENSIONS[code]
    if dimension.of is Of.TIME:
        first, last = query.edges
        return (last - first).days < 31
    return getattr(query, dimension.filter or dimension.code) is not None
