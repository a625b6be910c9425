"""Reading numbers off pages, the way a person would: the overview's links, a list's last line."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl

from contracts_app.accounts.models import User
from contracts_app.contracts.counting.totals import sums
from contracts_app.contracts.finding.query import ContractQuery
from tests.visitors import Visitor

WAN = Decimal(10_000)
_FIGURES = ("contracts", "total_amount", "technology_amount", "received_amount", "verified_income")


@dataclass
class Number:
    """A linked number: where it leads, what it says it counts, and the text a person sees."""

    href: str
    measure: str
    unit: str
    text: str = ""

    @property
    def value(self) -> Decimal:
        return Decimal(re.sub(r"[^0-9.\-]", "", self.text))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Number] = []
        self.inside: Number | None = None

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if tag == "a" and "data-measure" in facts:
            self.inside = Number(facts["href"], facts["data-measure"], facts.get("data-in", "万元"))
            self.found.append(self.inside)

    def handle_endtag(self, tag):
        if tag == "a":
            self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.inside.text += data


def numbers_on(html: str) -> list[Number]:
    """Every number of the page that is a link to contracts."""
    reader = _Links()
    reader.feed(html)
    return reader.found


def feet_of(numbers: list[Number], visitor: Visitor, person: User, *, opened: int = 9) -> dict[str, dict[str, Decimal]]:
    """What each list behind the numbers adds up to, by its address. Every ``opened``-th list is opened and must say so
    itself, the first and the one of the last number among them."""
    feet = {}
    for place, href in enumerate(dict.fromkeys(number.href for number in numbers)):
        path, _, asked = href.partition("?")
        assert path == "/contracts/", href
        found = sums(ContractQuery.from_args(dict(parse_qsl(asked))).known(), person)
        amounts = {name: (getattr(found, name) / WAN).quantize(Decimal("0.01"), ROUND_HALF_UP) for name in _FIGURES[1:]}
        feet[href] = {"contracts": Decimal(found.contracts), **amounts}
        if place % opened == 0 or href == numbers[-1].href:
            foot = foot_of(visitor.get(href).text)
            assert foot == {name: feet[href][name] for name in foot}, href
    return feet


def foot_of(html: str) -> dict[str, Decimal]:
    """What a list says of everything that matches: contracts, and amounts in 万元."""
    if "没有符合条件的合同" in html:
        return dict.fromkeys(_FIGURES, Decimal(0))
    last_line = re.findall(r"<tr>.*?</tr>", html[html.index("<tfoot>") : html.index("</tfoot>")], re.S)[-1]
    plain = unescape(re.sub(r"<[^>]+>", " ", last_line)).replace(",", "")
    contracts = re.search(r"符合条件 *(-?[0-9]+) *([项笔])", plain)
    amounts = re.findall(r"-?[0-9]+\.[0-9]{2}", plain)
    assert contracts, plain
    assert len(amounts) == 2, plain
    if contracts[2] == "笔":  # money that came in later, of contracts counted elsewhere
        return {"received_amount": Decimal(amounts[0]), "verified_income": Decimal(amounts[1])}
    return {
        "contracts": Decimal(contracts[1]),
        "total_amount": Decimal(amounts[0]),
        "technology_amount": Decimal(amounts[1]),
    }
