"""Render the sandbox's pages, with their headers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def money(amount: int, currency: str) -> str:
    """Format minor units: R75.00 for zar, else `75.00 USD`."""
    major = f"{amount / 100:,.2f}".replace(",", "\u00a0")
    return f"R{major}" if currency == "zar" else f"{major} {currency.upper()}"


def moment(at: int) -> str:
    """An instant in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M:%S")


def day(at: int) -> str:
    """The UTC day."""
    return datetime.fromtimestamp(at, UTC).strftime("%A %d %B %Y")


def machine(at: int) -> str:
    """For `datetime` attributes."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def grouped(number: str) -> str:
    """A card number in fours."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


_PAGES = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_PAGES.filters.update(moment=moment, day=day, machine=machine, grouped=grouped)
_PAGES.globals["money"] = money


def show(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page."""
    return HTMLResponse(_PAGES.get_template(template).render(**values), status, headers=_HEADERS)
