"""Write every page to a folder: `python -m billing.dev.previews DIR`, and `… DIR af` for those of readers in Afrikaans."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from billing.dev.paper import bundles, look
from billing.dev.previews.pages import of_readers, pages
from billing.dev.previews.values import LOOK
from billing.web.kit.static_files import STATIC
from emails.languages import offered

LANGUAGES = offered(("en", "af", "zu"))


def write(folder: Path, code: str = "") -> list[str]:
    """Write every page as NAME.html, with the static files; return the names. With the code of a language only pages of readers."""
    shutil.copytree(STATIC, folder / "static", dirs_exist_ok=True)
    shutil.copytree(look.STATIC, folder / look.ADDRESS[1:], dirs_exist_ok=True)
    for address, content in (
        (bundles.SHEET, bundles.paper_sheet("", "").css),
        (bundles.SCRIPT, bundles.listen_script()[0]),
    ):
        target = folder / address[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    names = []
    for name, page, frame in of_readers() if code else pages():
        if code:
            frame = replace(frame, language=LANGUAGES.of(code), languages=LANGUAGES.all)
        (folder / f"{name}.html").write_text(LOOK.page(page, frame), "utf-8")
        names.append(name)
    return names


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("Name the folder to write to: python -m billing.dev.previews DIR")
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{len(write(target, *sys.argv[2:]))} pages in {target}\n")
