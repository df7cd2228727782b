"""ASGI middleware: asks Masthead for each article's page, and hands the answer to your application.

    app = Paywall(app, Masthead("https://accounts.paper.example"), article_of)

`article_of(path)` returns an article's id, or None for other pages. Your application finds the decision in
`scope["masthead"]` (see `masthead.Answer`; in Starlette `request.scope["masthead"]`) and shows the whole text only where it is
`allowed`. A browser can't forge it by a header. Answers for one reader are `private, no-store`.

With a sign-in of your own, pass `who=lambda scope: Who(external_id=…)`, and give `Masthead` an API key with the scope `access`."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .masthead import Masthead, Who

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
OURS = (b"x-masthead", b"x_masthead", b"x-access-", b"x_access_")


def by_request(scope: Scope) -> Who:
    """The visitor, by cookies or a reader token."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}; {text}" if key in headers else text  # HTTP/2 may split cookies
    return Who.of(scope["method"], headers, scope.get("query_string", b"").decode("latin-1"))


class Paywall:
    """Between your server and your application."""

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        masthead: Masthead,
        article_of: Callable[[str], str | None],
        who: Callable[[Scope], Who] = by_request,
    ) -> None:
        self.app, self.masthead, self.article_of, self.who = app, masthead, article_of, who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask, then let the application answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        honest = [pair for pair in scope["headers"] if not pair[0].lower().startswith(OURS)]
        scope = {**scope, "headers": honest}
        article = self.article_of(scope["path"])
        if article is None:
            return await self.app(scope, receive, send)
        answer = await asyncio.to_thread(self.masthead.ask, article, self.who(scope))

        async def send_on(message: Scope) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"cache-control"]
                kept += [(b"cache-control", b"private, no-store")]
                kept += [(b"set-cookie", line.encode("latin-1")) for line in answer.cookies]
                message = {**message, "headers": kept}
            await send(message)

        return await self.app({**scope, "masthead": answer}, receive, send_on)
