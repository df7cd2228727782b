"""Where Chromium is ($CHROMIUM, or where Debian puts it) and the flags it starts with. Its headless shell, Debian's package
`chromium-headless-shell`, is preferred: the same pages without a window around them, for little more than half of the CPU.

Run as a program it needs nothing installed; its exit status says whether the shell, or what $CHROMIUM names, is there.
`.ci/run` asks it."""

import os
import sys
from pathlib import Path

SHELL, WHOLE = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
CHROMIUM = Path(os.environ.get("CHROMIUM") or (SHELL if SHELL.exists() else WHOLE))
MISSING = f"no Chromium at {CHROMIUM}; name another in CHROMIUM"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

if __name__ == "__main__":
    sys.exit(0 if CHROMIUM.exists() and CHROMIUM != WHOLE else 1)
