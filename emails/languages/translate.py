"""Templates in a language: `{% trans %}`, `_("…")`, and every `Text` that they show."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from emails.languages.language import Language


def translate_templates(environment: Environment, language: Language) -> None:
    """Let the templates of an environment speak one language. Call it before the first template is loaded."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension adds it
    environment.finalize = language.shown
    gettext, ngettext = _gettext(language), _ngettext(language)
    environment.globals.update(gettext=gettext, _=gettext, ngettext=ngettext, language=language)


def _gettext(language: Language) -> Callable[..., str]:
    @pass_context
    def gettext(context: Context, message: str, /, **values: Any) -> str:
        return _filled(context, language, language.message(message), values)

    return gettext


def _ngettext(language: Language) -> Callable[..., str]:
    @pass_context
    def ngettext(context: Context, one: str, many: str, number: int, /, **values: Any) -> str:
        return _filled(context, language, language.plural(one, many, number), {"num": number} | values)

    return ngettext


def _filled(context: Context, language: Language, words: str, values: dict[str, Any]) -> str:
    """The message with its values. A message is ours, and may have tags; the values are escaped where the template escapes."""
    shown = {name: language.shown(value) for name, value in values.items()}
    return Markup(words) % shown if context.eval_ctx.autoescape else words % shown  # noqa: S704
