"""Facts that must hold are held by the database itself, by the same rules on both, whatever any program does."""

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint, inspect, text
from sqlalchemy.exc import IntegrityError

import contracts_app.models  # noqa: F401  (registers every table)
from contracts_app.accounts.models import Delegation
from contracts_app.accounts.roles import Role
from contracts_app.contracts.case_models import CaseKind, ContractCase, Outcome
from contracts_app.contracts.models import ContractRight, Deduction, DeductionKind, PaperFile
from contracts_app.contracts.states import State
from contracts_app.core.clock import now_utc
from contracts_app.core.database.migrations import BY_HAND
from contracts_app.core.db import Base, constraint_of
from contracts_app.core.errors import SENTENCES
from tests.factories import JINJIANG

# (name of the constraint, state of the contract, what is tried on it)
REFUSED = [
    ("ck_contracts_state", State.DRAFT, "state = 'lost'"),
    ("ck_contracts_amounts_not_negative", State.DRAFT, "technology_amount = -1"),
    ("ck_contracts_amounts_not_negative", State.DRAFT, "total_amount = -1, technology_amount = -1"),
    ("ck_contracts_technology_within_total", State.DRAFT, "technology_amount = total_amount + 1"),
    ("ck_contracts_seller_is_not_buyer", State.DRAFT, "seller_id = buyer_id"),
    ("ck_contracts_ends_after_it_begins", State.DRAFT, "begins_on = '2026-01-02', ends_on = '2026-01-01'"),
    ("ck_contracts_registration_number_has_16_digits", State.REGISTERED, "registration_number = '123'"),
    ("ck_contracts_registration_number_has_16_digits", State.REGISTERED, "registration_number = '2026350500000O01'"),
    ("ck_contracts_number_comes_with_verification_code", State.REGISTERED, "verification_code = NULL"),
    ("ck_contracts_number_comes_with_verification_code", State.ACCEPTED, "verification_code = 'ABCDEFGHJK'"),
    ("ck_contracts_number_and_date_come_together", State.ACCEPTED, "registered_on = '2026-01-01'"),
    ("ck_contracts_registered_has_number_date_and_two_deciders", State.REVIEWED, "state = 'registered'"),
    ("ck_contracts_registered_has_number_date_and_two_deciders", State.REGISTERED, "reviewed_by_id = NULL"),
    ("ck_contracts_registered_has_number_date_and_two_deciders", State.REGISTERED, "decided_by_id = NULL"),
    ("ck_contracts_registered_has_number_date_and_two_deciders", State.REGISTERED, "decided_by_id = reviewed_by_id"),
    (
        "ck_contracts_registered_has_number_date_and_two_deciders",
        State.REGISTERED,
        "registration_number = NULL, registered_on = NULL, verification_code = NULL",
    ),
    ("ck_contracts_accepted_has_number", State.ACCEPTED, "acceptance_number = NULL"),
    ("ck_contracts_accepted_has_number", State.REVIEWED, "acceptance_number = NULL"),
    ("ck_contracts_accepted_has_number", State.REFUSED, "acceptance_number = NULL"),
    ("ck_contracts_submitted_has_unit", State.SUBMITTED, "unit_code = NULL"),
    ("ck_contracts_filer_does_not_review", State.REGISTERED, "reviewed_by_id = filed_by_id"),
    ("ck_contracts_filer_does_not_decide", State.REGISTERED, "decided_by_id = filed_by_id"),
    ("ck_contracts_refused_has_reason", State.REFUSED, "refusal_code = NULL"),
    ("ck_contracts_large_has_third_decider", State.REGISTERED, "needs_third = true"),
    ("ck_contracts_large_has_third_decider", State.REGISTERED, "needs_third = true, checked_by_id = decided_by_id"),
    ("ck_contracts_expert_was_heard", State.REGISTERED, "needs_expert = true"),
    ("ck_contracts_registered_after_acceptance", State.REGISTERED, "registered_on = '2000-01-01'"),
    ("ck_contracts_filer_does_not_check", State.CHECKED, "checked_by_id = filed_by_id"),
    ("ck_contracts_not_accepted_has_reason", State.NOT_ACCEPTED, "non_acceptance_code = NULL"),
    ("ck_contracts_share_is_percent", State.DRAFT, "broker_share = 101"),
    (
        "ck_contracts_licence_ends_after_it_begins",
        State.DRAFT,
        "licence_begins_on = '2026-01-02', licence_ends_on = '2026-01-01'",
    ),
    ("ck_contracts_archived_has_number_and_day", State.REGISTERED, "archive_number = 'B-1'"),
    ("ck_contracts_archived_has_number_and_day", State.REGISTERED, "archived_on = '2026-01-01'"),
    ("ck_contracts_royalty_base", State.DRAFT, "royalty_base = 'luck'"),
    ("fk_contracts_filed_by_id_users", State.DRAFT, "filed_by_id = 999999"),
    ("fk_contracts_seller_id_enterprises", State.DRAFT, "seller_id = 999999"),
    ("fk_contracts_type_code_contract_types", State.DRAFT, "type_code = 'XX9'"),
    ("fk_contracts_unit_code_units", State.SUBMITTED, "unit_code = '350527'"),
    ("fk_contracts_refusal_code_refusal_reasons", State.REFUSED, "refusal_code = 'R99'"),
    ("fk_contracts_non_acceptance_code_non_acceptance_reasons", State.DRAFT, "non_acceptance_code = 'N99'"),
    ("fk_contracts_rule_set_code_rule_sets", State.SUBMITTED, "rule_set_code = '1999'"),
]


