"""Security headers of every answer, refusals included (SEC-5)."""

from collections.abc import Callable, Iterator

import httpx

from billing.web.kit.middleware import MACHINES
from tests.support.broken_tables import missing_table
from tests.support.routes import routes
from tests.support.two_readers import PAYING, TwoReaders
from tests.support.world import World

KEYS = ("/.well-known/jwks.json", "/.well-known/authzen-configuration", "/.well-known/security.txt")
FOR_EVERYBODY = (
    "/static/site.css",
    "/paywall.js",
    "/robots.txt",
    "/feed.xml",
    "/sitemap.xml",
    "/sitemap-news.xml",
    "/openapi.json",
    *("/favicon.ico", "/apple-touch-icon.png", "/manifest.webmanifest"),
    *KEYS,
)
"""Without a cookie the pages of articles are, too: `test_shared_pages`."""


def policy(answer: httpx.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


def faults(answer: httpx.Response, *, frame: bool = False) -> Iterator[str]:
    """What an answer's headers lack. `frame`: mails in the demo's mailbox, which are in a sandboxed frame."""
    found = policy(answer)
    if found.get("default-src") != "'none'" or found.get("base-uri") != "'none'":
        yield "the policy allows by default"
    if found.get("frame-ancestors") != ("'self'" if frame else "'none'"):
        yield "others may frame it"
    if not frame and "unsafe" in answer.headers["content-security-policy"]:
        yield "the policy allows what stands in the page"
    is_logo = (
        answer.url.path.startswith("/brand/")
        and answer.url.path.endswith((".png", ".svg"))
        and answer.status_code == 200
    )
    is_page = not answer.url.path.startswith(MACHINES)
    if is_logo and "sandbox" not in found:
        yield "a picture is more than that"
    if (
        is_page
        and not (frame or is_logo)
        and (found.get("script-src") != "'self'" or found.get("object-src") != "'none'")
    ):
        yield "others' scripts run"
    if not is_page and found.keys() != {"default-src", "base-uri", "frame-ancestors"}:
        yield "an answer to a program may do something"
    pages = (("referrer-policy", "no-referrer"), ("cross-origin-opener-policy", "same-origin"))
    for name, value in (
        ("x-content-type-options", "nosniff"),
        (
            "cross-origin-resource-policy",
            "cross-origin" if is_logo or answer.url.path == "/paywall.js" else "same-origin",
        ),
        *(pages if is_page else ()),
    ):
        if answer.headers.get(name) != value:
            yield f"no {name}"
    if "no-store" not in answer.headers.get("cache-control", "") and answer.url.path not in FOR_EVERYBODY:
        yield "it may be kept"
    if "server" in answer.headers or "x-powered-by" in answer.headers:
        yield "it says what it runs on"
    if not answer.headers.get("x-request-id"):
        yield "it has no id"


def answers(readers: TwoReaders) -> Iterator[httpx.Response]:
    http = readers.payer.http
    kinds = "text/html", "application/json"
    for number, route in enumerate(routes(readers.world)):
        path = route.at(**readers.names[PAYING], token="x.y")
        for accept in kinds if number % 4 == 0 else kinds[:1] if route.is_page else kinds[1:]:
            yield http.request(route.method, path, headers={"accept": accept}, follow_redirects=False)
    for path in ("/nothing", "/static/nothing.css", "/articles/none", "/%00", "/v1/nothing"):
        for accept in kinds:
            yield http.get(path, headers={"accept": accept})
    yield http.put("/account")
    yield http.post("/subscribe", content=b"a" * 100_000)
    yield http.post("/subscribe", content=iter([b"a" * 1000] * 100))
    yield http.post("/v1/trials", content=b"{", headers={"content-type": "application/json"})
    yield http.get("/static/site.css")


def test_every_answer_carries_them(readers: TwoReaders) -> None:
    wrong = [
        f"{answer.request.method} {answer.url.path} {answer.status_code}: {fault}"
        for answer in answers(readers)
        for fault in faults(answer)
    ]
    assert wrong == []


def test_an_answer_to_our_own_fault_carries_them_too(readers: TwoReaders) -> None:
    """A missing table is our own fault. The answer says so, and reveals nothing else."""
    world = readers.world
    with missing_table(world, "price"):
        for accept, kind in (("text/html", "text/html"), ("application/json", "application/problem+json")):
            answer = httpx.get(f"{world.url}/subscribe", headers={"accept": accept}, trust_env=False)
            assert answer.status_code == 500
            assert answer.headers["content-type"].startswith(kind)
            assert list(faults(answer)) == []
            assert not any(
                word in answer.text for word in ("Traceback", "price.", "SELECT", "psycopg", "sqlalchemy")
            )
            assert kind != "text/html" or answer.headers["x-request-id"] in answer.text


def test_pages_hold_no_script_and_no_style_of_their_own(readers: TwoReaders) -> None:
    """Pages contain nothing that the policy would block."""
    for path in ("/", "/articles", "/account", "/account/cancel", "/subscribe", "/sign-in/sent", "/mailbox"):
        page = readers.payer.get(path).text
        assert "<style" not in page, path
        assert " style=" not in page, path
        assert " onclick=" not in page, path
        scripts = [piece.partition("</script>")[0] for piece in page.split("<script")[1:]]
        assert all("src=" in script or "application/ld+json" in script for script in scripts), path


def test_files_for_everybody_are_kept_for_a_year_when_their_address_says_which(readers: TwoReaders) -> None:
    page = readers.payer.get("/").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert readers.payer.http.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert readers.payer.http.get(path).status_code == 404


def test_https_is_asked_for_where_there_is_https(make_world: Callable[..., World]) -> None:
    for settings, expected in (({"public_url": "https://accounts.paper.example"}, True), ({}, False)):
        world = make_world(**settings)
        with httpx.Client(base_url=world.url, trust_env=False) as client:
            for answer in (
                client.get("/healthz"),
                client.get("/nothing"),
                client.post("/sign-in", content=b"a" * 70_000),
            ):
                hsts = answer.headers.get("strict-transport-security")
                assert (hsts == "max-age=63072000; includeSubDomains") is expected
