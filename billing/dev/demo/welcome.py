"""The text that the demo prints when it is ready."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from billing.dev.demo.folder import DemoFolder

GUIDE = Path(__file__).parents[2] / "docs" / "try.md"


def welcome(card: Mapping[str, Any], folder: DemoFolder, seconds: float) -> str:
    """The addresses and what to try, as plain text."""
    address = {
        "The paper": card["url"],
        "Your mailbox": card["mailbox_url"],
        "Staff": card.get("staff_sign_in_url", ""),
        "Sandbox Stripe": f"{card['sandbox_url']}/_sandbox",
        "For programs": _short(folder.card),
        "Logs": _short(folder.logs),
    }
    command = Path(sys.executable).with_name("billing")
    rows = "\n".join(f"  {name:<16}{where}" for name, where in address.items() if where)
    return f"""
Masthead is ready ({seconds:.1f} s).

{rows}

Try
  1. Open the paper and start a trial: any mail address (no real mail is sent), card 4242 4242 4242 4242.
  2. Read an article for subscribers, and listen to one.
  3. Let 16 days pass, with the bar on top of each page or from another terminal:
       . {_short(folder.environment)} && {_short(command)} clock advance 16d
  4. Find the receipt in the mailbox, and the one charge of R75.00 in the sandbox.
  5. Sign out and start a second trial, with another address and the card 5555 5555 5555 4444: a trial is one
     for each person and card. Cancel it on its last day, let time pass: it is never charged.
  6. Choose newsletters at {card["url"]}/newsletters. Then open the staff link: as editor, write an issue,
     look at it, schedule it; as support, find a reader, see everything that happened, give money back.
  7. Each sample article shows something else of who may read what; the list is in
     {_short(GUIDE)}.
  Cards that misbehave: 4000 0000 0000 0341 is declined when the trial is over, 4000 0000 0000 0002 at once.

Ctrl-C stops everything. The next start keeps what you did; to begin anew, remove the folder {_short(folder.path)}.
"""


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
