"""发布口径: the sentence a bureau publishes, made from one declared list of clauses.

Every figure carries the contract query behind it. Sums are rounded once, at the end: 亿元 with two decimals from one
亿元 on, else 万元 with two. What has no basis is left out and said beside the sentence; nothing is made up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from contracts_app.accounts.models import Onlooker, Reader
from contracts_app.contracts.books.facets import Caliber
from contracts_app.contracts.counting.dimensions import DIMENSIONS
from contracts_app.contracts.counting.totals import Sums, added, total, totals
from contracts_app.contracts.finding.query import ContractQuery
from contracts_app.core import money
from contracts_app.core.clock import year_edges
from contracts_app.core.web.filters import number, percent
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import units, units_under
from contracts_app.statistics.periods import Period
from contracts_app.targets.queries import targets_for

TASK = "total_amount"
YI = Decimal(100_000_000)


@dataclass(frozen=True)
class Figure:
    """A number in the sentence: its text, what it is called, its exact value in words, and the contracts behind it."""

    text: str
    name: str
    exact: str
    query: ContractQuery | None = None
    measure: str = ""  # the plain sum that the linked list shows
    unit: str = ""


Piece = str | Figure


@dataclass(frozen=True)
class LeftOut:
    """Why a clause that was asked for is not in the sentence."""

    why: str


@dataclass(frozen=True)
class Clause:
    """A part of the sentence. ``begins`` is what stands before it: a new group begins with a semicolon."""

    code: str
    label: str
    say: Callable[["Facts"], Sequence[Piece] | LeftOut]
    begins: str = "，"
    is_usual: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known of a region's period as it stands at the end of the day ``on``; asked of the ledger when needed."""

    region: Region
    period: Period
    reader: Reader
    caliber: Caliber
    on: date

    @property
    def until(self) -> date:
        return self.period.until(self.on)

    @cached_property
    def units(self) -> list[Unit]:
        return units_under(self.region)

    @property
    def only_unit(self) -> str | None:
        return self.units[0].code if len(self.units) == 1 else None

    @cached_property
    def query(self) -> ContractQuery:
        """What was counted in the period."""
        first, last = self.period.days(self.on)
        return ContractQuery(
            year=self.period.year, unit=self.only_unit, caliber=self.caliber, date_from=first, date_to=last
        )

    @cached_property
    def query_before(self) -> ContractQuery:
        """The same days of the year before."""
        first, last = self.period.days_before(self.on)
        whole = (first, last) == year_edges(first.year)
        return replace(self.query, year=first.year, date_from=None if whole else first, date_to=None if whole else last)

    @cached_property
    def now(self) -> Sums:
        return added(self.by("type").values())

    @cached_property
    def before(self) -> Sums:
        return added(self.by("type", before=True).values())

    def by(self, name: str, *, before: bool = False) -> Mapping[str, Sums]:
        """The period, or the same days of the year before, split by one dimension; asked of the ledger once."""
        if (name, before) not in self._found:
            split = totals(self.query_before if before else self.query, self.reader, [DIMENSIONS[name]])
            self._found[name, before] = {key: sums for (key,), sums in split.items()}
        return self._found[name, before]

    def know(
        self,
        *,
        units: list[Unit],
        by_unit: Mapping[str, Sums],
        before: Sums,
        knows_last_year: bool,
        amounts_of_all_units: Mapping[str, Decimal] | None,
    ) -> None:
        """Take over what the caller has counted already, so that the ledger is not asked again; of the amounts None
        where the caller has not those of every unit."""
        vars(self).update(units=units, before=before, knows_last_year=knows_last_year)
        if amounts_of_all_units is not None:
            vars(self).update(amounts_of_all_units=amounts_of_all_units)
        self._found["unit", False] = by_unit

    @cached_property
    def _found(self) -> dict[tuple[str, bool], Mapping[str, Sums]]:
        return {}

    @cached_property
    def knows_last_year(self) -> bool:
        """Whether anything was counted last year: if not, it was not kept here, and is no nought to compare with."""
        return bool(total(replace(self.query_before, date_from=None, date_to=None), self.reader).rows)

    def parts(self, name: str) -> Iterator[tuple[str, Sums, ContractQuery]]:
        """The parts of a dimension, the largest amount first: name, sums and the contracts behind them."""
        dimension = DIMENSIONS[name]
        for key, sums in sorted(self.by(name).items(), key=lambda one: (-one[1].total_amount, one[0])):
            if key and sums.figures:
                yield dimension.name_of(key), sums, dimension.narrowed(self.query, key)

    @cached_property
    def since_january(self) -> ContractQuery:
        first, last = replace(self.period, first_month=1).days(self.on)
        return replace(self.query, date_from=first, date_to=last)

    @property
    def units_since_january(self) -> Mapping[str, Sums]:
        """What each unit counted since the year began."""
        if self.period.begins_the_year:
            return self.by("unit")
        found = totals(self.since_january, self.reader, [DIMENSIONS["unit"]])
        return {key: sums for (key,), sums in found.items()}

    @cached_property
    def amounts_of_all_units(self) -> Mapping[str, Decimal]:
        """Each unit's amount in the period; 0 where it registered nothing. Only ranks are told of those of others."""
        found = totals(replace(self.query, unit=None), Onlooker.of_all(), [DIMENSIONS["unit"]])
        return {unit.code: found.get((unit.code,), Sums()).total_amount for unit in units()}


