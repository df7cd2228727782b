"""Renders mails: `render(mail, house)` fills a mail's template, and `load(kind, fields)` reads a mail back from its row.

A mail's dataclass stands beside the function that queues it, in `billing/notices` or in a room's `notices.py`.
To change the words, edit the file in `templates/` and look at `python -m billing.dev.previews.mails DIR`.
"""

from emails.brand import Brand, Logo
from emails.compose import Rendered, is_control, render
from emails.documents import CreditNote, TaxInvoice
from emails.errors import Unfit, UnknownMessage, UnsafeLink, UnsafeSubject, WrongFields
from emails.fields import Cents, Code, Day, Document, MailFacts, Url, Words, hints, places
from emails.house import House, LegalLink
from emails.mails import ALWAYS, MAILS, Mail, load, store
from emails.newsletter import ArticleCard, NewsletterMail, Prose, render_newsletter
from emails.pdf import Pdf, can_print, pdf_of, print_documents
from emails.text_pdf import TextSection, print_text

__all__ = [
    "ALWAYS",
    "MAILS",
    "ArticleCard",
    "Brand",
    "Cents",
    "Code",
    "CreditNote",
    "Day",
    "Document",
    "House",
    "LegalLink",
    "Logo",
    "Mail",
    "MailFacts",
    "NewsletterMail",
    "Pdf",
    "Prose",
    "Rendered",
    "TaxInvoice",
    "TextSection",
    "Unfit",
    "UnknownMessage",
    "UnsafeLink",
    "UnsafeSubject",
    "Url",
    "Words",
    "WrongFields",
    "can_print",
    "hints",
    "is_control",
    "load",
    "pdf_of",
    "places",
    "print_documents",
    "print_text",
    "render",
    "render_newsletter",
    "store",
]