def refused(session, statement, **values):
    with pytest.raises(IntegrityError) as broken, session.begin_nested():
        session.execute(text(statement), values)
    return broken.value


def names(error, name):
    """Whether it was this one. SQLite does not name foreign keys; it says that it was one."""
    nameless = name.startswith("fk_") and str(error.orig) == "FOREIGN KEY constraint failed"
    return nameless or constraint_of(error) == name


@pytest.mark.parametrize(("name", "state", "attempt"), REFUSED)
def test_the_database_refuses_what_must_not_be(make, session, name, state, attempt):
    contract = make.contract(state=state)
    error = refused(session, f"UPDATE contracts SET {attempt} WHERE id = :id", id=contract.id)
    assert names(error, name), str(error.orig)


# What stands beside a contract whose change is asked for: (name of the constraint, table, what is tried on it).
BESIDE = [
    ("ck_contract_cases_case_kind", "contract_cases", "kind = 'party'"),
    ("ck_contract_cases_opened_from", "contract_cases", "opened_from = 'lost'"),
    ("ck_contract_cases_outcome", "contract_cases", "outcome = 'maybe', closed_at = opened_at"),
    ("ck_contract_cases_closed_has_outcome", "contract_cases", "closed_at = opened_at"),
    ("ck_contract_cases_closed_has_outcome", "contract_cases", "outcome = 'denied'"),
    ("ck_contract_cases_opener_does_not_decide", "contract_cases", "decided_by_id = opened_by_id"),
    (
        "ck_contract_cases_case_decided_by_second_person",
        "contract_cases",
        "reviewed_by_id = :other, decided_by_id = :other",
    ),
    ("ck_contract_cases_granted_has_decider", "contract_cases", "outcome = 'granted', closed_at = opened_at"),
    (
        "ck_contract_cases_change_heard_experts",
        "contract_cases",
        "outcome = 'granted', closed_at = opened_at, decided_by_id = :other, needs_expert = TRUE",
    ),
    ("fk_contract_cases_ground_code_change_grounds", "contract_cases", "ground_code = 'C99'"),
    ("ck_deductions_amount_is_positive", "deductions", "amount = 0"),
    ("ck_deductions_deduction_kind", "deductions", "kind = 'wish'"),
    ("ck_contract_rights_valid_after_it_was_applied_for", "contract_rights", "applied_on = '2026-01-02'"),
    ("fk_contract_rights_ip_code_ip_kinds", "contract_rights", "ip_code = '0999'"),
    ("fk_paper_files_unit_code_units", "paper_files", "unit_code = '350527'"),
    ("ck_delegations_not_to_oneself", "delegations", "delegate_id = delegator_id"),
    ("ck_delegations_delegation_starts_before_it_ends", "delegations", "ends_on = '2025-12-31'"),
]


@pytest.fixture
def beside(make):
    """A row of each of these tables; answers the id of a person who has nothing to do with them."""
    contract, one, other = make.contract(state=State.CHANGING), make.user(Role.REVIEWER), make.user(Role.REVIEWER)
    day = date(2026, 1, 1)
    make.save(Deduction(contract_id=contract.id, position=1, kind=DeductionKind.PART, name="电机", amount=Decimal(1)))
    make.save(ContractRight(contract_id=contract.id, position=1, ip_code="0201", valid_until=day))
    make.save(PaperFile(unit_code=JINJIANG, number="1", received_on=day, recorded_by_id=one.id))
    make.save(Delegation(delegator_id=one.id, delegate_id=other.id, starts_on=day, ends_on=day, created_by_id=one.id))
    return other.id


