"""A page of a few lines, which needs neither a template nor the database."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="en-ZA">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title}</title>
  <link rel="stylesheet" href="/static/site.css">
</head>
<body class="narrow">
<main id="main">
<p class="crumb">{status}</p>
<h1>{title}</h1>
<p class="lede">{words}</p>
</main>
</body>
</html>
"""


def plain_page(status: int, title: str, words: str, headers: Mapping[str, str]) -> HTMLResponse:
    """A page with a heading and a sentence, which search engines don't keep."""
    page = _PAGE.format(status=status, title=escape(title), words=escape(words))
    return HTMLResponse(page, status, {"X-Robots-Tag": "noindex", **headers})
