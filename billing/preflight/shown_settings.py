"""The settings in force, by subject and in words, as staff may see them: a secret is only "given" or "not given"."""

import re
from dataclasses import dataclass

from pydantic import BaseModel

from billing.mail.smtp import relay_words
from billing.platform.database_address import address_words
from billing.platform.setting_sources import variable_of
from billing.platform.setting_types import NO_PROXY
from billing.platform.setting_words import is_secret, value_words
from billing.platform.settings import Settings

PARTS = {"database_url": address_words, "reports_database_url": address_words, "smtp_url": relay_words}
"""Addresses that may hold a password, and what may be shown of them."""
_OF_ADDRESS = re.compile(r"(?<=://)[^/?#\s]*@")
_RULES = re.compile(r" \([^)]*\)")


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting in force. `meaning` is the description that `docs/settings.md` has, with code between backticks."""

    variable: str
    value: str
    is_default: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """The settings of one subject."""

    title: str
    settings: tuple[ShownSetting, ...]


def setting_groups(settings: Settings) -> tuple[SettingGroup, ...]:
    """All settings, in the order of the documentation."""
    return tuple(
        SettingGroup(_title(group), tuple(_shown(settings, name) for name in group.model_fields))
        for group in reversed(Settings.__bases__)
        if issubclass(group, BaseModel)
    )


def _title(group: type[BaseModel]) -> str:
    """What the class says of itself, without the numbers of rules."""
    return _RULES.sub("", (group.__doc__ or "").partition("\n")[0]).removesuffix(".")


def _shown(settings: Settings, name: str) -> ShownSetting:
    field, value = Settings.model_fields[name], getattr(settings, name)
    is_default = not field.is_required() and value == field.get_default() and value is not NO_PROXY
    words = _secret(settings, name) if is_secret(field) else _plain(value)
    return ShownSetting(variable_of(name), words, is_default, field.description or "")


def _secret(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if not value:
        return "not given"
    if name in PARTS:
        return PARTS[name](value)
    return settings.acquirer_secrets.get(name, f"{len(value)} given" if isinstance(value, tuple) else "given")


def _plain(value: object) -> str:
    """Also without a user that an address names by mistake."""
    return "none" if value is NO_PROXY else _OF_ADDRESS.sub("", value_words(value))
