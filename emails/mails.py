"""The registry of mails. A mail is a dataclass and a template of its kind's name; subclassing `Mail` registers it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar, TypeVar

from emails.errors import UnknownMessage, WrongFields
from emails.fields import Document, MailFacts, hints, within
from emails.languages import Text, load_text, store_text

F = TypeVar("F", bound=MailFacts)
MAILS: "dict[str, type[Mail]]" = {}
"""Every mail that has been imported, by its kind."""
ALWAYS = "true"
"""The condition of a mail that nothing can make untrue: a document, an answer, or a past event."""


@dataclass(frozen=True)
class Mail(MailFacts):
    """One mail to one person.

    `true_while` is an SQL condition over the waiting row `m` (see `billing/mail/obsolete`): once false, the mail isn't sent.
    `only_newest`: a newer mail about the same replaces those that still wait. `for_staff`: in English, as the pages of staff are.
    `to_correspondent`: what is owed to a reader even after their death; then it goes to their executor or relative (see
    `billing/mail/outbox`). `abstract`: a base class of several mails."""

    true_while: ClassVar[str]
    only_newest: ClassVar[bool]
    for_staff: ClassVar[bool]
    to_correspondent: ClassVar[bool]
    samples: ClassVar[Mapping[str, Mapping[str, Any]]] = {"": {}}
    """Variants for the preview and the lints: what differs from the sample values of `emails/samples`."""

    def __init_subclass__(
        cls,
        *,
        true_while: str = "",
        only_newest: bool = False,
        for_staff: bool = False,
        to_correspondent: bool = False,
        kind: str = "",
        abstract: bool = False,
    ) -> None:
        super().__init_subclass__(kind=kind)
        if abstract:
            return
        if not true_while or cls.kind in MAILS:
            raise TypeError(f"{cls.__name__} needs `true_while` and a kind of its own, not {cls.kind!r}")
        cls.true_while, cls.only_newest, cls.for_staff = true_while, only_newest, for_staff
        cls.to_correspondent = to_correspondent
        MAILS[cls.kind] = cls

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that the mail carries, in order."""
        return ()


def store(facts: MailFacts) -> dict[str, Any]:
    """The fields of a mail, or of a document in it, as a row holds them."""
    return {name: _stored(value) for name, value in vars(facts).items()}


def _stored(value: Any) -> Any:
    if isinstance(value, tuple):
        return [store(entry) for entry in value]
    return store_text(value) if isinstance(value, Text) else value


def load(kind: str, fields: Mapping[str, Any]) -> Mail:
    """The mail of `kind` with these fields, as `store` gave them. A row of an older release may lack a field with a default.

    Raises `UnknownMessage`, or `WrongFields` for a field that is missing, unknown or of the wrong type."""
    mail_type = MAILS.get(kind)
    if mail_type is None:
        raise UnknownMessage(f"{kind!r}; there are {', '.join(MAILS)}")
    return _filled(mail_type, fields)


def _filled(facts_type: type[F], fields: Mapping[str, Any]) -> F:
    known = hints(facts_type)
    optional = {field.name for field in dataclasses.fields(facts_type) if field.default is not MISSING}
    missing, unknown = sorted(known.keys() - fields.keys() - optional), sorted(fields.keys() - known.keys())
    if missing or unknown:
        raise WrongFields(f"{facts_type.kind}: missing {missing}, unknown {unknown}")
    return facts_type(**{name: _value(known[name], value) for name, value in fields.items()})


def _value(hint: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return load_text(value)
    of = within(hint)
    if of is None or not isinstance(value, list | tuple):
        return value
    return tuple(_filled(of, entry) if isinstance(entry, Mapping) else entry for entry in value)
