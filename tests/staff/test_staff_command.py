"""`billing staff`: the first admin, and members who join and leave."""

from pathlib import Path

import pytest
from click.testing import Result

from billing.platform.errors import Refusal
from tests.support.actors import BY
from tests.support.cli import held, run_on
from tests.support.cli import run as run_in_folder
from tests.support.world import World


def run(world: World, *arguments: str) -> Result:
    return run_on(world, "staff", *arguments, BILLING_PUBLIC_URL="https://accounts.paper.example")


def test_members_come_and_go(world: World) -> None:
    added = run(world, "add", "Nandi@paper.example", "--role", "support")
    assert added.stdout == (
        "Nandi@paper.example is staff (support). Sign in at https://accounts.paper.example/staff/sign-in\n"
    ), added.output
    assert "is staff (admin)" in run(world, "add", "nandi@paper.example", "--role", "admin").stdout
    assert run(world, "list").stdout == "Nandi@paper.example  admin  has yet to sign in\n"
    assert "sets up a new authenticator" in run(world, "reset", "nandi@paper.example").stdout
    assert "can't sign in any more" in run(world, "disable", "nandi@paper.example").stdout
    assert "disabled on Monday 1 March 2027, 10:00" in run(world, "list").stdout
    lines = world.rows(f"SELECT {BY}, act FROM audit_line ORDER BY id")
    assert [line["act"] for line in lines] == [
        "staff_add",
        "staff_change",
        "staff_reset_codes",
        "staff_disable",
    ]
    assert {line["by"] for line in lines} == {"command"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "nonsense", "--role", "admin"), "mail address"),
        (("add", "a@b.example", "--role", "owner"), "'owner' is not one of"),
        (("add", "a@b.example"), "--role"),
        (("disable", "nobody@paper.example"), "Nobody by that address"),
    ],
)
def test_what_is_wrong_is_said(world: World, arguments: tuple[str, ...], said: str) -> None:
    refused = run(world, *arguments)
    assert refused.exit_code != 0
    assert said in (str(refused.exception) if isinstance(refused.exception, Refusal) else refused.stderr)
    assert world.rows("SELECT * FROM staff_member") == []


def test_a_refusal_is_one_line(world: World, tmp_path: Path) -> None:
    done = run_in_folder(held(world), "staff", "disable", "nobody@paper.example", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "billing: Nobody by that address or id works here.\n"
