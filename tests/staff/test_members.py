"""Members of staff: invited by mail, given another role, warned of a new browser, and let in by a recovery code."""

import re

from billing.platform.actors import Command
from billing.staff import members
from billing.staff.roles import Role
from tests.support.browser import Browser
from tests.support.staff_members import SignIn, add, code_of, follow_link, sign_in_by_mail
from tests.support.world import World

NEW = "new@paper.example"
SUPPORT = "support@paper.example"
CODE = "/staff/sign-in/authenticator"
REASON = "works on the books now"


def test_a_new_member_is_invited_by_mail_and_signs_in(world: World, staff: SignIn) -> None:
    admin = staff("admin")
    admin.get("/staff/members")
    admin.post("/staff/members", email=NEW, role="finance", reason="starts on Monday")
    world.settle()
    letter = world.letter(NEW, "You may sign in")
    assert "finance" in letter.text
    assert any(link.endswith("/staff/sign-in") for link in letter.links)
    assert sign_in_by_mail(world, NEW).get("/staff/books").status == 200
    [line] = world.rows("SELECT reason, after FROM audit_line WHERE act = 'staff_add' AND reason <> ''")
    assert (line["reason"], line["after"]["role"]) == ("starts on Monday", "finance")
    admin.get("/staff/members")
    admin.post("/staff/members", email=NEW, role="support")
    world.settle()
    assert len([mail for mail in world.letters(NEW) if "may sign in" in mail.subject]) == 1, (
        "they knew already"
    )


def test_a_command_invites_too(world: World) -> None:
    with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
        member = members.invite(ctx, NEW, Role.EDITOR)
        members.disable(ctx, member)
    world.settle()
    assert world.letters(NEW) == [], "a mail that has become untrue isn't sent"


def test_a_role_is_changed_in_its_row_with_a_reason(world: World, staff: SignIn) -> None:
    staff("support")
    admin = staff("admin")
    page = admin.get("/staff/members")
    assert "not in 90 days" not in page.words, "both have been seen"
    [other] = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    admin.post(f"/staff/members/{other['id']}/role", role="finance", reason=REASON)
    [line] = world.rows("SELECT reason, before, after FROM audit_line WHERE act = 'staff_change'")
    assert (line["reason"], line["before"]["role"], line["after"]["role"]) == (REASON, "support", "finance")
    refused = admin.post(f"/staff/members/{other['id']}/role", role="owner")
    assert (refused.status, "Choose a role" in refused.words) == (422, True)
    admin.get("/staff/members")
    asked = admin.post(f"/staff/members/{other['id']}/role", role="admin", reason=REASON)
    assert "waits for a second member" in asked.text
    assert world.rows("SELECT role FROM staff_member WHERE email = :email", email=SUPPORT) == [
        {"role": "finance"}
    ]


def chosen(form: str) -> list[str]:
    """The options that are selected in a part of a page."""
    return re.findall(r"<option selected>(\w+)</option>", form)


def test_an_invitation_that_is_refused_keeps_its_role(staff: SignIn) -> None:
    admin = staff("admin")
    admin.get("/staff/members")
    refused = admin.post("/staff/members", email=NEW, role="admin")
    assert (refused.status, "Say why" in refused.words) == (422, True)
    foot = refused.text.partition('<section aria-labelledby="add">')[2]
    assert chosen(foot) == ["admin"], "Save once more asks for the same"


def test_a_role_that_is_refused_stays_chosen_in_its_row_with_the_reason_why(
    world: World, staff: SignIn
) -> None:
    staff("support")
    admin = staff("admin")
    [other] = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    form = f"/staff/members/{other['id']}/role"
    admin.get("/staff/members")
    refused = admin.post(form, role="admin")
    assert refused.status == 422
    row, _, after = refused.text.partition(f'action="{form}"')[2].partition("</form>")
    assert chosen(row) == ["admin"]
    assert 'aria-invalid="true"' in row
    said = refused.text.partition(f'action="{form}"')[0].rpartition("<td")[2]
    assert "Say why" in said, "in its cell"
    assert 'aria-invalid="true"' not in after, "the form at the foot is as before"
    assert 'role="alert"' not in after
    admin.post(form, role="admin", reason=REASON)
    again = admin.post(form, role="admin", reason=REASON)
    assert again.status == 409
    row = again.text.partition(f'action="{form}"')[2].partition("</form>")[0]
    assert (chosen(row), REASON in row) == (["admin"], True)
    assert chosen(admin.post(form, role="owner").text.partition(form)[2].partition("</form>")[0]) == [
        "support"
    ]


