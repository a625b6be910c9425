"""Which passwords are told to be guessable. Beside `common` only the table of regions is asked, once."""

import pytest

from contracts_app.accounts.entrance import guessable
from contracts_app.accounts.entrance.guessable import COMMON, LOCAL, NAME_INSIDE, PATTERN


def test_the_list_is_long_enough():
    assert len(guessable.common()) >= 10_000  # OWASP ASVS 5.0 6.2.4 asks for 3,000


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Password123!", COMMON),
        ("P@ssw0rd2026", COMMON),
        ("!!Sunshine!!99", COMMON),
        ("Qwertyuiop-1", COMMON),
        ("Quanzhou@2026", LOCAL),
        ("Jinjiang#350582", LOCAL),
        ("JINJIANG-kjj-2026", LOCAL),
        ("J1nj1@ngk3j1ju8", LOCAL),
        ("Qingyang_Chidian1", LOCAL),
        ("Jishuhetong@1", LOCAL),
        ("Kejiju@Fujian88", LOCAL),
        ("Lin.Ruoxi.1990", NAME_INSIDE),
        ("Ab1-Ab1-Ab1-Ab1-", PATTERN),
        ("123456789012345", PATTERN),
        ("aaaaaaaaaaaaaaaa", PATTERN),
    ],
)
def test_what_would_be_guessed_first_is_found(app, password, why):
    assert guessable.why(password, name="林若溪", username="lin.ruoxi") == why


@pytest.mark.parametrize(
    "password", ["Chongyang-2026", "Qixi-Festival-7", "vT9k-eW2p-Qx4h", "mango teapot river 41 owl", "海上生明月Tg7-4"]
)
def test_what_would_not_is_left_alone(app, password):
    assert guessable.why(password, name="林若溪", username="lin.ruoxi") == ""
