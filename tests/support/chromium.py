"""Where Chromium is ($CHROMIUM, or where Debian puts it) and the flags it starts with.

Run as a program it needs nothing installed; its exit status says whether Chromium is there. `.ci/run` asks it."""

import os
import sys
from pathlib import Path

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
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
    sys.exit(0 if CHROMIUM.exists() else 1)
