"""What plans, prices and newsletters are called, for the fields of filters."""

from sqlmodel import Session, col, select

from billing.newsletters.models import Newsletter
from billing.staff.lists.fields import Names
from billing.subscriptions.find import plans, prices


def of_lists(session: Session) -> Names:
    """By field: each id with its words, in the order of the pages."""
    known = plans(session)
    of_plan = {plan.id: plan for plan in known}
    newsletters = session.exec(select(Newsletter).order_by(col(Newsletter.position), col(Newsletter.id)))
    return {
        "plan": {plan.id: plan.words for plan in known},
        "price": {
            price.id: f"{of_plan[price.plan_id].name}: {price.money.with_vat_words()} a {of_plan[price.plan_id].period_label}"
            for price in prices(session)
        },
        "newsletter": {newsletter.id: newsletter.name for newsletter in newsletters},
    }
