"""The editor's page and its preview: the draft, what keeps it from being sent, and how readers would see it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape
from typing import Annotated

from fastapi import Form
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select
from starlette.responses import Response

import emails
from billing.access.articles import newest
from billing.access.models import Article
from billing.access.policies import NO_TERMS, AccessTerms, of_sections
from billing.http.headers import framed_headers
from billing.newsletters import issues
from billing.newsletters.compose import (
    MOST_BYTES,
    BadIssue,
    IssueCard,
    IssueContent,
    Variant,
    article_ids,
    kilobytes,
)
from billing.newsletters.lists import newsletter
from billing.newsletters.models import Issue
from billing.newsletters.progress import audience_now
from billing.newsletters.proof import preview
from billing.newsletters.sender import NewsletterSender
from billing.newsletters.wrap import content_of
from billing.rules.access import AccessLevel
from billing.web.kit.typed import LINES
from billing.web.staff.guard import StaffVisit
from billing.web.views.compose import ComposePage, Pick

ROOM = "/staff/newsletters"
PICKS = 30
_PLAIN = '<!doctype html><html lang="en-ZA"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head><body>{body}</body></html>'
_STYLE = "body{margin:0;padding:12px 14px;font:15px/1.5 ui-monospace,monospace;color:#1d1a16;background:#fffdf9}pre{white-space:pre-wrap;margin:0}"
_BAR = '<p style="margin:0;padding:8px 14px;font:13px/1.4 sans-serif;color:#f3f1e8;background:#24312c">{words}</p>'


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the form. `version` is that of the issue when the editor opened it."""

    version: Annotated[int, Form(ge=0, le=1_000_000)] = 0
    subject: Annotated[str, Form(max_length=1000)] = ""
    preheader: Annotated[str, Form(max_length=1000)] = ""
    source: Annotated[str, Form(), LINES] = ""

    @classmethod
    def of(cls, issue: Issue) -> "Draft":
        """The draft as it is saved."""
        return cls(issue.version, issue.subject, issue.preheader, issue.source)

    def with_card(self, article_id: str) -> "Draft":
        """The draft with an article's card at the end."""
        return replace(self, source=f"{self.source.rstrip()}\n\n[[article:{article_id}]]\n".lstrip())


def cards(session: Session, source: str) -> Mapping[str, IssueCard]:
    """Cards of the articles named in the text, from the registry as it is now."""
    found = session.exec(select(Article).where(col(Article.id).in_(article_ids(source)[:200])))
    sections = of_sections(session)
    return {
        article.id: IssueCard(
            article.section, article.title, article.url, _for_subscribers(article, sections)
        )
        for article in found
    }


def _for_subscribers(article: Article, sections: Mapping[str, AccessTerms]) -> bool:
    level = article.access or sections.get(article.section, NO_TERMS).access
    return level in (AccessLevel.SUBSCRIBER, None)


def compose_view(
    visit: StaffVisit,
    session: Session,
    issue: Issue,
    draft: Draft,
    *,
    variant: Variant = Variant.READER,
    when: str = "",
    error: str | None = None,
    note: str | None = None,
) -> ComposePage:
    """The page with the draft, the variant to look at, and when it is to start. Problems and sizes are those of the saved issue."""
    list_ = newsletter(session, issue.newsletter_id)
    sender = visit.services.newsletter_sender
    tomorrow = visit.today + timedelta(days=1)
    retired = (issues.NoMoreIssues().detail,) if list_.retired_at is not None else ()
    return ComposePage(
        issue_id=issue.id,
        newsletter=list_.name,
        people=audience_now(session, list_.id),
        version=draft.version,
        subject=draft.subject,
        preheader=draft.preheader,
        source=draft.source,
        scheduled_at=issue.scheduled_at,
        suggested=when or f"{tomorrow}T06:00",
        variant=variant.value,
        zone=visit.services.site.zone.key,
        picks=tuple(
            Pick(article_id=article.id, title=article.title, section=article.section)
            for article in newest(session, PICKS)
        ),
        problems=(*retired, *issues.check(session, issue, sender.house, sender.language)),
        sizes=_sizes(sender, content_of(issue, list_)),
        held_reason=issue.held_reason,
        note=note,
        error=error,
    )


def _sizes(sender: NewsletterSender, words: IssueContent) -> tuple[tuple[str, str], ...]:
    sizes = []
    for variant in Variant:
        with suppress(BadIssue, emails.UnsafeSubject):
            size = len(preview(sender, words, variant).html.encode())
            sizes.append((variant.value, kilobytes(size)))
    return tuple(sizes)


def preview_answer(sender: NewsletterSender, words: IssueContent, variant: Variant, shown: str) -> Response:
    """A page for a sandboxed frame: the mail, or its text, under a line with its size; or what is wrong with it."""
    try:
        mail = preview(sender, words, variant)
    except BadIssue as refusal:
        return _framed("Not yet", escape(refusal.detail))
    except emails.UnsafeSubject:
        return _framed("Not yet", "Type a subject.")
    size = f"{kilobytes(len(mail.html.encode()))} of {kilobytes(MOST_BYTES)}"
    bar = _BAR.format(
        words=f"As a {variant.value} gets it · {size} · line under the subject: {len(words.preheader)} characters"
    )
    if shown == "text":
        return _framed(mail.subject, f"{bar}<pre>{escape(mail.text)}</pre>")
    head, body, rest = mail.html.partition("<body")
    start = rest.index(">") + 1
    return _answer(f"{head}{body}{rest[:start]}{bar}{rest[start:]}")


def _framed(title: str, body: str) -> Response:
    return _answer(_PLAIN.format(title=escape(title), style=_STYLE, body=body))


def _answer(html: str) -> Response:
    return HTMLResponse(html, headers=framed_headers("'self'"))  # the logo of mails
