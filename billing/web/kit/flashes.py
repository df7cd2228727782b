"""What a page says once, after an act on the page before."""

from billing.readers import sessions
from billing.web.views.frame import Flash
from emails.languages import Text, say

DONE = {
    "resumed": say("Your subscription goes on as before."),
    "account-kept": say("You keep your account, and nothing is erased."),
    "withdrawn": say(
        "You have withdrawn. Your money is on its way back to your card, and a mail says how much."
    ),
    "asked-back": say("We have your request, and nothing more is charged. A person answers by mail."),
    "plan": say("Done. A mail says what changes, and when. You can undo it here until then."),
    "invoice-details": say("Saved. Your tax invoices have these details from now on."),
    "invoice-corrected": say(
        "Done. This tax invoice takes the place of the one before; both are on their way to you by mail."
    ),
    "invoice-details-removed": say("Removed. Your tax invoices have only your email address from now on."),
    "charge-day": say("Done. A mail says when you pay. You can undo it here until the free days begin."),
    "day-kept": say("The day you pay stays as it was."),
    "plan-kept": say("Your plan stays as it is."),
    "paused": say("Your pause is planned. A mail says from when, and until when."),
    "pause-over": say("There is no pause any more: your subscription goes on."),
    "card": say("Your new card is saved."),
    "paid": say("Thank you. The charge went through, and your subscription goes on."),
    "card-too-late": say(
        "Your subscription ended before this card was saved, so the card is not charged. You can start"
        " again at any time."
    ),
    "card-of-another": say(
        "The subscription that this card was for has ended, so this card is not charged. Your present"
        " subscription keeps the card it has; you can change it in your account."
    ),
    "card-waits": say(
        "Your new card is saved. Our payment partner can’t be reached right now: we charge the card as soon"
        " as it can, and you read on meanwhile."
    ),
    "signed-out": say("You are signed out."),
    "signed-out-there": say("Done. That device is signed out of your account."),
    "not-in-there": say("That device is not signed in to your account any more."),
    "signed-in": say("You are signed in."),
    "registered": say("You are registered, and signed in."),
    "address-changed": say(
        "Your address is changed. You sign in with it from now on, and our mails go there."
    ),
    "passkey-added": say("Your passkey is added. Next time it signs you in."),
    "passkey-named": say("The new name is saved."),
    "passkey-removed": say("The passkey is removed. It signs in nobody any more."),
    "replied": say("We have your reply. A person reads it, and answers here and by mail."),
    "gift-revoked": say("The gift is taken back. Its link opens nothing any more."),
    "newsletters-saved": say("Your choice is saved."),
    "newsletters-asked": say(
        "One more step: press the button in our mail. It is on its way to you, or came within the last hour."
    ),
    "newsletters-stopped": say("You will get no more newsletters from us."),
    "newsletters-taken-back": say("Taken back. You are on the same lists as before."),
    "newsletters-not-taken-back": say(
        "There is nothing left to take back: it was done before, or more than an hour has passed."
    ),
    "staff-done": Text("Done. It stands in the timeline, with your reason."),
    "staff-held": Text("Done. The money leaves in a minute; until then you can undo it here."),
    "staff-undone": Text("Undone. No money has left."),
    "staff-answered": Text("Answered. The mail is on its way."),
    "staff-asked": Text("The link is on its way to the reader."),
    "staff-has-account": Text("This address has an account. Give the days here."),
    "staff-case-closed": Text("Closed, with your reason."),
    "staff-dispute-sent": Text("Sent. The bank decides; the case stays open until then."),
    "staff-saved": Text("Saved."),
    "staff-filter-deleted": Text("The saved filter is deleted, for your colleagues too."),
    "staff-replayed": Text("It is settled again now. Reload the page in a moment to see what became of it."),
    "staff-asked-second": Text(
        "It waits for a second member, who has been mailed. Nothing is done until then."
    ),
    "staff-many-begun": Text("It is under way. You can close this page: it goes on by itself."),
    "staff-many-stopped": Text("Stopped. What was done stays done."),
    "staff-many-given-up": Text("Given up. What was done stays done."),
    "staff-approved": Text("Approved, and done."),
    "staff-declined": Text("Declined. Nothing was done."),
    "staff-session-ended": Text("Done. That browser is signed out."),
    "staff-passkey-added": Text("Your passkey is added. From now on it stands for a code."),
    "staff-passkey-removed": Text("The passkey is removed. It opens nothing here any more."),
    "staff-session-over": Text("That browser is not signed in any more."),
    "staff-proved": Text("Thank you. For ten minutes you are not asked again."),
    "staff-signed-out": Text("You are signed out."),
    "staff-key-waits": Text(
        "Saved. What the key may give back rises only once another admin has approved it."
    ),
}
FAILED = {
    "not-kept": say("Nothing was changed: your subscription does not go on. This page says how it stands."),
    "not-paid": say("Your card is saved, but the charge did not go through. Please try another card."),
    "not-charged": say(
        "Your bank did not approve it, and nothing was charged. Please pay with another card."
    ),
    "same-card": say("We can’t charge this card again for now. Please give us another one."),
    "staff-not-approved": Text(
        "Something has changed since it was asked for, so nothing was done. Look at how it stands now, and"
        " ask again."
    ),
    "staff-codes-locked": Text(
        "Five codes were wrong, so this browser is signed out and nothing was done. For a while it takes no"
        " codes: a mail to you says until when. Then sign in again."
    ),
}
FLASHES = {name: Flash(text=text) for name, text in DONE.items()}
FLASHES |= {name: Flash(text=text, tone="bad") for name, text in FAILED.items()}
"""By the name that the flash cookie holds."""


def signed_out(reason: str, limit: int) -> Flash:
    """Why a browser was signed out (see `sessions.why_ended`). `limit`: in how many browsers an account is used at once."""
    if reason == sessions.PROVED:
        return Flash(
            text=say(
                "You confirmed your address on another device, so you were signed out here, where it was not confirmed."
                " Sign in here too: we mail you a link."
            ),
            tone="bad",
        )
    if limit == 1:
        words = say(
            "You were signed out here, because you signed in somewhere else and an account is used in one browser at once."
            " Sign in again to read on here."
        )
    else:
        words = say(
            "You were signed out here, because you signed in somewhere else and an account is used in %(limit)s browsers at once."
            " Sign in again to read on here.",
            limit=limit,
        )
    return Flash(text=words, tone="bad")
