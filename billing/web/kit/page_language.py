"""In which language a browser is shown our pages."""

from fastapi import Request

from billing.container import Services
from billing.http import cookies
from billing.platform.setting_types import OFFER
from emails.languages import ENGLISH, Language


def is_of_staff(request: Request) -> bool:
    """Whether it is a page of staff; those are in English."""
    path: str = request.scope["path"]
    return path.startswith("/staff")


def chosen(request: Request, services: Services) -> Language | None:
    """What was chosen in this browser."""
    return services.site.languages.by_code(cookies.read(request, services.settings, cookies.LANGUAGE))


def wanted(request: Request, services: Services) -> Language:
    """What the browser is set to, or else the publication's own."""
    languages = services.site.languages
    return languages.wanted(request.headers.get("accept-language", "")) or languages.default


def of_browser(request: Request, services: Services) -> Language:
    """What was chosen in it, or what it is set to."""
    return ENGLISH if is_of_staff(request) else chosen(request, services) or wanted(request, services)


def on_offer(request: Request, services: Services) -> tuple[Language, ...]:
    """The languages that a page offers at its foot; none on those of staff."""
    return () if is_of_staff(request) else services.site.languages.all


def of_mails(request: Request, browser: Language) -> str | None:
    """The code of the language of mails to a person who keeps none: the browser's. None where staff act, who may read in another."""
    return None if is_of_staff(request) else browser.code


def again_at(request: Request, path: str) -> str:
    """The address that shows the page again, in another language: the offer's for the answer to a form."""
    return path if request.method in ("GET", "HEAD") and is_here(path) else OFFER


def is_here(path: str) -> bool:
    """Whether it is a page of this host; a browser takes two slashes, or a backslash, for another host."""
    return (
        path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    )
