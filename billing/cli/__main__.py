"""`python -m billing.cli` is `billing`."""

from billing.cli import main

main()
