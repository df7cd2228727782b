"""The publisher who signs every mail."""

from dataclasses import dataclass

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
