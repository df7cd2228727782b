"""The bytes sent to a relay: each header once, 7 bits, short lines, nothing injected (H9 to H15)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.dev.previews.mails import HOUSE, samples
from billing.mail.mime import UnsafeHeader, UnsendableAddress, ascii_address, to_bytes
from billing.mail.smtp import Accepted, SmtpTransport
from emails import Pdf, Rendered, pdf_of, render
from tests.support.fake_smtp import FakeSmtp

SAST = timezone(timedelta(hours=2))
AT = datetime(2026, 3, 16, 9, 0, 7, tzinfo=SAST)
ANY_TEXT = st.text(st.characters(), max_size=300)


@dataclass(frozen=True)
class Said:
    subject: str = "Hello"
    text: str = "Hello\n"
    html: str = "<p>Hello</p>"


def written(rendered: Any = None, **changes: Any) -> bytes:
    """A mail with everything as it should be, but for `changes`."""
    usual: dict[str, Any] = {
        "rendered": rendered or Said(),
        "sender": "The Karoo Courier <hello@karoo-courier.example>",
        "recipient": "thandi@reader.example",
        "message_id": "<msg_01abc@karoo-courier.example>",
        "date": AT,
    }
    return to_bytes(**usual | changes)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body(preferencelist=(kind,))
    assert isinstance(found, EmailMessage)
    return str(found.get_content()).replace("\r\n", "\n")


def check_form(raw: bytes) -> EmailMessage:
    """Check the properties of every mail of ours, from the bytes alone."""
    assert raw.isascii()
    assert b"\0" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    assert not re.search(rb"[ \t]\r\n", body)
    message = parsed(raw)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"):
        assert len(message.get_all(name, [])) == 1, name
    assert message["Auto-Submitted"] == "auto-generated"
    assert not {"bcc", "cc", "list-unsubscribe", "list-unsubscribe-post"} & {name.lower() for name in message}
    words = ["multipart/alternative", "text/plain", "text/html"]
    kinds = [one.get_content_type() for one in message.walk()]
    assert kinds in (words, ["multipart/mixed", *words, "application/pdf"])
    encodings = [one["Content-Transfer-Encoding"] for one in message.walk() if not one.is_multipart()]
    assert encodings == ["quoted-printable", "quoted-printable", "base64"][: len(encodings)]
    assert message.defects == []
    return message


@pytest.mark.parametrize("name", samples())
def test_every_mail_reaches_the_relay_in_good_form(name: str) -> None:
    mail, pdf = render(samples()[name], HOUSE), pdf_of(samples()[name], HOUSE)
    raw = written(mail, recipient="thandi@reader.example", pdf=pdf)
    with FakeSmtp() as smtp:
        transport = SmtpTransport(smtp.url)
        outcome = transport.send(raw, sender="hello@karoo-courier.example", recipient="thandi@reader.example")
        transport.close()
        assert outcome == Accepted("2.0.0 taken")
        (received,) = smtp.received
    assert received.raw == raw
    assert received.recipients == ("thandi@reader.example",)
    message = check_form(received.raw)
    assert message["Subject"] == mail.subject
    assert message["From"] == "The Karoo Courier <hello@karoo-courier.example>"
    assert message["To"] == "thandi@reader.example"
    assert len(message["To"].addresses) == 1
    assert message["Date"] == "Mon, 16 Mar 2026 09:00:07 +0200"
    assert message["Message-ID"] == "<msg_01abc@karoo-courier.example>"
    assert part(message, "plain") == mail.text
    assert part(message, "html").rstrip() == mail.html.rstrip()
    enclosed = [(one.get_filename(), one.get_payload(decode=True)) for one in message.iter_attachments()]
    assert enclosed == ([(pdf.name, pdf.content)] if pdf else [])


@pytest.mark.parametrize(
    "name", ["", "../invoice.pdf", 'a".pdf', "a\r\nBcc: x.pdf", "ḓ.pdf", "invoice.exe", "a" * 101 + ".pdf"]
)
def test_a_file_has_a_plain_name(name: str) -> None:
    with pytest.raises(UnsafeHeader, match="name of a file"):
        written(pdf=Pdf(name, b"%PDF-"))


def test_a_retry_repeats_itself_to_the_byte() -> None:
    assert written() == written()
    assert written() != written(message_id="<msg_02abc@karoo-courier.example>")


def test_the_date_has_the_offset_it_was_given_and_needs_one() -> None:
    assert (
        parsed(written(date=datetime(2026, 3, 16, 7, tzinfo=UTC)))["Date"]
        == "Mon, 16 Mar 2026 07:00:00 +0000"
    )
    with pytest.raises(ValueError, match="needs a zone"):
        written(date=datetime(2026, 3, 16, 7))  # noqa: DTZ001 that is the case


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("hello@k.example", ""),
        ("Courier, The <hello@k.example>", "Courier, The"),
        ('"Courier, The" <hello@k.example>', "Courier, The"),
        ('A "quoted" Courier <hello@k.example>', 'A "quoted" Courier'),
        ("Die Koerant – Ngwaṋa <hello@k.example>", "Die Koerant – Ngwaṋa"),
        ("=?utf-8?q?x?= <hello@k.example>", "=?utf-8?q?x?="),
        ("N" * 200 + " <hello@k.example>", "N" * 200),
        ("Ñandú " * 4 + "<hello@k.example>", ("Ñandú " * 4).strip()),
    ],
)
def test_a_sender_keeps_its_name(sender: str, name: str) -> None:
    (address,) = check_form(written(sender=sender))["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "hello@k.example")


@pytest.mark.parametrize(
    "subject",
    [
        "Plain",
        "Ngwaṋa",
        "R1\u00a0234.50",
        "word " * 60 + "end",
        "x" * 1500,
        "=?utf-8?q?spoof?=",
        " led",
        "🗞️" * 80,
    ],
)
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    assert check_form(written(Said(subject=subject)))["Subject"] == subject


@pytest.mark.parametrize("place", ["subject", "sender", "recipient"])
@settings(deadline=None)
@given(text=ANY_TEXT, control=st.sampled_from("\r\n\0\x0b\x1b\x7f\x85\u2028"), at=st.integers(0, 300))
def test_no_line_break_reaches_a_header(place: str, text: str, control: str, at: int) -> None:
    nasty = text[:at] + control + text[at:]
    changes: dict[str, dict[str, Any]] = {
        "subject": {"rendered": Said(subject=nasty)},
        "sender": {"sender": f"{nasty} <a@k.example>"},
        "recipient": {"recipient": f"{nasty}@k.example"},
    }
    with pytest.raises(UnsafeHeader):
        written(**changes[place])


@settings(deadline=None)
@given(subject=ANY_TEXT, name=ANY_TEXT)
def test_whatever_goes_into_a_header_comes_out_or_is_refused(subject: str, name: str) -> None:
    try:
        raw = written(Said(subject=subject), sender=f"{name} <hello@k.example>")
    except UnsafeHeader:
        return
    message = check_form(raw)
    assert set(message.keys()) == {
        *(
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ),
    }
    assert message["Subject"] == subject
    assert message["From"].addresses[0].addr_spec == "hello@k.example"


@settings(deadline=None)
@given(text=ANY_TEXT, html=ANY_TEXT)
def test_whatever_the_words_are_the_form_holds(text: str, html: str) -> None:
    message = check_form(written(Said(text=text, html=html)))
    clean = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    assert part(message, "plain") == clean.encode("utf-8", "replace").decode()


def test_a_part_that_looks_like_a_boundary_ends_nothing() -> None:
    own = re.search(rb'boundary="([^"]+)"', written())
    assert own
    nasty = f"--{own.group(1).decode()}--\n.\n..\nFrom here\n"
    assert part(check_form(written(Said(text=nasty))), "plain") == nasty


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        "msg@k.example",
        "<msg>",
        "<a@b>\r\nBcc: x@k.example",
        "<a b@k.example>",
        f"<{'a' * 200}@k.example>",
    ],
)
def test_a_message_id_has_its_form(message_id: str) -> None:
    with pytest.raises(UnsafeHeader):
        written(message_id=message_id)


@pytest.mark.parametrize(
    ("address", "written_as"),
    [
        ("thandi@reader.example", "thandi@reader.example"),
        ("thandi+news@reader.example", "thandi+news@reader.example"),
        ("thandi@bücher.example", "thandi@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_written_in_ascii(address: str, written_as: str) -> None:
    assert ascii_address(address) == written_as
    assert parsed(written(recipient=address))["To"] == written_as


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "thandi",
            "@k.example",
            "thandi@",
            "a b@k.example",
            "a@k.example, b@k.example",
            "<a@k.example>",
            "ü@k.example",
        ),
        *(
            "a@k..example",
            "a@-k.example",
            "a@k.example>",
            "a@b@k.example",
            f"{'a' * 65}@k.example",
            "a@\u2603\u0300..example",
        ),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UnsendableAddress):
        written(recipient=address)


def test_a_rendered_mail_is_what_it_takes() -> None:
    assert check_form(
        to_bytes(
            rendered=Rendered("a", "b", "c"),
            sender="a@k.example",
            recipient="b@k.example",
            message_id="<a@b>",
            date=AT,
        )
    )
