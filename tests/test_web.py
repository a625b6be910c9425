"""What the outside meets before any page: names, headers, cookies, caches, limits, and where links lead."""

import re
import string
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts_app import create_app
from contracts_app.accounts.entrance.signing_in import safe_target
from contracts_app.accounts.roles import Role
from contracts_app.contracts.states import State
from contracts_app.core import errors
from contracts_app.core.settings import Misconfigured, Settings
from contracts_app.core.web import limits
from contracts_app.core.web.headers import names_of_this_machine
from contracts_app.demo.pdf import one_page

# ---- no open redirect ----------------------------------------------------------------------------------------------

OURS = "https://contracts.example/sign-in"
_STRANGE = st.sampled_from(
    ["//", "\\", "/\\", "@", ":", "\t", "\n", "\r", "\0", "https:", "javascript:", "evil.example"]
)
_TARGETS = st.lists(_STRANGE | st.sampled_from("/?#.%2f5c ．／＼。") | st.text(max_size=3), max_size=8).map("".join)


def where_a_browser_goes(target):
    """As the URL standard says: control characters at the ends go, tab and line breaks anywhere, backslashes turn."""
    stripped = re.sub("[\t\n\r]", "", target.strip("".join(map(chr, range(33)))))
    path, mark, rest = stripped.partition("?")
    return urljoin(OURS, path.replace("\\", "/") + mark + rest)


@given(target=_TARGETS | _TARGETS.map(lambda rest: f"/{rest}"))
@example("/\t/evil.example")
@example("/\\evil.example")
@example("//evil.example")
@example("/%09/evil.example")
@example("https:evil.example")
@example("/@evil.example")
def test_a_target_never_leads_elsewhere(target):
    safe = safe_target(target)
    if safe is not None:
        there = urlsplit(where_a_browser_goes(safe))
        assert (there.scheme, there.netloc) == ("https", "contracts.example"), target


@given(st.text(string.ascii_letters + string.digits + "/-_?=&%.", max_size=60))
def test_an_address_of_ours_is_left_as_it_is(rest):
    target = f"/contracts/{rest}"
    assert safe_target(target) == target


# ---- under which names ---------------------------------------------------------------------------------------------


@pytest.fixture
def web(settings, databases, template):
    """An application as it stands at a name of its own, behind HTTPS."""
    url, names = databases.copy(template), ("contracts.example", ".inside.example")
    app = create_app(replace(settings, database_url=url, trusted_hosts=names, secure_cookies=True))
    yield app
    app.extensions["engine"].dispose()
    databases.drop(url)


def test_only_names_of_ours_are_answered(web):
    def asked(host):
        return web.test_client().get("/static/css/app.css", base_url=f"https://{host}", buffered=True)

    for host in ("contracts.example", "contracts.example:8443", "a.inside.example", "127.0.0.1:8000"):
        assert asked(host).status_code == 200, host
    for host in ("evil.example", "contracts.example.evil.example", "10.0.0.8"):
        page = asked(host)
        assert (page.status_code, "TRUSTED_HOSTS" in page.text, "evil" in page.text) == (400, True, False), host


def test_a_forged_name_gets_into_no_link(make, sign_in):
    admin = make.user(Role.ADMIN)
    page = sign_in(admin).post(f"/users/{make.user().id}/invitation", base_url="http://evil.example")
    assert page.status_code == 400
    assert "evil.example" not in page.text


def test_where_nobody_said_a_name_those_of_this_machine_are_taken():
    assert {"localhost", "127.0.0.1", "[::1]"} <= set(names_of_this_machine("127.0.0.1"))
    assert "10.1.2.3" in names_of_this_machine("10.1.2.3")
    assert "[fe80::1]" in names_of_this_machine("fe80::1")
    assert "0.0.0.0" not in names_of_this_machine("0.0.0.0")


# ---- headers and cookies -------------------------------------------------------------------------------------------


def test_behind_https_everything_is_tied_to_this_host(web):
    page = web.test_client().get("/sign-in", base_url="https://contracts.example")
    headers = page.headers
    assert "max-age=31556926" in headers["Strict-Transport-Security"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Server" not in headers
    (cookie,) = headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-session=")
    assert "Domain" not in cookie
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))


