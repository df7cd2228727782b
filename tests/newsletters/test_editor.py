"""An editor writes an issue from three articles, previews it, sends it to herself and schedules it; a thousand get it once each."""

import re
from collections import Counter
from typing import Any

from billing.newsletters import links
from billing.newsletters.models import IssueState
from tests.support.browser import Browser
from tests.support.newsroom import EDITOR, PREHEADER, SUBJECT, Newsroom, parsed
from tests.support.staff_members import add, sign_in
from tests.support.world import local

SOURCE = """Good morning.

[[article:the-water-nobody-counted]]
[[article:the-bridge-that-waited]]
[[article:counting-vultures]]

::: subscribers
Thank you for paying for this.
:::
::: non-subscribers
Read the rest with a trial.
:::
"""
WORDS: dict[str, Any] = {"subject": SUBJECT, "preheader": PREHEADER, "source": SOURCE}


def begin(browser: Browser) -> str:
    """A new draft of First Light, on its page; where that is."""
    browser.get("/staff/newsletters")
    browser.post("/staff/newsletters", newsletter_id="first-light")
    assert re.fullmatch(r"/staff/newsletters/iss_[0-9a-z]{26}", browser.page.path)
    return browser.page.path


def test_an_issue_from_the_first_word_to_the_last_reader(newsroom: Newsroom, editor: Browser) -> None:
    people = newsroom.people(1000)
    subscribers = [f"subscriber-{number}@example.com" for number in range(10)]
    for address in subscribers:
        newsroom.add_reader(address, subscribed=True)
        newsroom.world.execute(
            "INSERT INTO signup SELECT 'sgn_' || :n, newsletter_id, NULL, :a, :a, state, NULL, asked_at, words, text_version,"
            " source, ip, device, changed_at FROM signup LIMIT 1",
            n=address.partition("@")[0],
            a=address,
        )
    site = newsroom.world.services.site
    gone = people[10]
    newsroom.world.http_client().post(links.unsubscribe_url(site, "sgn_sample00000011first-light"))

    home = begin(editor)
    assert "1009 on the list" in editor.page.words
    editor.post(home, **WORDS, then="save")
    assert "Saved" in editor.page.text
    assert "Before it can be sent" not in editor.page.words
    for article in ("The water nobody counted", "The bridge that waited", "Counting vultures"):
        assert article in editor.get(f"{home}/preview?variant=subscriber").text
    assert "Thank you for paying" in editor.page.text
    assert "Thank you for paying" not in editor.get(f"{home}/preview?variant=reader").text

    editor.get(home)
    editor.post(home, **WORDS, then="test", variant="subscriber")
    assert f"on its way to {EDITOR}" in editor.page.words
    (test,) = newsroom.arrived_for(EDITOR)
    assert str(parsed(test)["Subject"]) == f"[Test] {SUBJECT}"
    assert newsroom.world.rows("SELECT 1 FROM delivery") == []

    editor.post(home, **WORDS, then="schedule", when="2027-03-02T06:00")
    assert "It starts on Tuesday 2 March 2027 at 06:00" in editor.page.words
    newsroom.world.advance_to(local(2027, 3, 2, 5, 59))
    newsroom.world.smtp.clear()
    late = people[500]
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=late, times=1)
    newsroom.world.advance_to(local(2027, 3, 2, 6))
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    assert "1008 of 1009 are done with" in editor.page.words
    assert "put off by the mail server, tried again 1" in editor.page.words
    newsroom.world.http_client().post(
        links.unsubscribe_url(site, "sgn_sample00000501first-light")
    )  # in the middle
    newsroom.world.advance(minutes=20)

    arrived = Counter(mail.recipients[0] for mail in newsroom.arrived())
    assert set(arrived.values()) == {1}
    assert set(arrived) == {*people, *subscribers} - {gone, late}
    for mail in newsroom.arrived():
        mine = mail.recipients[0] in subscribers
        assert (b"Thank you for paying" in mail.raw) is mine
        assert (b"Read the rest with a trial" in mail.raw) is not mine
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    assert "1009 of 1009 are done with" in editor.page.words
    assert "1 unsubscribed before their turn" in editor.page.words
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="num">(\d+)</td>', editor.page.text))
    total = int(rows.pop("All of them"))
    assert total == sum(map(int, rows.values())) == 1009

    acts = [
        row["act"]
        for row in newsroom.world.rows("SELECT act FROM audit_line WHERE act LIKE '%issue' ORDER BY id")
    ]
    assert acts == ["begin_issue", "test_issue", "schedule_issue"]


