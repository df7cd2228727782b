"""A rendered mail as the bytes that go to the relay: 7-bit, CRLF, quoted-printable, one of each header."""

import base64
import binascii
import hashlib
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

import idna

from billing.platform.errors import Invalid
from emails import Pdf, Rendered, is_control

CRLF = "\r\n"
LONGEST_LINE = 998


class UnsafeHeader(Invalid):
    """A mail header may not hold a line break or a control character."""

    code = "unsafe_header"


class UnsendableAddress(Invalid):
    """That is not an email address we can send to."""

    code = "bad_address"


def to_bytes(
    *,
    rendered: Rendered,
    sender: str,
    recipient: str,
    message_id: str,
    date: datetime,
    pdf: Pdf | None = None,
    unsubscribe_url: str | None = None,
    reply_to: str | None = None,
) -> bytes:
    """The message as RFC 5322 bytes (H9 to H15). The same arguments give the same bytes, so a retry sends the same mail.

    `sender` is `name@host` or `Name <name@host>`, `recipient` a bare address, `message_id` `<left@right>`, and `date` aware; its
    offset is written. `unsubscribe_url` gives it the headers of one click (H1), and `reply_to` is the bare address for answers, if it isn't `sender`'s. Raises `UnsafeHeader`, `UnsendableAddress`, and ValueError for a date without a zone."""
    if date.utcoffset() is None:
        raise ValueError("the date of a mail needs a zone")
    kind, body = _alternative(rendered, boundary_of(message_id))
    if pdf is not None:
        kind, body = _mixed(kind, body, pdf, boundary_of(f"mixed {message_id}"))
    lines = [
        ("From", mailbox(sender)),
        *([("Reply-To", ascii_address(reply_to))] if reply_to else []),
        ("To", ascii_address(recipient)),
        ("Subject", unstructured("Subject", rendered.subject)),
        ("Date", format_datetime(date)),
        ("Message-ID", _message_id(message_id)),
        ("Auto-Submitted", "auto-generated"),
        *_one_click(unsubscribe_url),
        ("MIME-Version", "1.0"),
        ("Content-Type", kind),
    ]
    head = "".join(f"{name}: {value}{CRLF}" for name, value in lines)
    return f"{head}{CRLF}{body}".encode("ascii")


def _one_click(url: str | None) -> list[tuple[str, str]]:
    """The headers of a mail about one newsletter (H1)."""
    if url is None:
        return []
    return [("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]


def ascii_address(address: str) -> str:
    """`address` with its host in the DNS form, as relays without SMTPUTF8 want it. Raises `UnsendableAddress`."""
    _refuse_controls("address", address)
    local, _, host = address.strip().rpartition("@")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            host = ""
    if (
        not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local)
        or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", host)
        or ".." in host
    ):
        raise UnsendableAddress(f"{address!r} is not an email address we can send to.")
    return f"{local}@{host}"


def split_mailbox(value: str) -> tuple[str, str]:
    """The name and the address in `Name <name@host>` or `name@host`; a name may hold commas, quoted or not."""
    value = value.strip()
    if not value.endswith(">"):
        return "", value
    name, _, address = value[:-1].rpartition("<")
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, address.strip()


def mailbox(value: str) -> str:
    """`name@host` or `Name <name@host>` as a header holds it. Raises `UnsafeHeader`, `UnsendableAddress`."""
    _refuse_controls("address", value)
    name, address = split_mailbox(value)
    address = ascii_address(address)
    return f"{phrase('From', name)} <{address}>" if name else address


def phrase(header: str, name: str) -> str:
    """A display name as a header holds it: plain, quoted, or encoded. Raises `UnsafeHeader`."""
    _refuse_controls(header, name)
    if re.fullmatch(r"[A-Za-z0-9 '-]+", name):
        return name
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return _encoded(header, name)


def unstructured(name: str, value: str) -> str:
    """Free text as the header `name` holds it: folded, and encoded where needed. Raises `UnsafeHeader`."""
    _refuse_controls(name, value)
    # `=?` would be read as the beginning of an encoded word, and outer spaces would be lost.
    if not value.isascii() or "=?" in value or value != value.strip():
        return _encoded(name, value)
    folded = Header(value, "us-ascii", maxlinelen=76, header_name=name).encode(linesep=CRLF)
    # a word without spaces can't be folded, only encoded
    return folded if all(len(line) <= LONGEST_LINE for line in folded.split(CRLF)) else _encoded(name, value)


def _encoded(name: str, value: str) -> str:
    return Header(value, "utf-8", maxlinelen=74, header_name=name).encode(linesep=CRLF)


def _message_id(value: str) -> str:
    if not re.fullmatch(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>", value) or len(value) > 200:
        raise UnsafeHeader(f"A Message-ID looks like <left@right>, not {value!r}.")
    return value


def _refuse_controls(name: str, value: str) -> None:
    if any(map(is_control, value)):
        raise UnsafeHeader(f"{name} holds a line break or control character: {value!r}")


def _alternative(rendered: Rendered, boundary: str) -> tuple[str, str]:
    """The Content-Type and the body: the text twice, plain first."""
    parts = _part("plain", rendered.text, boundary) + _part("html", rendered.html, boundary)
    return f'multipart/alternative;{CRLF} boundary="{boundary}"', f"{parts}--{boundary}--{CRLF}"


def _mixed(kind: str, text: str, pdf: Pdf, boundary: str) -> tuple[str, str]:
    """The Content-Type and the body: the text, which has the type `kind`, then the PDF (H14)."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.pdf", pdf.name):
        raise UnsafeHeader(f"{pdf.name!r} cannot be the name of a file in a mail.")
    content = base64.encodebytes(pdf.content).decode("ascii").replace("\n", CRLF)
    body = (
        f"--{boundary}{CRLF}Content-Type: {kind}{CRLF}{CRLF}{text}"
        f'--{boundary}{CRLF}Content-Type: application/pdf; name="{pdf.name}"{CRLF}'
        f'Content-Disposition: attachment; filename="{pdf.name}"{CRLF}'
        f"Content-Transfer-Encoding: base64{CRLF}{CRLF}{content}--{boundary}--{CRLF}"
    )
    return f'multipart/mixed;{CRLF} boundary="{boundary}"', body


def _part(subtype: str, content: str, boundary: str) -> str:
    quoted = binascii.b2a_qp(body_lines(content).encode("utf-8", "replace"), istext=True).decode("ascii")
    return f"{part_head(subtype, boundary)}{quoted}{CRLF}"


def part_head(subtype: str, boundary: str) -> str:
    """The lines before the content of a text part."""
    return (
        f"--{boundary}{CRLF}Content-Type: text/{subtype}; charset=utf-8{CRLF}"
        f"Content-Transfer-Encoding: quoted-printable{CRLF}{CRLF}"
    )


def body_lines(content: str) -> str:
    """The content with CRLF after each line, and nothing after the last."""
    lines = content.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    return CRLF.join(lines) + CRLF


def boundary_of(seed: str) -> str:
    """The same seed gives the same boundary. `=_` never occurs in quoted-printable text, so no mail can hold its own boundary."""
    return f"=_{hashlib.sha256(seed.encode()).hexdigest()[:40]}"
