"""The path of Chromium ($CHROMIUM, or Debian's path) and its flags. Debian's `chromium-headless-shell` is preferred: it renders the
same pages for little more than half of the CPU.

`.ci/run` runs this file as a program, before anything is installed. Exit status 0: the headless shell, or what $CHROMIUM names,
exists."""

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
