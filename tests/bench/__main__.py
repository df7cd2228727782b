"""`make bench`: run all benchmarks, or the named ones; print the figures and write `bench.json`."""

import importlib
import json
import platform
from pathlib import Path

import click

from tests.bench.figures import Figure, table

PARTS: tuple[str, ...] = (
    *("access", "attacked", "billing_run", "day", "finding"),
    *("nightly", "pages", "scale_out", "staff", "webhooks", "web_servers"),
)
"""The benchmark modules; each has `measure(quick) -> list[Figure]`."""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--quick", is_flag=True, help="Smaller tables and fewer rounds: to see that it runs, not to quote."
)
@click.option("--out", default="bench.json", type=click.Path(path_type=Path), help="Where the figures go.")
def main(parts: tuple[str, ...], quick: bool, out: Path) -> None:
    """Run the benchmarks; each measures its baseline in the same run."""
    figures: list[Figure] = []
    for part in parts or PARTS:
        click.echo(f"measuring {part} …", err=True)
        figures += importlib.import_module(f"tests.bench.{part}").measure(quick)
    click.echo(table(figures))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "quick": quick}
    out.write_text(
        json.dumps({"on": machine, "figures": [one.as_json() for one in figures]}, indent=2) + "\n"
    )


main()