@pytest.mark.parametrize(("name", "table", "attempt"), BESIDE)
def test_the_database_refuses_it_beside_the_contract_too(beside, session, name, table, attempt):
    values = {"other": beside} if ":other" in attempt else {}
    error = refused(session, f"UPDATE {table} SET {attempt}", **values)
    assert names(error, name), str(error.orig)


def test_a_thing_is_there_once(beside, make, session):
    """One open case for a contract, however many are closed; one line at a place; one paper file of a number."""
    (contract_id,) = session.execute(text("SELECT contract_id FROM contract_cases")).one()
    closed = {"outcome": Outcome.WITHDRAWN, "closed_at": now_utc()}
    case = {
        "contract_id": contract_id,
        "kind": CaseKind.CHANGE,
        "opened_by_id": beside,
        "opened_from": State.REGISTERED,
    }
    make.save(ContractCase(**case, **closed))
    line = {"contract_id": contract_id, "position": 1}
    for again, name in (
        (ContractCase(**case), "uq_contract_cases_open"),
        (Deduction(**line, kind=DeductionKind.PART, amount=Decimal(1)), "uq_deductions_contract_id_position"),
        (ContractRight(**line, ip_code="0201"), "uq_contract_rights_contract_id_position"),
        (
            PaperFile(unit_code=JINJIANG, number="1", received_on=date(2026, 1, 1), recorded_by_id=beside),
            "uq_paper_files_unit_code_number",
        ),
    ):
        with pytest.raises(IntegrityError) as broken:
            make.save(again)
        session.rollback()
        assert constraint_of(broken.value) == name


# Everything else is a fact of one form, checked with it: nobody else can change it before it is saved.
MET_BY_TWO_AT_ONCE = (
    *("uq_contracts_registration_number", "uq_contracts_acceptance_number", "uq_attachments_replaces_id"),
    *("uq_contract_cases_open", "uq_paper_files_unit_code_number", "ck_contract_cases_opener_does_not_decide"),
    *("ck_contract_cases_case_decided_by_second_person", "ck_contracts_large_has_third_decider"),
    *("ck_contracts_expert_was_heard", "ck_contracts_filer_does_not_check", "ck_contracts_not_accepted_has_reason"),
)


def test_what_two_people_can_break_at_once_has_its_sentence():
    assert set(MET_BY_TWO_AT_ONCE) <= declared()
    for name in MET_BY_TWO_AT_ONCE:
        assert any(name.endswith(known) for known in SENTENCES), name


TRIED = {"contracts": {name for name, _, _ in REFUSED}} | {
    table: {name for name, at, _ in BESIDE if at == table} for _, table, _ in BESIDE
}


