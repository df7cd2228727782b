"""What a page says once, after something was done on the one before."""

from billing.web.views.frame import Flash

FLASHES = {
    "resumed": Flash(text="Your subscription goes on as before."),
    "not-kept": Flash(
        text="Nothing was changed: your subscription does not go on. This page says how it stands.",
        tone="bad",
    ),
    "withdrawn": Flash(
        text="You have withdrawn. Your money is on its way back to your card, and a mail says how much."
    ),
    "asked-back": Flash(text="We have your request, and nothing more is charged. A person answers by mail."),
    "plan": Flash(text="Done. A mail says what changes, and when. You can undo it here until then."),
    "made-out": Flash(text="Done. This tax invoice is made out to them, and so are those to come."),
    "plan-kept": Flash(text="Your plan stays as it is."),
    "paused": Flash(text="Your pause is planned. A mail says from when, and until when."),
    "pause-over": Flash(text="There is no pause any more: your subscription goes on."),
    "card": Flash(text="Your new card is saved."),
    "paid": Flash(text="Thank you. The charge went through, and your subscription goes on."),
    "not-paid": Flash(
        text="Your card is saved, but the charge did not go through. Please try another card.", tone="bad"
    ),
    "not-charged": Flash(
        text="Your bank did not approve it, and nothing was charged. Please pay with another card.",
        tone="bad",
    ),
    "same-card": Flash(
        text="We can’t charge this card again for now. Please give us another one.", tone="bad"
    ),
    "card-too-late": Flash(
        text="Your subscription ended before this card was saved, so the card is not charged. You can start again at any time."
    ),
    "card-of-another": Flash(
        text="The subscription that this card was for has ended, so this card is not charged. Your present subscription"
        " keeps the card it has; you can change it in your account."
    ),
    "card-waits": Flash(
        text="Your new card is saved. Our payment partner can't be reached right now: we charge the card as soon as"
        " it can, and you read on meanwhile."
    ),
    "signed-out": Flash(text="You are signed out."),
    "signed-out-there": Flash(text="Done. That device is signed out of your account."),
    "not-in-there": Flash(text="That device is not signed in to your account any more."),
    "signed-in": Flash(text="You are signed in."),
    "gift-revoked": Flash(text="The gift is taken back. Its link opens nothing any more."),
    "newsletters-saved": Flash(text="Your choice is saved."),
    "newsletters-asked": Flash(
        text="One more step: press the button in the mail that we have just sent you."
    ),
    "newsletters-stopped": Flash(text="You will get no more newsletters from us."),
    "staff-done": Flash(text="Done. It stands in the timeline, with your reason."),
    "staff-answered": Flash(text="Answered. The mail is on its way."),
    "staff-asked": Flash(text="The link is on its way to the reader."),
    "staff-case-closed": Flash(text="Closed, with your reason."),
    "staff-dispute-sent": Flash(text="Sent. The bank decides; the case stays open until then."),
    "staff-saved": Flash(text="Saved."),
    "staff-replayed": Flash(
        text="It is settled again now. Reload the page in a moment to see what became of it."
    ),
    "staff-asked-second": Flash(
        text="It waits for a second member, who has been mailed. Nothing is done until then."
    ),
    "staff-approved": Flash(text="Approved, and done."),
    "staff-declined": Flash(text="Declined. Nothing was done."),
    "staff-not-approved": Flash(
        text="Something has changed since it was asked for, so nothing was done. Look at how it stands now, and ask again.",
        tone="bad",
    ),
    "staff-session-ended": Flash(text="Done. That browser is signed out."),
    "staff-session-over": Flash(text="That browser is not signed in any more."),
    "staff-proved": Flash(text="Thank you. For ten minutes you are not asked again."),
    "staff-signed-out": Flash(text="You are signed out."),
    "staff-codes-locked": Flash(
        text="Five codes were wrong, so this browser is signed out and nothing was done. For a while it takes no codes:"
        " a mail to you says until when. Then sign in again.",
        tone="bad",
    ),
    "staff-key-waits": Flash(
        text="Saved. What the key may give back rises only once another admin has approved it."
    ),
}
