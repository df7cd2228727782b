"""Every act that the audit can hold has words, for its page, its file and the timeline."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import billing
from billing.staff.act_words import WORDS, in_words
from billing.staff.key_limits import KeyForbids
from billing.staff.roles import Permission

WRITERS = {
    *("write", "reasoned", "refused", "recorded", "_recorded"),
    *("_audit", "_changed", "_decide", "note_code", "note_passkey"),
}
"""The functions that take the code of an act."""
CONSTANTS = {"ACT", "PIN", "UNPIN", "PLAN", "PRICE", "CHANGES"}
"""What modules of staff name the codes that they hand on."""
CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def codes() -> Iterator[str]:
    root = Path(billing.__file__).parent
    for path in root.rglob("*.py"):
        if path.is_relative_to(root / "dev"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in WRITERS:
                yield from (each for arg in node.args[1:] for each in _texts(arg))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {_name(each) for target in targets for each in getattr(target, "elts", [target])}
                if names & CONSTANTS:
                    yield from _texts(node.value)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if CODE.fullmatch(text):
            yield text
        case ast.Tuple(elts=parts):
            yield from (each for part in parts for each in _texts(part))
        case ast.Dict(values=parts):
            yield from (each for part in parts for each in _texts(part))


def test_each_act_that_the_code_writes_has_words() -> None:
    found = {*codes(), *(kind.code for kind in KeyForbids.__subclasses__())}
    assert {"sign_in", "staff_disable", "stop_many", "pause_issue", "key_create", "plan", "refund"} <= found
    assert found - WORDS.keys() - set(Permission) == set()
    assert WORDS.keys() - found == set(), "and no other has any"


def test_words_are_no_codes() -> None:
    for act in (*WORDS, *Permission):
        said = in_words(act)
        assert "_" not in said
        assert said[0].isupper(), act
    assert in_words("add_vat_rate") == "Add a rate of VAT"
    assert in_words("extend") == "Extend a trial or a paid period"
    assert in_words("an_act_of_before") == "An act of before"
