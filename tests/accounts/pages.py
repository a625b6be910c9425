"""What the tests of accounts do again and again."""

import re
from html import unescape

from contracts_app.accounts import signing_in
from contracts_app.core.db import db

PASSWORD = "Chongyang-2026"


def with_password(user, password=PASSWORD):
    """The same user, able to sign in."""
    signing_in.set_password(user, password)
    db.session.commit()
    return user


def enter(client, user, password=PASSWORD, **more):
    """Send the sign-in form. The visitor's token goes on to be good, as if each page had been fetched anew."""
    with client.session_transaction() as before:
        token = before.get("csrf_token")
    answer = client.post("/sign-in", data={"username": user.username, "password": password, **more})
    keep_token(client, token)
    return answer


def keep_token(client, token):
    if token:
        with client.session_transaction() as session:
            session["csrf_token"] = token


def hidden(page, name):
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return unescape(found[1]) if found else None


def link_in(page):
    """The one-time link that a page shows, as a path."""
    return re.search(r"/invitations/[\w-]+", page)[0]
