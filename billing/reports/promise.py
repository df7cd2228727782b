"""A promise: what must always hold, as a query for what breaks it."""

from dataclasses import dataclass

from billing.mail import obsolete


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise. `sql` gives the `id` of each thing that breaks it, and `at_fault` for people.

    `:at` is the present, `:zone` the publisher's, `:salts` each list's check value under the list key in use. `pays_back`: each id
    is a payment that must not be kept."""

    name: str
    words: str
    sql: str
    pays_back: bool = False
    link: str | None = None
    """The page of ours on which staff can act on what breaks it; `{}` stands for its id."""

    @property
    def broken(self) -> str:
        """The query. `<holds>` is the condition of `mail/obsolete`, filled in late: at import not every mail is registered."""
        return self.sql.replace("<holds>", obsolete.holds())

    def page_of(self, broken: str) -> str | None:
        """The page for one id."""
        return self.link.format(broken) if self.link else None