def test_the_variant_and_the_time_stay_as_they_were_chosen(newsroom: Newsroom, editor: Browser) -> None:
    newsroom.people(1)
    home = begin(editor)
    as_subscriber = 'name="variant" value="subscriber" checked'
    editor.post(home, **WORDS, then="test", variant="subscriber")
    assert "on its way" in editor.page.words
    assert as_subscriber in editor.page.text, "a second test is of the same variant"
    assert f'src="{home}/preview?variant=subscriber"' in editor.page.text
    asked = {"variant": "subscriber", "when": "2027-02-01T07:30"}
    past = editor.post(home, **WORDS, then="schedule", **asked)
    assert past.status == 422
    assert as_subscriber in past.text
    assert 'name="when" type="datetime-local" value="2027-02-01T07:30"' in past.text


def test_articles_are_put_in_by_a_button_without_a_script(newsroom: Newsroom, editor: Browser) -> None:
    home = begin(editor)
    editor.post(home, **WORDS | {"source": "Good morning."}, then="insert:counting-vultures")
    assert (
        newsroom.issue(home.rpartition("/")[2]).source == "Good morning.\n\n[[article:counting-vultures]]\n"
    )


def test_the_preview_shows_what_is_typed_and_keeps_nothing(newsroom: Newsroom, editor: Browser) -> None:
    home = begin(editor)
    fields = {**WORDS, "csrf": re.findall(r'name="csrf" value="([^"]+)"', editor.page.text)[0]}
    shown = editor.http.post(f"{home}/preview", data=fields)
    assert "The bridge that waited" in shown.text
    assert "kB of 90.0 kB" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    text = editor.http.post(f"{home}/preview", data=fields | {"shown": "text", "variant": "subscriber"})
    assert "Thank you for paying for this." in text.text
    assert "<table" not in text.text
    wrong = editor.http.post(f"{home}/preview", data=fields | {"source": "::: friends\n<script>x</script>"})
    assert "not for friends" in wrong.text
    assert "<script" not in wrong.text
    assert "Type a subject" in editor.http.post(f"{home}/preview", data=fields | {"subject": ""}).text
    assert newsroom.issue(home.rpartition("/")[2]).source == ""
    assert editor.http.post(f"{home}/preview", data=WORDS).status_code == 403  # not from our form


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"subject": ""}, "The subject has 0 characters"),
    ({"source": ""}, "nothing in it"),
    ({"source": "[[article:nowhere]]"}, "There is no article nowhere"),
    ({"subject": "one\r\nBcc: two@example.com"}, "A subject is one line"),
    ({"subject": "one\0two"}, "A subject is one line"),
    ({"source": "x" * 50_001}, "50000 are kept"),
    ({"when": "tomorrow"}, "Choose a day and a time"),
    ({"when": "2027-02-01T06:00"}, "Choose a moment from now on"),
    ({"when": "2029-02-01T06:00"}, "Choose a moment from now on"),
)


def test_what_cannot_be_scheduled_comes_back_with_the_reason(newsroom: Newsroom, editor: Browser) -> None:
    home = begin(editor)
    for wrong, says in WRONG:
        editor.get(home)
        editor.post(home, **WORDS | {"when": "2027-03-02T06:00", "then": "schedule"} | wrong)
        assert editor.page.status == 422
        assert says in editor.page.words
        assert SUBJECT in editor.page.text or "subject" in wrong  # what was typed is still there
        assert newsroom.issue(home.rpartition("/")[2]).state is IssueState.DRAFT


def test_of_two_editors_the_second_sees_that_the_first_was_faster(
    newsroom: Newsroom, editor: Browser
) -> None:
    add(newsroom.world, "editor", "second@paper.example")
    second = sign_in(newsroom.world, "second@paper.example")
    home = begin(editor)
    second.get(home)
    editor.post(home, **WORDS, then="save")
    second.post(home, **WORDS | {"source": "My own words."}, then="save")
    assert second.page.status == 409
    assert "Somebody else has saved this issue" in second.page.words
    assert "My own words." in second.page.text
    assert newsroom.issue(home.rpartition("/")[2]).source == SOURCE
    assert newsroom.issue(home.rpartition("/")[2]).changed_by == f"staff:{EDITOR}"


