"""All settings. Read once, at start; an unsafe combination refuses to start."""

import os
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from billing.platform import live_checks
from billing.platform.errors import RefusesToStart
from billing.platform.setting_books import BooksSettings
from billing.platform.setting_groups import (
    AcquirerSettings,
    LogSettings,
    MailSettings,
    PaywallSettings,
    PublisherSettings,
    WebSettings,
    WorkerSettings,
)
from billing.platform.setting_house import Policy, StaffLimits
from billing.platform.setting_sources import PREFIX, given_settings, variable_of
from billing.platform.setting_types import NO_PROXY, Keys, ZoneName
from billing.rules.secret_strength import weakness

SAMPLE_PAPER = (
    *(f"publisher_{part}" for part in ("name", "legal_name", "address", "vat_number", "phone")),
    *(f"publisher_{part}" for part in ("registration_number", "registration_place", "directors")),
    *("mail_from", "newsletter_from"),
)
"""Settings whose defaults are the sample paper's."""
OF_THE_DEMO = ("sandbox_url", "mailbox_dir")
SEEN_BY_READERS = (
    *("public_url", "sites", "paper_url", "license"),
    *("mail_from", "newsletter_from", "bounce_domain", "reply_domain", "security_contact"),
)
"""Settings whose hosts readers open, or write to."""


class Environment(StrEnum):
    """The kind of installation. Only `live` touches real money."""

    DEMO = "demo"
    TEST = "test"
    LIVE = "live"


class ClockKind(StrEnum):
    """`system` follows the machine; `held` stands still until it is moved (demo and test only)."""

    SYSTEM = "system"
    HELD = "held"