def test_what_is_somebodys_is_kept_nowhere(make, sign_in, client):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract, content=one_page(("合同",)))
    visitor = sign_in(make.user())
    for path in ("/me", f"/contracts/{contract.id}", "/contracts/", "/nowhere", "/sign-in"):
        assert visitor.get(path).headers["Cache-Control"] == "private, no-store", path
    taken = visitor.post("/contracts/export", data={"format": "csv"})
    assert visitor.get(taken.location).headers["Cache-Control"] == "private, no-store"
    # What a browser may keep, it asks us about each time, and only that one person's browser keeps it.
    for path in (f"files/{file.id}", f"files/{file.id}/pages/1.png"):
        page = visitor.get(f"/contracts/{contract.id}/{path}")
        assert page.cache_control.private
        assert page.cache_control.max_age == 0
        tag = {"If-None-Match": page.headers["ETag"]}
        assert visitor.get(f"/contracts/{contract.id}/{path}", headers=tag).status_code == 304
        assert client.get(f"/contracts/{contract.id}/{path}", headers=tag).status_code == 302
    assert "no-store" not in client.get("/static/css/app.css").headers.get("Cache-Control", "")


def test_a_file_comes_under_its_own_name_and_runs_nothing(make, sign_in):
    contract = make.contract(state=State.SUBMITTED)
    file = make.attachment(contract, file_name='合同 "终稿"; x=1.pdf', content=one_page(("合同",)))
    headers = sign_in(make.user()).get(f"/contracts/{contract.id}/files/{file.id}?download=1").headers
    assert headers["Content-Disposition"].startswith("attachment")
    assert "; filename=contracts-1.pdf; filename*=UTF-8''%E5%90%88" in headers["Content-Disposition"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Content-Type"] == "application/pdf"


# ---- floods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "DELETE"])
def test_no_other_methods(client, method):
    assert client.open("/verify", method=method).status_code == 405


def test_no_form_has_more_fields_than_ours_and_nothing_takes_json(client):
    flood = {f"field{number}": "x" for number in range(errors.MOST_FIELDS + 1)}
    assert client.post("/sign-in", data=flood).status_code == 400
    assert client.post("/sign-in", data="[" * 100_000, content_type="application/json").status_code == 415
    assert client.post("/sign-in", data={"username": "x" * 3_000_000}).status_code == 413


def test_who_takes_too_much_out_is_told_how_long_to_wait(make, sign_in):
    visitor, colleague = sign_in(make.user()), sign_in(make.user())
    for _ in range(int(limits.EXPORTS.split()[0])):
        assert visitor.post("/contracts/export", data={"format": "csv"}).status_code == 303
    page = visitor.post("/contracts/export", data={"format": "csv"})
    assert page.status_code == 429
    assert 3000 < int(page.headers["Retry-After"]) <= 3600
    assert re.search("短时间里次数太多，(5[0-9]|60) 分钟后再试。", page.text)
    assert colleague.post("/contracts/export", data={"format": "csv"}).status_code == 303


def test_a_script_is_told_of_errors_in_its_own_way(make, sign_in):
    page = sign_in(make.user()).get("/nowhere", headers={"Accept": "application/json"})
    assert (page.status_code, page.mimetype) == (404, "application/json")
    assert set(page.json) == {"heading", "message"}


# ---- settings ------------------------------------------------------------------------------------------------------


def test_a_shared_count_needs_a_storage_that_is_known():
    assert Settings.from_environment({"INSTANCE_DIR": "/tmp", "SECRET_KEY": "x"}).rate_limit_storage == "memory://"
    for wrong in ("file:///x", "redis"):
        with pytest.raises(Misconfigured, match="RATE_LIMIT_STORAGE"):
            Settings.from_environment({"INSTANCE_DIR": "/tmp", "SECRET_KEY": "x", "RATE_LIMIT_STORAGE": wrong})
    named = Settings.from_environment(
        {"INSTANCE_DIR": "/tmp", "SECRET_KEY": "x", "TRUSTED_HOSTS": "A.example, b.example"}
    )
    assert named.trusted_hosts == ("a.example", "b.example")
