"""What balancers and monitors are told, and that nobody else is."""

from ipaddress import ip_network

import pytest
from sqlalchemy import text

from contracts_app import create_app
from contracts_app.contracts.states import State
from contracts_app.core.database import migrations
from contracts_app.core.db import db
from contracts_app.core.settings import Misconfigured, Settings
from contracts_app.operations import metrics

TOKEN = "a-token-nobody-guesses"


@pytest.fixture
def nowhere(tmp_path):
    """An application whose database does not answer."""

    def made(**said):
        url = "postgresql+psycopg://office@127.0.0.1:1/nothing"
        return create_app(Settings(instance=tmp_path, database_url=url, secret_key="k", **said))

    return made


def test_who_can_work_is_ready_and_asks_little(app, client, count_queries):
    with count_queries() as queries:
        assert client.get("/healthz").text == "ok\n"
    assert queries == []
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ok\n")


def test_they_touch_nobodys_session(app, make, sign_in, client, count_queries):
    person = sign_in(make.user())
    person.get("/me")
    for visitor in (client, person):
        for path in ("/healthz", "/readyz", "/metrics"):
            page = visitor.get(path)
            assert page.status_code in (200, 404)
            assert "Set-Cookie" not in page.headers, path
    with count_queries() as queries:
        person.get("/healthz")
    assert queries == []


def test_a_database_that_is_away_makes_the_process_unready_and_leaves_it_alive(nowhere):
    client = nowhere().test_client()
    assert client.get("/healthz").status_code == 200
    page = client.get("/readyz")
    assert (page.status_code, page.text) == (503, "database\n")
    assert "psycopg" not in page.text


def test_who_is_stopping_is_alive_and_not_ready(nowhere):
    app = nowhere()
    app.extensions["stopping"].set()
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/readyz").text == "stopping\n"


def test_a_database_of_another_release_is_not_ready(live):
    def at(revision):
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})
        return live.visitor().get("/readyz")

    assert at(migrations.known()[0]).text == "migrations\n"
    assert at("9999").text == "ahead\n", "this release writes nothing into it: the newer one does"
    (newest,) = migrations.newest()
    assert at(newest).status_code == 200


def test_a_release_that_knows_less_than_its_database_does_not_start(live):
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with live.app.app_context():
        said = live.app.test_cli_runner().invoke(args=["init"])
    assert said.exit_code == 1
    assert "更新的版本" in said.stderr
    assert "migrations to" in said.stderr


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "headers", "open_"),
    [
        ({}, {}, False),
        ({}, {"Authorization": "Bearer "}, False),
        ({"metrics_token": TOKEN}, {}, False),
        ({"metrics_token": TOKEN}, {"Authorization": "Bearer wrong"}, False),
        ({"metrics_token": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, False),
        ({"metrics_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}, True),
        ({"metrics_allow": (ip_network("127.0.0.0/8"),)}, {}, True),
        ({"metrics_allow": (ip_network("10.0.0.0/8"),)}, {}, False),
        # A proxy on this machine that we were not told of: the address is its own, whoever asks.
        ({"metrics_allow": (ip_network("127.0.0.0/8"),)}, {"X-Forwarded-For": "203.0.113.7"}, False),
        # One we were told of: the address is the visitor's, whatever the visitor wrote in front.
        (
            {"metrics_allow": (ip_network("127.0.0.0/8"),), "trusted_proxies": 1},
            {"X-Forwarded-For": "203.0.113.7"},
            False,
        ),
        (
            {"metrics_allow": (ip_network("127.0.0.0/8"),), "trusted_proxies": 1},
            {"X-Forwarded-For": "127.0.0.1, 203.0.113.7"},
            False,
        ),
    ],
)
def test_figures_are_for_those_who_were_let_in(nowhere, said, headers, open_):
    page = nowhere(**said).test_client().get("/metrics", headers=headers)
    assert page.status_code == (200 if open_ else 404)
    assert ("contracts_http_requests_total" in page.text) is open_


def test_a_database_that_is_away_takes_only_its_own_figures_along(nowhere):
    page = nowhere(metrics_token=TOKEN).test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "contracts_database_up 0.0" in page.text
    assert "contracts_ledger_head" not in page.text


def test_what_happens_is_counted(live):
    app, person = live.app, live.make.user()
    live.make.contract(state=State.SUBMITTED)
    live.make.contract(state=State.REGISTERED)
    live.visitor(person).get("/me")
    live.visitor().post("/sign-in", data={"username": "nobody", "password": "wrong"})
    live.visitor().get("/nowhere/at/all")
    text_of = _figures(app)
    assert 'contracts_http_requests_total{endpoint="accounts.me",method="GET",status="200"} 1.0' in text_of
    assert 'contracts_http_requests_total{endpoint="none",method="GET",status="404"} 1.0' in text_of
    assert 'contracts_sign_ins_total{outcome="refused"} 1.0' in text_of
    assert 'contracts_queue{state="submitted"} 1.0' in text_of
    assert "contracts_ledger_not_folded 1.0" in text_of
    assert "contracts_database_up 1.0" in text_of
    assert "contracts_migrations_current 1.0" in text_of
    assert 'contracts_database_query_seconds_count{kind="select"}' in text_of
    assert "contracts_http_requests_under_way 0.0" in text_of
    assert "nowhere" not in text_of, "an address is no label: somebody would invent a million of them"


def _figures(app):
    with app.test_request_context():
        return metrics.exposed().decode()


@pytest.mark.parametrize(("name", "value"), [("METRICS_TOKEN", "short"), ("METRICS_ALLOW", "everybody")])
def test_what_would_let_in_anybody_is_refused_at_the_start(tmp_path, name, value):
    with pytest.raises(Misconfigured) as wrong:
        Settings.from_environment({"INSTANCE_DIR": str(tmp_path), name: value})
    assert name in str(wrong.value)
