"""Write every sample mail to a folder, with an index: `python -m billing.dev.previews.mails DIR`."""

import sys
from html import escape
from pathlib import Path

import billing.container  # noqa: F401 - registers every mail
from emails import House, Rendered, pdf_of, render
from emails.samples import HOUSE, samples

__all__ = ["HOUSE", "main", "samples", "write"]

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
    """Render all samples into `folder` as .html and .txt, and documents as .pdf; return the index page."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, mail in samples().items():
        rendered, pdf = render(mail, house), pdf_of(mail, house)
        (folder / f"{name}.html").write_text(rendered.html, "utf-8")
        (folder / f"{name}.txt").write_text(f"Subject: {rendered.subject}\n\n{rendered.text}", "utf-8")
        if pdf is not None:
            (folder / f"{name}.pdf").write_bytes(pdf.content)
        rows.append(_row(name, rendered, has_pdf=pdf is not None))
    index = folder / "index.html"
    index.write_text(INDEX.format(name=escape(house.name), rows="\n".join(rows)), "utf-8")
    return index


def _row(name: str, mail: Rendered, *, has_pdf: bool) -> str:
    pdf = f', <a href="{name}.pdf">its PDF</a>' if has_pdf else ""
    return f'<li><a href="{name}.html">{escape(mail.subject)}</a><br>{name}, <a href="{name}.txt">its text</a>{pdf}</li>'


def main(arguments: list[str]) -> int:
    """Write all mails and print the path of the index page."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m billing.dev.previews.mails DIR\n")
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
