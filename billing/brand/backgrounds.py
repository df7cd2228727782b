"""The backgrounds of pages and mails that the accent stands on; of each kind the one on which it is hardest to read.

They are those of `billing/web/static/site.css` and `emails/templates/look.css`; a test compares them."""

LIGHT = "#f3ece0"
DARK = "#29251f"
