"""The card networks' own codes, and what they mean for the next attempt. The same behind every acquirer."""

from billing.rules.decline_causes import DeclineCause
from billing.rules.dunning import DeclineKind

# Mastercard's merchant advice codes. 01 means that the card's details are out of date: they would fail again, so the reader is
# asked for a card, as for 03 and 21. Where the network updates the card, the new one is tried at once.
ADVICE = dict.fromkeys(("01", "03", "21"), DeclineKind.HARD) | {"02": DeclineKind.SOFT}
# Visa's category 1 (57 since 25 October 2026) and its stop orders. Other networks use the same numbers alike.
DECLINE = dict.fromkeys(
    ("04", "07", "12", "14", "15", "41", "43", "46", "57"), DeclineKind.HARD
) | dict.fromkeys(("R0", "R1", "R3"), DeclineKind.STOP_ORDER)
# What readers may know (RET-5). The second set hides any other code of the same decline.
CAUSE = {"51": DeclineCause.FUNDS, "54": DeclineCause.EXPIRED, "57": DeclineCause.ONLINE}
HIDDEN = frozenset({"04", "07", "41", "43", "59", "63"})
