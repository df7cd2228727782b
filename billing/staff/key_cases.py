"""Cases about API keys, for admins."""

from datetime import datetime

from sqlmodel import Session

from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.office import Office


def at_its_ceiling(
    session: Session, office: Office, key_id: str, name: str, detail: str, at: datetime
) -> None:
    """A key is refused more than its ceiling of a day: one case a day."""
    today = office.today(at)
    open_case(
        session,
        CaseKind.KEY_LIMIT,
        f"{key_id}:{today.isoformat()}",
        f"The key “{name}”: {detail}",
        at=at,
    )
