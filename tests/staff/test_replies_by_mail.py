"""A reader answers a mail about their request by mail, and it joins the thread. It proves nothing, and machines aren't answered."""

from collections.abc import Callable, Mapping
from email.message import EmailMessage

import pytest

from billing.mail.replies import read_reply, reply_address, request_of
from billing.platform.tokens import Tokens
from billing.staff.mailed_replies import LONGEST, MOST_AN_HOUR
from tests.support.cli import run_on
from tests.support.documented import documented
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn
from tests.support.world import World

READER = "thandi@example.com"
REPLIES = "replies.paper.example"
TOKENS = Tokens("one secret of enough length, for tests only")
REQUEST = "req_01kpb0cz8e2y6n4m8q0r5s7t9v"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """An installation whose mail server passes replies on."""
    return make_world(reply_domain=REPLIES)


def asked(world: World, staff: SignIn) -> str:
    """The id of a question that is answered, by mail too."""
    in_trial_by_pages(world)
    browser = signed_in(world, READER)
    browser.again("/contact").post("/contact", kind="wrong_charge", words="Did I pay twice?")
    (request,) = world.rows("SELECT id FROM reader_request")
    page = f"/staff/requests/{request['id']}"
    staff("support").again(page).post(f"{page}/answer", words="No, once.")
    world.settle()
    return str(request["id"])


def mail(
    to: str,
    words: str,
    *,
    sender: str = f"Thandi <{READER.upper()}>",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Re: Our answer"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(words)
    return message.as_bytes()


def take(world: World, raw: bytes, *options: str) -> str:
    done = run_on(world, "bounces", "take", *options, "-", stdin=raw)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def reply_to(world: World) -> str:
    return str(world.letter(READER, "Our answer").header("reply-to"))


def thread(world: World) -> list[str]:
    return [row["words"] for row in world.rows("SELECT words FROM request_message ORDER BY id")]


def waits(world: World) -> bool:
    (row,) = world.rows("SELECT waits_since FROM reader_request")
    return row["waits_since"] is not None


def test_a_reply_joins_the_thread_and_the_request_waits_again(world: World, staff: SignIn) -> None:
    request = asked(world, staff)
    address = reply_to(world)
    assert address.startswith("r+")
    assert address.endswith(f"@{REPLIES}")
    assert request not in address
    before = world.rows("SELECT closed_at, closing_act, kind FROM reader_request")
    world.advance(hours=2)
    words = "It is still there.\n\nOn Mon, 1 Mar 2027 at 10:00, The Swartberg Post\n<x@y.example> wrote:\n> No, once.\n"
    assert take(world, mail(address, words)) == "reply: taken"
    assert thread(world) == ["No, once.", "It is still there."]
    assert waits(world)
    assert world.rows("SELECT closed_at, closing_act, kind FROM reader_request") == before
    member = staff("support", "sipho@paper.example")
    assert "replied Mon 1 Mar 2027, 12:00" in member.get("/staff/requests").words
    page = member.get(f"/staff/requests/{request}").words
    assert "The reader replied by mail" in page
    assert "doesn’t prove that the reader wrote it" in page
    assert "It is still there." in signed_in(world, READER).get(f"/account/requests/{request}").words
    member.post(f"/staff/requests/{request}/answer", words="It goes away on Friday.")
    world.settle()
    assert "It is still there." in world.letter(READER, "Our answer").text


def test_the_pipe_that_the_docs_set_up_takes_a_reply(world: World, staff: SignIn) -> None:
    asked(world, staff)
    address = reply_to(world)
    (line,) = documented("operate.md", "Take returned mail and replies")
    words = line.replace("${recipient}", address).partition("argv=")[2].split()
    assert words[0].endswith("/billing")
    done = run_on(world, *words[1:], stdin=mail(address, "By the pipe"))
    assert done.output.strip() == "reply: taken"


def test_the_same_mail_twice_is_one_reply(world: World, staff: SignIn) -> None:
    asked(world, staff)
    raw = mail(reply_to(world), "It is still there.")
    assert [take(world, raw), take(world, raw)] == ["reply: taken", "reply: known already"]
    assert thread(world) == ["No, once.", "It is still there."]


def test_a_reply_from_another_address_is_marked_and_cancels_nothing(world: World, staff: SignIn) -> None:
    request = asked(world, staff)
    raw = mail("letters@paper.example", "Cancel it all.", sender="x@elsewhere.example")
    assert take(world, raw, "--recipient", reply_to(world)) == "reply: taken"
    page = staff("support", "sipho@paper.example").get(f"/staff/requests/{request}").words
    assert "By mail from another address" in page
    assert "somebody else may have written it" in page
    assert (
        "By mail from x@elsewhere.example"
        in signed_in(world, READER).get(f"/account/requests/{request}").words
    )
    assert world.rows("SELECT cancel_asked_at, cancel_request_at FROM subscription") == [
        {"cancel_asked_at": None, "cancel_request_at": None}
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X-Auto-Response-Suppress": "All"},
        {"List-Id": "<all.example>"},
        {"Return-Path": "<>"},
    ],
)
def test_a_machine_is_not_answered(world: World, staff: SignIn, headers: dict[str, str]) -> None:
    asked(world, staff)
    raw = mail(reply_to(world), "I am on holiday.", headers=headers)
    assert take(world, raw) == "reply: written by a machine; nothing changed"
    assert thread(world) == ["No, once."]
    assert not waits(world)


