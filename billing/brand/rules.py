"""What may be changed, and how each field is checked. The command and the staff page use these rules alone."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from billing.brand.backgrounds import DARK, LIGHT
from billing.platform.setting_types import MailAddress
from billing.rules.contrast import ENOUGH, NotAColour, colour, contrast, nearest
from billing.rules.pictures import BadPicture, PictureKind, Size, kind_of
from billing.rules.png import png_size
from billing.rules.svg import svg_size

MOST_BENEFITS = 6
CONTROLS = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
MAIL_ADDRESS: TypeAdapter[str] = TypeAdapter(MailAddress)


class BadValue(ValueError):
    """A field can't have this value; the message says why."""


@dataclass(frozen=True, slots=True)
class BrandField:
    """A field of the brand, for people and for programs. `check` gives the value to store. Raises BadValue."""

    name: str
    label: str
    hint: str
    check: Callable[[Any], Any]
    longest: int = 200


def _text(longest: int) -> Callable[[str], str]:
    def check(typed: str) -> str:
        text = " ".join(typed.split())
        if len(text) > longest:
            raise BadValue(f"has {len(text)} characters, and may have {longest}")
        if any(unicodedata.category(letter) in CONTROLS for letter in text):
            raise BadValue("holds a character that can't be seen")
        if set(text) & set("{}<>"):
            raise BadValue("holds one of { } < >: it is plain text, without placeholders")
        return text

    return check


def _accent(background: str) -> Callable[[str], str]:
    def check(typed: str) -> str:
        if not typed.strip():
            return ""
        try:
            found = colour(typed)
        except NotAColour as problem:
            raise BadValue(f"is no colour: {problem}") from None
        if (ratio := contrast(found, background)) < ENOUGH:
            # rounded down, as 4.499 doesn't pass
            raise BadValue(
                f"has a contrast of {int(ratio * 100) / 100:.2f}:1 on {background}, and text needs {ENOUGH}:1 (WCAG 2.2, 1.4.3);"
                f" the nearest that has it is {nearest(found, background)}"
            )
        return found

    return check


def _benefits(typed: str | tuple[str, ...]) -> list[str]:
    """A line each; empty lines don't count."""
    lines = typed.splitlines() if isinstance(typed, str) else typed
    found = [line for line in map(_text(120), lines) if line]
    if len(found) > MOST_BENEFITS:
        raise BadValue(f"has {len(found)} lines, and may have {MOST_BENEFITS}")
    return found


def _address(typed: str) -> str:
    text = _text(254)(typed)
    try:
        return MAIL_ADDRESS.validate_python(text) if text else ""
    except ValidationError:
        raise BadValue("is not a plain mail address like help@paper.co.za") from None


def _logo(wanted: PictureKind) -> Callable[[bytes], bytes]:
    def check(content: bytes) -> bytes:
        if content and measured(content)[0] is not wanted:
            raise BadValue(f"is no {wanted.upper()}")
        return content

    return check


def measured(content: bytes) -> tuple[PictureKind, Size]:
    """What the file is, and how large its picture. Raises BadValue for one that may not be shown."""
    try:
        kind = kind_of(content)
        return kind, (svg_size if kind is PictureKind.SVG else png_size)(content)
    except BadPicture as problem:
        raise BadValue(f"can't be shown: {problem}") from None


FIELDS = (
    BrandField("accent", "Accent", "Links and buttons on light pages, such as #8a3413.", _accent(LIGHT), 7),
    BrandField(
        "accent_dark",
        "Accent in the dark",
        "The same on dark pages; empty: the nearest shade of the accent that can be read there.",
        _accent(DARK),
        7,
    ),
    BrandField("tagline", "Tagline", "One line about the paper, on the offer.", _text(120), 120),
    BrandField(
        "benefits",
        "What a subscription gives",
        f"On the offer, a line each, {MOST_BENEFITS} at most.",
        _benefits,
        800,
    ),
    BrandField("footer", "Footer of pages", "One line, such as a press council.", _text(200), 200),
    BrandField("mail_footer", "Footer of mails", "One line at the end of each mail.", _text(200), 200),
    BrandField(
        "support_email",
        "Support address",
        "Where pages and mails tell readers to write; empty: BILLING_MAIL_FROM.",
        _address,
        254,
    ),
    BrandField(
        "support_hours", "Support hours", "When somebody answers, beside the phone number.", _text(80), 80
    ),
)
"""The fields that are typed."""
LOGOS = tuple(
    BrandField(f"{kind}_logo", f"{kind.upper()} logo", hint, _logo(kind))
    for kind, hint in (
        (PictureKind.SVG, "On pages and invoices."),
        (PictureKind.PNG, "In mails, as mail programs show no SVG; on pages, if there is no SVG."),
    )
)
IN_SETTINGS = (
    *(f"publisher_{name}" for name in ("name", "legal_name", "address", "vat_number", "phone")),
    *(f"publisher_{name}" for name in ("legal_form", "registration_number", "registration_place")),
    *(f"publisher_{name}" for name in ("directors", "service_address", "memberships", "complaints_url")),
)
"""What readers see too and is set by the operator, as tax invoices depend on it."""
BY_NAME = {field.name: field for field in (*FIELDS, *LOGOS)}


def checked(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values to store, and the problem of each field that can't have its value, in words."""
    values, problems = {}, {}
    for name, value in given.items():
        try:
            values[name] = BY_NAME[name].check(value)
        except BadValue as problem:
            problems[name] = f"{BY_NAME[name].label} {problem}."
    return values, problems
