"""Lists for staff: readers, subscriptions, payments, refunds, and tax invoices with credit notes.

A filter is one frozen value a list. `fields` reads it from a form, writes it as a query and says it in words; the list's own module
turns it into SQL."""
