"""The mail that a reply quotes is cut, however a mail program marks it; what a person wrote is not."""

import pytest

from billing.rules.quoted_text import without_quote

OWN = "It is still there.\nThandi"
BELOW = "> No, once.\n> Sipho"


@pytest.mark.parametrize(
    "mark",
    [
        f"On Mon, 1 Mar 2027 at 10:00, The Post wrote:\n{BELOW}",
        f"On Mon, 1 Mar 2027 at 10:00, The Swartberg Post and its readers\n<hello@post.example> wrote:\n\n{BELOW}",
        f"Op Ma. 1 Mrt. 2027 om 10:00 het Die Pos geskryf:\n{BELOW}",
        "-----Original Message-----\nFrom: The Post\n\nNo, once.",
        "________________________________\nFrom: The Post\nSent: Monday\n\nNo, once.",
        "From: The Post <hello@post.example>\nSent: Monday, 1 March 2027\nTo: Thandi\n\nNo, once.",
        "*From:* The Post\n*Date:* Monday\n\nNo, once.",
        "Van: Die Pos\nGestuur: Maandag\n\nNee, een keer.",
        BELOW,
        "",
    ],
)
def test_the_quoted_mail_is_cut(mark: str) -> None:
    assert without_quote(f"{OWN}\n\n{mark}\n".replace("\n", "\r\n")) == OWN


def test_answers_between_quoted_lines_stay_with_them() -> None:
    text = "On Monday, The Post wrote:\n> Was it once?\nNo, twice.\n> When?\nOn Friday."
    assert without_quote(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "From: my point of view this is wrong.\nReally.",
        "On Friday I wrote to you.\nNobody answered.",
        "On Friday you wrote:\nthat you would pay it back.",
        "Two lines\n--\nand a signature",
    ],
)
def test_words_that_only_look_like_a_mark_stay(text: str) -> None:
    assert without_quote(text) == text


def test_nothing_but_a_quote_leaves_nothing() -> None:
    assert without_quote(BELOW) == ""
