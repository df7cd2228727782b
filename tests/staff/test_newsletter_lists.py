"""The staff page of newsletters themselves: an editor adds one, edits its words, retires it and brings it back, each with a reason."""

import pytest

from tests.support.browser import Browser
from tests.support.newsroom import Newsroom
from tests.support.staff_members import SignIn
from tests.support.table_contents import changed, contents
from tests.support.world import World

ROOM = "/staff/newsletters/lists"
WHY = "readers asked for it"
NOTES = {
    "newsletter": "harbour-notes",
    "name": "Harbour Notes",
    "description": "What the tide brought.",
    "rhythm": "Sundays",
    "audience": "subscribers",
    "kind": "promotional",
    "reason": WHY,
}
WORDS = {
    "name": "First Light",
    "description": "The night, in four minutes.",
    "rhythm": "Every day",
    "reason": WHY,
}


@pytest.fixture
def editor(world: World, staff: SignIn) -> Browser:
    """An editor's browser on the page, among the sample newsletters."""
    Newsroom(world)
    return staff("editor").again(ROOM)


def audited(world: World) -> list[dict[str, object]]:
    return world.rows(
        "SELECT subject, reason, before, after, actor_kind FROM audit_line WHERE act = 'newsletter' ORDER BY id"
    )


def test_the_page_says_what_there_is_and_is_found_from_the_issues(world: World, editor: Browser) -> None:
    Newsroom(world).people(3)
    words = editor.get(ROOM).words
    assert "first-light · Weekdays at six · editorial · for everyone · 3 on the list" in words
    assert "from-the-newsroom · Every second Friday · editorial · for subscribers · 0 on the list" in words
    assert f'href="{ROOM}"' in editor.get("/staff/newsletters").text


def test_one_is_added_and_readers_can_sign_up_for_it(world: World, editor: Browser) -> None:
    assert "Saved." in editor.post(ROOM, **NOTES).text
    assert "harbour-notes · Sundays · promotional · for subscribers · 0 on the list" in editor.page.words
    assert "Harbour Notes Sundays · for subscribers" in world.browser().get("/newsletters").words
    assert "Harbour Notes (0 on the list)" in editor.get("/staff/newsletters").words
    (line,) = audited(world)
    assert (line["subject"], line["reason"], line["before"], line["actor_kind"]) == (
        "harbour-notes",
        WHY,
        {},
        "staff",
    )
    kept = {name: value for name, value in NOTES.items() if name not in ("newsletter", "reason")}
    assert line["after"] == kept | {"retired": False}


def test_its_words_change_and_consents_keep_theirs(world: World, editor: Browser) -> None:
    room = Newsroom(world)
    room.add_reader("thandi@example.com")
    room.join("thandi@example.com")
    before = world.rows("SELECT words FROM signup_change")
    named = WORDS | {"name": "Early Light"}
    assert (
        "Saved."
        in editor.post(f"{ROOM}/first-light/edit", **named, audience="subscribers", kind="promotional").text
    )
    assert "Early Light Every day" in world.browser().get("/newsletters").words
    assert world.rows("SELECT words FROM signup_change") == before
    assert world.rows("SELECT audience, kind, retired_at FROM newsletter WHERE id = 'first-light'") == [
        {"audience": "everyone", "kind": "editorial", "retired_at": None}
    ]
    (line,) = audited(world)
    assert line["before"] == {
        "name": "First Light",
        "description": "What happened overnight and what today will bring, in four minutes over coffee.",
        "rhythm": "Weekdays at six",
    }
    assert line["after"] == {
        "name": "Early Light",
        "description": WORDS["description"],
        "rhythm": "Every day",
    }


def test_one_is_retired_and_brought_back(world: World, editor: Browser) -> None:
    Newsroom(world).people(2)
    assert "Saved." in editor.post(f"{ROOM}/first-light/retire", reason=WHY).text
    assert "First Light retired" in editor.page.words
    assert "Retired on 1 Mar 2027: nobody can sign up, and no issue goes out." in editor.page.words
    assert "First Light" not in world.browser().get("/newsletters").words
    assert world.rows("SELECT count(*) AS n FROM signup WHERE state = 'confirmed'") == [{"n": 2}]
    assert "Saved." in editor.post(f"{ROOM}/first-light/restore", reason="written again").text
    assert "First Light" in world.browser().get("/newsletters").words
    assert [(line["reason"], line["after"]) for line in audited(world)] == [
        (WHY, {"retired": True}),
        ("written again", {"retired": False}),
    ]


