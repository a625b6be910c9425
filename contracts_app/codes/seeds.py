"""The files of the code lists."""

from collections.abc import Mapping

from contracts_app.core.database.seeds import Column, SeedFile, code_of, day, text, whole, word, yes_no

from .models import (
    CODE,
    NAME,
    AttachmentKind,
    BenefitKind,
    CaseKind,
    ChangeGround,
    CodeList,
    ContractType,
    Currency,
    Document,
    EnterpriseAttribute,
    Goal,
    Industry,
    IpKind,
    LicenceMode,
    Measure,
    Needed,
    NonAcceptanceReason,
    PartyType,
    PaymentModel,
    PlanSource,
    RefusalReason,
    TechnologyField,
)


def _list(
    name: str, model: type[CodeList], extra: Mapping[str, Column] | None = None, *, dated: bool = True
) -> SeedFile:
    """A code list: the columns every list has and its own. Parents stand above their children in the file."""
    validity = {"valid_from": day(optional=True), "valid_to": day(optional=True)} if dated else {}
    columns = {
        "code": text(CODE),
        "name": text(NAME),
        "parent_code": code_of(model, optional=True),  # type: ignore[arg-type]  # each list is a table
        "position": whole(),
        **(extra or {}),
        **validity,
        "source": text(200),
        "note": text(optional=True),
    }
    return SeedFile(name, model, columns)  # type: ignore[arg-type]


FILES = (
    _list(
        "documents.csv",
        Document,
        {"number": text(60, optional=True), "issuer": text(60), "issued_on": day(optional=True)},
        dated=False,
    ),
    _list(
        "contract_types.csv",
        ContractType,
        {
            "legacy_name": text(NAME),
            "seller_title": text(20),
            "asks_ip": yes_no(),
            "asks_patent": yes_no(),
            "asks_licence": yes_no(),
            "asks_expected_output": yes_no(),
            "asks_base_contract": yes_no(),
            "asks_trainees": yes_no(),
            "asks_equity": yes_no(),
        },
    ),
    _list("technology_fields.csv", TechnologyField),
    _list("ip_kinds.csv", IpKind, {"is_patent": yes_no(), "is_none": yes_no()}),
    _list("party_types.csv", PartyType, {"is_enterprise": yes_no()}),
    _list("enterprise_attributes.csv", EnterpriseAttribute),
    _list("plan_sources.csv", PlanSource),
    _list(
        "payment_models.csv",
        PaymentModel,
        {
            "national_code": text(10),
            "asks_plan": yes_no(),
            "must_sum_to_total": yes_no(),
            "has_royalty": yes_no(),
            "may_be_undetermined": yes_no(),
            "asks_free_use": yes_no(),
            "is_equity": yes_no(),
        },
    ),
    _list("goals.csv", Goal, {"asks_classified_check": yes_no()}),
    _list("industries.csv", Industry),
    _list("refusal_reasons.csv", RefusalReason, {"asks_text": yes_no()}),
    _list("non_acceptance_reasons.csv", NonAcceptanceReason, {"asks_text": yes_no(), "is_classified": yes_no()}),
    _list("change_grounds.csv", ChangeGround, {"case": word(CaseKind), "asks_text": yes_no()}),
    _list("licence_modes.csv", LicenceMode, {"is_exclusive": yes_no(), "is_open": yes_no()}),
    _list("currencies.csv", Currency),
    _list("benefit_kinds.csv", BenefitKind),
    _list(
        "attachment_kinds.csv", AttachmentKind, {"required_when": word(Needed), "type_codes": text(100, optional=True)}
    ),
    _list("measures.csv", Measure, {"unit": text(20), "is_counted": yes_no(), "has_task": yes_no()}),
)
