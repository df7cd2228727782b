"""`billing brand`: colours, texts and logos of the publisher, checked, kept with their reason, and taken back."""

from dataclasses import replace
from pathlib import Path

import pytest

from billing.brand.publisher import Publisher
from billing.platform.errors import Refusal
from billing.rules.card_numbers import MASK
from emails.samples import HOUSE
from tests.support.actors import BY
from tests.support.cli import run_on
from tests.support.pictures import png
from tests.support.world import World

NOTHING_CHANGED = replace(HOUSE, documents=())
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 0h90v30H0z"/></svg>'
WHY = ("--reason", "the new design")


def said(world: World, *words: str, stdin: bytes = b"") -> str:
    done = run_on(world, "brand", *words, stdin=stdin)
    assert done.exit_code == 0, done.output or done.exception
    return done.stdout


def refused(world: World, *words: str, stdin: bytes = b"") -> str:
    done = run_on(world, "brand", *words, stdin=stdin)
    assert isinstance(done.exception, Refusal), done.output
    return str(done.exception)


def publisher(world: World) -> Publisher:
    found = Publisher(HOUSE)
    with world.services.database.transaction() as session:
        found.refresh(session)
    return found


def test_fields_are_set_shown_and_kept_with_their_reason(world: World) -> None:
    assert "(default)" in said(world, "show")
    after = said(
        world,
        "set",
        "--accent",
        "#14532D",
        "--tagline",
        "News  of the valley",
        "--benefit",
        "A",
        "--benefit",
        "B",
        *WHY,
    )
    assert after == "accent: #14532d\ntagline: News of the valley\nbenefits: A / B\n"
    said(
        world,
        "set",
        "--support-hours",
        "Weekdays 8:00 to 17:00",
        "--support-email",
        "help@paper.example",
        *WHY,
    )
    shown = said(world, "show").splitlines()
    assert "accent         #14532d" in shown
    assert shown.count("benefits       A") == shown.count("benefits       B") == 1
    assert "               BILLING_PUBLISHER_NAME: The Swartberg Post" in shown
    lines = world.rows(f"SELECT {BY}, act, reason, before, after FROM audit_line ORDER BY id")
    assert [(line["by"], line["act"], line["reason"]) for line in lines] == [("command", "brand", WHY[1])] * 2
    assert lines[0]["before"] == {"accent": "", "tagline": "", "benefits": []}
    assert lines[0]["after"] == {"accent": "#14532d", "tagline": "News of the valley", "benefits": ["A", "B"]}
    house = publisher(world).house
    assert house.contact_email == "help@paper.example"
    assert house.brand.accent_dark == "#26a057", "the nearest shade that can be read on dark pages"


def test_a_field_goes_back_to_its_default_alone_or_with_all(world: World) -> None:
    said(world, "set", "--accent", "#14532d", "--tagline", "News", "--footer", "Of the press council", *WHY)
    assert said(world, "set", "--tagline", "", *WHY) == "tagline: (default)\n"
    assert said(world, "reset", "footer", *WHY) == "footer: (default)\n"
    said(world, "logo", "-", *WHY, stdin=SVG)
    said(world, "reset", *WHY)
    assert publisher(world).house == NOTHING_CHANGED
    assert "stands already" in refused(world, "reset", *WHY)


def test_a_logo_of_each_kind_is_kept(world: World, tmp_path: Path) -> None:
    file = tmp_path / "logo.svg"
    file.write_bytes(SVG)
    assert said(world, "logo", str(file), *WHY).startswith(f"svg-logo: {len(SVG)} bytes, SHA-256 ")
    assert "png-logo: " in said(world, "logo", "-", *WHY, stdin=png(80, 40))
    brand = publisher(world).house.brand
    assert brand.logo is brand.drawing
    assert brand.picture is not None
    assert [logo.width for logo in (brand.logo, brand.picture) if logo] == [120, 80]
    assert brand.icon is None, "neither is square"
    said(world, "reset", "svg-logo", *WHY)
    brand = publisher(world).house.brand
    assert brand.logo is brand.picture


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "--accent", "green"), "Accent is no colour"),
        (("set", "--accent", "#f0a000"), "has a contrast of 1.83:1 on #f3ece0, and text needs 4.5:1"),
        (("set", "--accent", "#f0a000"), "the nearest that has it is #926100"),
        (("set", "--accent-dark", "#14532d"), "has a contrast of 1."),
        (("set", "--tagline", "x" * 121), "has 121 characters, and may have 120"),
        (("set", "--footer", "Dear {name}"), "without placeholders"),
        (("set", "--footer", "<b>Bold</b>"), "plain text"),
        (("set", "--footer", "left\u202eright"), "can't be seen"),
        (("set", "--support-email", "Help <help@paper.example>"), "plain text"),
        (("set", "--support-email", "nonsense"), "Support address is not a plain mail address"),
        (("set", *("--benefit", "one more") * 7), "has 7 lines, and may have 6"),
        (("set",), "stands already"),
        (("logo", "-"), "neither an SVG nor a PNG"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    world: World, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in refused(world, *words, *WHY, stdin=b"GIF89a")
    assert world.rows("SELECT * FROM audit_line WHERE act = 'brand'") == []
    assert publisher(world).house == NOTHING_CHANGED


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    answer = refused(world, "set", "--accent", "green", "--tagline", "ok", "--footer", "{", *WHY)
    assert "Accent is no colour" in answer
    assert "Footer of pages holds one of" in answer


def test_a_change_needs_a_reason(world: World) -> None:
    assert run_on(world, "brand", "set", "--tagline", "News").exit_code == 2
    assert "Say why" in refused(world, "set", "--tagline", "News", "--reason", "  ")
    said(world, "set", "--tagline", "News", "--reason", "as 4242 4242 4242 4242\nasked")
    assert world.rows("SELECT reason FROM audit_line WHERE act = 'brand'") == [{"reason": f"as {MASK} asked"}]
