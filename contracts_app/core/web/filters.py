"""The only formatting: what templates may do with a value. A missing value is always shown as —."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask import Flask

from contracts_app.core import money
from contracts_app.core.clock import local
from contracts_app.core.keeping.files import size_label

NONE = "—"
Ratio = Decimal | Fraction | int


def init_app(app: Flask) -> None:
    """Give the templates every filter of this module, and `form_errors`."""
    app.jinja_env.filters.update(
        money_yuan=money_yuan,
        money_wan=money_wan,
        money_yi=money_yi,
        capitals=capitals,
        day=day,
        moment=moment,
        clock_time=clock_time,
        percent=percent,
        growth=growth,
        points=points,
        dash=dash,
        number=number,
        file_size=file_size,
        form_errors=form_errors,
    )


def money_yuan(amount: Decimal | None) -> str:
    """元 with two decimals and thousands: 1,200,000.00."""
    return NONE if amount is None else money.yuan(amount)


def money_wan(amount: Decimal | None) -> str:
    """元 shown in 万元, two decimals: 120.00."""
    return NONE if amount is None else money.wan(amount)


def money_yi(amount: Decimal | None) -> str:
    """元 shown in 亿元, two decimals: 6.01."""
    return NONE if amount is None else money.yi(amount)


def capitals(amount: Decimal | None) -> str:
    """元 in Chinese capitals: 壹佰贰拾万元整; — for an amount that cannot be written so, such as a negative one."""
    return NONE if amount is None or not 0 <= amount <= money.LARGEST else money.capitals(amount)


def day(value: date | datetime | None) -> str:
    """2026-11-21; of a moment, its day in Asia/Shanghai."""
    if isinstance(value, datetime):
        value = local(value).date()
    return NONE if value is None else value.isoformat()


def moment(value: datetime | None) -> str:
    """2026-11-21 14:06, in Asia/Shanghai."""
    return NONE if value is None else local(value).strftime("%Y-%m-%d %H:%M")


def clock_time(value: datetime | None) -> str:
    """14:06, in Asia/Shanghai."""
    return NONE if value is None else local(value).strftime("%H:%M")


def percent(ratio: Ratio | None, places: int = 1) -> str:
    """A fraction of one as a percentage, half up: 1.757 is 175.7%."""
    return NONE if ratio is None else f"{_rounded(ratio, places):,}%"


def growth(ratio: Ratio | None) -> str:
    """A change as a signed percentage: +20.1%, -4.9%, 0.0%."""
    if ratio is None:
        return NONE
    change = _rounded(ratio, 1)
    return f"{change:+,}%" if change else "0.0%"


def points(ratio: Ratio | None) -> str:
    """The size of a difference of two shares in percentage points, without sign: 0.0174 is 1.7."""
    return NONE if ratio is None else f"{abs(_rounded(ratio, 1)):,}"


def dash(value: Any) -> Any:
    """The value, or — when there is none."""
    return NONE if value is None or value == "" else value


def number(value: int | Decimal | None) -> str:
    """A count with thousands: 1,199."""
    return NONE if value is None else f"{value:,}"


def file_size(size: int | None) -> str:
    """Bytes as people say them: 318 KB, 2.4 MB."""
    return NONE if size is None else size_label(size)


@dataclass(frozen=True)
class FormError:
    """One sentence of an error summary and the id of the control it is about; "" when it is about the whole form."""

    target: str
    text: str


def form_errors(form: Any, entry: str = "第 {} 项") -> list[FormError]:
    """Every error of a form in the order of its page, with those of nested forms and lists.

    That is the order of its fields. What a form adds to the one it is made from comes last in that order: where such
    fields open the page, the form names them as ``stands_first``.

    ``entry`` names the place of a row within a list: an error in the second row reads "第 2 项：填写应付日期". A list
    with ``entry_words`` of its own uses those.
    """
    first = getattr(form, "stands_first", ())
    fields = sorted(form, key=lambda field: first.index(field.name) if field.name in first else len(first))
    found = [error for field in fields for error in _field_errors(field, entry)]
    return found + [FormError("", text) for text in form.form_errors]


def _field_errors(field: Any, entry: str) -> Iterator[FormError]:
    if hasattr(field, "entries"):
        words = getattr(field, "entry_words", entry)
        for place, row in enumerate(field.entries, 1):
            for error in _field_errors(row, entry):
                yield FormError(error.target, f"{words.format(place)}：{error.text}")
        yield from (FormError(field.id, text) for text in field.errors if isinstance(text, str))
    elif hasattr(field, "form"):
        for inner in field.form:
            yield from _field_errors(inner, entry)
        yield from (FormError(field.id, text) for text in field.form.form_errors)
    else:
        yield from (FormError(_control(field), text) for text in field.errors)


def _control(field: Any) -> str:
    """The id of what can be focused: of a group of radios or checkboxes, the first."""
    option = getattr(field, "option_widget", None)
    return f"{field.id}-0" if hasattr(option, "input_type") else field.id


def _rounded(ratio: Ratio, places: int) -> Decimal:
    """A ratio times a hundred, rounded half up once, from the exact value."""
    exact = Fraction(ratio) * 100 * 10**places
    down, rest = divmod(abs(exact.numerator), exact.denominator)
    up = down + (1 if rest * 2 >= exact.denominator else 0)
    return Decimal(up if exact >= 0 else -up).scaleb(-places)
