"""Delivery reports of mail servers, and complaints of mailbox providers."""

import re


def dsn(
    to: str, *, action: str = "failed", status: str = "5.1.1", final: str = "rfc822;x@readers.example"
) -> bytes:
    """A delivery report as mail servers write it (RFC 3464)."""
    lines = [
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "I'm sorry to have to inform you ...",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        "Arrival-Date: Mon, 1 Mar 2027 10:00:00 +0200",
        "",
        f"Final-Recipient: {final}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; 550 {status} what it is",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        "Subject: The dam",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def arf(original: bytes, *, kind: str = "abuse", blacked_out: bool = True) -> bytes:
    """A complaint as mailbox providers send it (RFC 5965); `blacked_out` hides the recipient."""
    if blacked_out:
        original = re.sub(rb"(?m)^To: .*\r\n", b"To: redacted@redacted.invalid\r\n", original)
    head = (
        "From: feedback@provider.example\r\nTo: complaints@paper.example\r\nSubject: FW: your mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="f"\r\n\r\n'
        "--f\r\nContent-Type: text/plain\r\n\r\nThis is a complaint.\r\n"
        f"--f\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: P/1\r\nVersion: 1\r\n\r\n"
        "--f\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + original + b"\r\n--f--\r\n"
