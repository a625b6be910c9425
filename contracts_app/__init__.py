"""技术合同认定登记与跟踪系统: registration and tracking of technology contracts for science bureaus."""

from flask import Flask, redirect, url_for
from flask_bootstrap import Bootstrap5
from flask_login import current_user, login_required
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from . import commands
from .accounts.entrance import expired, signing_in
from .accounts.entrance import sessions as accounts_sessions
from .accounts.offices import grants as role_grants
from .accounts.permissions import OFFICE, Can, in_menu, may, may_open, who_opens
from .accounts.watching import refusals
from .contracts.desk.inbox import inbox_count
from .core import db as database
from .core import errors, installation, logs
from .core.database import migrations, replica
from .core.keeping import sealing
from .core.keeping.resealing import is_anything_sealed
from .core.keeping.stores import FolderStore
from .core.settings import ROOT, Settings
from .core.web import downloads, filters, headers, limits, nav, pages
from .operations import doctor_office, health, metrics, serving
from .reference import edition
from .tracking.queries import waiting_count

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": ["'self'", "data:"],
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

# Pages that add up years: they ask a standby, where there is one.
OF_THE_REPLICA = ("statistics.overview", "statistics.screen", "totals.index", "reports.index", "sentences.show")


def create_app(settings: Settings | None = None, engine: Engine | None = None) -> Flask:
    """The application. ``engine`` lets tests bring a database of their own."""
    settings = settings or Settings.from_environment()
    app = database.Office(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app, settings)
    database.init_app(app, settings.database_url, engine)
    app.extensions["files"] = FolderStore(settings.instance / "files")  # any core.keeping.stores.Store
    logs.init_app(app)
    metrics.init_app(app)
    serving.init_app(app)
    health.init_app(app)
    doctor_office.init_app(app, edition)
    sealing.init_app(app, settings, is_anything_sealed)
    errors.init_app(app)
    migrations.init_app(app)
    limits.init_app(app, settings.rate_limit_storage)
    filters.init_app(app)
    downloads.init_app(app)
    pages.init_app(app)
    installation.init_app(app)
    signing_in.init_app(app)
    expired.init_app(app)
    refusals.init_app(app)
    waiting = {"contracts.inbox": inbox_count, "tracking.inbox": waiting_count, "grants.index": role_grants.inbox_count}
    nav.init_app(app, may_open, waiting, in_menu)
    app.jinja_env.globals["who_opens"] = who_opens
    _protect(app, settings)
    _register_pages(app)
    replica.init_app(app, settings, OF_THE_REPLICA, lambda: current_user.is_authenticated)
    commands.init_app(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        # More than a file may have, so that a form with too large a file is read and answered beside its field.
        MAX_CONTENT_LENGTH=settings.upload_limit + 10 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        UPLOAD_LIMIT=settings.upload_limit,
        # With the prefix browsers take the cookie from this very host only, and only over HTTPS.
        SESSION_COOKIE_NAME="__Host-session" if settings.secure_cookies else "session",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=accounts_sessions.LASTS,  # of the cookie; the server judges sooner
        WTF_CSRF_TIME_LIMIT=None,  # ends with the session
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _protect(app: Flask, settings: Settings) -> None:
    if settings.trusted_proxies:
        near = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=near, x_proto=near, x_host=near)  # type: ignore[method-assign]
    Bootstrap5(app)  # serves its style sheet and icons from the package, never from the internet
    CSRFProtect(app)
    Talisman(
        app,
        content_security_policy=CONTENT_SECURITY_POLICY,
        force_https=False,  # the reverse proxy's business
        strict_transport_security=settings.secure_cookies,
        session_cookie_secure=settings.secure_cookies,
        session_cookie_samesite="Lax",
        frame_options="DENY",
        referrer_policy="same-origin",
        permissions_policy=headers.PERMISSIONS,
    )
    headers.init_app(app, settings)


def _register_pages(app: Flask) -> None:
    from .accounts import setting_views as settings
    from .accounts.entrance import password_views as password_rules
    from .accounts.entrance import second_factor_views as second_factor
    from .accounts.entrance import session_views as sessions
    from .accounts.offices import delegation_views as delegations
    from .accounts.offices import grant_views as grants
    from .accounts.offices import recertification_views as recertifications
    from .accounts.users import views as accounts
    from .accounts.watching import views as audit
    from .brokers import views as brokers
    from .codes import views as codes
    from .contracts import filing_views as filing
    from .contracts import views
    from .contracts.checking import rule_views
    from .contracts.desk import bulk_views, exports, paper_files, reading, timeliness
    from .enterprises import views as enterprises
    from .papers import publication as publications
    from .papers import views as papers
    from .platforms import views as platforms
    from .regions import views as regions
    from .rules import views as rules
    from .statistics.overview import views as statistics
    from .statistics.plan import views as indicators
    from .statistics.publishing import sentence_views as sentences
    from .statistics.publishing import snapshot_views as snapshots
    from .statistics.reporting import views as reports
    from .statistics.totals import saved_views_pages as saved_views
    from .statistics.totals import views as crosstab
    from .targets import views as targets
    from .tracking import views as tracking

    people, reference = (accounts, audit, delegations, settings, brokers), (codes, regions, rules)
    for noun in (second_factor, sessions, password_rules, grants, recertifications):
        app.register_blueprint(noun.bp)
    work = (filing, views, exports, bulk_views, reading, rule_views, paper_files, timeliness, enterprises, platforms)
    for noun in (*people, *work, *reference, targets, statistics, indicators, crosstab, saved_views, tracking, papers):
        app.register_blueprint(noun.bp)
    for noun in (sentences, snapshots, reports, publications):
        app.register_blueprint(noun.bp)
    app.register_blueprint(health.bp)
    app.add_url_rule("/", "home", home)


@login_required
def home() -> Response:
    """Everybody's first page: the first entry of their own menu that is work, else figures."""
    first = ["contracts.inbox"] if current_user.roles & OFFICE else []  # little waits for a manager
    first += ["grants.index"] if may(current_user, Can.CONFIRM_GRANTS) else []
    for endpoint in (*first, "contracts.mine", "statistics.overview", "accounts.users", "contracts.index"):
        if may_open(endpoint, current_user):
            return redirect(url_for(endpoint))
    return redirect(url_for("accounts.me"))
