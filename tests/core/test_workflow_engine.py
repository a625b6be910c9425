"""The engine on a record that is no contract: any list of moves behaves so."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import DataRequired

from contracts_app.core.db import db
from contracts_app.core.errors import NotYours, Refused, Stale
from contracts_app.core.installation import InstallationFact, fact, set_fact
from contracts_app.core.words import Word
from contracts_app.core.workflow import Move, Workflow


class Step(Word):
    FILED = "filed", "已提出"
    SEEN = "seen", "已看过"
    DONE = "done", "已办结"
    LAPSED = "lapsed", "已失效"


class Who(Word):
    CLERK = "clerk", "经办人"
    CHIEF = "chief", "负责人"
    CLOCK = "clock", "系统"


@dataclass
class Case:
    state: Step = Step.FILED
    version: int = 1
    seen_by: object = None
    lines: list = field(default_factory=list)

    def remember(self, **line):
        self.lines.append(line)


def someone_else_saw_it(case, person):
    return "你看过的，由另一人办结。" if case.seen_by is person else None


def has_a_name(case, person):
    return None if getattr(person, "name", "") else "先填写姓名。"


def note_who_saw(case, person, answers):
    case.seen_by = person


def fail_late(case, person, answers):
    if answers.get("note") == "fail":
        set_fact("note", "no")
        raise ZeroDivisionError


def move(name, source, target, *roles, **more):
    return Move(
        name=name,
        label=f"{name}一下",
        done="好了。",
        sources=frozenset(source if isinstance(source, set) else {source}),
        target=target,
        roles=frozenset(roles),
        **more,
    )


CASE = Workflow(
    "事项",
    Step.FILED,
    [
        move("look", Step.FILED, Step.SEEN, Who.CLERK, Who.CHIEF, effects=(note_who_saw, fail_late)),
        move(
            "finish",
            Step.SEEN,
            Step.DONE,
            Who.CHIEF,
            guards=(someone_else_saw_it, has_a_name),
            asks={"note": lambda case: StringField("意见", [DataRequired("写明意见")])},
        ),
        move("lapse", {Step.FILED, Step.SEEN}, Step.LAPSED, Who.CLOCK),
    ],
)


def person(*roles, name="甲"):
    return SimpleNamespace(id=1, roles=frozenset(roles), name=name)


def test_a_move_changes_the_state_and_is_remembered(app):
    case, clerk = Case(), person(Who.CLERK)
    CASE.offer("look", case, clerk).make({"note": "x"})
    (line,) = case.lines
    assert case.state is Step.SEEN
    assert (line["move"].name, line["source"], line["by"], line["answers"]) == (
        "look",
        Step.FILED,
        clerk,
        {"note": "x"},
    )


def test_every_reason_is_told_at_once_and_the_same_to_button_and_request(app):
    case, chief = Case(), person(Who.CHIEF, name="")
    CASE.offer("look", case, chief).make({})
    (offer,) = CASE.offers(case, chief)
    assert offer.reasons == ["你看过的，由另一人办结。", "先填写姓名。"]
    with pytest.raises(Refused) as refused:
        offer.make({"note": "x"})
    assert list(refused.value.reasons) == offer.reasons
    assert case.state is Step.SEEN
    assert len(case.lines) == 1


def test_a_reason_that_has_gone_no_longer_stops(app):
    case, chief = Case(state=Step.SEEN), person(Who.CHIEF, name="")
    offer = CASE.offer("finish", case, chief)
    assert offer.reasons
    chief.name = "乙"
    offer.make({"note": "x"})
    assert case.state is Step.DONE


def test_wrong_role_comes_before_wrong_state(app):
    with pytest.raises(NotYours, match="由负责人办理"):
        CASE.offer("finish", Case(), person(Who.CLERK))
    with pytest.raises(Refused, match="现在是“已提出”"):
        CASE.offer("finish", Case(), person(Who.CHIEF))


def test_who_has_several_roles_is_offered_the_moves_of_all(app):
    both = person(Who.CHIEF, Who.CLOCK)
    assert [offer.move.name for offer in CASE.offers(Case(), both)] == ["look", "lapse"]
    assert CASE.offers(Case(state=Step.DONE), both) == []
    assert CASE.offers(Case(), person()) == []


def test_people_are_never_offered_what_only_the_system_does(app):
    with pytest.raises(NotYours):
        CASE.offer("lapse", Case(), person(Who.CLERK, Who.CHIEF))


def test_what_was_seen_in_an_older_version_is_not_overwritten(app):
    case = Case(version=3)
    with pytest.raises(Stale):
        CASE.offer("look", case, person(Who.CLERK)).make({}, version=2)
    CASE.offer("look", case, person(Who.CLERK)).make({}, version=3)
    assert case.state is Step.SEEN


def test_stale_comes_before_a_state_that_has_changed_meanwhile(app):
    """Somebody else was first: the person is told that, and not that the button was never there."""
    case = Case()
    offer = CASE.offer("look", case, person(Who.CLERK))
    CASE.offer("look", case, person(Who.CHIEF)).make({})
    case.version += 1
    with pytest.raises(Stale):
        offer.make({}, version=1)


def test_an_effect_that_fails_leaves_nothing_in_the_database(app, session):
    with pytest.raises(ZeroDivisionError):
        CASE.offer("look", Case(), person(Who.CLERK)).make({"note": "fail"})
    session.rollback()
    assert fact("note") is None


def test_a_state_never_reaches_the_database_without_its_facts(app, session):
    """Everything of a move goes out in one flush, at its end."""
    waiting = []

    def look_in_between(case, who, answers):
        set_fact("note", "half")
        db.session.execute(select(InstallationFact.name))  # a query elsewhere would send out what is waiting
        waiting.extend(db.session.new)

    whole = Workflow("事项", Step.FILED, [move("look", Step.FILED, Step.SEEN, Who.CLERK, effects=(look_in_between,))])
    whole.offer("look", Case(), person(Who.CLERK)).make({})
    assert [one.value for one in waiting] == ["half"]
    assert not session.new


def test_the_form_asks_what_the_move_asks_and_carries_the_version(app):
    case = Case(state=Step.SEEN, version=7)
    with app.test_request_context("/"):
        form = CASE.offer("finish", case, person(Who.CHIEF)).form()
        assert (form.version.data, form.record, list(form.answers())) == (7, case, ["note"])
    with app.test_request_context("/", method="POST", data={"note": "", "version": "7"}):
        form = CASE.offer("finish", case, person(Who.CHIEF)).form()
        form.validate()
        assert form.errors["note"] == ["写明意见"]


def test_the_inbox_is_where_the_roles_have_something_to_do():
    assert CASE.waiting_for({Who.CLERK}) == {Step.FILED}
    assert CASE.waiting_for({Who.CHIEF}) == {Step.FILED, Step.SEEN}
    assert CASE.waiting_for(set()) == set()


def test_the_declaration_can_be_read():
    assert CASE.table() == [
        ("finish", "seen", "done", "chief"),
        ("lapse", "filed", "lapsed", "clock"),
        ("lapse", "seen", "lapsed", "clock"),
        ("look", "filed", "seen", "chief"),
        ("look", "filed", "seen", "clerk"),
    ]
    described = CASE.describe()
    assert described["initial"] == "filed"
    assert described["moves"][1]["guards"] == ["someone_else_saw_it", "has_a_name"]
    assert "seen --> done: finish一下" in CASE.mermaid()