def test_a_member_is_warned_of_a_browser_that_is_new(world: World) -> None:
    add(world, "support")
    known = sign_in_by_mail(world, SUPPORT)
    world.advance(minutes=5)
    assert warnings(world) == [], "the first, which set up the authenticator"
    known.post("/staff/sign-out")
    world.advance(minutes=5)
    follow_link(world, known, SUPPORT)
    known.post(CODE, code=code_of(world, SUPPORT))
    assert warnings(world) == []
    world.advance(minutes=5)
    sign_in_by_mail(world, SUPPORT)
    assert warnings(world) == ["A new browser signed in to your staff account"]


def warnings(world: World) -> list[str]:
    world.settle()
    return [letter.subject for letter in world.letters(SUPPORT) if "staff account" in letter.subject]


def made(member: Browser) -> list[str]:
    """Ten new recovery codes, from their page."""
    member.get("/staff/sessions")
    page = member.post("/staff/recovery-codes")
    return re.findall(r"<code>([0-9A-Z-]{19})</code>", page.text)


NO_CODES = "You have made no recovery codes yet."


def test_the_first_page_leads_to_recovery_codes_until_they_are_made(world: World, staff: SignIn) -> None:
    add(world, "support")
    member = sign_in_by_mail(world, SUPPORT)
    assert NO_CODES in member.page.words
    menu = member.page.text.partition(">Me</summary>")[2]
    assert re.findall(r'<a href="([^"]+)">My sign-in</a>', menu)[0] == "/staff/sessions"
    [there] = re.findall(r'<a href="([^"]+)">My sign-in</a>', member.page.text.partition("<main")[2])
    page = member.get(there)
    for words in ("My sign-in", "Where you are signed in", "Passkeys", "Recovery codes"):
        assert words in page.words
    code = made(member)[0]
    assert NO_CODES not in member.get("/staff").words
    world.advance(minutes=5)
    follow_link(world, again := world.browser(), SUPPORT)
    assert NO_CODES not in again.post(CODE, code=code).words, "a used one was made too"
    admin = staff("admin")
    [row] = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    admin.get("/staff/members")
    admin.post(f"/staff/members/{row['id']}/reset")
    world.advance(minutes=5)
    assert NO_CODES in sign_in_by_mail(world, SUPPORT).page.words, "a new authenticator has none"


def test_a_recovery_code_opens_once_when_the_phone_is_lost(world: World, staff: SignIn) -> None:
    member = staff("support")
    codes = made(member)
    assert len(set(codes)) == 10
    assert "10 of your recovery codes are unused" in member.get("/staff/sessions").words
    assert not [
        row for row in world.rows("SELECT code_hash FROM staff_recovery_code") if row["code_hash"] in codes
    ]
    world.advance(minutes=5)
    follow_link(world, there := world.browser(), SUPPORT)
    page = there.post(CODE, code=codes[3].lower().replace("-", " "))
    assert page.path == "/staff"
    assert warnings(world) == ["A recovery code opened your staff account"]
    world.advance(minutes=5)
    follow_link(world, again := world.browser(), SUPPORT)
    assert again.post(CODE, code=codes[3]).status == 422, "each works once"
    assert again.post(CODE, code=codes[4]).path == "/staff"
    lines = world.rows("SELECT after FROM audit_line WHERE act = 'sign_in' AND after ? 'recovery_code'")
    assert len(lines) == 2


def test_new_recovery_codes_end_the_earlier_ones_and_so_does_a_new_authenticator(
    world: World, staff: SignIn
) -> None:
    member = staff("support")
    old, new = made(member), made(member)
    assert not set(old) & set(new)
    world.advance(minutes=5)
    follow_link(world, there := world.browser(), SUPPORT)
    assert there.post(CODE, code=old[0]).status == 422
    admin = staff("admin")
    [row] = world.rows("SELECT id FROM staff_member WHERE email = :email", email=SUPPORT)
    admin.get("/staff/members")
    admin.post(f"/staff/members/{row['id']}/reset")
    assert world.rows("SELECT * FROM staff_recovery_code") == []


def test_recovery_codes_ask_for_a_fresh_code_first(world: World, staff: SignIn) -> None:
    member = staff("support")
    member.get("/staff/sessions")
    world.advance(minutes=11)
    member.get("/staff/sessions")
    page = member.post("/staff/recovery-codes")
    assert page.status == 403
    assert world.rows("SELECT * FROM staff_recovery_code") == []


def test_wrong_recovery_codes_count_as_wrong_codes(world: World, staff: SignIn) -> None:
    made(staff("support"))
    world.advance(minutes=5)
    follow_link(world, there := world.browser(), SUPPORT)
    for _ in range(5):
        page = there.post(CODE, code="0000-0000-0000-0000")
    assert "Five codes were wrong" in page.words
