"""Rule sets as data: reading, comparing, trying, putting into force, and files that are torn."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from contracts_app.accounts.roles import Role
from contracts_app.contracts.checking import trial
from contracts_app.contracts.states import State
from contracts_app.core.clock import today
from contracts_app.core.db import db
from contracts_app.core.trail.audit import AuditEntry
from contracts_app.rules import queries
from contracts_app.rules.actions import forget_what_was_read
from contracts_app.rules.models import DayKind, Level, Rule, RuleSet, Section, Stage, Status, TimeLimit

LAST_YEAR = today().year - 1
DAY = timedelta(days=1)


@pytest.fixture
def draft(app):
    """A draft with one rule that concerns everything of the type 委托开发."""
    made = RuleSet(code="2027", name="《新规则》草案", source="试验")
    made.time_limits.append(
        TimeLimit(code="2027-review", stage=Stage.REVIEW, name="办理", days=10, day_kind=DayKind.WORKING, source="试验")
    )
    db.session.add(made)
    db.session.flush()
    rule = {"section": Section.SUBJECT, "field": "type_code", "severity": Level.INFO, "sentence": "“{type}”要另行说明"}
    db.session.add(
        Rule(
            rule_set_code="2027", code="S-90", remedy="附说明", predicate="type_is_one_of", position=1,
            parameters={"types": ["KF"]}, document="《新规则》草案", is_to_verify=True, source="试验", **rule,
        )
    )  # fmt: skip
    db.session.commit()
    forget_what_was_read()
    return made


def test_a_page_shows_all_rules_of_a_set_with_clause_and_remedy(make, sign_in):
    page = sign_in(make.user(Role.BROKER)).get("/codes/rules/2026").text
    for rule in queries.rules_of("2026"):
        assert f'id="{rule.code}"' in page
    assert "条文待核" in page
    assert "怎么改：" in page


def test_two_sets_side_by_side(make, sign_in):
    compared = queries.compared(queries.rule_set_named("2001"), queries.rule_set_named("2026"))
    assert {rule.code for rule in compared.added} == {"M-09", "F-08"}
    assert {rule.code for rule in compared.removed} == {"S-08"}
    assert "S-05" in {here.code for here, _, _ in compared.changed}
    page = sign_in(make.user()).get("/codes/rules/2001/compare/2026").text
    assert "增加 2 条" in page
    assert sign_in(make.user()).get("/codes/rules/2001/compare/1999").status_code == 404


def test_a_draft_binds_nobody(make, draft):
    assert queries.rule_set_on(today()).code == "2026"
    assert queries.rule_set_on(date(2025, 6, 1)).code == "2001"


def test_a_trial_counts_what_would_be_new(make, draft):
    for _ in range(3):
        make.contract(state=State.REGISTERED, registered_on=date(LAST_YEAR, 5, 6))
    make.contract(state=State.REGISTERED, registered_on=date(LAST_YEAR - 1, 5, 6))
    shown = trial.try_on(draft, LAST_YEAR, make.user())
    assert (shown.looked_at, shown.concerned, shown.is_cut) == (3, 3, False)
    assert [(line.rule.code, line.contracts) for line in shown.lines] == [("S-90", 3)]
    few = trial.try_on(draft, LAST_YEAR, make.user(), most=2)
    assert (few.looked_at, few.is_cut) == (2, True)
    assert trial.try_on(draft, LAST_YEAR, make.user(region="350581")).looked_at == 0


def test_a_trial_asks_no_more_for_more_contracts(make, draft, count_queries):
    person, counts = make.user(), []
    for _ in range(2):
        for _ in range(3):
            make.contract(state=State.REGISTERED, registered_on=date(LAST_YEAR, 5, 6))
        db.session.expire_all()
        with count_queries() as queries_made:
            trial.try_on(draft, LAST_YEAR, person)
        counts.append(len(queries_made))
    assert counts[1] <= counts[0] + 2


def test_the_administrator_sees_counts_and_no_contract(make, sign_in, draft):
    contract = make.contract(state=State.REGISTERED, registered_on=date(LAST_YEAR, 5, 6))
    path = f"/codes/rules/2027/try?year={LAST_YEAR}"
    link = f"/contracts/{contract.id}"
    assert link in sign_in(make.user()).get(path).text
    page = sign_in(make.user(Role.ADMIN)).get(path).text
    assert "S-90" in page
    assert link not in page
    assert sign_in(make.user(Role.BROKER)).get(path).status_code == 403


def test_an_administrator_puts_a_draft_into_force_after_a_second_look(make, sign_in, draft):
    admin, path = sign_in(make.user(Role.ADMIN)), "/codes/rules/2027/activate"
    assert "去掉" in admin.get(path).text
    assert admin.post(path, data={"valid_from": "2027-01-01"}).status_code == 422, "not confirmed"
    answer = admin.post(path, data={"valid_from": "2027-01-01", "is_sure": "y"})
    assert answer.status_code == 302
    db.session.expire_all()
    forget_what_was_read()
    new, old = db.session.get(RuleSet, "2027"), db.session.get(RuleSet, "2026")
    assert (new.status, new.valid_from, old.status, old.valid_to) == (
        Status.ACTIVE,
        date(2027, 1, 1),
        Status.RETIRED,
        date(2026, 12, 31),
    )
    assert queries.rule_set_on(date(2026, 12, 31)).code == "2026"
    assert queries.rule_set_on(date(2027, 1, 1)).code == "2027"
    assert db.session.scalar(select(AuditEntry.action).where(AuditEntry.subject == "rule_set")) == "activate_rules"
    assert admin.post(path, data={"valid_from": "2027-02-01", "is_sure": "y"}).status_code == 409


@pytest.mark.parametrize("day", ["2026-01-01", "2026-03-01"])
def test_a_set_is_not_put_into_force_backwards(make, sign_in, draft, day):
    answer = sign_in(make.user(Role.ADMIN)).post("/codes/rules/2027/activate", data={"valid_from": day, "is_sure": "y"})
    assert answer.status_code == 409
    db.session.expire_all()
    assert db.session.get(RuleSet, "2027").status is Status.DRAFT


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_nobody_else_does(make, sign_in, draft, role):
    answer = sign_in(make.user(role)).post("/codes/rules/2027/activate", data={"valid_from": "2027-01-01"})
    assert answer.status_code == 403


def test_the_command_line_lists_shows_compares_and_tries(app, make):
    run = app.test_cli_runner().invoke
    listed = json.loads(run(args=["rules", "list", "--format", "json"]).output)
    assert [one["code"] for one in listed] == ["2026", "2001"]
    shown = json.loads(run(args=["rules", "show", "2026", "--format", "json"]).output)
    assert len(shown) == listed[0]["rules"]
    compared = json.loads(run(args=["rules", "compare", "2001", "2026", "--format", "json"]).output)
    assert compared["removed"] == ["S-08"]
    tried = run(args=["rules", "try", "2026", "--year", "2025", "--format", "json"])
    assert json.loads(tried.output)["rule_set"] == "2026"
    assert run(args=["rules", "show", "1999"]).exit_code == 2
