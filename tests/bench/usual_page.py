"""A page as FastAPI's and SQLModel's tutorials write it: a session by dependency, one query, one template. `usual_page.py PORT`."""

import socket
import sys
from collections.abc import Iterator
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import DictLoader, Environment
from sqlmodel import Session, select

from billing.platform.settings import read_settings
from billing.subscriptions.models import Plan
from billing.web.kit.serve import server

BASE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{% block title %}{% endblock %}</title></head>
<body><header><nav><a href="/">Home</a></nav></header><main>{% block main %}{% endblock %}</main></body></html>
"""
PAGE = """{% extends "base.html" %}
{% block title %}{{ plans[0].name }}{% endblock %}
{% block main %}{% for plan in plans %}<h1>{{ plan.name }}</h1>{% endfor %}
{% for number, words in paragraphs %}<p id="p{{ number }}">{{ words }}</p>
{% endfor %}{% endblock %}
"""
WORDS = "Read everything for a month & decide later: cancel in two clicks, by mail, or by not paying."
TEMPLATES = Environment(loader=DictLoader({"base.html": BASE, "page.html": PAGE}), autoescape=True)


def application(url: str) -> FastAPI:
    """`/page/SIZE` answers with about so many bytes."""
    app = FastAPI()
    engine = sa.create_engine(url, pool_size=20)

    def session() -> Iterator[Session]:
        with Session(engine) as opened:
            yield opened

    @app.get("/healthz")
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/page/{size}")
    def page(size: int, session: Annotated[Session, Depends(session)]) -> HTMLResponse:
        plans = session.exec(select(Plan).order_by(Plan.id)).all()
        paragraphs = [(number, WORDS) for number in range(max(1, (size - 250) // 112))]
        return HTMLResponse(TEMPLATES.get_template("page.html").render(plans=plans, paragraphs=paragraphs))

    return app


def main() -> None:
    """Serve."""
    url = read_settings().database_url.replace("postgresql://", "postgresql+psycopg://")
    app = application(url)
    server(app).run(sockets=[socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=2048)])


if __name__ == "__main__":
    main()
