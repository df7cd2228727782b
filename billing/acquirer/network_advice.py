"""What the card networks' own codes mean for the next attempt. Facts of the schemes, the same behind every acquirer."""

from billing.rules.dunning import DeclineKind

# Mastercard's merchant advice codes. 01 says that the card's details are out of date: the same ones would fail again, so it asks
# for a card as 03 and 21 do; where the network updates the card, the new one is tried at once.
ADVICE = dict.fromkeys(("01", "03", "21"), DeclineKind.HARD) | {"02": DeclineKind.SOFT}
# Visa's category 1 (57 since 25 October 2026) and its stop orders. Other networks use the same numbers alike.
DECLINE = dict.fromkeys(
    ("04", "07", "12", "14", "15", "41", "43", "46", "57"), DeclineKind.HARD
) | dict.fromkeys(("R0", "R1", "R3"), DeclineKind.STOP_ORDER)
