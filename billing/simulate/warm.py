"""Read by the process from which the others are forked, after all modules: what each of them would do first is done once."""

from billing import tables
from billing.simulate import hands

__all__ = ["tables"]

hands.warm()
