"""The publisher who signs every mail."""

from dataclasses import dataclass, fields

from emails.brand import Brand

NO_BRAND = Brand()


@dataclass(frozen=True, slots=True)
class House:
    """The publisher, in each footer (CPA-5), and as the supplier on tax invoices (VAT-5) and credit notes (VAT-10).

    `name` is the masthead readers know, `legal_name` the company that supplies; `address` is one line;
    `vat_number` has ten digits; `url` is the publication's front page. `brand` is what staff may change of its looks and words.
    """

    name: str
    legal_name: str
    address: str
    vat_number: str
    contact_email: str
    phone: str
    url: str
    brand: Brand = NO_BRAND

    @property
    def words(self) -> dict[str, str]:
        """All fields but the brand."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "brand"}
