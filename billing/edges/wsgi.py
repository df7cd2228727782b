"""WSGI middleware: asks Masthead for each article's page, and hands the answer to your application.

    app = Paywall(app, Masthead("https://accounts.paper.example"), article_of)

`article_of(path)` returns an article's id, or None for other pages. Your application finds the decision in
`environ["masthead"]` (see `masthead.Answer`) and shows the whole text only where it is `allowed`. A browser can't forge it by
a header. Answers for one reader are `private, no-store`, so that no cache keeps them for another.

With a sign-in of your own, pass `who=lambda environ: Who(external_id=…)`, and give `Masthead` an API key with the scope `access`."""

from collections.abc import Callable, Iterable
from typing import Any

from .masthead import Masthead, Who

Environ = dict[str, Any]
OURS = ("HTTP_X_MASTHEAD", "HTTP_X_ACCESS_")


def by_request(environ: Environ) -> Who:
    """The visitor, by cookies or a reader token."""
    headers = {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return Who.of(environ["REQUEST_METHOD"], headers, environ.get("QUERY_STRING", ""))


class Paywall:
    """Between your server and your application."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        masthead: Masthead,
        article_of: Callable[[str], str | None],
        who: Callable[[Environ], Who] = by_request,
    ) -> None:
        self.app, self.masthead, self.article_of, self.who = app, masthead, article_of, who

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Ask, then let the application answer."""
        for name in [name for name in environ if name.startswith(OURS)]:
            del environ[name]
        article = self.article_of(environ.get("PATH_INFO", ""))
        if article is None:
            return self.app(environ, start_response)
        answer = environ["masthead"] = self.masthead.ask(article, self.who(environ))

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [pair for pair in headers if pair[0].lower() != "cache-control"]
            kept += [("Cache-Control", "private, no-store")]
            kept += [("Set-Cookie", line) for line in answer.cookies]
            return start_response(status, kept, *more)

        return self.app(environ, start)
