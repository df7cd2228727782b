"""A page of a few lines, which needs neither a template nor the database."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse

from emails.languages import Language, Text, in_whole

_PAGE = """<!doctype html>
<html lang="{language}">
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


def plain_page(
    status: int, title: Text, words: Text, headers: Mapping[str, str], language: Language
) -> HTMLResponse:
    """A page with a heading and a sentence, which search engines don't keep; in English if the language lacks one of them."""
    shown = in_whole(language, lambda written: _page(status, title, words, written))
    return HTMLResponse(shown, status, {"X-Robots-Tag": "noindex", **headers})


def _page(status: int, title: Text, words: Text, language: Language) -> str:
    heading, sentence = escape(language.text(title)), escape(language.text(words))
    return _PAGE.format(language=language.tag, status=status, title=heading, words=sentence)
