"""An embedded PostgreSQL: the binaries of a wheel, run as a child of this program, for the demo, development and tests.

It listens only on a Unix socket that its owner may open, never on the network. If root starts it, the server runs as another system
account, because PostgreSQL refuses root.
"""

from billing.dev.postgres.errors import PostgresRefused
from billing.dev.postgres.server import Embedded

__all__ = ["Embedded", "PostgresRefused"]
