"""Reference data from plain files: all of it is read and checked first, and only then, if nothing is wrong, kept.

A noun declares for each of its files which table it feeds and how each column is read (`SeedFile`). Loading again
updates rows by their key and never makes a second one; rows that stand in no file are left alone. A file is CSV, or
YAML (by its name) where rows have sentences and parameters: facts of the file as a whole, then a list ``rows``.
"""

import csv
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts_app.core.db import Base
from contracts_app.core.words import Word

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Fault:
    """What is wrong in a file. Line 1 is the header; line 0 means the whole file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class SeedFaults(Exception):
    """The files are not fit to load, and nothing was; `faults` says why, each with its file and line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass
class Count:
    """What loading did to one table."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class Report:
    """What loading did, by table name in the order of loading."""

    counts: dict[str, Count] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """How many rows were inserted or updated."""
        return sum(count.inserted + count.updated for count in self.counts.values())


# --- how a column is read ---------------------------------------------------------------------------------------


class Unreadable(ValueError):
    """A value that cannot stand in its column; the sentence says what to write."""


Read = Callable[[str], Any]


@dataclass(frozen=True)
class Column:
    """How one column of a file is read. `attribute` is the model's name for it when it differs from the header's.

    `refers_to`: the value is the key of a row of that model, in its file or already loaded.
    """

    read: Read
    is_required: bool = True
    refers_to: type[Base] | None = None
    attribute: str | None = None
    longest: int | None = None


def text(longest: int | None = None, *, optional: bool = False) -> Column:
    """Words as they stand, without spaces at the ends; empty stays an empty text."""
    return Column(str, is_required=not optional, longest=longest)


def whole(*, optional: bool = False) -> Column:
    """A whole number; empty is None."""
    return Column(_whole, is_required=not optional)


def number(*, places: int = 6, optional: bool = False) -> Column:
    """A plain decimal number, without unit or thousands separator; empty is None."""

    def read(written: str) -> Decimal:
        value = _number(written)
        if value != round(value, places):
            raise Unreadable(f"小数不超过 {places} 位")
        return value

    return Column(read, is_required=not optional)


def day(*, optional: bool = False) -> Column:
    """A day as 2026-03-01; empty is None."""
    return Column(_day, is_required=not optional)


def yes_no() -> Column:
    """是 or 否."""
    return Column(_yes_no)


def word(words: type[Word], *, optional: bool = False) -> Column:
    """One of the stored codes of an enum; empty is None."""

    def read(written: str) -> Word:
        for one in words:
            if one.value == written:
                return one
        raise Unreadable(f"写成以下之一：{'、'.join(words)}")

    return Column(read, is_required=not optional)


def mapping() -> Column:
    """Names and values, as a YAML file holds them; empty is no name at all."""
    return Column(lambda written: json.loads(written) if written else {}, is_required=False)


def code_of(model: type[Base], *, optional: bool = False, attribute: str | None = None, read: Read = str) -> Column:
    """The key of a row of another table, or of this one if it stands further up; empty is None."""
    return Column(read, is_required=not optional, refers_to=model, attribute=attribute)


def _whole(written: str) -> int:
    digits = written.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 9:
        raise Unreadable("写成不超过九位的整数")
    return int(written)


def _number(written: str) -> Decimal:
    try:
        value = Decimal(written)
    except InvalidOperation:
        raise Unreadable("写成数字，不带单位和千分位") from None
    if not value.is_finite() or abs(value) >= 10**12:
        raise Unreadable("写成数字，不带单位和千分位，小于一万亿")
    return value


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Unreadable("写成 2026-03-01 这样的日期") from None


def _yes_no(written: str) -> bool:
    if written not in ("是", "否"):
        raise Unreadable("写“是”或“否”")
    return written == "是"


# --- what a noun declares ---------------------------------------------------------------------------------------

Values = dict[str, Any]
Check = Callable[[Values], str | None]


@dataclass(frozen=True, eq=False)
class SeedFile:
    """One file and the table it feeds.

    `key` names the attributes that tell one row from another. `once` are the attributes that the office decides about
    after the first loading. `whole` names the attributes whose rows stand all in this file: others like them go.
    `complete` gets each row's values, in the file's order,
    with the rows read so far by key, and adds what the file leaves out. `checks` say what is wrong with a row.
    """

    name: str
    model: type[Base]
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ("code",)
    complete: Callable[[Values, Mapping[Key, Values]], None] | None = None
    checks: Sequence[Check] = ()
    once: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    keeps: Callable[[Any], Collection[str]] = lambda row: ()  # columns of a row that are somebody's own by now

    def attribute(self, header: str) -> str:
        """The model's name for a column of the file."""
        return self.columns[header].attribute or header

    def header_of(self, attribute: str) -> str:
        """The file's name for an attribute of the model."""
        return next(header for header in self.columns if self.attribute(header) == attribute)


