"""Reading what an address or a posted filter bar asks; what cannot be read is told of in a sentence."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from contracts_app.contracts.books.facets import Band, Caliber, Flow
from contracts_app.contracts.books.ledger import Cause
from contracts_app.contracts.states import State
from contracts_app.core.clock import DayError, parse_day
from contracts_app.core.errors import Refused
from contracts_app.core.money import MoneyError, parse_yuan
from contracts_app.core.words import Word


class DateKind(Word):
    """Which of its days a contract is sought by."""

    REGISTERED = "registered", "登记日期"
    SIGNED = "signed", "签订日期"
    SUBMITTED = "submitted", "提交日期"


def refuse_unread(sentences: Collection[str]) -> None:
    """A file and data answer what was asked or nothing: beside them nobody reads that something was left out.

    Raises ``Refused`` with the sentences of what could not be read.
    """
    if sentences:
        raise Refused("条件里有读不懂的，什么也没有给出，改好后再取：", *sentences)


class ArgumentReader:
    """Reads the arguments of an address and keeps a sentence for each that cannot be read."""

    def __init__(self, args: Mapping[str, str]) -> None:
        self.args = args
        self.faults: list[tuple[str, str]] = []

    def states(self) -> tuple[State, ...]:
        given = self.args.getlist("state") if hasattr(self.args, "getlist") else [self.args.get("state", "")]
        names = [name for text in given for name in text.split(",") if name]
        known = {state.value: state for state in State}
        if any(name not in known for name in names):
            self.faults.append(("state", "状态从列表里选"))
        return tuple(known[name] for name in names if name in known)

    def cause(self) -> Cause | None:
        return self.word("cause", Cause, "计入原因")  # type: ignore[return-value]

    def number(self, name: str, sentence: str, least: int = 1, most: int = 2**31 - 1) -> int | None:
        text = self.args.get(name, "").strip()
        if not text:
            return None
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.faults.append((name, sentence))
        return None

    def amount(self, name: str) -> Decimal | None:
        text = self.args.get(name, "")
        if not text.strip():
            return None
        try:
            return parse_yuan(text, "wan")
        except MoneyError as error:
            self.faults.append((name, str(error)))
            return None

    def day(self, name: str) -> date | None:
        text = self.args.get(name, "")
        if not text.strip():
            return None
        try:
            return parse_day(text)
        except DayError as error:
            self.faults.append((name, str(error)))
            return None

    def date_kind(self) -> DateKind:
        return self.word("date_kind", DateKind, "日期") or DateKind.REGISTERED  # type: ignore[return-value]

    def word(self, name: str, words: type[Word], called: str) -> Word | None:
        """One of the words of a list; None where there is none of it."""
        text = self.args.get(name, "")
        found = next((one for one in words if one.value == text), None)
        if text and found is None:
            self.faults.append((name, f"{called}从列表里选一项"))
        return found

    def flow(self) -> Flow | None:
        return self.word("flow", Flow, "技术流向")  # type: ignore[return-value]

    def band(self) -> Band | None:
        return self.word("band", Band, "金额区间")  # type: ignore[return-value]

    def caliber(self) -> Caliber:
        return self.word("caliber", Caliber, "统计口径") or Caliber.REGISTERED  # type: ignore[return-value]

    def lacking(self, allowed: Mapping[str, str]) -> tuple[str, ...]:
        """The names of what a contract must have none of, out of those ``allowed``, each with what it is called."""
        given = [name for name in self.args.get("lacking", "").split(",") if name]
        if any(name not in allowed for name in given):
            self.faults.append(("lacking", f"没有某一项的，从{'、'.join(allowed.values())}里选"))
        return tuple(name for name in allowed if name in given)
