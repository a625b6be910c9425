"""What tests are about, made in one line: ``make.user(Role.REVIEWER)`` saves one with sensible everything else."""

import io
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from flask import current_app

from contracts_app.accounts.models import RoleGrant, User, UserRole
from contracts_app.accounts.roles import DUTY_OF, Role
from contracts_app.brokers.models import Broker
from contracts_app.contracts.books import ledger
from contracts_app.contracts.deciding import numbers, route
from contracts_app.contracts.facts import facts_of
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import (
    Attachment,
    Contract,
    CorrectionItem,
    Deduction,
    DeductionKind,
    HistoryLine,
    PlannedPayment,
)
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import SHANGHAI, as_if, today
from contracts_app.core.codes import organisation_code_with_check, uscc_with_check
from contracts_app.core.db import db
from contracts_app.core.text import initials, name_key, person_initials, person_pinyin, pinyin
from contracts_app.enterprises.actions import reindex as reindex_enterprises
from contracts_app.enterprises.models import Enterprise, Scale
from contracts_app.regions.models import Unit
from contracts_app.rules.queries import limits_on, work_calendar

JINJIANG, SHISHI, QUANZHOU = "350582", "350581", "350500"
QINGYANG = "350582001"  # a street of 晋江
PDF = (  # one empty page
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R/Size 4>>\n%%EOF\n"
)

# How a contract got where it is: (move, from, to, who).
_WAY = {
    State.SUBMITTED: ("submit", State.DRAFT, "filer"),
    State.ACCEPTED: ("accept", State.SUBMITTED, "registrar"),
    State.REVIEWED: ("review", State.ACCEPTED, "registrar"),
    State.REGISTERED: ("register", State.REVIEWED, "reviewer"),
    State.REFUSED: ("refuse", State.REVIEWED, "reviewer"),
    State.CORRECTION: ("ask_correction", State.SUBMITTED, "registrar"),
    State.WITHDRAWN: ("withdraw", State.SUBMITTED, "filer"),
}

# States further on, by the moves themselves: where they begin, then (move, who, answers). A state of a large contract
# has a large amount unless the test says another.
LARGE = Decimal(6_000_000)
_HEARD = {"experts": 3, "expert_on": today, "expert_conclusion": "register", "opinion": "同意登记。"}
_EXPERT = ("send_to_expert", "reviewer", {"reason": "达到专家审核标准。"})
_ENDED = {"ground_code": "Z01", "event_on": today, "grounds": "双方签订了解除协议。", "has_benefits": False}
_END = ("ask_cancellation", "filer", _ENDED)
_FOUND = {"ground_code": "V03", "event_on": today, "grounds": "同一份合同登记过两次。"}
_LOOK_INTO = ("open_revocation", "reviewer", _FOUND)
_FURTHER: dict[State, tuple[State, list[tuple[str, str, dict[str, Any]]]]] = {
    State.NOT_ACCEPTED: (
        State.SUBMITTED,
        [("not_accept", "registrar", {"non_acceptance_code": "N01", "opinion": "到卖方所在地办理。"})],
    ),
    State.EXPERT: (State.REVIEWED, [_EXPERT]),
    State.CHECKED: (
        State.REVIEWED,
        [_EXPERT, ("record_expert", "reviewer", _HEARD), ("check", "checker", {"opinion": "同意。"})],
    ),
    State.CHANGING: (
        State.REGISTERED,
        [
            (
                "ask_change",
                "filer",
                {
                    "ground_code": "C09",
                    "event_on": today,
                    "grounds": "双方签订了补充协议。",
                    "payment_note": "验收后付清。",
                },
            )
        ],
    ),
    State.CANCELLING: (State.REGISTERED, [_END]),
    State.CANCELLED: (
        State.REGISTERED,
        [
            _END,
            ("review_case", "registrar", {"opinion": "材料齐全。"}),
            ("grant_cancellation", "reviewer", {"opinion": "同意注销。"}),
        ],
    ),
    State.REVOKING: (State.REGISTERED, [_LOOK_INTO]),
    State.REVOKED: (
        State.REGISTERED,
        [
            _LOOK_INTO,
            ("record_hearing", "registrar", {"notified_on": today, "statement": "当事人没有意见。"}),
            ("revoke", "manager", {"decision": "重复登记，予以撤销。"}),
        ],
    ),
    State.OBJECTION: (
        State.REGISTERED,
        [("object", "filer", {"ground_code": "Y03", "grounds": "技术交易额核定有误。"})],
    ),
}


