"""Uploaded files: evidence for disputes, at the address `/v1/files` that Stripe has on a host of its own."""

import hashlib
from email.parser import BytesParser
from email.policy import HTTP

from billing.dev.sandbox import ids, params
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.params import Node
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld

LARGEST = 5_000_000
MULTIPART = "multipart/form-data"
EVIDENCE = "dispute_evidence"


def pairs_of(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The parameters of a multipart body. A file's value is its name, size and hash: its content isn't kept."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    pairs = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        name, filename = str(part.get_param("name", "", "content-disposition")), part.get_filename()
        if filename is None:
            pairs.append((name, content.decode("utf-8", "replace")))
        else:
            kind = "pdf" if content.startswith(b"%PDF-") else "other"
            pairs.append((name, f"{filename}:{kind}:{len(content)}:{hashlib.sha256(content).hexdigest()}"))
    return pairs


def _file(value: Node, param: str) -> Row:
    parts = value.rsplit(":", 3) if isinstance(value, str) else []
    if len(parts) != 4:
        raise invalid("Invalid file: must be uploaded as multipart/form-data", param=param)
    filename, kind, size, _ = parts
    if kind != "pdf":
        raise invalid("Invalid file: a dispute takes PDF, JPEG or PNG; the sandbox takes PDF.", param=param)
    return {"filename": filename, "type": kind, "size": int(size)}


@operation(
    "POST",
    "/v1/files",
    returns="file",
    spec={"purpose": params.choice(EVIDENCE), "file": _file},
    required=("purpose", "file"),
)
def create(world: SandboxWorld, call: Call) -> Row:
    """Store a file, without its content."""
    return world.store.put(
        "file",
        {
            "id": ids.new("file", 24),
            "object": "file",
            "created": world.clock.now(),
            "expires_at": None,
            "links": None,
            "purpose": call.params["purpose"],
            "title": None,
            "url": None,
            **call.params["file"],
        },
    )
