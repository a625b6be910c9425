from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from contracts_app.core.web import pages
from contracts_app.core.web.pages import Page, Sort, number_from, ordered, page_of, sort_from


class Base(DeclarativeBase):
    pass


class Paper(Base):
    __tablename__ = "papers"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int | None]


COLUMNS = {"title": Paper.title, "amount": Paper.amount}


@pytest.fixture
def papers():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Paper(id=n, title="同名", amount=n % 7 if n % 5 else None) for n in range(1, 46))
        session.flush()
        yield session
    engine.dispose()


def page(session, number=1, size=20, sort="id", **more) -> Page:
    columns = {**COLUMNS, "id": Paper.id}
    order = ordered(sort_from(sort, columns, "id"), columns, Paper.id)
    more = {"show": select(Paper.id, Paper.amount), **more}
    return page_of(session, select(Paper), key=Paper.id, order=order, number=number, size=size, **more)


def test_a_page_holds_its_rows_and_knows_its_place(papers):
    second = page(papers, number=2)
    assert [row.id for row in second.rows] == list(range(21, 41))
    assert (second.total, second.last, second.first_row, second.last_row) == (45, 3, 21, 40)
    assert (second.has_previous, second.has_next) == (True, True)


def test_a_page_beyond_the_end_is_the_last(papers):
    last = page(papers, number=99)
    assert last.number == 3
    assert len(last.rows) == 5
    assert not last.has_next


def test_a_list_of_nothing_is_one_empty_page(papers):
    order = [Paper.id]
    empty = page_of(papers, select(Paper).where(Paper.id < 0), show=select(Paper), key=Paper.id, order=order)
    assert (empty.rows, empty.number, empty.last, empty.first_row, empty.last_row) == ((), 1, 1, 0, 0)


def test_rows_are_entities_when_one_is_asked_for(papers):
    assert isinstance(page(papers, show=select(Paper)).rows[0], Paper)


@pytest.mark.parametrize("sort", ["amount", "-amount", "title", "-title"])
def test_pages_together_are_the_whole_list_once(papers, sort):
    rows = [row for number in (1, 2, 3) for row in page(papers, number=number, sort=sort).rows]
    assert sorted(row.id for row in rows) == list(range(1, 46))


@pytest.mark.parametrize("sort", ["amount", "-amount"])
def test_what_is_missing_comes_last_either_way(papers, sort):
    amounts = [row.amount for row in page(papers, size=100, sort=sort).rows]
    assert None not in amounts[:36]
    assert set(amounts[36:]) == {None}


def test_a_known_total_is_not_counted_again(papers):
    assert page(papers, total=41).last == 3


def test_sorting_keeps_to_the_columns_allowed():
    assert sort_from("-amount", COLUMNS, "title") == Sort("amount", True)
    assert sort_from("password", COLUMNS, "-title") == Sort("title", True)
    assert sort_from(None, COLUMNS, "title") == Sort("title")


def test_a_header_turns_its_own_column_round():
    sort = Sort("amount", True)
    assert sort.toggled("amount") == "amount"
    assert sort.toggled("title") == "title"
    assert sort.toggled("signed_on", downwards_first=True) == "-signed_on"


@given(st.text(), st.text())
def test_an_odd_address_is_the_first_page(number, size):
    page_number, page_size = number_from({"page": number, "size": size})
    assert page_number >= 1
    assert page_size in pages.SIZES


def test_an_address_says_which_page():
    assert number_from({"page": "3", "size": "50"}) == (3, 50)
    assert number_from({"page": "٣", "size": "7"}) == (1, 20)


def test_an_address_is_changed_without_losing_the_rest(site):
    with site.test_request_context("/every?q=鞋&page=3&type=a&type=b"):
        assert pages.url_with(page=None, sort=Sort("amount", True)) == "/every?q=%E9%9E%8B&type=a&type=b&sort=-amount"


def test_what_an_address_says_is_escaped(site, render):
    source = '{% from "components/table.html" import sort_head %}{{ sort_head("金额", "amount", sort, num=true) }}'
    sort = SimpleNamespace(key='"><script>', descending=False, toggled=lambda *args: '"><script>')
    assert "<script>" not in render(source, sort=sort)