@pytest.mark.parametrize("table", TRIED)
def test_every_rule_about_these_is_tried_here(table):
    declared = {
        str(constraint.name)
        for constraint in Base.metadata.tables[table].constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert declared == {name for name in TRIED[table] if name.startswith("ck_")}


@pytest.mark.parametrize("column", ["acceptance_number", "registration_number"])
def test_a_number_is_given_once(make, session, column):
    one, two = make.contract(state=State.REGISTERED), make.contract(state=State.REGISTERED)
    number = getattr(one, column)
    error = refused(session, f"UPDATE contracts SET {column} = :number WHERE id = :id", number=number, id=two.id)
    assert constraint_of(error) == f"uq_contracts_{column}"


def test_a_registered_contract_cannot_be_deleted(make, session):
    """What counted stays: history and ledger point to it."""
    contract = make.contract(state=State.REGISTERED)
    refused(session, "DELETE FROM contracts WHERE id = :id", id=contract.id)


@pytest.mark.parametrize(
    ("table", "values", "name"),
    [
        ("contract_history", {"source": "lost"}, "ck_contract_history_source"),
        ("contract_history", {"target": "lost"}, "ck_contract_history_target"),
        ("contract_history", {"by_id": 999999}, "fk_contract_history_by_id_users"),
        ("planned_payments", {"amount": 0}, "ck_planned_payments_amount_is_positive"),
        ("attachments", {"size": 0}, "ck_attachments_not_empty"),
        ("attachments", {"sha256": "abc"}, "ck_attachments_hash"),
        ("attachments", {"kind_code": "photo"}, "fk_attachments_kind_code_attachment_kinds"),
        ("ledger_entries", {"contracts": 2, "cause": "change"}, "ck_ledger_entries_one_contract_at_a_time"),
        ("ledger_entries", {"cause": "wish"}, "ck_ledger_entries_cause"),
        ("ledger_entries", {"unit_code": "350527"}, "fk_ledger_entries_unit_code_units"),
        ("ledger_entries", {"contracts": 0, "cause": "receipt"}, "ck_ledger_entries_money_counts_no_contract"),
        ("ledger_entries", {"received_amount": 1}, "ck_ledger_entries_money_counts_as_money"),
        ("enterprises", {"code": "123"}, "ck_enterprises_code_has_18_characters"),
        ("enterprises", {"scale": "huge"}, "ck_enterprises_scale"),
        ("users", {"duty": "king"}, "ck_users_duty"),
        ("user_roles", {"role": "admin"}, "ck_user_roles_role_belongs_to_duty"),
        ("number_counters", {"unit_code": "350527"}, "fk_number_counters_unit_code_units"),
    ],
)
def test_what_belongs_to_a_contract_holds_too(make, session, table, values, name):
    make.contract(state=State.REGISTERED)
    sets = ", ".join(f"{column} = :{column}" for column in values)
    assert names(refused(session, f"UPDATE {table} SET {sets}", **values), name)


def test_duties_are_kept_apart_by_the_database(make, session):
    """三员分立: no account gathers roles of two duties, also not by changing its duty afterwards."""
    user = make.user(Role.REGISTRAR)
    insert = "INSERT INTO user_roles (user_id, role, duty) VALUES (:id, :role, :duty)"
    for role, duty in (
        ("admin", "admin"),
        ("auditor", "audit"),
        ("admin", "business"),
        ("broker", "admin"),
        ("security", "admin"),
        ("security", "security"),
    ):
        refused(session, insert, id=user.id, role=role, duty=duty)
    refused(session, "UPDATE users SET duty = 'admin' WHERE id = :id", id=user.id)


def test_codes_and_names_are_unique(make, session):
    one, two = make.enterprise(), make.enterprise()
    error = refused(session, "UPDATE enterprises SET code = :code WHERE id = :id", code=one.code, id=two.id)
    assert constraint_of(error) == "uq_enterprises_code"
    one, two = make.user(), make.user()
    error = refused(session, "UPDATE users SET username = :name WHERE id = :id", name=one.username, id=two.id)
    assert constraint_of(error) == "uq_users_username"


def test_the_largest_amount_is_kept_to_the_fen(make, session):
    contract = make.contract(amount=Decimal("9999999999999.99"))
    session.expire(contract)
    assert contract.total_amount == Decimal("9999999999999.99")


# --- names -----------------------------------------------------------------------------------------------------------

NAMED = {
    PrimaryKeyConstraint: r"pk_{table}",
    ForeignKeyConstraint: r"fk_{table}_\w+",
    UniqueConstraint: r"uq_{table}_\w+",
    CheckConstraint: r"ck_{table}_\w+",
}


def test_every_constraint_of_the_models_has_a_name_by_convention():
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            pattern = NAMED[type(constraint)].format(table=table.name)
            assert re.fullmatch(pattern, str(constraint.name)), (table.name, constraint)
            assert len(str(constraint.name)) <= 63, "PostgreSQL would cut it off"
        for index in table.indexes:
            # A partial unique index is a constraint by another name.
            assert re.fullmatch(rf"{'uq' if index.unique else 'ix'}_{table.name}_\w+", str(index.name)), index
            assert len(str(index.name)) <= 63


def declared():
    names = set()
    for table in Base.metadata.tables.values():
        names |= {str(constraint.name) for constraint in table.constraints}
        names |= {str(index.name) for index in table.indexes}
    return names


def test_the_database_has_every_declared_constraint_by_its_name_and_no_other(session):
    """On both, so that the same error leads to the same sentence."""
    found = set()
    inspector = inspect(session.connection())
    for table in inspector.get_table_names():
        if table == "alembic_version" or table.startswith(BY_HAND):
            continue
        found.add(inspector.get_pk_constraint(table)["name"])
        for kind in ("foreign_keys", "unique_constraints", "check_constraints"):
            found |= {constraint["name"] for constraint in getattr(inspector, f"get_{kind}")(table)}
        found |= {index["name"] for index in inspector.get_indexes(table) if not index.get("duplicates_constraint")}
    assert None not in found
    assert found == declared()


def test_every_column_that_names_an_enum_has_its_check():
    """Two checks of one name pass on SQLite and fail on PostgreSQL, so each is named after its column."""
    for table in Base.metadata.tables.values():
        checks = [constraint.name for constraint in table.constraints if isinstance(constraint, CheckConstraint)]
        assert len(checks) == len(set(checks))
