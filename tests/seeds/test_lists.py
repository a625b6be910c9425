"""The code lists, the places, the rules and the platforms hold what the documents give."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from contracts_app.codes import models as codes
from contracts_app.codes.queries import choices, choosable, listed
from contracts_app.platforms import queries as platforms
from contracts_app.platforms.models import Platform, PlatformKind
from contracts_app.regions import queries as regions
from contracts_app.regions.models import Level, Region
from contracts_app.rules import queries as rules
from contracts_app.rules.models import AmountBasis

TODAY = date(2026, 11, 21)


def test_there_are_thirteen_units_and_jinmen_is_none(loaded):
    units = regions.units_under(regions.region("350500"))
    assert len(units) == 13
    assert [unit.name for unit in units[-2:]] == ["泉州开发区", "泉州台商投资区"]
    assert "350527" not in {unit.code for unit in units}
    assert len({unit.number_prefix for unit in units}) == 13
    assert {unit.code: unit.number_prefix for unit in units}["350582"] == "JJ"


def test_jinjiang_has_nineteen_towns_and_streets_without_108(loaded):
    towns = regions.towns_of("350582")
    assert len(towns) == 19
    assert [town.name[-2:] == "街道" for town in towns].count(True) == 6
    assert "350582108" not in {town.code for town in towns}


def test_scope_follows_the_tree(loaded):
    jinjiang, chendai = regions.region("350582"), regions.region("350582103")
    assert jinjiang.covers(chendai)
    assert not chendai.covers(jinjiang)
    assert [unit.code for unit in regions.units_under(jinjiang)] == ["350582"]
    assert regions.units_under(chendai) == []
    assert regions.unit_of(chendai).code == "350582"
    assert regions.unit_of(regions.region("350100")) is None
    assert len(loaded.scalars(regions.regions_under(jinjiang)).all()) == 20
    assert len(loaded.scalars(regions.unit_codes_under(regions.region("350000"))).all()) == 13


def test_a_party_may_be_anywhere(loaded):
    places = dict(regions.place_choices())
    assert [*places][:: len(places) - 1] == ["350502", regions.ABROAD]
    assert {"3505K1", "350100", "110000", "710000", "810000", "820000"} <= set(places)
    assert "100000" not in places
    assert not set(places) & {town.code for town in regions.towns_of("350582")}
    assert len(loaded.scalars(select(Region).where(Region.level == Level.PROVINCE)).all()) == 34


@pytest.mark.parametrize(
    ("model", "size"),
    [
        (codes.TechnologyField, 11), (codes.Goal, 13), (codes.Industry, 20), (codes.RefusalReason, 12),
        (codes.PaymentModel, 7), (codes.ContractType, 27), (codes.IpKind, 11), (codes.PartyType, 42),
        (codes.PlanSource, 12), (codes.AttachmentKind, 17), (codes.BenefitKind, 7),
    ],
)  # fmt: skip
def test_a_list_is_whole_and_in_order(loaded, model, size):
    assert [item.position for item in listed(model)] == list(range(1, size + 1))


def test_contract_types_are_five_trees_whose_leaves_may_be_chosen(loaded):
    types = listed(codes.ContractType)
    assert [item.code for item in types if item.parent_code is None] == ["KF", "ZR", "XK", "ZX", "FW"]
    assert {item.legacy_name for item in types} == {"技术开发", "技术转让", "技术咨询", "技术服务"}
    assert {item.legacy_name for item in types if item.parent_code == "XK"} == {"技术转让"}
    assert len(choosable(codes.ContractType, TODAY)) == 22
    words = dict(choices(codes.ContractType, TODAY))
    assert (words["KF1"], words["ZX1"]) == ("技术开发 · 委托开发", "技术咨询")


def test_a_code_out_of_its_time_may_not_be_chosen(loaded):
    loaded.get(codes.Goal, "08").valid_to = date(2025, 12, 31)
    chosen_then, chosen_now = (
        {goal.code for goal in choosable(codes.Goal, day)} for day in (date(2025, 12, 31), date(2026, 1, 1))
    )
    loaded.rollback()
    assert chosen_then - chosen_now == {"08"}


def test_flags_stand_where_the_office_needs_them(loaded):
    assert [goal.code for goal in listed(codes.Goal) if goal.asks_classified_check] == ["13"]
    assert [reason.code for reason in listed(codes.RefusalReason) if reason.asks_text] == ["R11"]
    assert [kind.code for kind in listed(codes.AttachmentKind) if kind.required_when is codes.Needed.ALWAYS] == [
        "contract"
    ]
    assert [kind.code for kind in listed(codes.IpKind) if kind.is_none] == ["08"]
    firms = {item.code for item in listed(codes.PartyType) if item.is_enterprise}
    assert {"100", "150", "330", "700"} <= firms
    assert not {"010", "022", "500"} & firms


def test_payment_models_say_what_the_plan_must_do(loaded):
    models = {model.code: model for model in listed(codes.PaymentModel)}
    assert [code for code, model in models.items() if not model.asks_plan] == ["royalty", "equity"]
    assert [code for code, model in models.items() if model.must_sum_to_total] == [
        "lump_sum", "instalments", "entry_and_royalty", "zero_entry",
    ]  # fmt: skip
    assert all(model.may_be_undetermined for model in models.values() if model.has_royalty)


def test_the_2026_measures_begin_on_the_first_of_march(loaded):
    before, after = rules.limits_on(date(2026, 2, 28)), rules.limits_on(date(2026, 3, 1))
    assert (before.rule_set.code, before.review.words, before.large_amount) == ("2001", "30日", None)
    assert (after.rule_set.code, after.review.words, after.large_review.words) == ("2026", "15个工作日", "30个工作日")
    assert (after.large_amount, after.large_amount_basis) == (5_000_000, AmountBasis.TECHNOLOGY_AMOUNT)
    assert after.is_to_verify
    assert not before.is_to_verify
    assert after.amber_share == Decimal("0.7")


def test_only_the_technology_amount_makes_a_contract_large(loaded):
    limits = rules.limits_on(TODAY)
    assert limits.is_large(total_amount=Decimal(5_000_000), technology_amount=Decimal(5_000_000))
    assert not limits.is_large(total_amount=Decimal(9_000_000), technology_amount=Decimal("4999999.99"))
    assert not rules.limits_on(date(2020, 1, 1)).is_large(total_amount=Decimal(10**9), technology_amount=Decimal(10**9))


def test_due_dates_pass_over_the_national_holiday(loaded):
    calendar, limits = rules.work_calendar(), rules.limits_on(date(2026, 9, 18))
    # 18 September is a Friday; Sunday the 20th is worked, 25-27 and 1-7 October are off, Saturday the 10th is worked.
    assert limits.due_on(date(2026, 9, 18), calendar) == date(2026, 10, 15)
    assert rules.limits_on(date(2026, 1, 5)).due_on(date(2026, 1, 5), calendar) == date(2026, 2, 4)


def test_the_calendar_knows_2023_to_2026_and_not_2027(loaded):
    calendar = rules.work_calendar()
    assert calendar.known_years == frozenset({2023, 2024, 2025, 2026})
    assert calendar.is_workday(date(2026, 2, 28))
    assert not calendar.is_workday(date(2026, 2, 23))
    assert not calendar.is_known(date(2027, 1, 1))


def test_the_six_offshore_centres_are_jinjiangs_and_stand_elsewhere(loaded):
    centres = loaded.scalars(platforms.platforms(PlatformKind.OFFSHORE_CENTRE)).all()
    assert len(centres) == 6
    assert {centre.region_code for centre in centres} == {"350582"}
    assert all(centre.place for centre in centres)


def test_platforms_are_found_by_words_and_region(loaded):
    assert [item.code for item in loaded.scalars(platforms.platforms(words="同济 安溪"))] == ["tongji-anxi"]
    assert [item.code for item in platforms.platforms_of(regions.region("350526"))] == ["zju-dehua"]
    assert len(platforms.choices()) == len(loaded.scalars(select(Platform)).all())
