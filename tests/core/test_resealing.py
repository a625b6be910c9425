"""A new key while people work: everything is sealed anew, an old key goes when nothing needs it."""

import pytest
from sqlalchemy import text

from contracts_app.brokers.models import Broker
from contracts_app.core.db import db
from contracts_app.core.keeping import resealing
from contracts_app.core.keeping.sealing import key_ring

PHONES = [f"1381234567{number}" for number in range(5)]


@pytest.fixture
def brokers(live, monkeypatch):
    monkeypatch.setattr(resealing, "AT_ONCE", 2)  # more than one batch
    return [live.make.broker(phone=phone) for phone in PHONES]


def rotate(**options):
    db.session.commit()
    done = resealing.rotate(lambda purpose, count: None, wait=lambda seconds: None, **options)
    db.session.expire_all()
    return done


def kept():
    return db.session.scalars(text("SELECT phone FROM brokers ORDER BY id")).all()


def test_everything_is_sealed_anew_and_nothing_else_changes(brokers):
    assert all(one.startswith("1:") for one in kept())
    done = rotate()
    assert (done.number, done.is_new, done.resealed["brokers.phone"], done.unopened) == (2, True, 5, {})
    assert all(one.startswith("2:") for one in kept())
    assert [(one.phone, one.version) for one in db.session.query(Broker).order_by(Broker.id)] == [
        (p, 1) for p in PHONES
    ]
    assert resealing.in_use()["brokers.phone"] == {2: 5}
    assert resealing.is_anything_sealed()
    assert key_ring().file.stat().st_mode & 0o777 == 0o600
    assert [key.number for key in key_ring().keys] == [1, 2]


def test_an_interrupted_rotation_is_gone_on_with(brokers, monkeypatch):
    def stop(purpose, count):
        if purpose == "brokers.phone" and count == 4:
            raise KeyboardInterrupt

    db.session.commit()
    with pytest.raises(KeyboardInterrupt):
        resealing.rotate(stop)
    assert resealing.in_use()["brokers.phone"] == {1: 1, 2: 4}
    assert [one.phone for one in db.session.query(Broker).order_by(Broker.id)] == PHONES
    done = rotate()
    assert (done.number, done.is_new, done.resealed["brokers.phone"]) == (2, False, 1)


def test_an_old_key_goes_when_nothing_is_sealed_with_it(brokers):
    assert rotate(drop_old=True).dropped == (1,)
    assert [key.number for key in key_ring().keys] == [2]
    assert [one.phone for one in db.session.query(Broker).order_by(Broker.id)] == PHONES


def test_an_old_key_stays_while_something_does_not_open(brokers):
    db.session.execute(text("UPDATE brokers SET phone = '1:AAAA' WHERE id = :id"), {"id": brokers[0].id})
    done = rotate(drop_old=True)
    assert (done.unopened, done.dropped, done.still_used) == ({"brokers.phone": 1}, (), (1,))
    assert [key.number for key in key_ring().keys] == [1, 2]
    assert kept()[0] == "1:AAAA"


def test_what_somebody_changes_meanwhile_stays(brokers, monkeypatch):
    """Between reading a row and writing it, somebody else saves another number."""
    opened, ring = key_ring().open, key_ring()

    def slow(sealed, purpose):
        found = opened(sealed, purpose)
        if found == PHONES[1]:
            db.session.execute(
                text("UPDATE brokers SET phone = :new WHERE id = :id"),
                {"new": ring.seal("13900000000", purpose), "id": brokers[1].id},
            )
        return found

    monkeypatch.setattr(ring, "open", slow)
    rotate()
    monkeypatch.undo()
    assert [one.phone for one in db.session.query(Broker).order_by(Broker.id)][1] == "13900000000"


def test_the_command_says_what_it_did_and_prints_no_key(live, brokers):
    db.session.commit()
    ring, runner = key_ring(), live.app.test_cli_runner()
    said = runner.invoke(args=["keys", "rotate"])
    assert said.exit_code == 0, said.output
    assert "brokers.phone：重新加密 5 项" in said.output
    listed = runner.invoke(args=["keys", "list"])
    assert "密钥 2，现在用它加密：brokers.phone 5" in listed.output
    assert "密钥 1：没有内容在用" in listed.output
    assert not any(key.secret.hex() in said.output + listed.output for key in ring.keys)
