"""The publisher as readers see it: what the settings say, with the brand of the database. One object a process, always at hand."""

import hashlib
from dataclasses import replace
from threading import Lock

from sqlmodel import Session, select

from billing.brand.backgrounds import DARK
from billing.brand.change import stored
from billing.brand.models import StoredBrand
from billing.brand.rules import BadValue, measured
from billing.rules.contrast import nearest
from emails import Brand, House, Logo
from emails.brand import HEIGHT

ADDRESS = "/brand"
"""Where pages have the logos and the stylesheet."""


class Publisher:
    """Pages read `house` in their threads, and a refresh exchanges it whole."""

    def __init__(self, by_settings: House) -> None:
        self._by_settings = by_settings
        self._version: int | None = None
        self._turn = Lock()
        self.house = by_settings

    def refresh(self, session: Session) -> None:
        """Read the brand again, if it has changed since."""
        with self._turn:  # of two that read at once, the one that read an older brand must not write last
            version = session.exec(select(StoredBrand.version)).one_or_none()
            if version != self._version:
                self.house = branded(self._by_settings, stored(session))
                self._version = version

    def shown_with(self, row: StoredBrand) -> House:
        """The publisher as readers would see it with this row."""
        return branded(self._by_settings, row)


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