def test_taking_back_pausing_going_on_stopping_and_sending_to_the_held(
    newsroom: Newsroom, editor: Browser
) -> None:
    people = newsroom.people(3)
    home = begin(editor)
    editor.post(home, **WORDS, then="schedule", when="2027-03-01T18:00")
    editor.post(f"{home}/unschedule")
    assert "It starts on" not in editor.page.words
    newsroom.world.advance(days=1)
    assert newsroom.arrived() == []
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    editor.post(home, **WORDS, then="schedule", when="2027-03-02T18:00")
    newsroom.world.smtp.drop("after-dot", to=people[1], times=1)
    newsroom.world.smtp.refuse(450, "4.2.0 later", to=people[2], times=3)
    newsroom.world.advance_to(local(2027, 3, 2, 18))
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    assert "1 held" in editor.page.words
    assert people[1] in editor.page.words
    editor.post(f"{home}/pause")
    assert "Paused" in editor.page.words
    newsroom.world.advance(hours=1)
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    editor.post(f"{home}/held")
    editor.post(f"{home}/resume")
    newsroom.world.settle()
    editor.get(home)
    editor.post(f"{home}/stop")
    assert "Stopped" in editor.page.words
    assert newsroom.progress(home.rpartition("/")[2]).skipped == {"stopped": 1}
    assert [len(newsroom.arrived_for(address)) for address in people] == [1, 2, 0]
    assert editor.http.post(f"{home}/explode", data={"csrf": "x"}).status_code in (403, 404)


def test_only_those_who_may_write_newsletters_see_them(newsroom: Newsroom, editor: Browser) -> None:
    home = begin(editor)
    for role in ("support", "finance"):
        add(newsroom.world, role)
        other = sign_in(newsroom.world, f"{role}@paper.example")
        for path in ("/staff/newsletters", home, f"{home}/preview"):
            assert other.get(path).status == 403, path
    stranger = newsroom.world.browser()
    assert stranger.get(home).path == "/staff/sign-in"


def test_a_promotional_issue_needs_a_list_compared_with_the_register(
    newsroom: Newsroom, editor: Browser
) -> None:
    newsroom.world.execute("UPDATE newsletter SET kind = 'promotional' WHERE id = 'first-light'")
    home = begin(editor)
    editor.post(home, **WORDS, then="schedule", when="2027-03-02T06:00")
    assert "been compared with the opt-out register" in editor.page.words
    newsroom.world.execute("UPDATE newsletter SET opt_outs_checked_at = :at", at=newsroom.world.now)
    editor.post(home, **WORDS, then="schedule", when="2027-03-02T06:00")
    assert "It starts on" in editor.page.words


def test_a_promotional_issue_asks_the_register_again_when_it_starts_and_when_it_goes_on(
    newsroom: Newsroom, editor: Browser
) -> None:
    compared = (
        "UPDATE newsletter SET kind = 'promotional', opt_outs_checked_at = :at WHERE id = 'first-light'"
    )
    people = newsroom.people(3)
    newsroom.world.execute(compared, at=newsroom.world.now)
    home = begin(editor)
    editor.post(home, **WORDS, then="schedule", when="2027-04-20T06:00")
    newsroom.world.advance_to(local(2027, 4, 20, 7))
    assert newsroom.arrived() == []
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    assert "been compared with the opt-out register" in editor.page.words
    assert "then choose a new time" in editor.page.words

    newsroom.world.execute(compared, at=newsroom.world.now)
    newsroom.world.smtp.refuse(554, "5.7.1 your mail looks odd", at="data")
    editor.post(home, **WORDS, then="schedule", when="2027-04-20T07:00")
    newsroom.world.settle()
    newsroom.world.smtp.mend()
    assert "5.7.1 your mail looks odd" in editor.get(home).words
    newsroom.world.advance(days=32)
    editor = sign_in(newsroom.world, EDITOR)
    editor.get(home)
    page = editor.post(f"{home}/resume")
    assert "been compared with the opt-out register" in page.words
    newsroom.world.settle()
    assert newsroom.arrived() == []
    newsroom.world.execute(compared, at=newsroom.world.now)
    editor.get(home)
    editor.post(f"{home}/resume")
    newsroom.world.settle()
    assert len(newsroom.arrived()) == len(people)


def test_a_test_that_the_mail_server_refuses_says_so(newsroom: Newsroom, editor: Browser) -> None:
    home = begin(editor)
    newsroom.world.smtp.refuse(550, "5.7.1 not from you", to=EDITOR, times=1)
    editor.post(home, **WORDS, then="test")
    assert editor.page.status == 503
    assert "5.7.1 not from you" in editor.page.words
    editor.get(home)
    editor.post(home, **WORDS | {"subject": ""}, then="test")
    assert "It has no subject yet" in editor.page.words
