"""The publisher as readers see it: what the settings say, with the brand of the database. One object a process, always at hand."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from threading import Lock

import sqlalchemy as sa
from sqlmodel import Session, select

from billing.brand import legal
from billing.brand.backgrounds import DARK
from billing.brand.change import stored
from billing.brand.models import LegalDocument, StoredBrand
from billing.brand.rules import BadValue, measured
from billing.rules.contrast import nearest
from emails import Brand, House, LegalLink, Logo
from emails.brand import HEIGHT

ADDRESS = "/brand"
"""Where pages have the logos and the stylesheet."""


class Publisher:
    """Pages read `house` in their threads, and a refresh exchanges it whole."""

    def __init__(self, by_settings: House) -> None:
        self._by_settings = by_settings
        self._version: tuple[int | None, int] | None = None
        self._turn = Lock()
        self.house = by_settings

    def refresh(self, session: Session) -> None:
        """Read the brand and the legal documents again, if they have changed since."""
        with self._turn:  # of two that read at once, the one that read an older brand must not write last
            documents = session.exec(select(sa.func.count()).select_from(LegalDocument)).one()
            version = session.exec(select(StoredBrand.version)).one_or_none(), documents
            if version != self._version:
                house = branded(self._by_settings, stored(session))
                self.house = replace(house, documents=links(house, legal.in_force(session)))
                self._version = version

    def shown_with(self, row: StoredBrand) -> House:
        """The publisher as readers would see it with this row."""
        return replace(branded(self._by_settings, row), documents=self.house.documents)


def links(house: House, documents: Iterable[LegalDocument]) -> tuple[LegalLink, ...]:
    """The addresses of legal documents, for pages and mails."""
    return tuple(
        LegalLink(row.kind, row.number, legal.DocumentKind(row.kind).label, f"{house.url}/{row.kind}")
        for row in documents
    )


def branded(house: House, row: StoredBrand | None) -> House:
    """The publisher of the settings, with this brand."""
    if row is None:
        return house
    brand = Brand(
        accent=row.accent,
        accent_dark=row.accent_dark or (nearest(row.accent, DARK) if row.accent else ""),
        tagline=row.tagline,
        benefits=tuple(row.benefits),
        footer=row.footer,
        mail_footer=row.mail_footer,
        support_hours=row.support_hours,
        drawing=_logo(row.svg_logo),
        picture=_logo(row.png_logo),
    )
    return replace(house, brand=brand, contact_email=row.support_email or house.contact_email)


def _logo(content: bytes) -> Logo | None:
    try:
        kind, size = measured(content)
    except BadValue:  # none; or this release is stricter, and a logo stops no paper
        return None
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Logo(
        content=content,
        kind=kind.value,
        path=f"{ADDRESS}/logo.{kind.value}?v={digest}",
        width=size.at_height(HEIGHT),
        is_square=size.is_square,
        adapts=b"prefers-color-scheme" in content,
    )