def test_an_issue_that_is_scheduled_comes_first(world: World, editor: Browser) -> None:
    room = Newsroom(world)
    room.schedule(room.draft(), world.now.replace(hour=20))
    refused = editor.post(f"{ROOM}/first-light/retire", reason=WHY)
    assert refused.status == 409
    assert "An issue of this newsletter is scheduled, being sent or paused." in refused.words
    assert f'value="{WHY}"' in refused.text
    assert audited(world) == []


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("", NOTES | {"newsletter": "Harbour Notes"}, "The id of a newsletter is a word for addresses"),
        ("", NOTES | {"newsletter": "first-light"}, "There is a newsletter by that id already."),
        ("", NOTES | {"name": " "}, "The name of a newsletter is one line of up to 60 characters"),
        ("", NOTES | {"description": "x" * 301}, "The description of a newsletter is one line of up to 300"),
        ("", NOTES | {"rhythm": "x" * 61}, "The rhythm of a newsletter is one line of up to 60"),
        ("", NOTES | {"audience": "friends"}, "Choose whom it goes to."),
        ("", NOTES | {"kind": "secret"}, "Choose whether it is promotional."),
        ("", NOTES | {"reason": " "}, "Say why; the reason is kept"),
        ("/first-light/edit", WORDS | {"name": ""}, "The name of a newsletter is one line"),
        ("/first-light/edit", WORDS | {"name": "First\u2028Light"}, "The name of a newsletter is one line"),
        ("/first-light/edit", WORDS | {"reason": ""}, "Say why; the reason is kept"),
        ("/first-light/retire", {"reason": ""}, "Say why; the reason is kept"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost_or_changed(
    world: World, editor: Browser, path: str, fields: dict[str, str], sentence: str
) -> None:
    before = contents(world)
    page = editor.post(ROOM + path, **fields)
    assert page.status in (409, 422)
    assert sentence in page.words
    typed = [value for name, value in fields.items() if name not in ("audience", "kind") and value.strip()]
    assert all(f'value="{value}"' in page.text for value in typed)
    assert changed(before, contents(world)) == []


def test_what_has_these_words_or_is_so_already_is_said(world: World, editor: Browser) -> None:
    (same,) = world.rows("SELECT name, description, rhythm FROM newsletter WHERE id = 'first-light'")
    assert (
        "The newsletter has these words already."
        in editor.post(f"{ROOM}/first-light/edit", **same, reason=WHY).words
    )
    other = editor.world.browser().with_cookies(editor.cookies).again(ROOM)
    editor.post(f"{ROOM}/first-light/retire", reason=WHY)
    late = other.post(f"{ROOM}/first-light/retire", reason=WHY)
    assert (late.status, "This newsletter is retired already." in late.words) == (409, True)
    assert len(audited(world)) == 1


def test_one_that_is_not_there_is_not_found(editor: Browser) -> None:
    token = editor.page.text.partition('name="csrf" value="')[2].partition('"')[0]
    for act in ("edit", "retire", "restore"):
        answer = editor.http.post(
            f"{ROOM}/none/{act}",
            data={"csrf": token, **WORDS},
            headers={"sec-fetch-site": "same-origin"},
        )
        assert answer.status_code == 404


def test_who_writes_no_newsletters_changes_none(world: World, editor: Browser, staff: SignIn) -> None:
    for role in ("support", "finance"):
        assert staff(role).get(ROOM).status == 403
    assert staff("admin").get(ROOM).status == 200


def test_support_sees_and_ends_what_a_reader_has_of_a_retired_one(
    world: World, editor: Browser, staff: SignIn
) -> None:
    room = Newsroom(world)
    reader = room.add_reader("thandi@example.com")
    room.join("thandi@example.com")
    editor.post(f"{ROOM}/first-light/retire", reason=WHY)
    page, support = f"/staff/readers/{reader}", staff("support")
    assert "First Light: on the list of a retired newsletter Stop" in support.get(page).words
    refused = support.get(f"{page}/join-newsletter?chosen=first-light").words
    assert "No longer published, and so not open to sign-ups: First Light." in refused
    support.get(f"{page}/leave-newsletter?chosen=first-light")
    support.post(f"{page}/leave-newsletter", reason="asked by phone", step="preview")
    support.post(f"{page}/leave-newsletter", reason="asked by phone", step="confirm")
    assert world.rows("SELECT state FROM signup") == [{"state": "left"}]
    assert "First Light:" not in support.get(page).words
