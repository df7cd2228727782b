"""Preloaded by the fork server: it does once what each forked process would do first."""

from billing import tables
from billing.dev.simulate import worker_processes

__all__ = ["tables"]

worker_processes.warm_up()