# --- how numbers are written ------------------------------------------------------------------------------------------


def amount_words(amount: Decimal) -> tuple[str, str]:
    """The number and its unit: 6.01 and 亿元, or 345.60 and 万元. ``amount`` is 元, summed beforehand."""
    return (money.yi(amount), "亿元") if abs(amount) >= YI else (money.wan(amount), "万元")


def _amount(name: str, amount: Decimal, query: ContractQuery, measure: str = "total_amount") -> list[Piece]:
    text, unit = amount_words(amount)
    return [Figure(text, name, f"{money.yuan(amount)} 元", query, measure, unit), unit]


def _count(name: str, contracts: int, query: ContractQuery) -> list[Piece]:
    return [Figure(number(contracts), name, f"{contracts} 项", query, "contracts", "项"), "项"]


def growth_words(now: Decimal | int, before: Decimal | int) -> tuple[str, str]:
    """The word and the percentage: 增长 20.1%, 下降 4.9%, 持平 and nothing."""
    share = Fraction(now - before) / Fraction(before)
    if share == 0:
        return "持平", ""
    text = percent(abs(share))
    return ("基本持平", "") if text == "0.0%" else ("增长" if share > 0 else "下降", text)


_NOT_COMPARED = "（上年同期为0，不作比较）"


def _growth(facts: Facts, now: Decimal | int, before: Decimal | int, name: str, measure: str) -> list[Piece] | LeftOut:
    if not facts.knows_last_year:
        return LeftOut(f"{name}：上年没有数，无从比较")
    if before == 0:
        return [_NOT_COMPARED]
    if before < 0 or now < 0:
        return LeftOut(f"{name}：本期或上年同期为负数，不作比较")
    word, text = growth_words(now, before)
    exact = f"本期 {_exact(now)}，上年同期 {_exact(before)}"
    if not text:
        return ["同比", Figure(word, name, exact, facts.query_before, measure)]
    return [f"同比{word}", Figure(text, name, exact, facts.query_before, measure)]


def _exact(value: Decimal | int) -> str:
    return f"{value} 项" if isinstance(value, int) else f"{money.yuan(value)} 元"


# --- the clauses ------------------------------------------------------------------------------------------------------


# What a place does with a contract that is counted for it (domain facts 7.1): it registers, sells or buys.
_DOES = {Caliber.REGISTERED: "登记", Caliber.OUTPUT: "输出", Caliber.ABSORBED: "吸纳"}


def count(facts: Facts) -> list[Piece]:
    """新增技术合同登记217项; by seller 输出技术合同217项, by buyer 吸纳技术合同217项."""
    contracts = facts.now.contracts
    is_registered = facts.caliber is Caliber.REGISTERED
    words = "技术合同登记" if is_registered else f"{_DOES[facts.caliber]}技术合同"
    if contracts < 0:
        return [f"{words}净减", *_count("项数", -contracts, facts.query)]
    return [f"{'新增' if is_registered else ''}{words}", *_count("项数", contracts, facts.query)]


def count_growth(facts: Facts) -> list[Piece] | LeftOut:
    pieces = _growth(facts, facts.now.contracts, facts.before.contracts, "项数同比", "contracts")
    return pieces if isinstance(pieces, LeftOut) or pieces == [_NOT_COMPARED] else ["项数", *pieces]


def amount(facts: Facts) -> list[Piece]:
    """成交额6.01亿元."""
    value = facts.now.total_amount
    word, value = ("成交额净减", -value) if value < 0 else ("成交额", value)
    return [word, *_amount("成交额", value, facts.query)]


def amount_growth(facts: Facts) -> list[Piece] | LeftOut:
    return _growth(facts, facts.now.total_amount, facts.before.total_amount, "成交额同比", "total_amount")


