"""What a reader can do about a declined charge."""

from enum import StrEnum


class DeclineCause(StrEnum):
    """Why a bank declined, as far as its reader may read it. BANK: anything else. A card that is reported lost, stolen or misused
    is BANK too: whoever holds it may be another person (RET-5)."""

    FUNDS = "funds"
    EXPIRED = "expired"
    ONLINE = "online"
    BANK = "bank"
