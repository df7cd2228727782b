"""Every table in one place, for Alembic and for tests."""

from sqlmodel import SQLModel

import billing.access.models
import billing.acquirer.breaker
import billing.brand.models
import billing.cases.models
import billing.ledger.models
import billing.mail.models
import billing.mail.suppression_models
import billing.newsletters.models
import billing.payments.balance_models
import billing.payments.corrections
import billing.payments.dispute_models
import billing.payments.invoice_recipients
import billing.payments.models
import billing.payments.number_models
import billing.payments.refund_models
import billing.payments.unexplained_models
import billing.payments.vat_models
import billing.personal_data.merge_models
import billing.personal_data.models
import billing.platform.clock
import billing.platform.heartbeat
import billing.platform.installation
import billing.platform.list_key
import billing.readers.address_change
import billing.readers.deceased
import billing.readers.models
import billing.reports.doctor_models
import billing.reports.numbers.models
import billing.staff.alert_models
import billing.staff.approval_models
import billing.staff.bulk.models
import billing.staff.key_models
import billing.staff.lists.models
import billing.staff.models
import billing.staff.passkeys
import billing.staff.recovery_codes
import billing.staff.request_models
import billing.subscriptions.models
import billing.subscriptions.origin_models
import billing.web.api.models
import billing.webhooks.models  # noqa: F401 - importing the models fills the metadata

metadata = SQLModel.metadata