def load(session: Session, folder: Path, files: Sequence[SeedFile]) -> Report:
    """Load the files in the order given, which puts what is referred to first.

    If anything is wrong in any of them, SeedFaults tells all of it and nothing is loaded. Flushes, never commits.
    """
    faults: list[Fault] = []
    read: dict[SeedFile, dict[Key, Values]] = {}
    known = _Known(session)
    for file in files:
        reading = _YamlReading if file.name.endswith(".yaml") else _Reading
        read_file = reading(file, folder / file.name, known, faults)
        read[file] = read_file.rows()
        known.add(file, read[file])
    if faults:
        raise SeedFaults(faults)
    report = Report()
    for file, rows in read.items():
        try:
            _keep(session, file, rows, report.counts.setdefault(file.model.__tablename__, Count()))
            session.flush()
        except IntegrityError as refused:
            raise SeedFaults([Fault(file.name, 0, f"数据库没有接受：{refused.orig}")]) from refused
    return report


class _Known:
    """The keys that may be referred to: those of the files read so far and of the rows already in the database."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.keys: dict[type[Base], set[Any]] = {}

    def of(self, model: type[Base]) -> set[Any]:
        if model not in self.keys:
            (key,) = inspect(model).primary_key
            self.keys[model] = set(self.session.scalars(select(key)))
        return self.keys[model]

    def add(self, file: SeedFile, rows: Collection[Key]) -> None:
        if len(file.key) == 1:
            self.of(file.model).update(key for (key,) in rows)


class _Reading:
    """One file being read: rows by key, and a fault for whatever is not as declared."""

    def __init__(self, file: SeedFile, path: Path, known: _Known, faults: list[Fault]) -> None:
        self.file, self.path, self.known, self.faults = file, path, known, faults
        self.found: dict[Key, Values] = {}
        self.lines: dict[Key, int] = {}

    def fault(self, line: int, reason: str) -> None:
        self.faults.append(Fault(self.file.name, line, reason))

    def rows(self) -> dict[Key, Values]:
        records = self._records()
        header = next(records, None)
        if header is None or not self._header_is_right(header[1]):
            return {}
        for line, record in records:
            self._row(line, header[1], record)
        return self.found

    def _content(self) -> str:
        """The whole file; empty, and a fault, where it cannot be read."""
        try:
            content = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.fault(0, "文件不存在，从发布包中恢复")
        except UnicodeDecodeError:
            self.fault(0, "不是 UTF-8 编码，另存为 UTF-8 后再加载")
        else:
            if content.strip():
                return content
            self.fault(0, "文件是空的，从发布包中恢复")
        return ""

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record with the line it begins on. A torn end of the file is a fault, what stands before it is read."""
        content = self._content()
        if not content:
            return
        reader = csv.reader(content.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
        line = 1
        try:
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1
        except csv.Error:
            self.fault(line, "引号没有配对，这一行被截断")

    def _header_is_right(self, header: list[str]) -> bool:
        missing = [name for name in self.file.columns if name not in header]
        unknown = [name for name in header if name not in self.file.columns]
        twice = sorted({name for name in header if header.count(name) > 1})
        for names, reason in ((missing, "缺少列"), (unknown, "多出列"), (twice, "重复的列")):
            if names:
                self.fault(1, f"表头{reason}：{'、'.join(names)}")
        return not (missing or unknown or twice)

    def _row(self, line: int, header: list[str], record: list[str]) -> None:
        if len(record) != len(header):
            return self.fault(line, f"应有 {len(header)} 列，实有 {len(record)} 列，这一行残缺或多出逗号")
        values: Values = {}
        for name, written in zip(header, record, strict=True):
            try:
                values[self.file.attribute(name)] = self._value(name, written.strip())
            except Unreadable as wrong:
                self.fault(line, f"{name} “{written.strip()}”：{wrong}")
        if len(values) == len(header):
            self._whole_row(line, values)

    def _value(self, name: str, written: str) -> Any:
        column = self.file.columns[name]
        if not written:
            if column.is_required:
                raise Unreadable("是空的，填写后再加载")
            return "" if column.read is str and column.refers_to is None else None
        if column.longest and len(written) > column.longest:
            raise Unreadable(f"有 {len(written)} 个字，不超过 {column.longest} 个字")
        value = column.read(written)
        if column.refers_to and not self._is_known(column.refers_to, value):
            raise Unreadable(f"在 {column.refers_to.__tablename__} 中没有这个代码")
        return value

    def _is_known(self, model: type[Base], value: Any) -> bool:
        further_up = model is self.file.model and (value,) in self.found
        return further_up or value in self.known.of(model)

    def _whole_row(self, line: int, values: Values) -> None:
        key = tuple(values[name] for name in self.file.key)
        if key in self.found:
            names = "、".join(self.file.header_of(name) for name in self.file.key)
            said = "、".join(str(part) for part in key)
            return self.fault(line, f"{names} “{said}”与第 {self.lines[key]} 行重复")
        if self.file.complete:
            self.file.complete(values, self.found)
        for check in self.file.checks:
            if reason := check(values):
                self.fault(line, reason)
        self.found[key], self.lines[key] = values, line


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same reader in C, where it was built


class _YamlReading(_Reading):
    """A YAML file: what its top level says holds for every entry of ``rows``; an entry's column may span lines."""

    def rows(self) -> dict[Key, Values]:
        content = self._content()
        try:
            top = yaml.compose(content, Loader=_LOADER) if content else None
        except yaml.MarkedYAMLError as torn:
            mark = torn.problem_mark or torn.context_mark
            self.fault(mark.line + 1 if mark else 0, "格式不对，这一行或上一行的缩进、引号、冒号有误")
            return {}
        if not isinstance(top, yaml.MappingNode):
            if content:
                self.fault(1, "写成“名称: 值”的形式，逐条写在 rows 下面")
            return {}
        common = {name.value: value for name, value in top.value if name.value != "rows"}
        listed = [value for name, value in top.value if name.value == "rows"]
        if len(listed) != 1 or not isinstance(listed[0], yaml.SequenceNode):
            self.fault(1, "缺少 rows，或 rows 不是一个列表")
            return {}
        for entry in listed[0].value:
            self._entry(entry, common)
        return self.found

    def _entry(self, entry: yaml.Node, common: dict[str, yaml.Node]) -> None:
        line = entry.start_mark.line + 1
        if not isinstance(entry, yaml.MappingNode):
            return self.fault(line, "写成“名称: 值”的形式")
        names = [name.value for name, _ in entry.value]
        given = common | {name.value: value for name, value in entry.value}
        unknown = [name for name in given if name not in self.file.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        for wrong, reason in ((unknown, "多出"), (twice, "重复的")):
            if wrong:
                return self.fault(line, f"{reason}项：{'、'.join(wrong)}")
        header = list(self.file.columns)
        record = [_written(given[name]) if name in given else "" for name in header]
        self._row(line, header, record)


def _written(node: yaml.Node) -> str:
    """A single value as it stands in the file, anything else as JSON."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    loader = yaml.SafeLoader("")  # only its constructor is used
    try:
        return json.dumps(loader.construct_document(node), ensure_ascii=False, default=str)
    finally:
        loader.dispose()


def _keep(session: Session, file: SeedFile, rows: Mapping[Key, Values], count: Count) -> None:
    """Insert what is new and update what differs, in the order of the file, where parents stand above children."""
    there = {tuple(getattr(row, name) for name in file.key): row for row in session.scalars(select(file.model))}
    if file.whole and rows:
        _drop(session, file, rows, there)
    for key, values in rows.items():
        row = there.get(key)
        if row is None:
            session.add(file.model(**values))
            count.inserted += 1
        elif different := {
            name: value
            for name, value in values.items()
            if name not in file.once and name not in file.keeps(row) and getattr(row, name) != value
        }:
            for name, value in different.items():
                setattr(row, name, value)
            count.updated += 1
        else:
            count.unchanged += 1


def _drop(session: Session, file: SeedFile, rows: Mapping[Key, Values], there: Mapping[Key, Base]) -> None:
    """Delete the rows that stood in this file once and do so no longer."""
    held = {tuple(values[name] for name in file.whole) for values in rows.values()}
    for key, row in there.items():
        if key not in rows and tuple(getattr(row, name) for name in file.whole) in held:
            session.delete(row)
    session.flush()