class Make:
    """Saves what it makes, so that a request of the test sees it. Numbers keep names apart."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._somebody: dict[tuple[Role, str], User] = {}

    def user(self, *roles: Role, region: str = JINJIANG, name: str = "", **facts: Any) -> User:
        """A person of these roles (a registrar if none is said), without a password."""
        roles = roles or (Role.REGISTRAR,)
        duty = DUTY_OF[roles[0]]
        number = next(self._numbers)
        user = User(
            username=f"{roles[0].value}{number}",
            name=name or f"{roles[0].label}{number}",
            duty=duty,
            region_code=region,
            grants=[UserRole(role=role, duty=duty) for role in roles],
        )
        return self.save(user, **facts)

    def grant(self, user: User, *roles: Role, by: User | None = None, **facts: Any) -> RoleGrant:
        """A request for these roles, besides those the person has, that waits for a security administrator."""
        asked = RoleGrant(
            user=user,
            roles_before=user.own_roles,
            roles_after=user.own_roles | set(roles),
            region_before_code=user.region_code,
            region_after_code=user.region_code,
            reason="任职文件",
            proposed_by=by or self.somebody(Role.ADMIN, user.region_code),
        )
        return self.save(asked, **facts)

    def somebody(self, role: Role, region: str = JINJIANG) -> User:
        """Always the same person of that role and region: whoever a contract has to name."""
        if (role, region) not in self._somebody:
            self._somebody[role, region] = self.user(role, region=region)
        return self._somebody[role, region]

    def enterprise(self, name: str = "", *, region: str = JINJIANG, **facts: Any) -> Enterprise:
        """A firm with a right code and all the ways to find it."""
        enterprise = self.save(self._enterprise(name, region, facts.get("party_type_code", "150")), **facts)
        reindex_enterprises([enterprise])
        db.session.commit()
        return enterprise

    def _enterprise(self, name: str = "", region: str = JINJIANG, party_type_code: str = "150") -> Enterprise:
        number = next(self._numbers)
        name = name or f"测试单位{number}有限公司"
        enterprise = Enterprise(
            code=uscc_with_check("91350582" + organisation_code_with_check(f"MA{number:06d}")),
            name=name,
            name_key=name_key(name),
            pinyin=pinyin(name),
            initials=initials(name),
            party_type_code="150",
            region_code=region,
            address=f"示范路 {number} 号",
            postcode="362200",
            representative=f"法人{number}",
            contact=f"联系人{number}",
            phone=f"0595-{number:08d}",
        )
        if party_type_code == "150":
            enterprise.scale, enterprise.is_in_high_tech_zone, enterprise.is_listed = Scale.SMALL, False, False
        return enterprise

    def broker(self, name: str = "", *, user: User | None = None, region: str = JINJIANG, **facts: Any) -> Broker:
        """A technology broker; with ``user``, the one behind that sign-in."""
        name = name or (user.name if user else f"经纪人{next(self._numbers)}")
        broker = Broker(
            name=name,
            pinyin=person_pinyin(name),
            initials=person_initials(name),
            region_code=region,
            user_id=user.id if user else None,
        )
        return self.save(broker, **facts)

    def contract(
        self,
        title: str = "",
        *,
        state: State = State.DRAFT,
        amount: Decimal | int | None = None,
        technology: Decimal | int | None = None,
        unit: str = JINJIANG,
        filed_by: User | None = None,
        reviewed_by: User | None = None,
        decided_by: User | None = None,
        checked_by: User | None = None,
        registered_on: date | None = None,
        submitted_on: date | None = None,
        struck_off_on: date | None = None,
        seller: Enterprise | None = None,
        buyer: Enterprise | None = None,
        **facts: Any,
    ) -> Contract:
        """A contract in any state, complete, as the moves would have left it: numbers, deciders, dates, files, history,
        search index and, once registered, the ledger. A draft is ready to be submitted by its filer, a broker.

        Amounts are 元; a million unless said, or enough for experts and a third person in their states. Anything else
        is said by the contract's own field names. States beside the plain way are reached by the moves themselves.
        """
        start, moves = _FURTHER.get(state, (state, []))
        if amount is None:
            amount = LARGE if state in (State.EXPERT, State.CHECKED) else Decimal(1_000_000)
        day = submitted_on or (registered_on - timedelta(days=10) if registered_on else today() - timedelta(days=3))
        filed_by = filed_by or self.somebody(Role.BROKER, unit)
        people = {
            "filer": filed_by,
            "registrar": reviewed_by or self.somebody(Role.REGISTRAR, unit),
            "reviewer": decided_by or self.somebody(Role.REVIEWER, unit),
        }
        people["checker"] = checked_by or people["reviewer"]
        if state is State.REVOKED:
            people["manager"] = self.somebody(Role.MANAGER, unit)
        # Written together and kept by one commit at the end: most of the time of most tests goes into this method.
        parties = [given or self._enterprise(region=unit) for given in (seller, buyer)]
        contract = Contract(
            title=title or f"测试技术开发合同{next(self._numbers)}",
            filed_by=filed_by,
            filed_by_id=filed_by.id,
            unit=db.session.get(Unit, unit),
            unit_code=unit,
            seller=parties[0],
            buyer=parties[1],
            is_related=False,
            type_code="KF1",
            content="研究一种新工艺，交付工艺规程和样品，按双方约定的指标验收。",
            signed_on=day - timedelta(days=20),
            begins_on=day - timedelta(days=20),
            ends_on=max(day, today()) + timedelta(days=365),
            total_amount=Decimal(amount),
            technology_amount=Decimal(amount if technology is None else technology),
            payment_model_code="lump_sum",
            payments=[PlannedPayment(position=1, condition="合同生效后 10 日内", amount=Decimal(amount))],
            field_code="01",
            ip_code="01",
            plan_source_code="5",
            goal_code="01",
            industry_code="C",
            is_sealed=True,
        )
        if not amount:
            contract.payments = []
        if contract.technology_amount < contract.total_amount:
            taken = contract.total_amount - contract.technology_amount
            contract.deductions = [
                Deduction(position=1, kind=DeductionKind.EQUIPMENT, name="检测仪 1 台", amount=taken)
            ]
        for kind in ("contract", "authorization"):
            contract.attachments.append(self._file(kind, filed_by, PDF + str(next(self._numbers)).encode()))
        db.session.add_all([*parties, contract])
        db.session.flush()
        reindex_enterprises([one for one in parties if one not in (seller, buyer)])
        with db.session.no_autoflush:
            for name, value in facts.items():
                setattr(contract, name, value)
            self._lead(contract, start, day, registered_on, people)
        db.session.flush()
        reindex([contract])
        if contract.registration_number:
            ledger.count_registration(contract)
        if moves:
            db.session.flush()
        if state in (State.EXPERT, State.CHECKED):
            route.find(contract, limits_on(day))
        with as_if(datetime.combine(struck_off_on, time(17), SHANGHAI)) if struck_off_on else nullcontext():
            for name, who, answers in moves:
                told = {key: value() if value is today else value for key, value in answers.items()}
                CONTRACT.offer(name, contract, people[who]).make({"counts_on": today()} | told)
        db.session.commit()
        return contract

    def _lead(
        self,
        contract: Contract,
        state: State,
        day: date,
        registered_on: date | None,
        people: dict[str, User],
    ) -> None:
        """Set what the moves on the way to the state leave behind."""
        way: list[State] = []
        last: State | None = state if state is not State.DRAFT else None
        while last in _WAY:
            way.insert(0, last)
            last = _WAY[last][1]
        contract.state = state
        submitted = datetime.combine(day, time(9), SHANGHAI)
        for place, reached in enumerate(way):
            name, source, who = _WAY[reached]
            person = people[who]
            at = submitted + timedelta(minutes=place)
            line = HistoryLine(move=name, source=source, target=reached, by=person, by_id=person.id, at=at, answers={})
            contract.history.append(line)
            if reached is State.SUBMITTED:
                limits = limits_on(day)
                contract.submitted_at, contract.undertaking = submitted, True
                contract.rule_set_code = limits.rule_set.code
                contract.due_on = contract.due_on or limits.due_on(day, work_calendar())
                for file in contract.attachments:
                    file.uploaded_at = submitted
                line.facts = facts_of(contract)
            elif reached is State.ACCEPTED:
                contract.accepted_on = day
                contract.acceptance_number = contract.acceptance_number or numbers.next_acceptance_number(
                    contract.unit, day.year
                )
            elif reached is State.REVIEWED:
                contract.reviewed_by, contract.reviewed_by_id = person, person.id
            elif reached in (State.REGISTERED, State.REFUSED):
                contract.decided_by, contract.decided_by_id = person, person.id
            if reached is State.REGISTERED:
                contract.registered_on = registered_on or day + timedelta(days=1)
                contract.registration_number = contract.registration_number or f"2026{next(self._numbers):012d}"
                contract.verification_code = numbers.new_verification_code()
                line.facts = facts_of(contract)
            elif reached is State.REFUSED:
                contract.refusal_code = contract.refusal_code or "R04"
            elif reached is State.CORRECTION:
                contract.due_on = None
                contract.corrections.append(
                    CorrectionItem(section="money", request="写明付款计划", asked_by_id=person.id, asked_at=at)
                )

    def attachment(self, contract: Contract, *, kind: str = "other", content: bytes = PDF, **facts: Any) -> Attachment:
        """A file of a contract, its bytes in the store."""
        file = self._file(kind, contract.filed_by, content)
        contract.attachments.append(file)
        return self.save(file, **facts)

    def _file(self, kind: str, person: User, content: bytes) -> Attachment:
        kept = current_app.extensions["files"].keep(io.BytesIO(content), len(content))
        return Attachment(
            kind_code=kind,
            file_name=f"{kind}.pdf",
            mime="application/pdf",
            size=kept.size,
            sha256=kept.sha256,
            uploaded_by_id=person.id,
            page_count=1,
        )

    def save(self, thing: Any, **facts: Any) -> Any:
        """Keep a thing, after setting whatever else the test says about it."""
        for name, value in facts.items():
            setattr(thing, name, value)
        db.session.add(thing)
        db.session.commit()
        return thing
