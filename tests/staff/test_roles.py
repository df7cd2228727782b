"""Permissions: the table of roles, and every staff route tried by every role."""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant

from billing.staff.roles import MOST_DAYS, TABLE, Permission, Role, days_limit, may, refund_limit
from tests.support.actors import BY
from tests.support.browser import Browser
from tests.support.routes import api_routes
from tests.support.staff_members import SignIn
from tests.support.world import World

S, F, E, A = Role.SUPPORT, Role.FINANCE, Role.EDITOR, Role.ADMIN
WHO = {
    Permission.FIND: {S, F, A},
    Permission.EXPORT: {F, A},
    Permission.READ: {S, F, A},
    Permission.CANCEL: {S, F, A},
    Permission.RESUME: {S, A},
    Permission.EXTEND: {S, A},
    Permission.CHARGE_DAY: {S, A},
    Permission.PAUSE: {S, A},
    Permission.COMPLIMENTARY: {S, A},
    Permission.DECEASED: {S, F, A},
    Permission.REFUND: {S, F, A},
    Permission.ENTER_REFUND: {F, A},
    Permission.CORRECT_INVOICE: {S, F, A},
    Permission.ANOTHER_TRIAL: {A},
    Permission.ERASE: {S, A},
    Permission.CHANGE_ADDRESS: {S, A},
    Permission.MERGE: {S, A},
    Permission.CHANGE_PLAN: {A},
    Permission.MAIL: {F, A},
    Permission.MANY: {F, A},
    Permission.NOTE: {S, F, A},
    Permission.READER_SIGN_INS: {S, A},
    Permission.READER_NEWSLETTERS: {S, A},
    Permission.SEND_INVOICE: {S, F, A},
    Permission.SEE_AS: {S, A},
    Permission.ANSWER: {S, F, A},
    Permission.INVOICES: {F, A},
    Permission.APPROVE: {F, A},
    Permission.BOOKS: {F, A},
    Permission.NUMBERS: {F, E, A},
    Permission.CASES: {F, A},
    Permission.NEWSLETTERS: {E, A},
    Permission.ARTICLES: {E, A},
    Permission.AUDIT: {F, A},
    Permission.STAFF: {A},
    Permission.KEYS: {A},
    Permission.PLANS: {A},
    Permission.BRAND: {A},
    Permission.WEBHOOKS: {A},
    Permission.SETTINGS: {A},
}
OPEN = {
    "/staff",
    "/staff/sign-out",
    "/staff/confirm",
    "/staff/recovery-codes",
    "/staff/passkeys",
    "/staff/passkeys/new",
    "/staff/passkeys/{passkey_id}/remove",
    "/staff/alerts",
    "/staff/sessions",
    "/staff/sessions/end-all",
    "/staff/sessions/{session_id}/end",
}
"""For everybody who is signed in."""
NAMES = {
    "reader_id": "rdr_x",
    "message_id": "msg_x",
    "request_id": "req_x",
    "staff_id": "stf_x",
    "key_id": "key_x",
    "notice_id": "pno_x",
    "action_id": "blk_x",
    "refund_id": "ref_x",
    "answer_id": "can_x",
    "passkey_id": "spk_x",
}


def test_the_table_is_as_agreed() -> None:
    assert set(WHO) == set(Permission)
    for what, roles in WHO.items():
        assert {role for role in Role if may(role, what)} == roles, what
    assert set(TABLE) == set(Role)


def test_the_limits_go_with_the_role() -> None:
    assert [refund_limit(role, 15000) for role in (S, F, E, A)] == [15000, None, 0, None]
    assert [days_limit(role) for role in (S, F, E, A)] == [31, 0, 0, MOST_DAYS]


def staff_routes(world: World) -> Iterator[tuple[str, str, Permission | None]]:
    for route in api_routes(world.app):
        if route.path.startswith("/staff") and not route.path.startswith("/staff/sign-in"):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path, permission(route.dependant)


def permission(dependant: Dependant) -> Permission | None:
    """The permission that the route requires, read from FastAPI."""
    for needed in dependant.dependencies:
        found = getattr(needed.call, "permission", None) or permission(needed)
        if found is not None:
            return Permission(found)
    return None


def send(browser: Browser, method: str, path: str, token: str) -> int:
    address = path.format_map(Blank(NAMES))
    if method == "GET":
        return browser.http.get(address, follow_redirects=False).status_code
    headers = {"sec-fetch-site": "same-origin"}
    answer = browser.http.request(
        method, address, data={"csrf": token}, headers=headers, follow_redirects=False
    )
    return answer.status_code


def token_of(browser: Browser) -> str:
    """What this browser's forms carry."""
    return browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]


class Blank(dict[str, str]):
    """Any name that a path holds."""

    def __missing__(self, name: str) -> str:
        return "none"


def test_every_route_by_every_role(world: World, staff: SignIn) -> None:
    routes = list(staff_routes(world))
    assert len(routes) > 30
    unguarded = {path for _, path, what in routes if what is None} - OPEN
    assert unguarded == set(), "give each page of staff its permission: `needs(Permission....)`"
    wrong, refused = [], 0
    for role in Role:
        browser = staff(role.value)
        token = token_of(browser)
        for method, path, what in routes:
            if what is None:
                continue
            status = send(browser, method, path, token)
            refused += role not in WHO[what]
            if (status == 403) is (role in WHO[what]) or status >= 500:
                wrong.append(f"{role} {method} {path}: {status}")
    assert wrong == []
    lines = world.rows(f"SELECT {BY}, act, reason, after FROM audit_line WHERE outcome = 'refused'")
    assert len(lines) == refused, "each refusal is in the audit"
    assert {line["by"] for line in lines} == {f"staff:{role}@paper.example" for role in Role} - {
        "staff:admin@paper.example"
    }


def test_strangers_are_sent_to_sign_in_and_nothing_is_done(world: World) -> None:
    stranger = world.browser()
    token = token_of(stranger)
    for method, path, _ in staff_routes(world):
        assert send(stranger, method, path, token) == 303, (method, path)
    assert world.rows("SELECT * FROM audit_line") == []
