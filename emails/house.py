"""The publisher who signs every mail."""

from dataclasses import dataclass, fields

from emails.brand import Brand
from emails.languages import Text

NO_BRAND = Brand()


@dataclass(frozen=True, slots=True)
class LegalLink:
    """A legal document in force: its kind ("terms", "privacy", "refunds"), its version, its name, its address."""

    kind: str
    number: int
    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class House:
    """The publisher, in each footer (CPA-5), and as the supplier on tax invoices (VAT-5) and credit notes (VAT-10).

    `name` is the masthead readers know, `legal_name` the company that supplies; `address` is one line;
    `vat_number` has ten digits; `url` is the publication's front page. `brand` is what staff may change of its looks and words.
    From `legal_form` on is what else the law asks for before an order (ECT-1); `documents` are the legal documents in force.
    """

    name: str
    legal_name: str
    address: str
    vat_number: str
    contact_email: str
    phone: str
    url: str
    brand: Brand = NO_BRAND
    legal_form: str = ""
    registration_number: str = ""
    registration_place: str = ""
    directors: str = ""
    service_address: str = ""
    memberships: str = ""
    complaints_url: str = ""
    documents: tuple[LegalLink, ...] = ()

    @property
    def words(self) -> dict[str, str]:
        """All fields but the brand and the documents."""
        left_out = ("brand", "documents")
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in left_out}