def technology(facts: Facts) -> list[Piece] | LeftOut:
    value = facts.now.technology_amount
    if value <= 0:
        return LeftOut("技术交易额：本期没有")
    share = Fraction(value) / Fraction(facts.now.total_amount) if facts.now.total_amount > 0 else None
    pieces: list[Piece] = ["技术交易额", *_amount("技术交易额", value, facts.query, "technology_amount")]
    exact = f"{money.yuan(value)} 元 ÷ {money.yuan(facts.now.total_amount)} 元"
    if share is None:
        return pieces
    return [*pieces, "，占成交额的", Figure(percent(share), "技术交易额占比", exact, facts.query, "technology_amount")]


def rank(facts: Facts) -> list[Piece] | LeftOut:
    """居全市首位; of the city who comes first. Ties share a rank and are said."""
    if facts.caliber is not Caliber.REGISTERED:
        return LeftOut("排名：只按登记口径排")
    amounts = facts.amounts_of_all_units
    largest = max(amounts.values(), default=Decimal(0))
    if largest <= 0 or len(amounts) < 2:
        return LeftOut("排名：各考核单元本期都没有成交额")
    if facts.only_unit is None:
        return _leaders(facts, [code for code, value in amounts.items() if value == largest], largest)
    own = amounts[facts.only_unit]
    if own <= 0:
        return LeftOut("排名：本期没有成交额，不参加排名")
    place = 1 + sum(value > own for value in amounts.values())
    tied = sum(value == own for value in amounts.values()) > 1
    words = "首位" if place == 1 else f"第{place}位"
    exact = f"按成交额在 {len(amounts)} 个考核单元中第 {place}" + ("，与别的单元并列" if tied else "")
    return ["并列全市" if tied else "居全市", Figure(words, "成交额排名", exact, facts.query, "total_amount")]


def _leaders(facts: Facts, codes: Sequence[str], largest: Decimal) -> list[Piece] | LeftOut:
    if len(facts.units) < len(facts.amounts_of_all_units):
        return LeftOut("排名：只对全市和考核单元")
    names = {unit.code: unit.name for unit in facts.units}
    who, words = "、".join(names[code] for code in codes), "并列首位（各" if len(codes) > 1 else "居首位（"
    own = _amount(f"{names[codes[0]]}成交额", largest, replace(facts.query, unit=codes[0]))
    return [f"各考核单元中{who}{words}", *own, "）"]


def completion(facts: Facts) -> list[Piece] | LeftOut:
    """完成年度任务的109.3%, against the tasks that were in force at the period's end.

    A region that was given a task is held against it with all its units. One that was given none has no 年度任务: of it
    is said what its units with a task did of their tasks together, 完成各单元任务合计的99.8%.
    """
    if facts.caliber is not Caliber.REGISTERED:
        return LeftOut("完成率：年度任务只按登记口径考核")
    tasks = targets_for(
        facts.period.year, TASK, [facts.region.code, *(unit.code for unit in facts.units)], on=facts.until
    )
    if not tasks:
        return LeftOut(f"完成率：{facts.until} 没有有效的年度任务")
    own = tasks.get(facts.region.code)
    held = None if own else tasks
    found = facts.units_since_january
    amounts = {unit.code: found.get(unit.code, Sums()).total_amount for unit in facts.units}
    done = sum((amount for code, amount in amounts.items() if held is None or code in held), Decimal(0))
    task = own.value if own else sum((target.value for target in tasks.values()), Decimal(0))
    exact = f"{money.yuan(done)} 元 ÷ {money.yuan(task)} 元"
    without = [unit for unit in facts.units if unit.code not in tasks and facts.only_unit is None]
    if without:
        named = "、".join(f"{unit.name} {money.yuan(amounts[unit.code])} 元" for unit in without)
        exact += f"（分子{'含' if own else '不含'}没有单独下达任务的{named}）"
    is_partial = held is not None and bool(without)
    what = "年度任务" if own else "任务合计" if is_partial else "各单元任务合计"
    who = f"下达了任务的{len(tasks)}个单元" if is_partial else ""
    when = "" if facts.period.begins_the_year else f"1—{facts.until.month}月"
    words = f"{when}{who}{'累计' if when else ''}完成{what}的"
    # Where some units have no task, no one list holds what was held against the tasks.
    query = None if is_partial else facts.since_january
    return [words, Figure(percent(Fraction(done) / Fraction(task)), "完成率", exact, query, TASK if query else "")]


def types(facts: Facts) -> list[Piece] | LeftOut:
    return _parts(facts, "type", "其中，")


def largest_field(facts: Facts) -> list[Piece] | LeftOut:
    found = next(facts.parts("field"), None)
    if found is None or found[1].total_amount <= 0:
        return LeftOut("技术领域：本期的合同没有填写技术领域")
    name, sums, query = found
    return [f"成交额最大的技术领域是{name}，", *_part(name, sums, query)]


