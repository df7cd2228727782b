"""The `billing` command on the database of a world."""

from click.testing import CliRunner, Result

from billing.cli import billing
from tests.support.worker_processes import environment
from tests.support.world import World


def run_command(world: World, *words: str, stdin: bytes = b"", **variables: str) -> Result:
    """Run `billing` with these words, in this process; `variables` change the environment."""
    return CliRunner().invoke(billing, words, input=stdin, env=environment(world.settings) | variables)
