"""Writes every sample mail into a folder, with an index: `python -m emails.preview DIR`."""

import sys
from html import escape
from pathlib import Path

from emails.compose import Rendered, render
from emails.house import House
from emails.paper import paper_of
from emails.samples import HOUSE, samples

__all__ = ["main", "samples", "write"]

INDEX = """<!doctype html>
<html lang="en-ZA"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mails of {name}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 17px/1.6 Georgia, serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
li {{ margin: 0 0 1rem; }}
</style></head>
<body><h1>Mails of {name}</h1><ol>
{rows}
</ol></body></html>
"""


def write(folder: Path, house: House = HOUSE) -> Path:
    """Renders all samples into `folder` as .html and .txt, those with a document as .pdf too; returns the index page beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, message in samples().items():
        mail = render(message, house)
        (folder / f"{name}.html").write_text(mail.html, "utf-8")
        (folder / f"{name}.txt").write_text(f"Subject: {mail.subject}\n\n{mail.text}", "utf-8")
        paper = paper_of(message, house)
        if paper is not None:
            (folder / f"{name}.pdf").write_bytes(paper.content)
        rows.append(_row(name, mail, has_paper=paper is not None))
    index = folder / "index.html"
    index.write_text(INDEX.format(name=escape(house.name), rows="\n".join(rows)), "utf-8")
    return index


def _row(name: str, mail: Rendered, *, has_paper: bool) -> str:
    paper = f', <a href="{name}.pdf">its PDF</a>' if has_paper else ""
    return f'<li><a href="{name}.html">{escape(mail.subject)}</a><br>{name}, <a href="{name}.txt">its text</a>{paper}</li>'


def main(arguments: list[str]) -> int:
    """The command; prints where the index page is."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m emails.preview DIR\n")
        return 2
    try:
        index = write(Path(arguments[0]))
    except OSError as problem:
        sys.stderr.write(f"cannot write the preview: {problem}\n")
        return 1
    sys.stdout.write(f"{index}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