def flow(facts: Facts) -> list[Piece] | LeftOut:
    return _parts(facts, "flow", "按技术流向，")


def _parts(facts: Facts, name: str, begins: str) -> list[Piece] | LeftOut:
    pieces: list[Piece] = []
    for label, sums, query in facts.parts(name):
        pieces += ["，" if pieces else begins, label, *_part(label, sums, query)]
    return pieces or LeftOut(f"{DIMENSIONS[name].label}：本期没有登记的合同")


def _part(label: str, sums: Sums, query: ContractQuery) -> list[Piece]:
    """91项、3.63亿元; where more was struck off than registered 净减1项、净减218.00万元, so that parts add up."""
    pieces: list[Piece] = []
    if sums.contracts:
        pieces += ["净减"] if sums.contracts < 0 else []
        pieces += [*_count(f"{label}项数", abs(sums.contracts), query), "、"]
    if sums.total_amount < 0 or sums.contracts <= 0:
        pieces.append("净减" if sums.total_amount < 0 else "净增")
    return [*pieces, *_amount(f"{label}成交额", abs(sums.total_amount), query)]


CLAUSES = (
    Clause("count", "项数", count),
    Clause("count_growth", "项数同比", count_growth, is_usual=False),
    Clause("amount", "成交额", amount),
    Clause("growth", "成交额同比", amount_growth),
    Clause("technology", "技术交易额", technology, is_usual=False),
    Clause("rank", "排名", rank),
    Clause("completion", "完成率", completion),
    Clause("types", "合同类型", types, "；"),
    Clause("field", "最大技术领域", largest_field, "；", is_usual=False),
    Clause("flow", "技术流向", flow, "；", is_usual=False),
)
USUAL = tuple(clause.code for clause in CLAUSES if clause.is_usual)


# --- the sentence -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sentence:
    """The sentence piece by piece, and what was asked for but is left out."""

    facts: Facts
    pieces: Sequence[Piece]
    left_out: Sequence[str]

    @property
    def text(self) -> str:
        """As it is published."""
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)

    @property
    def figures(self) -> list[Figure]:
        return [piece for piece in self.pieces if isinstance(piece, Figure)]


def sentence(
    region: Region,
    period: Period,
    reader: Reader,
    on: date,
    *,
    clauses: Sequence[str] = USUAL,
    caliber: Caliber = Caliber.REGISTERED,
) -> Sentence:
    """The sentence of a region and period as it stands at the end of the day ``on``, with these clauses."""
    return sentence_of(Facts(region, period, reader, caliber, on), clauses)


def sentence_of(facts: Facts, clauses: Sequence[str] = USUAL) -> Sentence:
    """The same from facts of which some may be known already."""
    pieces: list[Piece] = [f"{_when(facts)}，{facts.region.name}"]
    left_out: list[str] = []
    if not facts.now.rows:
        return Sentence(facts, [*pieces, f"没有{_DOES[facts.caliber]}技术合同{_basis(facts)}。"], left_out)
    if facts.caliber is not Caliber.REGISTERED and "count" not in clauses:
        pieces.append(f"{_DOES[facts.caliber]}技术合同")  # or its first figure would read as what was registered
    is_first = True
    for clause in _in_order(facts):
        if clause.code not in clauses:
            continue
        said = clause.say(facts)
        if isinstance(said, LeftOut):
            left_out.append(said.why)
            continue
        pieces += [*([] if is_first or said[0] == _NOT_COMPARED else [clause.begins]), *said]
        is_first = False
    return Sentence(facts, [*pieces, f"{_basis(facts)}。"], left_out)


def _in_order(facts: Facts) -> Sequence[Clause]:
    """Of several units who comes first is told after the whole's completion, which would else read as that unit's."""
    if facts.only_unit is not None:
        return CLAUSES
    codes = [clause.code for clause in CLAUSES]
    place = {**{code: index for index, code in enumerate(codes)}, "rank": codes.index("completion") + 0.5}
    return sorted(CLAUSES, key=lambda clause: place[clause.code])


def _when(facts: Facts) -> str:
    """The period's name; of one that is running its days so far."""
    if facts.until == facts.period.last:
        return facts.period.name
    first, last = facts.period.first, facts.until
    return f"{first.year}年{first.month}月{first.day}日至" + (
        f"{last.day}日" if first.month == last.month else f"{last.month}月{last.day}日"
    )


def _basis(facts: Facts) -> str:
    until = facts.until
    partial = "，只含本系统登记的合同" if facts.caliber is not Caliber.REGISTERED else ""
    return f"（截至{until.year}年{until.month}月{until.day}日，{facts.caliber.label}{partial}）"
