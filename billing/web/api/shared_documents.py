"""Documents that are the same for every caller: robots.txt, the licence, the OpenAPI document. Caches may keep them. Each is made at
most once a minute."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from xml.etree import ElementTree as ET

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from billing.container import Services
from billing.http.single_flight import SharedWork
from billing.platform.clock import HeldClock
from billing.platform.errors import NotFound
from billing.platform.setting_types import OWN_LICENSE
from billing.rules import robots
from billing.web.kit.place import give_up_place

router = APIRouter(include_in_schema=False)
KEPT = {"Cache-Control": "public, max-age=300"}
KEPT_SECONDS = 60.0
ROBOTS, LICENSE, OPENAPI = "/robots.txt", "/license.xml", "/openapi.json"
Written = tuple[Callable[[], bytes], str]
"""The function that writes a document, and its media type."""


class NoLicense(NotFound):
    """This paper publishes no licence for machines."""

    code = "no_license"


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """A document with its ETag."""

    body: bytes
    kind: str
    tag: str


Documents = dict[str, SharedWork[SharedDocument]]


def add(app: FastAPI, services: Services, written: dict[str, Written]) -> None:
    """Add documents by their address. With a held clock, each is made at every request, so that tests and the demo see changes
    at once."""
    max_age = 0 if isinstance(services.clock, HeldClock) else KEPT_SECONDS

    def document(write: Callable[[], bytes], kind: str) -> SharedDocument:
        body = write()
        return SharedDocument(body, kind, f'"{hashlib.sha256(body).hexdigest()[:24]}"')

    documents: Documents = app.state.documents
    for path, (write, kind) in written.items():
        work = partial(document, write, kind)
        documents[path] = SharedWork(work, services.monotonic.seconds, max_age)


def add_own(app: FastAPI, services: Services) -> None:
    """Add the documents of every installation."""
    add(
        app,
        services,
        {
            ROBOTS: (lambda: _robots_txt(app, services), "text/plain; charset=utf-8"),
            LICENSE: (lambda: _licence(services), "application/rsl+xml; charset=utf-8"),
            OPENAPI: (lambda: json.dumps(app.openapi(), ensure_ascii=False).encode(), "application/json"),
        },
    )


@router.get(ROBOTS)
@router.get(LICENSE)
@router.get(OPENAPI)
async def answer(request: Request) -> Response:
    """The document at this address; 304 for a caller that has it already. Raises NoLicense."""
    shared: SharedWork[SharedDocument] = request.app.state.documents[request.url.path]
    give_up_place(request)  # all wait for one run, which has a thread of its own
    found = await shared.outcome()
    headers = KEPT | {"ETag": found.tag}
    known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
    if found.tag in known or f"W/{found.tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers | {"Content-Type": found.kind})


def _robots_txt(app: FastAPI, services: Services) -> bytes:
    return robots.robots_txt(
        services.settings.refused_crawlers,
        sitemaps=[services.site.page(path) for path in app.state.sitemaps],
        license_url=_license_url(services),
    ).encode()


def _license_url(services: Services) -> str | None:
    given = services.settings.license
    return services.site.page(LICENSE) if given == OWN_LICENSE else given or None


def _licence(services: Services) -> bytes:
    """RSL 1.0: which uses of the whole site are permitted, and which are prohibited."""
    if services.settings.license != OWN_LICENSE:
        raise NoLicense
    house = services.sender.house
    rsl = ET.Element("rsl", {"xmlns": robots.RSL_NAMESPACE})
    content = ET.SubElement(rsl, "content", {"url": "/"})
    terms = ET.SubElement(content, "license")
    permitted, prohibited = robots.uses(services.settings.refused_crawlers)
    for name, found in (("permits", permitted), ("prohibits", prohibited)):
        if found:
            ET.SubElement(terms, name, {"type": "usage"}).text = " ".join(found)
    holder = {"type": "organization", "contactEmail": house.contact_email}
    ET.SubElement(content, "copyright", holder).text = house.legal_name
    ET.SubElement(content, "terms").text = services.site.page("/contact")
    ET.indent(rsl)
    text: bytes = ET.tostring(rsl, "utf-8", xml_declaration=True)
    return text + b"\n"
