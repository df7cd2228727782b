"""The product makes no calls that turn text into code, commands, objects or trust, except those that state why they
are safe.

Each check is shown to find what it looks for.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UNPICKLED = "billing/dev/sandbox/snapshots.py"
"""Reads back what the same process has pickled a moment before; never bytes from elsewhere. The sandbox isn't there in `live`."""
MAY_USE_RANDOM = (
    *("billing/dev/simulate/", "billing/dev/sandbox/", "billing/dev/demo/folder.py"),
    *("billing/acquirer/rate_limit.py", "billing/billing_run/settle.py"),
)
"""Draws that no secret hangs on: scenarios of a simulation, faults of the sandbox, a free port, the spread of a pace and of waiting."""
Check = Callable[[ast.AST], bool]


def name_of(node: ast.AST) -> str:
    """`os.system` for the call `os.system(…)`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{name_of(value)}.{attr}"
        case ast.Call(func=func):
            return name_of(func)
    return ""


def called(*names: str) -> Check:
    """A call of one of these."""
    return lambda node: isinstance(node, ast.Call) and name_of(node) in names


def given(argument: str, value: object) -> Check:
    """A call with this keyword argument."""
    return lambda node: (
        isinstance(node, ast.Call)
        and any(
            word.arg == argument and isinstance(word.value, ast.Constant) and word.value.value == value
            for word in node.keywords
        )
    )


def imports(*modules: str) -> Check:
    """An import of one of these modules, or of something in it."""

    def check(node: ast.AST) -> bool:
        match node:
            case ast.Import(names):
                found = [each.name for each in names]
            case ast.ImportFrom(module=str(module)):
                found = [module, *(f"{module}.{each.name}" for each in node.names)]
            case _:
                return False
        return any(one == module or one.startswith(f"{module}.") for one in found for module in modules)

    return check


CHECKS: dict[str, tuple[Check, str, tuple[str, ...]]] = {
    "text that runs (1.3.2)": (called("eval", "exec", "compile", "__import__"), "eval(typed)", ()),
    "a shell (1.2.5)": (given("shell", True), "subprocess.run(typed, shell=True)", ()),
    "another shell (1.2.5)": (called("os.system", "os.popen"), "os.system(typed)", ()),
    "objects from bytes (1.5.2)": (
        called("pickle.loads", "pickle.load", "marshal.loads", "yaml.load", "yaml.unsafe_load"),
        "pickle.loads(body)",
        (UNPICKLED,),
    ),
    "a reader of XML (1.5.1)": (
        called("ElementTree.fromstring", "ElementTree.parse", "ET.fromstring", "ET.parse", "ET.iterparse"),
        "ElementTree.fromstring(body)",
        (),
    ),
    "templates from text (1.3.7)": (
        called("Template", "jinja2.Template", "self._env.from_string", "environment.from_string"),
        "jinja2.Template(typed)",
        (),
    ),
    "a weak hash (11.4.1)": (called("hashlib.md5", "hashlib.sha1", "hashlib.new"), "hashlib.md5(x)", ()),
    "an untrusted certificate (12.3.2)": (given("verify", False), "httpx.get(url, verify=False)", ()),
    "another of the kind (12.3.2)": (
        called("ssl._create_unverified_context", "ssl.SSLContext"),
        "ssl.SSLContext()",
        (
            "billing/dev/simulate/browser.py",
        ),  # a browser that speaks http alone is spared the machine's certificates
    ),
    "guessable numbers (11.5.1)": (imports("random"), "import random", MAY_USE_RANDOM),
    "a log elsewhere (16.2.3)": (imports("logging.handlers", "syslog"), "import logging.handlers", ()),
    "a log in a file (16.2.3)": (
        called("logging.FileHandler", "logging.config"),
        "logging.FileHandler(x)",
        (),
    ),
    "UUIDs (11.5.1)": (imports("uuid"), "import uuid", ()),
}


@cache
def sources() -> dict[str, list[ast.AST]]:
    """Every module of the product, taken apart once."""
    paths = (path for folder in ("billing", "emails") for path in sorted((ROOT / folder).rglob("*.py")))
    return {str(path.relative_to(ROOT)): list(ast.walk(ast.parse(path.read_text()))) for path in paths}


def found(check: Check, allowed: tuple[str, ...]) -> Iterator[str]:
    for where, nodes in sources().items():
        if not where.startswith(allowed):
            yield from (f"{where}:{getattr(node, 'lineno', 0)}" for node in nodes if check(node))


@pytest.mark.parametrize(("check", "example", "allowed"), CHECKS.values(), ids=CHECKS)
def test_there_is_none(check: Check, example: str, allowed: tuple[str, ...]) -> None:
    assert any(check(node) for node in ast.walk(ast.parse(example))), "the check finds nothing"
    assert list(found(check, allowed)) == []


@pytest.mark.parametrize("where", [UNPICKLED, *MAY_USE_RANDOM])
def test_what_is_allowed_is_needed(where: str) -> None:
    """A file that doesn't need it any more leaves the list."""
    check = CHECKS["objects from bytes (1.5.2)"][0] if where == UNPICKLED else imports("random")
    assert any(check(node) for path, nodes in sources().items() if path.startswith(where) for node in nodes)
