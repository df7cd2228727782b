"""What a page says once, after an act on the page before."""

from billing.readers import sessions
from billing.web.views.frame import Flash

DONE = {
    "resumed": "Your subscription goes on as before.",
    "account-kept": "You keep your account, and nothing is erased.",
    "withdrawn": "You have withdrawn. Your money is on its way back to your card, and a mail says how much.",
    "asked-back": "We have your request, and nothing more is charged. A person answers by mail.",
    "plan": "Done. A mail says what changes, and when. You can undo it here until then.",
    "invoice-details": "Saved. Your tax invoices have these details from now on.",
    "invoice-corrected": "Done. This tax invoice takes the place of the one before; both are on their way to you by mail.",
    "invoice-details-removed": "Removed. Your tax invoices have only your email address from now on.",
    "charge-day": "Done. A mail says when you pay. You can undo it here until the free days begin.",
    "day-kept": "The day you pay stays as it was.",
    "plan-kept": "Your plan stays as it is.",
    "paused": "Your pause is planned. A mail says from when, and until when.",
    "pause-over": "There is no pause any more: your subscription goes on.",
    "card": "Your new card is saved.",
    "paid": "Thank you. The charge went through, and your subscription goes on.",
    "card-too-late": "Your subscription ended before this card was saved, so the card is not charged. You can start"
    " again at any time.",
    "card-of-another": "The subscription that this card was for has ended, so this card is not charged. Your present"
    " subscription keeps the card it has; you can change it in your account.",
    "card-waits": "Your new card is saved. Our payment partner can’t be reached right now: we charge the card as soon"
    " as it can, and you read on meanwhile.",
    "signed-out": "You are signed out.",
    "signed-out-there": "Done. That device is signed out of your account.",
    "not-in-there": "That device is not signed in to your account any more.",
    "signed-in": "You are signed in.",
    "registered": "You are registered, and signed in.",
    "address-changed": "Your address is changed. You sign in with it from now on, and our mails go there.",
    "passkey-added": "Your passkey is added. Next time it signs you in.",
    "passkey-named": "The new name is saved.",
    "passkey-removed": "The passkey is removed. It signs in nobody any more.",
    "replied": "We have your reply. A person reads it, and answers here and by mail.",
    "gift-revoked": "The gift is taken back. Its link opens nothing any more.",
    "newsletters-saved": "Your choice is saved.",
    "newsletters-asked": "One more step: press the button in our mail. It is on its way to you, or came within the last hour.",
    "newsletters-stopped": "You will get no more newsletters from us.",
    "newsletters-taken-back": "Taken back. You are on the same lists as before.",
    "newsletters-not-taken-back": "There is nothing left to take back: it was done before, or more than an hour has passed.",
    "staff-done": "Done. It stands in the timeline, with your reason.",
    "staff-answered": "Answered. The mail is on its way.",
    "staff-asked": "The link is on its way to the reader.",
    "staff-case-closed": "Closed, with your reason.",
    "staff-dispute-sent": "Sent. The bank decides; the case stays open until then.",
    "staff-saved": "Saved.",
    "staff-replayed": "It is settled again now. Reload the page in a moment to see what became of it.",
    "staff-asked-second": "It waits for a second member, who has been mailed. Nothing is done until then.",
    "staff-approved": "Approved, and done.",
    "staff-declined": "Declined. Nothing was done.",
    "staff-session-ended": "Done. That browser is signed out.",
    "staff-session-over": "That browser is not signed in any more.",
    "staff-proved": "Thank you. For ten minutes you are not asked again.",
    "staff-signed-out": "You are signed out.",
    "staff-key-waits": "Saved. What the key may give back rises only once another admin has approved it.",
}
FAILED = {
    "not-kept": "Nothing was changed: your subscription does not go on. This page says how it stands.",
    "not-paid": "Your card is saved, but the charge did not go through. Please try another card.",
    "not-charged": "Your bank did not approve it, and nothing was charged. Please pay with another card.",
    "same-card": "We can’t charge this card again for now. Please give us another one.",
    "staff-not-approved": "Something has changed since it was asked for, so nothing was done. Look at how it stands now, and"
    " ask again.",
    "staff-codes-locked": "Five codes were wrong, so this browser is signed out and nothing was done. For a while it takes no"
    " codes: a mail to you says until when. Then sign in again.",
}
FLASHES = {name: Flash(text=text) for name, text in DONE.items()}
FLASHES |= {name: Flash(text=text, tone="bad") for name, text in FAILED.items()}
"""By the name that the flash cookie holds."""


def signed_out(reason: str, limit: int) -> Flash:
    """Why a browser was signed out (see `sessions.why_ended`). `limit`: in how many browsers an account is used at once."""
    if reason == sessions.PROVED:
        return Flash(
            text="You confirmed your address on another device, so you were signed out here, where it was not confirmed."
            " Sign in here too: we mail you a link.",
            tone="bad",
        )
    browsers = "one browser" if limit == 1 else f"{limit} browsers"
    return Flash(
        text=f"You were signed out here, because you signed in somewhere else and an account is used in {browsers} at once."
        " Sign in again to read on here.",
        tone="bad",
    )
