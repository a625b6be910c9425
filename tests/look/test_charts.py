"""Geometry holds whatever the figures: nothing divides by zero, nothing leaves the drawing."""

import itertools
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_app.core.drawing import charts

AMOUNTS = st.decimals(min_value=0, max_value=Decimal("9999999999999.99"), places=2)
TOTALS = st.lists(AMOUNTS, max_size=12).map(sorted)
WAN = Decimal(10_000)


def points_of(line: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in line.split()]


# Axis


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (Decimal("33.8"), [0, 6, 12, 18, 24, 30, 36]),
        (Decimal("6.01"), [0, Decimal("1.2"), Decimal("2.4"), Decimal("3.6"), Decimal("4.8"), 6, Decimal("7.2")]),
        (6, [0, 1, 2, 3, 4, 5, 6]),
        (0, [0, 1]),
        (-5, [0, 1]),
    ],
)
def test_an_axis_counts_in_round_steps(largest, labels):
    assert charts.axis_steps(largest) == labels


@given(st.decimals(min_value=Decimal("0.01"), max_value=Decimal("1e16"), places=2), st.integers(1, 8))
def test_an_axis_reaches_the_largest_value_and_not_far_beyond(largest, at_most):
    steps = charts.axis_steps(largest, at_most)
    assert steps[0] == 0
    assert steps[-2] < largest <= steps[-1]
    assert len(steps) <= at_most + 1
    assert len({later - earlier for earlier, later in itertools.pairwise(steps)}) == 1


# Bars


def test_bars_of_one_table_share_a_scale():
    done, half, none = charts.bars([(100, 100), (50, 100), (None, None)], pace=Fraction(9, 10))
    assert done.length == done.tick == done.track
    assert half.length == pytest.approx(done.length / 2, abs=0.1)
    assert (done.behind, half.behind, none.behind) == (False, True, False)
    assert (none.length, none.tick) == (0, None)


@given(st.lists(st.tuples(st.none() | AMOUNTS | st.integers(-10, 10), st.none() | AMOUNTS)))
def test_no_bar_leaves_its_cell(rows):
    for bar in charts.bars(rows):
        assert 0 <= bar.length <= charts.BAR_WIDTH
        assert bar.tick is None or 0 <= bar.tick <= charts.BAR_WIDTH


def test_progress_is_cut_off_at_the_end_but_not_its_judgement():
    ahead = charts.progress(Fraction(2), Fraction(9, 10))
    assert (ahead.done, ahead.pace, ahead.behind) == (100, 90, False)
    assert charts.progress(None, Fraction(1, 2)).behind
    assert charts.progress(Fraction(1, 2)).pace is None


# The cumulative line


def test_the_last_total_stands_at_its_day():
    chart = charts.cumulative(2026, date(2026, 11, 15), [WAN * month for month in range(1, 12)], target=WAN * 24)
    last = points_of(chart.wide.actual)[-1]
    october, november = (tick.at for tick in chart.wide.months[9:11])
    assert last[0] == pytest.approx((october + november) / 2, abs=0.2)
    assert chart.wide.now == last
    assert chart.wide.running


def test_a_past_year_ends_at_december():
    chart = charts.cumulative(2024, date(2024, 12, 31), [WAN * month for month in range(1, 13)])
    assert points_of(chart.wide.actual)[-1][0] == chart.wide.right
    assert not chart.wide.running
    assert not chart.target_words


def test_amounts_are_drawn_in_the_unit_people_would_use():
    assert charts.cumulative(2025, date(2025, 1, 31), [Decimal(601_000_000)]).unit == "亿元"
    assert charts.cumulative(2025, date(2025, 1, 31), [Decimal(601_000)]).unit == "万元"
    assert charts.cumulative(2025, date(2025, 1, 31), [217], unit="项").words == "2025 年累计，截至 1 月 31 日 217 项"


def test_a_year_without_anything_is_an_empty_chart():
    chart = charts.cumulative(2026, date(2026, 1, 1), [])
    assert chart.wide.actual == ""
    assert chart.wide.now is None
    assert chart.wide.notes == {}
    assert chart.table == ()


def test_the_table_holds_what_is_drawn():
    chart = charts.cumulative(2026, date(2026, 2, 28), [1, 2], [3, 4, 5], unit="项")
    assert [(row.label, row.actual, row.last_year) for row in chart.table] == [
        ("1月", 1, 3),
        ("2月", 2, 4),
        ("3月", None, 5),
    ]


