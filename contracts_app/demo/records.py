"""Rows for the tables, collected and written many at a time, so that a million contracts fit through a small memory."""

import io
from bisect import bisect_left
from collections import defaultdict
from datetime import date, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Table, insert, select

from contracts_app.accounts.models import User
from contracts_app.brokers.models import Broker
from contracts_app.codes.models import AttachmentKind
from contracts_app.contracts.books.facets import band_of, flow_of
from contracts_app.contracts.books.ledger import Cause, LedgerEntry, month_of
from contracts_app.contracts.deciding.numbers import READABLE
from contracts_app.contracts.facts import changes_of, facts_of
from contracts_app.contracts.finding.search import reindex
from contracts_app.contracts.models import (
    Attachment,
    Contract,
    ContractRight,
    CorrectionItem,
    Deduction,
    DraftInput,
    HistoryLine,
    PlannedPayment,
)
from contracts_app.contracts.states import State
from contracts_app.contracts.workflow import CONTRACT
from contracts_app.core.clock import WorkCalendar, local
from contracts_app.core.db import Base, db
from contracts_app.core.keeping.files import FileKind
from contracts_app.core.keeping.stores import Kept, Store
from contracts_app.core.money import capitals, yuan
from contracts_app.core.trail import audit
from contracts_app.core.words import Word
from contracts_app.regions.models import Region, Unit
from contracts_app.regions.queries import ABROAD, home_path, unit_code_of
from contracts_app.rules.queries import Limits, limits_on, reaches
from contracts_app.tracking.models import Receipt

from .details import COLUMNS, Unanswered
from .money import counted, receipts_of
from .papers import File, Paper
from .pdf import one_page
from .people import People
from .words import Words

TOGETHER = 2000  # contracts written at once
AUDITED_FOR = timedelta(days=45)  # moves of the last weeks also stand in the log of who did what
WALK_INS = 0.18  # filed at the counter by a registrar
SECTIONS = ("parties", "subject", "money", "technology", "files")
REFUSALS = ("R02", "R04", "R05", "R07", "R09", "R10", "R12")


