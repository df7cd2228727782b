"""The languages of pages and mails: a catalogue in gettext's format for each, with its dates and amounts.

English is the language of the code. Another is a file such as `af.po`, here or in the folder of `BILLING_LANGUAGES_FOLDER`.
"""

from emails.languages.catalogue import BadCatalogue
from emails.languages.dates import date_and_time, date_only, full_day, full_moment, short_date, short_moment
from emails.languages.language import ENGLISH, Language, in_whole, missing
from emails.languages.offered import Languages, UnknownLanguage, english_alone, offered
from emails.languages.say import say
from emails.languages.text import NO_WORDS, Text, amount, load_text, named, store_text
from emails.languages.translate import TranslatedEnvironment

__all__ = [
    "ENGLISH",
    "NO_WORDS",
    "BadCatalogue",
    "Language",
    "Languages",
    "Text",
    "TranslatedEnvironment",
    "UnknownLanguage",
    "amount",
    "date_and_time",
    "date_only",
    "english_alone",
    "full_day",
    "full_moment",
    "in_whole",
    "load_text",
    "missing",
    "named",
    "offered",
    "say",
    "short_date",
    "short_moment",
    "store_text",
]
