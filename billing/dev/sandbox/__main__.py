"""`python -m billing.dev.sandbox`: a Stripe sandbox in its own process."""

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from billing.dev.sandbox.api import Exchange
from billing.dev.sandbox.app import create_sandbox
from billing.dev.sandbox.commit_log import CommitLogBroken
from billing.dev.sandbox.serve import HOST, listen, make_server
from billing.dev.sandbox.world import Merchant


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; exit status 1 if it could not start."""
    options = _parser().parse_args(arguments)
    if bool(options.webhook_url) != bool(options.webhook_secret):
        return _complain("--webhook-url and --webhook-secret go together")
    webhooks = [(options.webhook_url, options.webhook_secret)] if options.webhook_url else []
    record = options.record.open("a", encoding="utf-8") if options.record else None

    def write(exchange: Exchange) -> None:
        if record:
            record.write(json.dumps(exchange) + "\n")
            record.flush()

    try:
        listener = listen(options.port)
        app = create_sandbox(
            journal=options.data,
            merchant=Merchant(
                name=options.merchant,
                fee_per_mille=options.fee_per_mille,
                fee_fixed=options.fee_fixed,
                dispute_fee=options.dispute_fee,
                settles_in=options.settles_in.lower(),
                rate=options.rate,
            ),
            webhooks=webhooks,
            on_exchange=write if record else None,
        )
    except OSError as problem:
        return _complain(f"cannot start on {HOST}:{options.port} with {options.data}: {problem}")
    except CommitLogBroken as problem:
        return _complain(f"{problem}. {CommitLogBroken.__doc__}")
    sys.stdout.write(f"sandbox ready on http://{HOST}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        make_server(app).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing.dev.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 takes a free one (default)")
    parser.add_argument(
        "--data", type=Path, help="journal file; without it everything is forgotten at the end"
    )
    parser.add_argument("--merchant", default="Masthead", help="name shown on the Checkout page")
    parser.add_argument(
        "--fee-per-mille", type=int, default=Merchant.fee_per_mille, help="fee on a charge, per mille of it"
    )
    parser.add_argument(
        "--fee-fixed", type=int, default=Merchant.fee_fixed, help="fee on a charge besides, in cents"
    )
    parser.add_argument(
        "--dispute-fee", type=int, default=Merchant.dispute_fee, help="fee on a dispute, in cents"
    )
    parser.add_argument(
        "--settles-in", default=Merchant.settles_in, help="currency in which the account settles, such as usd"
    )
    parser.add_argument(
        "--rate", type=float, default=Merchant.rate, help="of that currency, for one unit of what is charged"
    )
    parser.add_argument("--webhook-url", help="send every event here")
    parser.add_argument("--webhook-secret", help="signing secret for --webhook-url")
    parser.add_argument("--record", type=Path, help="append every exchange to this file as JSON lines")
    return parser


def _complain(text: str) -> int:
    sys.stderr.write(f"sandbox: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
