"""Mails and invoices carry the brand: logo, accent, lines at the foot. A mail that waits takes the one of the moment it is sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from billing.brand.models import StoredBrand
from billing.brand.publisher import branded
from billing.dev.seed import BRAND, LOGOS
from emails import House, Mail, pdf_of, render
from emails.samples import HOUSE, samples
from tests.brand.test_brand_command import SVG, WHY, said
from tests.emails import rules
from tests.emails.lint import tree
from tests.support.pdf import Pdf
from tests.support.pictures import png
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

SAMPLES = samples()


def house_with(**fields: Any) -> House:
    return branded(HOUSE, StoredBrand(version=1, changed_at=datetime(2026, 3, 1, tzinfo=UTC), **fields))


SAMPLE_BRAND = house_with(
    **BRAND, svg_logo=(LOGOS / "logo.svg").read_bytes(), png_logo=(LOGOS / "logo.png").read_bytes()
)


@pytest.mark.parametrize("mail", SAMPLES.values(), ids=SAMPLES)
def test_each_mail_keeps_the_rules_in_another_brand(mail: Mail) -> None:
    rendered = render(mail, SAMPLE_BRAND)
    for rule in rules.RULES:
        rule(rendered, mail)
    for text in rules.parts(rendered):
        assert SAMPLE_BRAND.brand.mail_footer in text
        assert SAMPLE_BRAND.brand.support_hours in text
    assert "#8c2318" not in rendered.html
    assert "#f0a394" not in rendered.html


@pytest.mark.parametrize(("width", "alt", "name_beside"), [(400, HOUSE.name, False), (40, "", True)])
def test_a_png_stands_at_the_head_with_the_name(width: int, alt: str, name_beside: bool) -> None:
    house = house_with(png_logo=png(width, 40))
    head = next(
        cell for cell in tree(render(SAMPLES["receipt"], house).html).all("td") if "masthead" in cell.classes
    )
    (image,) = head.all("img")
    assert image.attributes["alt"] == alt
    assert image.attributes["src"].startswith(f"{HOUSE.url}/brand/logo.png?v=")
    assert (HOUSE.name in head.text) is name_beside


def test_an_svg_stands_in_no_mail() -> None:
    assert "<img" not in render(SAMPLES["receipt"], house_with(svg_logo=SVG)).html


@pytest.mark.parametrize("fields", [{"svg_logo": SVG}, {"png_logo": png(60, 40)}, {"png_logo": png(400, 40)}])
def test_an_invoice_has_the_logo_and_still_its_words(fields: dict[str, bytes]) -> None:
    mail = SAMPLES["receipt"]
    plain, with_logo = pdf_of(mail, HOUSE), pdf_of(mail, house_with(**fields))
    assert plain is not None
    assert with_logo is not None
    assert with_logo.content != plain.content
    read = Pdf(with_logo.content)
    assert read.is_accessible, "the logo has a text in its place"
    assert HOUSE.legal_name in read.words
    assert pdf_of(mail, house_with(**fields)) == with_logo, "the same facts give the same bytes"


def test_a_mail_that_waits_takes_the_brand_of_the_moment_it_is_sent(
    world: World, in_trial: Subscriber
) -> None:
    said(world, "set", "--accent", "#14532d", "--mail-footer", "Of the valley", *WHY)
    world.advance_to(local(2027, 3, 31, 12))
    mail = world.letters(in_trial.email)[-1]
    assert "Of the valley" in mail.text
    assert "#14532d" in mail.html
