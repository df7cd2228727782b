"""The settings of the bookkeeper's files."""

from pydantic import BaseModel, Field

from billing.platform.setting_types import AccountCodes
from billing.rules.vat_periods import VatCategory


class BooksSettings(BaseModel):
    """How the books go to the publisher's bookkeeper and to the revenue service."""

    account_codes: AccountCodes = Field(
        "",
        description="Codes of your chart of accounts, such as `revenue=200, bank=090`, for journals to import; an account that isn't"
        " named keeps the code that the page of the books shows.",
    )
    xero_tax_rate: str = Field(
        "No VAT",
        min_length=1,
        max_length=50,
        description="Name of the tax rate without VAT in your Xero, for journals to import: our VAT has an account of its own.",
    )
    vat_category: VatCategory = Field(
        VatCategory.B,
        description="Your tax periods: `A` two months that end in January, March …; `B` in February, April …; `C` each month.",
    )
