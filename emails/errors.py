"""The refusals of this package. Each class's docstring is its message."""


class Unfit(ValueError):
    """This mail cannot be written."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{(type(self).__doc__ or '').strip()} {detail}")


class UnknownMessage(Unfit):
    """There is no message of this kind."""


class WrongFields(Unfit):
    """The fields do not fit this message."""


class UnsafeSubject(Unfit):
    """A subject may not hold line breaks or control characters."""


class UnsafeLink(Unfit):
    """A link in a mail must be a full http or https address."""
