"""The menu of staff's pages: rooms used daily stand in the head, the others in a few menus."""

from dataclasses import dataclass

Room = tuple[str, str]
"""An address and a name."""
DAILY = (
    "/staff",
    "/staff/requests",
    "/staff/newsletters",
    "/staff/articles",
    "/staff/cases",
    "/staff/numbers",
)
"""Rooms that stand in the head by themselves."""
MENUS = (
    ("Readers", ("/staff/subscriptions", "/staff/many")),
    ("Money", ("/staff/invoices", "/staff/approvals", "/staff/owed", "/staff/books", "/staff/prices")),
    (
        "Set-up",
        (
            *("/staff/plans", "/staff/brand", "/staff/members", "/staff/keys", "/staff/webhooks"),
            *("/staff/settings", "/staff/audit"),
        ),
    ),
)
"""The menus and their rooms, in this order. A room that none names stands in the last one."""
FEW = 6
"""So many rooms need no menus."""


@dataclass(frozen=True, slots=True)
class RoomMenu:
    """Rooms in the head. Without a `name` they stand there by themselves."""

    name: str
    rooms: tuple[Room, ...]

    def holds(self, address: str) -> bool:
        """Whether the room with this address is in it."""
        return any(room[0] == address for room in self.rooms)


def menus(rooms: tuple[Room, ...]) -> tuple[RoomMenu, ...]:
    """These rooms in the head's order. A menu of one room is that room."""
    if len(rooms) <= FEW:
        return (RoomMenu("", rooms),)
    named = {address for _, addresses in MENUS for address in addresses} | set(DAILY)
    last = MENUS[-1][0]
    found, alone = [], [room for room in rooms if room[0] in DAILY]
    for name, addresses in MENUS:
        inside = [room for room in rooms if room[0] in addresses or (name == last and room[0] not in named)]
        if len(inside) == 1:
            alone += inside
        elif inside:
            found.append(RoomMenu(name, tuple(inside)))
    return (RoomMenu("", tuple(alone)), *found)


def here(rooms: tuple[Room, ...], path: str) -> str:
    """The address of the room that the page belongs to: the longest that begins its path. Pages of readers without a room of
    their own belong to the first page, where one finds them."""
    path = path.partition("?")[0]
    within = [address for address, _ in rooms if path == address or path.startswith(f"{address}/")]
    deeper = [address for address in within if address != "/staff"]
    if deeper:
        return max(deeper, key=len)
    return "/staff" if path == "/staff" or path.startswith(("/staff/readers/", "/staff/find")) else ""
