"""PostgreSQL that starts by itself: the binaries of a wheel, run as a child of this program.

For the demo, development and tests. It listens on a Unix socket only its owner may open, never on the network.
Started by root, the server itself runs as another system account, as PostgreSQL insists.
"""

from billing.dev.postgres.errors import PostgresRefused
from billing.dev.postgres.server import Embedded

__all__ = ["Embedded", "PostgresRefused"]
