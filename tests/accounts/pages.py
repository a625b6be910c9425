"""What the tests of accounts do again and again."""

import re
from html import unescape
from itertools import count

import pyotp

from contracts_app.accounts.entrance import passwords, second_factor
from contracts_app.accounts.sign_in_models import SecondFactor
from contracts_app.core.clock import now_utc
from contracts_app.core.db import db

PASSWORD = "Chongyang-2026"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_addresses = (f"10.0.{number // 250 % 250}.{number % 250}" for number in count(1))


def with_password(user, password=PASSWORD):
    """The same user, able to sign in: with a password, and a second factor where one is required."""
    passwords.set_password(user, password)
    if second_factor.is_required(user):
        with_factor(user)
    db.session.commit()
    return user


def with_factor(user):
    """The same user with an authenticator of SECRET, whatever the role."""
    db.session.merge(SecondFactor(user_id=user.id, secret=SECRET, last_step=0))
    db.session.commit()
    return user


def code(steps=0, secret=SECRET):
    """What the authenticator shows now, or so many steps later."""
    return pyotp.TOTP(secret).generate_otp(int(now_utc().timestamp()) // 30 + steps)


def enter(client, user, password=PASSWORD, *, with_code=True, **more):
    """Send the sign-in form, and a good code where one is asked for.

    The visitor's token goes on to be good, as if each page had been fetched anew; each try comes from another address,
    because one address may not fail often.
    """
    answer = send(client, "/sign-in", {"username": user.username, "password": password, **more})
    if with_code and answer.location == "/sign-in/code":
        with_factor(user)  # its newest code was never used
        token = {name: value for name, value in more.items() if name == "csrf_token"}
        answer = send(client, answer.location, {"code": code(), **token})
    return answer


def send(client, path, form):
    """A step of signing in."""
    with client.session_transaction() as before:
        token = before.get("csrf_token")
    answer = client.post(path, data=form, environ_overrides={"REMOTE_ADDR": next(_addresses)})
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
