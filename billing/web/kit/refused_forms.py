"""Why a form is refused before it is read (SEC-4)."""

from billing.platform.errors import Forbidden


class CrossSite(Forbidden):
    """This form was sent by another site, so we did nothing. If you meant to do this, open our own page and send the form there."""

    code = "cross_site"


class NoBrowserCookie(Forbidden):
    """Your browser sent no cookie with this form, so we can’t know that the form is yours, and we did nothing. Cookies may be blocked, or were deleted while the page was open. Allow cookies for this site, open the page again, and send it once more."""

    code = "no_cookie"


class StaleForm(Forbidden):
    """This page was opened too long ago, or before you deleted cookies, so we did nothing. Open the page again, and send it once more."""

    code = "stale_form"