def test_our_own_mail_that_comes_back_is_no_reply(world: World, staff: SignIn) -> None:
    asked(world, staff)
    own = world.letter(READER, "Our answer")
    said = take(world, own.raw, "--recipient", reply_to(world))
    assert said == "reply: written by a machine; nothing changed"


def test_attachments_are_named_and_card_numbers_masked(world: World, staff: SignIn) -> None:
    request = asked(world, staff)
    message = EmailMessage()
    message["From"], message["To"] = READER, reply_to(world)
    message.set_content("My card is 4242 4242 4242 4242.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="my\u202e statement.pdf")
    assert take(world, message.as_bytes()) == "reply: taken"
    page = staff("support", "sipho@paper.example").get(f"/staff/requests/{request}").words
    assert "4242" not in page
    assert "Attached, and not kept: my statement.pdf" in page


def test_what_is_too_long_is_cut_and_too_many_wait_at_the_mail_server(world: World, staff: SignIn) -> None:
    asked(world, staff)
    address = reply_to(world)
    take(world, mail(address, "long words " * 2000))
    assert len(thread(world)[-1]) < LONGEST + 100
    assert thread(world)[-1].endswith("It is cut here.]")
    for number in range(1, MOST_AN_HOUR):
        assert take(world, mail(address, f"number {number}")) == "reply: taken"
    done = run_on(world, "bounces", "take", "-", stdin=mail(address, "one more"))
    assert done.exit_code == 75, "nothing is lost: the mail server sends it again"
    world.advance(hours=2)
    assert take(world, mail(address, "one more")) == "reply: taken"


def test_nothing_changes_by_an_empty_mail_or_for_an_erased_request(world: World, staff: SignIn) -> None:
    asked(world, staff)
    assert take(world, mail(reply_to(world), " ")) == "reply: nothing in it"
    unknown = reply_address(world.services.site.tokens, REQUEST, REPLIES)
    assert take(world, mail(unknown, "Hello")) == "reply: its request isn't kept any more; nothing changed"


def test_an_address_names_its_request_whatever_happens_to_its_case() -> None:
    address = reply_address(TOKENS, REQUEST, REPLIES)
    assert len(address.partition("@")[0]) <= 64
    assert request_of(TOKENS, address) == request_of(TOKENS, address.upper()) == REQUEST
    assert request_of(Tokens("another secret of enough length, of somebody"), address) is None
    rotated = Tokens("another secret of enough length, of somebody", (TOKENS.secret_key,))
    assert request_of(rotated, address) == REQUEST, "a mail may be answered after a rotation"


@pytest.mark.parametrize("forged", ["", "r+", "r+x.y@z", f"r+{REQUEST[4:]}.{'0' * 24}@z", "r+é@z"])
def test_a_forged_address_names_nothing(forged: str) -> None:
    assert request_of(TOKENS, forged) is None
    assert read_reply(TOKENS, mail("x@paper.example", "Hello"), recipient=forged) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nHello",
        b"Content-Type: multipart/mixed\r\n\r\nHello",
        b"From: =?nonsense?q?x?=\r\n\r\n\x00\x01",
        b"From: =?utf-8?B?VGhhbmRpI?= <thandi@example.com>\r\n\r\nCut in the middle of its coding.",
        b"Content-Type: text/html\r\n\r\n<![unknown]><p>Hello",
        b"Content-Type: text/html\r\n\r\nHello <![cut sho",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n--b--",
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)
        ),
    ],
)
def test_no_content_makes_it_fail(raw: bytes) -> None:
    read_reply(TOKENS, raw, recipient=reply_address(TOKENS, REQUEST, REPLIES))


def test_html_is_read_as_its_text() -> None:
    html = (
        "<html><head><style>p{}</style></head><body><![if !mso]><![of whom]><p>Yes,&nbsp;please.<br>Thandi</p>"
        "<div>On Monday you wrote:</div><blockquote>No, once.</blockquote><script>alert(1)</script></body></html>"
    )
    message = EmailMessage()
    message["From"] = READER
    message.set_content(html, subtype="html")
    reply = read_reply(TOKENS, message.as_bytes(), recipient=reply_address(TOKENS, REQUEST, REPLIES))
    assert reply is not None
    assert reply.words.startswith("Yes, please.\nThandi")
    assert "No, once" not in reply.words
    assert "alert" not in reply.words
