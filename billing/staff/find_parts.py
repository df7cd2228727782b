"""Find readers by parts of their mail address and of their name."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.payments.invoice_recipients import InvoiceRecipient
from billing.platform.text_parts import has, has_all, in_index, indexed
from billing.readers.models import Reader


def by_part_of_mail(words: Sequence[str]) -> SelectOfScalar[Reader]:
    """Readers whose address has all the words."""
    return select(Reader).where(
        col(Reader.merged_into).is_(None),  # the address of one that was merged is made of its id
        *has_all(col(Reader.email), words),
    )


def by_name(words: Sequence[str]) -> SelectOfScalar[Reader]:
    """Readers with all the words in a name on their tax invoices, or some there and the others in the address."""
    name, email = col(InvoiceRecipient.name), col(Reader.email)
    fits = (
        select(InvoiceRecipient.reader_id)
        .join(Reader, col(Reader.id) == InvoiceRecipient.reader_id)
        .where(
            sa.or_(*(in_index(name, word) for word in indexed(words))),
            *(sa.or_(has(name, word), has(email, word)) for word in words),
        )
    )
    return select(Reader).where(col(Reader.id).in_(fits))
