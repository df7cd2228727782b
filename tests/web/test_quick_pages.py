"""No statement is sent from the event loop: a page that runs there goes to a thread when it needs the database."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from billing.app import build, create_app
from billing.platform.time_limits import Work
from billing.subscriptions import first_plans
from tests.support.databases import Databases
from tests.support.installation import settings_for
from tests.support.web_server import WebServer

PAGES = ("/", "/subscribe", "/subscribe?plan=monthly", "/sign-in", "/sign-in/sent")
NOT_A_PLAN = "/subscribe?plan=nothing"


class Sent:
    """The statements that the application sent, by thread."""

    def __init__(self) -> None:
        self.by_thread: list[str] = []

    def record(self, *_: Any) -> None:
        self.by_thread.append(threading.current_thread().name)


@pytest.fixture
def running(databases: Databases) -> Iterator[tuple[httpx.Client, Sent]]:
    """The application on the machine's clock, and what it sends."""
    with databases.fresh() as url:
        services = build(settings_for(url), work=Work.REQUEST)
        with services.database.transaction() as session:
            first_plans.add(session)
        app, server, sent = create_app(services), WebServer(), Sent()
        server.start(app)
        server.use(app)
        sa.event.listen(services.database.engine, "before_cursor_execute", sent.record)
        try:
            with httpx.Client(base_url=server.url, trust_env=False) as client:
                yield client, sent
        finally:
            server.close()
            services.database.close()


@pytest.mark.parametrize("cookies", [{}, {"masthead-session": "a-browser-that-was-signed-in"}])
@pytest.mark.parametrize("path", PAGES)
def test_a_quick_page_reaches_the_database_in_a_thread_only(
    running: tuple[httpx.Client, Sent], path: str, cookies: dict[str, str]
) -> None:
    client, sent = running
    for _ in range(3):
        answer = client.get(path, headers={"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())})
        assert answer.status_code == 200, answer.text
    assert "web server" not in sent.by_thread
    assert bool(sent.by_thread) or not cookies, "a session is looked up"


def test_a_quick_page_refuses_as_any_other(running: tuple[httpx.Client, Sent]) -> None:
    client, sent = running
    answers = [client.get(NOT_A_PLAN) for _ in range(3)]
    assert {(answer.status_code, "plan" in answer.text) for answer in answers} == {(422, True)}
    assert "web server" not in sent.by_thread


def test_a_page_that_ran_twice_sets_each_cookie_once(running: tuple[httpx.Client, Sent]) -> None:
    client, _ = running
    answer = client.get("/")
    names = [value.partition("=")[0] for value in answer.headers.get_list("set-cookie")]
    assert len(names) == len(set(names)) == 1
