"""`billing staff`: the first admin, and whoever comes and goes after."""

import os
import sys

import pytest
from click.testing import CliRunner, Result

from billing.cli import billing, main
from billing.errors import Refusal
from tests.support.world import SECRET_KEY, World


def environment(world: World) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
    return given | {
        "BILLING_DATABASE_URL": world.url_of_database,
        "BILLING_SECRET_KEY": SECRET_KEY,
        "BILLING_ENVIRONMENT": "test",
        "BILLING_CLOCK": "held",
        "BILLING_STRIPE_SECRET_KEY": "sk_test_sandbox_x",
        "BILLING_PUBLIC_URL": "https://accounts.paper.example",
    }


def run(world: World, *arguments: str) -> Result:
    return CliRunner().invoke(billing, ["staff", *arguments], env=environment(world))


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
    lines = world.rows("SELECT by, act FROM audit_line ORDER BY id")
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


def test_a_refusal_is_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["billing", "staff", "disable", "nobody@paper.example"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert capsys.readouterr().err == "billing: Nobody by that address or id works here.\n"