class Records:
    """Turns papers into rows. Ask ``add`` for each, then ``finish``."""

    def __init__(
        self,
        rng: Random,
        words: Words,
        people: People,
        calendar: WorkCalendar,
        files: dict[str, Kept],
        kinds: dict[str, AttachmentKind],
        as_of: datetime,
        own_texts: Store | None,
    ) -> None:
        """``own_texts``: where each contract's own text is put; None when all share one file."""
        self.rng, self.words, self.people, self.calendar = rng, words, people, calendar
        self.files = {
            code: File(kinds[code], f"{kinds[code].name}.pdf", kept.sha256, kept.size) for code, kept in files.items()
        }
        self.as_of = as_of
        self.own_texts = own_texts
        self.counts: dict[State, int] = defaultdict(int)
        self._limits: list[Limits] = []
        self._due: dict[tuple[str, date, bool], date] = {}
        self._rows: dict[Table, list[dict[str, Any]]] = defaultdict(list)
        self._papers: list[Paper] = []
        self._log: list[dict[str, Any]] = []
        self._drafts = 0
        self._paths = dict(db.session.execute(select(Region.code, Region.path)).all())
        self._home = home_path()

    def add(self, paper: Paper, unit: Unit) -> None:
        """Keep one contract for the next flush."""
        case = paper.case
        broker, filer = self._filer(paper, unit)
        paper.broker = broker
        if case.moves:
            paper.current_attachments = [self._text_of(paper), *([self.files["authorization"]] if broker else [])]
            if paper.seller.region_code == ABROAD:
                paper.current_attachments.append(self.files["import_certificate"])
        row = self._contract(paper, unit, filer, broker)
        self._rows[_table(Contract)].append(row)
        for line in paper.payments:
            self._put(PlannedPayment, contract_id=paper.id, **line._asdict())
        for right in paper.rights:
            self._put(ContractRight, contract_id=paper.id, **right.columns())
        for taken in paper.deductions:
            self._put(Deduction, contract_id=paper.id, **taken._asdict())
        self._attach(paper, filer)
        if case.moves:
            self._take_the_way_of_large_ones(paper, row)
            self._history(paper, row, unit, filer)
        else:
            self._unfinished(paper, row)
        if case.state is State.REGISTERED:
            self._count(paper, row)
            self._receive(paper, filer)
        self.counts[case.state] += 1
        self._papers.append(paper)
        if len(self._papers) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what was kept."""
        connection = db.session.connection()
        for table, rows in self._rows.items():
            connection.execute(insert(table), rows)
        reindex(self._papers)  # type: ignore[arg-type]  # a paper has every word that the index reads
        self._rows.clear()
        self._papers.clear()

    def write_log(self, until: datetime | None = None) -> None:
        """The log of who did what, in the order in which things were done: all of it, or what came before a moment."""
        self._log.sort(key=lambda entry: (entry["at"], entry["subject_id"]))
        count = len(self._log) if until is None else bisect_left(self._log, until, key=lambda entry: entry["at"])
        if count:
            audit.add_many(self._log[:count])
            del self._log[:count]

    def _text_of(self, paper: Paper) -> File:
        """The contract's own text: two contracts with one and the same file would look like one filed twice."""
        shared = self.files["contract"]
        if self.own_texts is None:
            return shared
        lines = (
            "技术合同文本（演示）",
            paper.title,
            f"卖方：{paper.seller.name}",
            f"买方：{paper.buyer.name}",
            f"签订日期：{paper.signed_on}",
            f"合同总价款：{yuan(paper.total_amount)} 元",
            f"（{capitals(paper.total_amount)}）",
            "演示文件，内容是生成的。",
        )
        content = one_page(lines)
        kept = self.own_texts.keep(io.BytesIO(content), len(content), is_precious=False)
        return shared._replace(sha256=kept.sha256, size=kept.size)

    def _put(self, model: type[Base], **values: Any) -> None:
        self._rows[_table(model)].append(values)

    def _filer(self, paper: Paper, unit: Unit) -> tuple[Broker | None, User]:
        brokers = self.people.brokers[unit.code]
        case = paper.case
        if not case.shown and case.state is not State.DRAFT and self.rng.random() < WALK_INS:
            return None, self.rng.choice(self.people.registrars[unit.code])
        chosen = 0 if case.shown else int(len(brokers) * self.rng.random() ** 1.3)
        return brokers[chosen], self.people.by_id[brokers[chosen].user_id or 0]

    def _contract(self, paper: Paper, unit: Unit, filer: User, broker: Broker | None) -> dict[str, Any]:
        case, seller, buyer = paper.case, paper.seller, paper.buyer
        first = case.moves[0][1] if case.moves else self.as_of - timedelta(hours=3 + self.rng.random() * 200)
        towns = (one.town_code for one in (seller, buyer) if one.region_code == unit.region_code and one.town_code)
        submitted_at = case.submitted_at
        accepted = submitted_at if case.at("accept") else None
        registered_at = case.at("register")
        row = {
            "id": paper.id,
            "state": case.state,
            "version": 2 + len(case.moves),
            "filed_by_id": filer.id,
            "broker_id": broker.id if broker else None,
            "unit_code": unit.code,
            "town_code": next(towns, None),
            "seller_id": seller.id,
            "buyer_id": buyer.id,
            "is_related": paper.is_related,
            "title": paper.title,
            "type_code": case.type_code,
            "content": paper.content,
            "signed_on": paper.signed_on,
            "begins_on": paper.begins_on,
            "ends_on": paper.ends_on,
            "total_amount": paper.total_amount,
            "technology_amount": paper.technology_amount,
            "payment_model_code": paper.payment_model.code,
            "payment_note": paper.payment_note,
            "field_code": paper.field.code,
            "ip_code": paper.ip.code,
            "plan_source_code": paper.plan_source.code,
            "goal_code": paper.goal.code,
            "industry_code": paper.industry.code,
            "platform_id": paper.platform.id if paper.platform else None,
            "undertaking": bool(case.moves),
            "acceptance_number": case.acceptance_number,
            "registration_number": case.registration_number,
            "verification_code": _verification_code(case.registration_number),
            "submitted_at": submitted_at,
            "accepted_on": local(accepted).date() if accepted else None,
            "due_on": None,
            "registered_on": local(registered_at).date() if registered_at else None,
            "reviewed_by_id": None,
            "decided_by_id": None,
            "checked_by_id": None,
            "needs_third": False,
            "needs_expert": False,
            "expert_on": None,
            "refusal_code": None,
            "rule_set_code": None,
            **{name: getattr(paper, name) for name in COLUMNS},
            "created_at": first - timedelta(minutes=20 + self.rng.random() * 4000),
            "updated_at": case.moves[-1][1] if case.moves else first,
        }
        if submitted_at:
            self._set_limits(row, paper, local(first).date(), local(submitted_at).date())
        return row

    def _take_the_way_of_large_ones(self, paper: Paper, row: dict[str, Any]) -> None:
        """Experts are heard and a third person decides where the amounts ask for it, between review and register."""
        limits = self._limits_on(local(paper.case.moves[0][1]).date())
        amounts = {"total_amount": paper.total_amount, "technology_amount": paper.technology_amount}
        row["needs_third"] = reaches("third_person", **amounts)
        row["needs_expert"] = limits.large_amount is not None and reaches("expert", **amounts)
        *before, (last, at) = paper.case.moves
        if last != "register" or not (row["needs_third"] or row["needs_expert"]):
            return
        reviewed = before[-1][1]
        opened = max(local(at).replace(hour=8, minute=30, second=0), reviewed)
        if row["needs_expert"]:
            evening = reviewed + (local(reviewed).replace(hour=17, minute=50) - local(reviewed)) / 2
            before += [("send_to_expert", evening), ("record_expert", opened + (at - opened) / 3)]
            row["expert_on"] = local(at).date()
        if row["needs_third"]:
            before.append(("check", opened + (at - opened) * 2 / 3))
            last = "register_large"
        paper.case.moves = (*before, (last, at))
        row["version"] = 2 + len(paper.case.moves)

    def _set_limits(self, row: dict[str, Any], paper: Paper, first_day: date, day: date) -> None:
        """The rules of the first filing, the limit from the newest one; it stands still while a correction is asked."""
        row["rule_set_code"] = self._limits_on(first_day).rule_set.code
        if any(name == "ask_correction" for name, _ in paper.case.moves[-2:]) and paper.case.state in (
            State.CORRECTION,
            State.WITHDRAWN,
        ):
            return
        row["due_on"] = self._last_day(paper, first_day, day)

    def _last_day(self, paper: Paper, first_day: date, day: date) -> date:
        limits = self._limits_on(first_day)
        is_large = limits.is_large(total_amount=paper.total_amount, technology_amount=paper.technology_amount)
        key = limits.rule_set.code, day, is_large
        if key not in self._due:
            self._due[key] = limits.due_on(day, self.calendar, is_large=is_large)
        return self._due[key]

    def _limits_on(self, day: date) -> Limits:
        for limits in self._limits:
            rules = limits.rule_set
            if (rules.valid_from or date.min) <= day <= (rules.valid_to or date.max):
                return limits
        self._limits.append(limits_on(day))
        return self._limits[-1]

    def _attach(self, paper: Paper, filer: User) -> None:
        for file in paper.current_attachments:
            self._put(
                Attachment,
                contract_id=paper.id,
                kind_code=file.kind.code,
                file_name=file.file_name,
                mime=FileKind.PDF.mime,
                size=file.size,
                sha256=file.sha256,
                uploaded_by_id=filer.id,
                uploaded_at=paper.case.moves[0][1] - timedelta(minutes=6),
                removed_at=None,
                version=1,
                page_count=1,
            )

    def _count(self, paper: Paper, row: dict[str, Any]) -> None:
        self._put(
            LedgerEntry,
            contract_id=paper.id,
            cause=Cause.REGISTRATION,
            counts_on=row["registered_on"],
            month=month_of(row["registered_on"]),
            recorded_at=paper.case.moves[-1][1],
            unit_code=row["unit_code"],
            type_code=row["type_code"],
            field_code=row["field_code"],
            platform_id=row["platform_id"],
            broker_id=row["broker_id"],
            seller_region_code=paper.seller.region_code,
            buyer_region_code=paper.buyer.region_code,
            town_code=row["town_code"],
            filed_by_id=row["filed_by_id"],
            seller_unit_code=unit_code_of(self._paths[paper.seller.region_code]),
            buyer_unit_code=unit_code_of(self._paths[paper.buyer.region_code]),
            seller_kind_code=paper.seller.party_type_code,
            buyer_kind_code=paper.buyer.party_type_code,
            ip_code=row["ip_code"],
            plan_source_code=row["plan_source_code"],
            payment_model_code=row["payment_model_code"],
            flow=flow_of(self._place(paper.seller.region_code), self._place(paper.buyer.region_code), self._home),
            amount_band=band_of(paper.total_amount),
            contracts=1,
            total_amount=paper.total_amount,
            technology_amount=paper.technology_amount,
            verified_income=0,
            received_amount=0,
        )

    def _receive(self, paper: Paper, filer: User) -> None:
        registration = self._rows[_table(LedgerEntry)][-1]
        for receipt in receipts_of(paper, filer, local(self.as_of).date()):
            self._put(Receipt, **receipt)
            self._put(LedgerEntry, **counted(receipt, registration))

    def _place(self, code: str) -> Region:
        return Region(code=code, path=self._paths[code])

    def _unfinished(self, paper: Paper, row: dict[str, Any]) -> None:
        """Drafts at three heights: only files missing, stopped in the middle of the money, hardly begun."""
        self._drafts += 1
        height = self._drafts % 3
        if height == 1:
            return
        money = {"total_amount": 0, "technology_amount": 0, "payment_model_code": None, "payment_note": ""}
        technology = dict.fromkeys(
            ("field_code", "ip_code", "plan_source_code", "goal_code", "industry_code", "platform_id")
        )
        row.update(money | technology | {name: getattr(Unanswered, name) for name in COLUMNS})
        for lines in (_table(PlannedPayment), _table(ContractRight), _table(Deduction)):
            self._rows[lines] = [line for line in self._rows[lines] if line["contract_id"] != paper.id]
        if height == 2:
            typed = {
                "total_amount": f"{paper.total_amount / 10_000:f}万左右",
                "technology_amount": "",
                "payment_model_code": paper.payment_model.code,
            }
            self._put(
                DraftInput,
                contract_id=paper.id,
                section="money",
                fields=urlencode(typed),
                faults=2,
                saved_at=row["updated_at"],
            )
            return
        row.update(
            dict.fromkeys(("seller_id", "buyer_id", "unit_code", "town_code", "is_related", "begins_on", "ends_on"))
        )
        row.update(content="", signed_on=None)

    # ---- history ----------------------------------------------------------------------------------------------------

    def _history(self, paper: Paper, row: dict[str, Any], unit: Unit, filer: User) -> None:
        office = [person for person in self.people.registrars[unit.code] if person is not filer]
        registrar = self.rng.choice(office)
        state: Word = State.DRAFT
        facts: dict[str, str] | None = None
        asked: list[dict[str, str]] | None = None
        recognised, sheet = paper.technology_amount, paper.deductions
        reviewed = any(name == "review" for name, _ in paper.case.moves)
        reviewers = self._reviewers(paper, unit)
        due_on, first_day = None, local(paper.case.moves[0][1]).date()
        if (
            reviewed
            and recognised < paper.total_amount
            and not row["needs_third"]  # the amounts say from the beginning which way it takes
            and self.rng.random() < 0.2
        ):
            # As filed; the first review takes the equipment off.
            paper.technology_amount, paper.deductions = paper.total_amount, ()
        for name, at in paper.case.moves:
            answers, changes, fixed, person = self._answers(name, paper, row, at), {}, None, registrar
            if name in ("submit", "resubmit"):
                person, fixed = filer, facts_of(paper)  # type: ignore[arg-type]  # has every answer of a contract
                due_on = self._last_day(paper, first_day, local(at).date())
                if facts is None and asked is None and any(move == "resubmit" for move, _ in paper.case.moves):
                    fixed = fixed | {"content": paper.content.split("。")[0] + "。"}
                if facts is not None:
                    changes = changes_of(facts, fixed)
                facts = fixed
            elif name == "withdraw":
                person = filer
            elif name == "ask_correction":
                asked, due_on = answers["items"], None
                self._ask(paper, asked, person, at)
            elif name == "review":
                row["reviewed_by_id"] = person.id
                if paper.technology_amount != recognised:
                    before = facts_of(paper)  # type: ignore[arg-type]
                    paper.technology_amount, paper.deductions = recognised, sheet
                    changes = changes_of(before, facts_of(paper))  # type: ignore[arg-type]
            elif name in ("register", "refuse", "register_large"):
                person = reviewers[0]
                row["decided_by_id"] = person.id
                fixed = None if name == "refuse" else facts_of(paper)  # type: ignore[arg-type]
            elif name in ("check", "send_to_expert", "record_expert"):
                person = reviewers[1]
                row["checked_by_id"] = person.id if name == "check" else row["checked_by_id"]
            move = CONTRACT.moves[name]
            target = move.target or state
            self._put(
                HistoryLine,
                contract_id=paper.id,
                move=name,
                source=state,
                target=target,
                by_id=person.id,
                at=at,
                answers=answers,
                changes=changes,
                facts=fixed,
                role="、".join(role.label for role in sorted(move.roles & person.own_roles)),
                due_on=due_on,
            )
            self._audit(paper, person, at, target)
            state = target

    def _reviewers(self, paper: Paper, unit: Unit) -> list[User]:
        """Who decides, and who looks before where there are three; where there is a story, not who signs in."""
        staff = self.people.reviewers[unit.code]
        return staff[::-1] if paper.case.story else self.rng.sample(staff, len(staff))

    def _answers(self, name: str, paper: Paper, row: dict[str, Any], at: datetime) -> dict[str, Any]:
        """What the person wrote into the form of the move, as the history keeps it."""
        choice, phrases = self.rng.choice, self.words.phrases
        if name == "submit":
            return {"undertaking": True}
        if name == "accept":
            return {"complete_papers": True, "acceptance_number": row["acceptance_number"]}
        if name == "review":
            refused = paper.case.state is State.REFUSED
            return {
                "recognised_type": paper.case.type_code,
                "recognised_amount": str(row["technology_amount"]),
                "conclusion": "refuse" if refused else "register",
                "opinion": "技术内容不足，建议不予登记。" if refused else choice(phrases["opinion"]),
            }
        if name == "send_to_expert":
            return {"reason": "技术交易额达到专家审核标准。"}
        if name == "record_expert":
            opinion = "技术内容明确，价款与工作量相当，同意登记。"
            return {
                "experts": choice((3, 3, 5)),
                "expert_on": local(at).date().isoformat(),
                "expert_conclusion": "register",
                "opinion": opinion,
            }
        if name == "check":
            return {"looked_through": True, "opinion": choice(phrases["opinion"])}
        if name in ("register", "register_large"):
            return {
                "registration_number": row["registration_number"],
                "registered_on": row["registered_on"].isoformat(),
            }
        if name == "refuse":
            row["refusal_code"] = code = choice(REFUSALS)
            return {"refusal_code": code, "opinion": phrases[code][0]}
        if name == "resubmit":
            reply, answered = choice(phrases["reply"]), []
            for item in self._rows[_table(CorrectionItem)]:
                if item["contract_id"] == paper.id:
                    item.update(reply=reply, answered_at=at)
                    answered.append({name: item[name] for name in ("section", "field", "request", "reply")})
            return {"replies": answered}
        if name == "withdraw":
            return {"reason": choice(phrases["withdraw"])}
        sections = self.rng.sample(SECTIONS, choice((1, 1, 2)))
        # Each phrase begins with the answer it is about: payments|付款计划与……
        asked = [(one, *choice(phrases[f"correct_{one}"]).split("|", 1)) for one in sections]
        return {"items": [{"section": one, "field": name, "request": request} for one, name, request in asked]}

    def _ask(self, paper: Paper, items: list[dict[str, str]], person: User, at: datetime) -> None:
        for item in items:
            self._put(
                CorrectionItem,
                contract_id=paper.id,
                **item,
                reply="",
                asked_by_id=person.id,
                asked_at=at,
                answered_at=None,
            )

    def _audit(self, paper: Paper, person: User, at: datetime, target: Word) -> None:
        if self.as_of - at > AUDITED_FOR:
            return
        self._log.append(
            {
                "at": at,
                "user_id": person.id,
                "username": person.username,
                "action": "move",
                "subject": "contract",
                "subject_id": paper.id,
                "address": "",
                "details": {"to": target.label},
            }
        )


def _table(model: type[Base]) -> Table:
    return Base.metadata.tables[model.__tablename__]


def _verification_code(registration_number: str | None) -> str | None:
    """Always the same for the same number, as everything generated; real ones are drawn by chance."""
    if registration_number is None:
        return None
    digest = sha256(f"demonstration {registration_number}".encode()).digest()
    return "".join(READABLE[byte % len(READABLE)] for byte in digest[:10])