@given(TOTALS, TOTALS, st.none() | AMOUNTS, st.booleans(), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_no_line_leaves_the_drawing(actual, last_year, target, foreseen, until):
    end = actual[-1] if actual else Decimal(0)
    forecast = charts.Forecast(end + 1, end, end * 2 + 2) if foreseen else None
    chart = charts.cumulative(2026, until, actual, last_year, target, forecast)
    for plot in (chart.wide, chart.narrow):
        for line in (plot.actual, plot.last_year, plot.target, plot.forecast, plot.band):
            for x, y in points_of(line):
                assert plot.left <= x <= plot.right
                assert plot.top <= y <= plot.bottom
        assert all(0 < note.y < plot.height for note in plot.notes.values())


@given(TOTALS.filter(bool), AMOUNTS.filter(bool))
def test_words_do_not_cover_each_other_at_the_end_of_the_year(actual, target):
    chart = charts.cumulative(2026, date(2026, 11, 20), actual[:11], target=target)
    notes = chart.wide.notes
    assert chart.target_words
    if len(actual[:11]) > 9 and "target" in notes:  # where the ends are close, only the legend names the target
        assert abs(notes["actual"].y - notes["target"].y) >= 11


# The ring


def test_no_line_runs_through_the_words_of_the_last_total():
    """Behind its task and level with last year: there is room only below all three."""
    chart = charts.cumulative(
        2025,
        date(2025, 9, 30),
        [WAN * amount for amount in (1, 2, 5, 9, 13, 21, 25, 29, 34)],
        [WAN * amount for amount in (1, 2, 5, 8, 17, 20, 24, 28, 32, 39, 42, 50)],
        target=WAN * 55,
    )
    note, plot = chart.wide.notes["actual"], chart.wide
    assert note.anchor == "start"
    for points in (plot.target, plot.last_year):
        line = [tuple(map(float, point.split(","))) for point in points.split()]
        under = [y for x, y in line if note.x <= x <= note.x + 110] + [line[-1][1]]
        assert max(under) < note.y - 11 or min(under) > note.y + 4


def test_small_parts_are_put_together():
    ring = charts.donut([(str(size), size, None) for size in (1, 2, 30, 20, 10, 5)], unit="项")
    assert [slice_.label for slice_ in ring.slices] == ["30", "20", "10", "5", "其他"]
    assert ring.slices[-1].value == 3
    assert ring.middle == "68"


def test_a_ring_of_nothing_has_rows_but_no_pieces():
    ring = charts.donut([("技术开发", Decimal(0), None)])
    assert ring.slices[0].share is None
    assert ring.slices[0].dash == "0.00 100.00"
    assert charts.donut([]).slices == ()


def test_a_single_part_is_the_whole_ring():
    assert charts.donut([("技术开发", Decimal(5), None)]).slices[0].dash == "100.00 0.00"


@given(st.lists(st.tuples(st.text(max_size=3), AMOUNTS | st.integers(-5, -1), st.none()), max_size=8))
def test_pieces_fill_the_ring_and_no_more(parts):
    pieces = charts.donut(parts).slices
    lengths = [float(piece.dash.split()[0]) for piece in pieces]
    assert all(length >= 0 for length in lengths)
    assert sum(lengths) <= 100.1
    assert len(pieces) <= 5


# The tile map


def levels(*completions, pace=Fraction(888, 1000)) -> list[str]:
    units = [(code, code, share, None) for code, share in zip(charts.QUANZHOU, completions, strict=False)]
    return [tile.level for tile in charts.tile_map(units, pace).tiles]


def test_colours_say_how_far_a_unit_is():
    shares = [None, Fraction(59, 100), Fraction(6, 10), Fraction(3, 4), Fraction(888, 1000), Fraction(1)]
    assert levels(*shares) == ["q0", "q1", "q2", "q3", "q4", "q5"]


def test_early_in_the_year_pace_comes_first():
    assert levels(Fraction(1, 4), Fraction(1, 10), pace=Fraction(1, 5)) == ["q4", "q1"]


def test_each_unit_has_a_place_of_its_own():
    units = [(code, code, None, None) for code in [*charts.QUANZHOU, "1", "2", "3", "4", "5"]]
    tiles = charts.tile_map(units)
    assert len({(tile.x, tile.y) for tile in tiles.tiles}) == len(units)
    assert all(tile.x + 96 <= tiles.width and tile.y + 58 <= tiles.height for tile in tiles.tiles)


def test_a_map_of_no_units_is_empty():
    assert charts.tile_map([]).tiles == ()


def test_the_legend_names_only_what_occurs():
    assert [level for level, _ in charts.tile_map([("350582", "晋江市", Fraction(2), None)]).legend] == ["q5"]


def test_a_year_that_is_over_has_no_pace_in_the_legend():
    unit = ("350582", "晋江市", Fraction(4, 5), None)
    assert charts.tile_map([unit], Fraction(1)).legend == (("q3", "75–100%"),)
    assert charts.tile_map([unit], Fraction(9, 10)).legend == (("q3", "75%–序时"),)
