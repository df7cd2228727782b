"""Every table in one place, for Alembic and for tests."""

from sqlmodel import SQLModel

import billing.access.models
import billing.bell
import billing.cases.models
import billing.clock
import billing.installation
import billing.list_key
import billing.mail.models
import billing.newsletters.models
import billing.payments.balance_models
import billing.payments.breaker
import billing.payments.dispute_models
import billing.payments.ledger_models
import billing.payments.models
import billing.payments.unexplained_models
import billing.readers.models
import billing.reports.doctor_models
import billing.staff.approval_models
import billing.staff.key_models
import billing.staff.models
import billing.subscriptions.models
import billing.web.models
import billing.webhooks.models  # noqa: F401 - importing the models is what fills the metadata

metadata = SQLModel.metadata
