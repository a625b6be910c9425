"""Who opens what, said a second time: every address, the roles it opens to, and which objects lie behind it.

This is not what decides. `accounts/permissions.py` decides by role, `contracts/finding/queries.may_see` and the queries
of each noun by object; this table says what was agreed, and tests/test_routes.py walks every address in every role and
holds the answers against it. So it takes nothing from the code that decides, and docs/ACCESS.md is written from it.

A new page needs its row in `DOORS`: endpoint, methods, the Chinese name of the page, the roles that open it, and what
lies behind it (one of the `Reach` below). A row for what anybody can open without signing in is `PUBLIC`. Then
``flask --app wsgi access --format page > docs/ACCESS.md``. A variable in an address that is new (``<int:thing_id>``)
needs an example in tests/places.py, and stands in `Place.OF_A_REGION` there when it belongs to a region or a person.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts_app.accounts.roles import Role

GET, POST, BOTH = "GET", "POST", "GET POST"

BROKER, REGISTRAR, REVIEWER, MANAGER, ADMIN, SECURITY, AUDITOR = Role
EVERYBODY = frozenset(Role)
READERS = frozenset({REGISTRAR, REVIEWER, MANAGER, AUDITOR})
FILERS = frozenset({BROKER, REGISTRAR})
OFFICE = frozenset({REGISTRAR, REVIEWER})
STAFF = OFFICE | {MANAGER}
KEEPERS = frozenset({ADMIN, SECURITY})


@dataclass(frozen=True)
class Reach:
    """What lies behind a door, and what becomes of a request for anything else."""

    label: str
    otherwise: str

    @property
    def is_of_objects(self) -> bool:
        """Whether the address names an object that not everybody may meet."""
        return "404" in self.otherwise


PUBLIC = Reach("不登录也能打开", "不涉及合同和人的内容")
OWN = Reach("本人的账号、记录和待办", "没有别人的内容")
REFERENCE = Reach("参考数据，各地区相同", "没有地区之分")
LISTED = Reach("本人地区的列表和数字；技术经纪人只有自己申报的", "别的地区的不列、不计")
CONTRACT = Reach("看得到的合同：本地区已提交的，和本人申报的", "别的合同 404，与没有这个编号一样")
TRACKED = Reach("本人申报的合同；登记员另有本地区的", "看得到但不归本人登记的 403；看不到的 404")
FILED = Reach("本人申报的合同", "看得到但不是本人申报的 403；看不到的 404")
IN_REGION = Reach("本地区及下级地区的记录", "别的地区的 404，与没有这个编号一样")
PARTY = Reach("各地区的单位，查阅不分地区", "修改只限本地区和本人新增的，其余 403")
SHARED = Reach("本人的视图和共享给本人岗位的视图", "其余 404；共享来的不能改，403")
ARRANGED = Reach("本人的委托；系统管理员另有本地区的", "其余 404，与没有这个编号一样")

REACHES = (PUBLIC, OWN, REFERENCE, LISTED, CONTRACT, TRACKED, FILED, IN_REGION, PARTY, SHARED, ARRANGED)


@dataclass(frozen=True)
class Door:
    """One endpoint. Who has none of its roles gets 403, whichever object the address names, whether it exists or not.

    Who is not signed in is led to the sign-in page (302), or gets it with 401 where something was sent.
    """

    endpoint: str
    methods: str
    label: str
    who: frozenset[Role]
    behind: Reach


def _door(endpoint: str, methods: str, label: str, who: Iterable[Role], behind: Reach) -> Door:
    return Door(endpoint, methods, label, frozenset(who), behind)


DOORS: tuple[Door, ...] = (
    # ---- open to anybody
    _door("static", GET, "样式和脚本", EVERYBODY, PUBLIC),
    _door("bootstrap.static", GET, "样式和图标", EVERYBODY, PUBLIC),
    _door("accounts.sign_in", BOTH, "登录", EVERYBODY, PUBLIC),
    _door("accounts.invitation", BOTH, "用一次性链接设置密码", EVERYBODY, PUBLIC),
    _door("second_factor.code", BOTH, "登录第二步：验证码", EVERYBODY, PUBLIC),
    _door("second_factor.new_password", BOTH, "登录时换密码", EVERYBODY, PUBLIC),
    _door("second_factor.first", BOTH, "登录时设置两步验证", EVERYBODY, PUBLIC),
    _door("papers.verify", GET, "登记证明核验", EVERYBODY, PUBLIC),
    _door("health.alive", GET, "进程存活（/healthz）", EVERYBODY, PUBLIC),
    _door("health.ready", GET, "可以提供服务（/readyz）", EVERYBODY, PUBLIC),
    _door("health.figures", GET, "运行指标（/metrics，凭令牌或限定地址，其余 404）", EVERYBODY, PUBLIC),
    # ---- one's own
    _door("home", GET, "首页", EVERYBODY, OWN),
    _door("accounts.me", GET, "我的账号", EVERYBODY, OWN),
    _door("accounts.password", BOTH, "修改密码", EVERYBODY, OWN),
    _door("second_factor.mine", GET, "两步验证", EVERYBODY, OWN),
    _door("second_factor.change", BOTH, "设置两步验证、换手机", EVERYBODY, OWN),
    _door("second_factor.renew_codes", POST, "重新生成恢复码", EVERYBODY, OWN),
    _door("second_factor.turn_off", POST, "关闭两步验证", EVERYBODY, OWN),
    _door("sessions.left", GET, "还有多久自动退出", EVERYBODY, OWN),
    _door("sessions.stay", POST, "保持登录", EVERYBODY, OWN),
    _door("sessions.end", POST, "结束别处的登录", EVERYBODY, OWN),
    _door("sessions.end_others", POST, "结束别处的全部登录", EVERYBODY, OWN),
    _door("password_rules.index", BOTH, "密码规定", {SECURITY}, OWN),
    _door("accounts.sign_out", POST, "退出", EVERYBODY, OWN),
    _door("delegations.mine", BOTH, "我的委托代办", STAFF, OWN),
    _door("delegations.end", POST, "结束委托", EVERYBODY, ARRANGED),
    # ---- accounts, log, settings
    _door("accounts.users", GET, "用户", KEEPERS, LISTED),
    _door("accounts.show_user", GET, "一个用户", KEEPERS, IN_REGION),
    _door("accounts.new_user", BOTH, "新增用户", {ADMIN}, LISTED),
    _door("accounts.edit_user", BOTH, "修改用户", {ADMIN}, IN_REGION),
    _door("accounts.invite_user", POST, "生成设置密码链接（三员的由安全管理员）", KEEPERS, IN_REGION),
    _door("accounts.ask_reset", POST, "申请重置另一位系统管理员的密码", {ADMIN}, IN_REGION),
    _door("accounts.disable_user", POST, "停用账号", {ADMIN}, IN_REGION),
    _door("accounts.enable_user", POST, "启用账号", {ADMIN}, IN_REGION),
    _door("accounts.unlock_user", POST, "解锁账号", {SECURITY}, IN_REGION),
    _door("accounts.reset_second_factor", POST, "重设两步验证", {SECURITY}, IN_REGION),
    _door("accounts.end_sessions", POST, "结束一个用户的全部登录", KEEPERS, IN_REGION),
    _door("grants.index", GET, "待复核授权", KEEPERS, LISTED),
    _door("grants.show", GET, "一项授权申请", KEEPERS, IN_REGION),
    _door("grants.answer", POST, "复核授权", {SECURITY}, IN_REGION),
    _door("grants.withdraw", POST, "撤回授权申请", {ADMIN}, IN_REGION),
    _door("recertifications.index", GET, "年度复核", KEEPERS, LISTED),
    _door("recertifications.decide", POST, "复核一个账号", KEEPERS, IN_REGION),
    _door("recertifications.file", POST, "导出账号复核表", KEEPERS, LISTED),
    _door("delegations.index", BOTH, "委托代办", KEEPERS, LISTED),
    _door("delegations.confirm", POST, "复核委托代办", {SECURITY}, IN_REGION),
    _door("settings.index", BOTH, "系统设置", {ADMIN}, REFERENCE),
    _door("audit.index", GET, "操作记录", {AUDITOR}, LISTED),
    _door("audit.export", GET, "操作记录的文件", {AUDITOR}, LISTED),
    _door("audit.verify", POST, "核对最近的操作记录", {AUDITOR}, LISTED),
    # ---- reference data
    _door("codes.index", GET, "参考数据", EVERYBODY, REFERENCE),
    _door("codes.show", GET, "代码表", EVERYBODY, REFERENCE),
    _door("regions.index", GET, "地区", EVERYBODY, REFERENCE),
    _door("regions.units", GET, "考核单元", EVERYBODY, REFERENCE),
    _door("rules.calendar", GET, "工作日历", EVERYBODY, REFERENCE),
    _door("rules.index", GET, "规则", EVERYBODY, REFERENCE),
    _door("rules.show", GET, "一套规则", EVERYBODY, REFERENCE),
    _door("rules.compare", GET, "两套规则对照", EVERYBODY, REFERENCE),
    _door("trials.try_set", GET, "规则试算", READERS | {ADMIN}, LISTED),
    _door("trials.activate", BOTH, "启用规则", {ADMIN}, REFERENCE),
    # ---- registers
    _door("brokers.index", GET, "技术经纪人", READERS, LISTED),
    _door("brokers.show", GET, "一位技术经纪人", READERS, IN_REGION),
    _door("brokers.reveal", POST, "查看经纪人完整电话（记入操作记录）", OFFICE, IN_REGION),
    _door("brokers.new", BOTH, "新增技术经纪人", {REGISTRAR}, LISTED),
    _door("brokers.edit", BOTH, "修改技术经纪人", {REGISTRAR}, IN_REGION),
    _door("enterprises.index", GET, "企业与单位", READERS | {BROKER}, PARTY),
    _door("enterprises.show", GET, "一个单位", READERS | {BROKER}, PARTY),
    _door("enterprises.reveal", POST, "查看单位完整联系方式（记入操作记录）", OFFICE | {BROKER}, PARTY),
    _door("enterprises.search", GET, "查找单位", READERS | {BROKER}, PARTY),
    _door("enterprises.new", BOTH, "新增单位", FILERS, PARTY),
    _door("enterprises.edit", BOTH, "修改单位", FILERS, PARTY),
    _door("platforms.index", GET, "创新平台", READERS, REFERENCE),
    _door("platforms.show", GET, "一个创新平台", READERS, REFERENCE),
    # ---- contracts
    _door("contracts.index", GET, "技术合同", READERS | {BROKER}, LISTED),
    _door("contracts.mine", GET, "我的合同", FILERS, OWN),
    _door("contracts.inbox", GET, "待办", STAFF, LISTED),
    _door("contracts.done", GET, "已办", STAFF, OWN),
    _door("contracts.show", GET, "合同", READERS | {BROKER}, CONTRACT),
    _door("contracts.file", GET, "合同的文件", READERS | {BROKER}, CONTRACT),
    _door("contracts.next_step", GET, "下一步办理", STAFF, CONTRACT),
    # Tried with 受理; which role makes which other move is docs/WORKFLOW.md and tests/contracts/agreed.py.
    _door("contracts.move", BOTH, "办理（受理、登记等，见 WORKFLOW.md）", {REGISTRAR}, CONTRACT),
    _door("reading.page", GET, "文件的一页", READERS | {BROKER}, CONTRACT),
    _door("reading.picture", GET, "文件一页的图片", READERS | {BROKER}, CONTRACT),
    _door("exports.prepare", POST, "导出合同列表", READERS | {BROKER}, LISTED),
    _door("exports.file", GET, "下载导出的列表", READERS | {BROKER}, OWN),
    _door("bulk.index", BOTH, "批量办理", OFFICE, OWN),
    _door("bulk.put_aside", POST, "加入批量办理", OFFICE, CONTRACT),
    _door("bulk.take_out", POST, "移出批量办理", OFFICE, CONTRACT),
    _door("paper_files.index", BOTH, "涉密纸质卷", {REGISTRAR}, LISTED),
    _door("timeliness.index", GET, "办理时效", READERS, LISTED),
    _door("timeliness.listed", GET, "办理时效明细", READERS, LISTED),
    # ---- filing
    _door("filing.new", BOTH, "新建申报", FILERS, OWN),
    _door("filing.classified", GET, "涉密合同怎样办理", FILERS, OWN),
    _door("filing.copy", POST, "复制合同", FILERS, FILED),
    _door("filing.discard", BOTH, "删除草稿", FILERS, FILED),
    _door("filing.tasks", GET, "申报的各部分", FILERS, FILED),
    _door("filing.part", BOTH, "填写一部分", FILERS, FILED),
    _door("filing.replies", POST, "答复补正", FILERS, FILED),
    _door("filing.autosave", POST, "自动保存", FILERS, FILED),
    _door("filing.files", BOTH, "上传材料", FILERS, FILED),
    _door("filing.check", GET, "提交前检查", FILERS, FILED),
    # ---- papers
    _door("papers.as_pdf", GET, "文书 PDF", READERS | {BROKER}, CONTRACT),
    _door("papers.as_word", GET, "文书 Word", READERS | {BROKER}, CONTRACT),
    _door("papers.income_sheet", GET, "核定表 PDF", READERS | {BROKER}, CONTRACT),
    # ---- money after the registration
    _door("tracking.show", GET, "履约", READERS | {BROKER}, CONTRACT),
    _door("tracking.overdue", GET, "逾期未到账", READERS | {BROKER}, LISTED),
    _door("tracking.inbox", GET, "核定待办", OFFICE, LISTED),
    _door("tracking.new_receipt", BOTH, "登记到账", FILERS, TRACKED),
    _door("tracking.strike_receipt", BOTH, "冲销到账", FILERS, TRACKED),
    _door("tracking.new_royalty", BOTH, "登记提成", FILERS, TRACKED),
    _door("tracking.withdraw_royalty", BOTH, "撤回提成", FILERS, TRACKED),
    _door("tracking.new_benefit", BOTH, "登记享受政策", FILERS, TRACKED),
    _door("tracking.withdraw_benefit", BOTH, "撤回享受政策", FILERS, TRACKED),
    _door("tracking.new_verification", BOTH, "申请核定", FILERS, FILED),
    _door("tracking.edit_verification", BOTH, "修改核定申请", FILERS, FILED),
    _door("tracking.verification", GET, "一次核定", READERS | {BROKER}, CONTRACT),
    # Tried with 撤回申请, which who asked for it makes; the others are in tests/tracking.
    _door("tracking.verification_move", BOTH, "核定的各步", FILERS, CONTRACT),
    # ---- figures
    _door("statistics.overview", GET, "年度总览", READERS, LISTED),
    _door("statistics.screen", GET, "大屏", READERS, LISTED),
    _door("totals.index", GET, "分类统计", READERS, LISTED),
    _door("totals.file", POST, "导出分类统计", READERS, LISTED),
    _door("reports.index", GET, "统计报表", READERS, LISTED),
    _door("reports.file", POST, "导出统计报表", READERS, LISTED),
    _door("sentences.show", GET, "发布口径", READERS, LISTED),
    _door("publications.as_word", GET, "发布口径 Word", READERS, LISTED),
    _door("snapshots.index", GET, "发布快照", READERS, LISTED),
    _door("snapshots.new", BOTH, "封存发布数", {MANAGER}, LISTED),
    _door("snapshots.show", GET, "一份快照", READERS, IN_REGION),
    _door("snapshots.close", BOTH, "关账", {MANAGER}, IN_REGION),
    _door("snapshots.export", GET, "下载快照", READERS, IN_REGION),
    _door("indicators.index", GET, "规划指标", READERS | {ADMIN}, LISTED),
    _door("indicators.show", GET, "一项规划指标", READERS | {ADMIN}, LISTED),
    _door("indicators.figure", GET, "一个发布数据", READERS | {ADMIN}, REFERENCE),
    _door("indicators.seven_counters", GET, "七类统计", READERS, LISTED),
    _door("saved_views.index", GET, "常用视图", READERS, OWN),
    _door("saved_views.new", BOTH, "保存视图", READERS, OWN),
    _door("saved_views.show", GET, "打开视图", READERS, SHARED),
    _door("saved_views.edit", BOTH, "修改视图", READERS, SHARED),
    _door("saved_views.delete", POST, "删除视图", READERS, SHARED),
    # ---- tasks and published figures
    _door("targets.index", GET, "考核目标", READERS | {ADMIN}, LISTED),
    _door("targets.show", GET, "一年的考核目标", READERS | {ADMIN}, LISTED),
    _door("targets.versions", GET, "目标的各版本", READERS | {ADMIN}, LISTED),
    _door("targets.published", GET, "发布数据", READERS | {ADMIN}, REFERENCE),
    _door("targets.edit", BOTH, "下达目标", {ADMIN}, LISTED),
    _door("targets.template", GET, "目标模板", {ADMIN}, LISTED),
    _door("targets.import_file", BOTH, "导入目标", {ADMIN}, LISTED),
)
DOOR: Mapping[str, Door] = {door.endpoint: door for door in DOORS}


# ---- as people read it ----------------------------------------------------------------------------------------------


def access_table(addresses: Mapping[str, Iterable[str]]) -> str:
    """A line for each endpoint: page, address, methods, a mark for each role, and what lies behind."""
    heads = ["页面", "地址", "方法", *(role.label for role in Role), "打开后有什么"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * 3 + " :-: |" * len(Role) + " --- |"]
    for door in DOORS:
        places = "<br>".join(f"`{one}`" for one in sorted(addresses.get(door.endpoint, ())))
        marks = ("✓" if role in door.who else "" for role in Role)
        cells = [door.label, places.replace("|", r"\|"), door.methods, *marks, door.behind.label]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def access_page(addresses: Mapping[str, Iterable[str]]) -> str:
    """The page of the documentation; ``addresses`` are the rules of each endpoint."""
    reaches = "\n".join(f"| {one.label} | {one.otherwise} |" for one in REACHES)
    return "\n\n".join(
        [
            "# 谁能打开什么",
            "Written by `flask --app wsgi access --format page > docs/ACCESS.md` from"
            " `contracts_app/operations/access.py`; a test compares the two, and `tests/test_routes.py` walks every"
            " address in every role, in the own region and another, and holds the answers against it.",
            "- 没有登录：引到登录页（302）；提交的带着登录页答复 401，填的内容登录后还在。\n"
            "- 岗位不对：403，不看地址里的编号有没有。\n"
            "- 岗位对、内容不归本人：404，和没有这个编号时的答复逐字节相同。\n"
            "- 方法不对：405。\n"
            "- 没有办成的请求不改动任何数据，只在操作记录里留一行。",
            f"| 打开后有什么 | 其余的 |\n| --- | --- |\n{reaches}",
            access_table(addresses),
        ]
    )


def access_json(addresses: Mapping[str, Iterable[str]]) -> str:
    """The same for programs."""
    rows = [
        {
            "endpoint": door.endpoint,
            "addresses": sorted(addresses.get(door.endpoint, ())),
            "methods": door.methods.split(),
            "label": door.label,
            "roles": [role.value for role in Role if role in door.who],
            "behind": door.behind.label,
            "otherwise": door.behind.otherwise,
        }
        for door in DOORS
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)
