"""Read by the process from which the others are forked, after all modules: what each of them would do first is done once."""

from billing import tables
from billing.dev.simulate import worker_processes

__all__ = ["tables"]

worker_processes.warm()
