"""Where Chromium is: in $CHROMIUM, or where Debian puts it. No other place knows.

As a program, which needs nothing installed, its exit status says whether it is there: `.ci/run` asks it."""

import os
import sys
from pathlib import Path

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
MISSING = f"no Chromium at {CHROMIUM}; name another in CHROMIUM"

if __name__ == "__main__":
    sys.exit(0 if CHROMIUM.exists() else 1)
