"""An installation without the extra `masthead[pdf]`: everything works, and nothing offers a PDF."""

import sys
from collections.abc import Callable

import pytest

from billing.app import build
from billing.platform.errors import RefusesToStart
from billing.platform.settings import read_settings
from tests.support.cli import environment
from tests.support.starting_points import subscriber
from tests.support.world import World


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python find no module of this name, as where it isn't installed."""
    monkeypatch.setitem(sys.modules, "typst", None)


def test_without_the_printer_the_page_stays_and_the_file_is_refused(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(mail_papers=False)
    paid = subscriber(world, "paid")
    uninstall(monkeypatch)
    invoice = world.api.get(f"/v1/readers/{paid.reader_id}/invoices").json()["data"][0]["id"]
    browser = world.browser()
    browser.sign_in(paid.email)
    page = browser.get(f"/account/receipts/{invoice}")
    assert "Tax invoice" in page.words
    assert ".pdf" not in page.text
    refused = browser.get(f"/account/receipts/{invoice}.pdf")
    assert refused.status == 501
    assert "The invoice’s page can be printed." in refused.words
    problem = world.api.get(f"/v1/invoices/{invoice}.pdf")
    assert (problem.status_code, problem.json()["code"]) == (501, "pdf_not_installed")


def test_mails_with_pdfs_need_it_from_the_start(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall(monkeypatch)
    given = environment(database_url)
    with pytest.raises(RefusesToStart, match=r"Install masthead\[pdf\], or set it to false"):
        build(read_settings(given | {"BILLING_MAIL_PAPERS": "true"}))
    build(read_settings(given | {"BILLING_MAIL_PAPERS": "false"})).database.close()
