"""Called by ProperDocs as it builds the site: adds pages from elsewhere in the repository, and mends links that lead out of the docs."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from properdocs.config.defaults import ProperDocsConfig
from properdocs.structure.files import File, Files
from properdocs.structure.pages import Page

from tests.site.api_page import api_page

ROOT = Path(__file__).parents[2]
DOCS = PurePosixPath("billing/docs")
ADDED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages of the site that are files of the repository, outside of the docs."""
_LINK = re.compile(
    r"(?P<mark>!?)\[(?P<words>(?:[^][]|\[[^][]*\])*)\]\((?P<path>[^()#\s]*)(?P<anchor>#[^()\s]*)?\)"
)
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """Add the pages that aren't in the docs, the pictures, and the API as it is in the code."""
    for source, page in ADDED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "api.md", content=api_page()))
    for picture in sorted((ROOT / "tests" / "pictures").glob("*.png")):
        files.append(File.generated(config, f"pictures/{picture.name}", content=picture.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: ProperDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site. A file of the repository that isn't one is named as code."""
    pages = {file.src_uri for file in files}
    return mended(markdown, page.file.src_uri, pages)


def mended(markdown: str, uri: str, pages: set[str]) -> str:
    """The Markdown of the page at `uri` with links among `pages` only. What stands in code isn't touched."""
    within = repository_path(uri).parent

    def link(found: re.Match[str]) -> str:
        path, anchor = found["path"], found["anchor"] or ""
        if "://" in path or path.startswith("mailto:") or not path:
            return found[0]
        target = normpath(path.lstrip("/") if path.startswith("/") else str(within / path))
        to = site_path(target)
        if to not in pages:
            return f"`{target}`" if found["words"] in (target, path) else f"{found['words']} (`{target}`)"
        near = relpath(to, str(PurePosixPath(uri).parent))
        return f"{found['mark']}[{found['words']}]({near}{anchor})"

    parts, end = [], 0
    for code in _CODE.finditer(markdown):
        parts += [_LINK.sub(link, markdown[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, _LINK.sub(link, markdown[end:])])


def repository_path(uri: str) -> PurePosixPath:
    """Where the source of a page is in the repository."""
    for source, page in ADDED.items():
        if page == uri:
            return PurePosixPath(source)
    return DOCS / uri


def site_path(target: str) -> str:
    """Where a file of the repository is in the site, if it is there."""
    if target in ADDED:
        return ADDED[target]
    if target.startswith("tests/pictures/"):
        return target.removeprefix("tests/")
    return target.removeprefix(f"{DOCS}/")
