"""The page that says what an act would do, and its button. The act is done only if nothing has changed since the preview."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlmodel import Session
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal
from billing.readers.register import by_id
from billing.refunds import grace
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import approvals, facts
from billing.staff.act_words import in_words
from billing.staff.acts.limits import OverLimit, check_limits, left_in_words, needs_second
from billing.staff.acts.perform import StaleVersion, changed_since, is_same_act, perform, preview_act
from billing.staff.acts.shape import Act, customer_facing_reason
from billing.staff.entry import EntryKind
from billing.staff.models import AuditLine
from billing.staff.roles import Permission
from billing.staff.second_member import NeedsSecond
from billing.web.staff.act_forms import PREVIEW, ActForm, Typed
from billing.web.staff.guard import StaffMustProve, StaffVisit, refuse
from billing.web.views.staff_act import StaffActPage
from billing.web.views.staff_reader import StaffEntry

SECOND = "Two members decide about this much: it is done when another member of finance, or an admin, has approved it."


@dataclass(frozen=True)
class ActPage:
    """The page of one act for one reader. `make` reads the form in the transaction that shows or does it."""

    visit: StaffVisit
    reader_id: str
    make: Callable[[Session], ActForm]

    def show(self) -> Response:
        """Show what would happen."""
        with self.visit.begin() as ctx:
            return self.visit.page(self._view(ctx, self.make(ctx.session)))

    def submit(self, typed: Typed) -> Response:
        """Do the act if it is still what was shown; else show it again with the typed reason.

        An act beyond the role's limit is refused and audited."""
        with self.visit.begin() as ctx:
            act = self.make(ctx.session).act
        if act is None or typed.step == PREVIEW or not is_same_act(act, typed.version):
            return self.again(typed.reason, shown=typed.version)
        try:
            flash = self._do(act, typed)
        except OverLimit as refusal:
            refuse(self.visit, act.what, reader_id=self.reader_id, words=refusal.detail)
        except Refusal as refusal:
            return self.again(typed.reason, refusal, shown=typed.version)
        return self.visit.go(f"/staff/readers/{self.reader_id}", flash)

    def again(self, reason: str, refusal: Refusal | None = None, *, shown: str = "") -> Response:
        """Show the page again, with the typed reason and why nothing was done. `shown` is the version of the page before: what has
        changed since is said."""
        with self.visit.begin() as ctx:
            form = self.make(ctx.session)
            if form.act is not None:
                try:
                    check_limits(ctx, self.visit.member.role, form.act)
                except OverLimit as over:
                    refuse(self.visit, form.act.what, reader_id=self.reader_id, words=over.detail)
                except (Refusal, NoSuchTransition):
                    pass  # `_view` meets the same refusal and shows it
            view = self._view(ctx, form, reason=reason, refusal=refusal)
            if form.act is not None and shown and changed_since(ctx.session, form.act, shown):
                at = facts.last_change_at(ctx.session, self.reader_id)
                view = replace(view, has_changed=True, changed_at=at)
        return self.visit.page(view, refusal.status if refusal else 422 if view.error else 200)

    def _do(self, act: Act, typed: Typed) -> str:
        """Do the act, or ask a second member to approve it; the flash that says which."""
        role, reason, version = self.visit.member.role, typed.reason, typed.version
        try:
            with self.visit.begin() as ctx:
                self._require_fresh_code(ctx, act)
                perform(ctx, act, role=role, reason=reason, version=version)
                held = grace.held(ctx.session, self.reader_id, ctx.at)
            return "staff-held" if any(row.created_at == ctx.at for row in held) else "staff-done"
        except NeedsSecond:  # its transaction is rolled back, so the approval needs another
            with self.visit.begin() as ctx:
                approvals.ask_for_act(ctx, act, role=role, reason=reason, version=version)
            return "staff-asked-second"

    def _require_fresh_code(self, ctx: TransactionContext, act: Act) -> None:
        """A merge, and more money than support may give a reader in a month, need a fresh code. Raises StaffMustProve."""
        if self.visit.is_fresh:
            return
        most = ctx.site.staff_limits.support_refund_limit
        if act.what is Permission.MERGE or act.preview(ctx).cents > most:
            raise StaffMustProve(self.visit)

    def _view(
        self, ctx: TransactionContext, form: ActForm, *, reason: str = "", refusal: Refusal | None = None
    ) -> StaffActPage:
        words: tuple[str, ...] = ()
        button, version = "", None
        error: str | None = form.error.detail if form.error else None
        customer_reason = None
        if form.act is not None:
            try:
                role = self.visit.member.role
                check_limits(ctx, role, form.act)
                preview, version = preview_act(ctx, form.act)
                words, button = preview.words + left_in_words(ctx, role, form.act, preview), preview.button
                if needs_second(ctx, form.act, preview):
                    words, button = (*words, SECOND), f"Ask for approval: {button[:1].lower()}{button[1:]}"
                customer_reason = customer_facing_reason(reason) if preview.reader_reads else None
            except (Refusal, NoSuchTransition) as problem:
                error = problem.detail if isinstance(problem, Refusal) else str(problem)
        last = facts.last_act(ctx.session, self.reader_id) if isinstance(refusal, StaleVersion) else None
        if refusal is not None and error != refusal.detail:  # the preview may have failed for the same reason
            error = f"{refusal.detail} {error or ''}".strip()
        return StaffActPage(
            reader_id=self.reader_id,
            email=by_id(ctx.session, self.reader_id).email,
            title=form.title,
            action=self.visit.request.url.path,
            hidden=form.hidden,
            fields=form.fields,
            words=words,
            button=button,
            version=version,
            most=form.most,
            reason=reason,
            asks=form.asks,
            reader_reads=customer_reason,
            error=error,
            first=form.first if error else (),
            meanwhile=_as_entry(last) if last else None,
        )


def _as_entry(line: AuditLine) -> StaffEntry:
    """An audit line in the form of the timeline's entries."""
    return StaffEntry(
        at=line.at,
        kind=EntryKind.ACT.value,
        what=in_words(line.act),
        by=line.by,
        reason=line.reason,
        facts=(),
    )