class InstallationSettings(BaseModel):
    """The database, its keys, and the clock."""

    database_url: str = Field(
        repr=False,
        description="PostgreSQL address, `postgresql://…`. Direct: a proxy that pools transactions is refused.",
    )
    reports_database_url: str = Field(
        "",
        repr=False,
        description="PostgreSQL address of a standby that answers exports of the books, some seconds late; empty: the database itself.",
    )
    secret_key: SecretStr = Field(
        min_length=32,
        description="At least 32 random characters; signs links, hashes sessions, seals the database's own keys.",
    )
    previous_secret_keys: Keys = Field(
        (),
        description="Secret keys of before, the newest first, comma separated (a comma in one is written %2C): what they made"
        " is still read. See `billing keys rotate-secret`.",
    )
    environment: Environment = Field(Environment.TEST, description="`demo`, `test` or `live`.")
    installation: str = Field(
        "main",
        pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$",
        description="Name of this installation; the database keeps it, and one of another name is refused.",
    )
    clock: ClockKind = Field(ClockKind.SYSTEM, description="`system`, or `held` (demo and test only).")
    time_zone: ZoneName = Field(
        "Africa/Johannesburg", description="The publisher's zone; civil days are counted in it."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The publisher's zone."""
        return ZoneInfo(self.time_zone)

    @property
    def held(self) -> bool:
        """Whether the clock stands still until it is moved."""
        return self.clock is ClockKind.HELD


# pydantic puts the fields of the last base first, and docs/settings.md keeps their order
class Settings(
    LogSettings,
    WorkerSettings,
    Policy,
    StaffLimits,
    PaywallSettings,
    BooksSettings,
    PublisherSettings,
    MailSettings,
    AcquirerSettings,
    WebSettings,
    InstallationSettings,
):
    """The installation's settings. Each comes from the environment variable BILLING_<NAME IN CAPITALS>."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        """Settings stand in subjects, headers and log lines, where a line break would begin another."""
        if isinstance(value, str) and any(
            unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") for letter in value
        ):
            raise ValueError("holds a line break or control character")
        return value

    def unsafe(self) -> list[str]:
        """What forbids a start with these settings, in words."""
        if self.environment is Environment.LIVE:
            return self.unsafe_in_live()
        return (
            ["BILLING_STRIPE_SECRET_KEY is a live key outside a live environment"]
            if self.has_live_key
            else []
        )

    def unsafe_in_live(self) -> list[str]:
        """What forbids a start with these settings in `live`, in words."""
        key = self.stripe_secret_key.get_secret_value()
        base = urlsplit(self.stripe_api_base)
        checks = {
            "BILLING_STRIPE_SECRET_KEY isn't a live key": not key.startswith(("sk_live_", "rk_live_")),
            "BILLING_STRIPE_API_BASE points at a sandbox": (
                live_checks.is_here(base.hostname or "") or base.scheme != "https"
            ),
            "BILLING_STRIPE_WEBHOOK_SECRETS is empty, so no webhook could be believed": (
                not self.stripe_webhook_secrets
            ),
            "BILLING_CHARGES_PER_SECOND is 0, which paces nothing": self.charges_per_second == 0,
            "BILLING_CLOCK is held": self.held,
            "BILLING_SMTP_URL is still the demo's mailbox": self.smtp_url
            == type(self).model_fields["smtp_url"].default,
            "BILLING_PUBLIC_URL isn't https": not self.secure,
            "BILLING_SITES names a site that isn't https": (
                not all(site.startswith("https://") for site in self.sites)
            ),
            "BILLING_PROXY_COUNT is 0, so all readers would share the address of the proxy that ends TLS; say how many there"
            " are, or `none` where nothing in front adds X-Forwarded-For": (
                self.proxy_count == 0 and self.proxy_count is not NO_PROXY
            ),
        }
        faults = {
            "DATABASE_URL": live_checks.database_fault(self.database_url),
            "REPORTS_DATABASE_URL": live_checks.database_fault(self.reports_database_url)
            if self.reports_database_url
            else None,
            "SMTP_URL": live_checks.relay_fault(self.smtp_url),
            "JOURNAL_DIR": live_checks.journal_fault(self.journal_dir),
        }
        return [
            *self._weak_keys(),
            *(words for words, is_unsafe in checks.items() if is_unsafe),
            *(f"{PREFIX}{name} {fault}" for name, fault in faults.items() if fault),
            *self._samples(),
        ]

    def _samples(self) -> list[str]:
        """Which settings still hold something of the sample paper or its demo that would reach readers."""
        fields = type(self).model_fields
        found = [name for name in SAMPLE_PAPER if _plain(getattr(self, name)) == _plain(fields[name].default)]
        hosts = {name: live_checks.sample_host(getattr(self, name)) for name in SEEN_BY_READERS}
        return [
            *(f"{variable_of(name)} is still the sample paper's, and would reach readers" for name in found),
            *(
                f"{variable_of(name)} is empty, and readers must be given it before they order (ECT Act, s43)"
                for name in SAMPLE_PAPER
                if not getattr(self, name).strip()
            ),
            *(f"{variable_of(name)} is the demo's: remove it" for name in OF_THE_DEMO if getattr(self, name)),
            *(
                f"{variable_of(name)} names {host}, which no reader can reach"
                for name, host in hosts.items()
                if host and name not in found
            ),
        ]

    def _weak_keys(self) -> list[str]:
        key = self.secret_key.get_secret_value()
        found = []
        if fault := weakness(key):
            found.append(f"BILLING_SECRET_KEY {fault}; make one with `openssl rand -base64 48`")
        if any(key == previous.get_secret_value() for previous in self.previous_secret_keys):
            found.append("BILLING_PREVIOUS_SECRET_KEYS holds the present key")
        others = {
            "STRIPE_SECRET_KEY": (self.stripe_secret_key.get_secret_value(),),
            "STRIPE_WEBHOOK_SECRETS": self.stripe_webhook_secrets,
            "DATABASE_URL": (self.database_url,),
            "REPORTS_DATABASE_URL": (self.reports_database_url,),
            "SMTP_URL": (self.smtp_url,),
        }
        found += [f"BILLING_SECRET_KEY is in {PREFIX}{name} too" for name in live_checks.reused(key, others)]
        return found


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings from the environment and the files that it names. Raises RefusesToStart with each variable that is missing,
    misspelt, wrong or unsafe."""
    settings = parse_settings(environ)
    if unsafe := settings.unsafe():
        raise RefusesToStart("; ".join(unsafe))
    return settings


def parse_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The same, which may be unsafe to start with."""
    given, faults = given_settings(os.environ if environ is None else environ, Settings.model_fields)
    if faults:  # before the values: what is given wrongly would be called missing as well
        raise RefusesToStart("; ".join(faults))
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise RefusesToStart("; ".join(_in_words(line) for line in error.errors())) from None


def _in_words(line: Any) -> str:
    name = variable_of(str(line["loc"][0])) if line["loc"] else PREFIX
    return f"{name} is missing" if line["type"] == "missing" else f"{name}: {line['msg']}"


def _plain(value: str) -> str:
    """The words without capitals and extra spaces, so that a retyped sample is still one."""
    return " ".join(value.casefold().split())
