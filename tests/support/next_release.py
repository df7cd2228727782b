"""The migrations of a next release, beside those of this code."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from billing.platform import revisions

MIGRATION = '''"""{title}"""

import sqlalchemy as sa

from alembic import op

revision = "{revision}"
down_revision = "{before}"
{marks}

def upgrade() -> None:
{body}

def downgrade() -> None:
    raise RuntimeError("There is no way back by migrations.")
'''


@contextmanager
def next_release(folder: Path, bodies: Mapping[str, str], *, marks: str = "") -> Iterator[Path]:
    """For the length of the block this code has more migrations: by title, the body of `upgrade`. Yields their folder.

    They follow the last one of this code, as 0002, 0003, … do 0001. `marks` stands at the top of each."""
    copy = folder / "alembic"
    shutil.copytree(revisions.FOLDER, copy)
    before = max(revisions.known())
    for title, body in bodies.items():
        revision = f"{int(before) + 1:04}"
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        text = MIGRATION.format(title=title, revision=revision, before=before, marks=marks, body=lines)
        (copy / "versions" / f"{revision}_{title.replace(' ', '_')}.py").write_text(text)
        before = revision
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revisions, "FOLDER", copy)
        revisions.known.cache_clear()
        yield copy
    revisions.known.cache_clear()
