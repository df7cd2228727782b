"""The mails to subscribers: each is a dataclass, the function that queues it, and a template in `emails/templates`."""
