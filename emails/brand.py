"""What readers see of the publisher, and staff may change: colours, texts, and logos."""

from dataclasses import dataclass

HEIGHT = 40
"""Pixels of a logo in a mail, and at most on a page."""


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that was checked. `kind` is "svg" or "png"; `path` changes with the content; `width` is in pixels at HEIGHT.

    `adapts`: it has colours of its own for a dark page."""

    content: bytes
    kind: str
    path: str
    width: int
    is_square: bool
    adapts: bool = False

    @property
    def is_name(self) -> bool:
        """Whether it is wide enough to stand in place of the name; another stands beside it."""
        return self.width >= 2 * HEIGHT


@dataclass(frozen=True, slots=True)
class Brand:
    """An empty field has the default. `accent` is for light pages, `accent_dark` for dark ones; both were checked for contrast.

    `picture` is a PNG, as mail programs show no SVG; `drawing` an SVG."""

    accent: str = ""
    accent_dark: str = ""
    tagline: str = ""
    benefits: tuple[str, ...] = ()
    footer: str = ""
    mail_footer: str = ""
    support_hours: str = ""
    drawing: Logo | None = None
    picture: Logo | None = None

    @property
    def logo(self) -> Logo | None:
        """The one for pages and PDFs."""
        return self.drawing or self.picture

    @property
    def icon(self) -> Logo | None:
        """The one for a browser's tab."""
        return next((logo for logo in (self.drawing, self.picture) if logo and logo.is_square), None)
