"""Templates in a language: `{% trans %}`, `_("…")`, and every `Text` that they show."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jinja2 import Environment, nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from emails.languages.language import ENGLISH, Language

_NAMED = re.compile(r"%\((\w+)\)s")
MESSAGES = ("_", "gettext")
"""How templates call for a message; `{% trans %}` becomes such a call."""


class TranslatedEnvironment(Environment):
    """Templates that speak one language. Their messages are translated once, when a template is compiled."""

    def __init__(self, language: Language, **options: Any) -> None:
        finalize = None if language is ENGLISH else language.shown  # a text is its English words
        super().__init__(extensions=["jinja2.ext.i18n"], finalize=finalize, **options)
        self.language = language
        self.policies["ext.i18n.trimmed"] = True
        self.newstyle_gettext = True  # the extension's own name for messages with `%(name)s`
        gettext = _gettext(language)
        self.filters["shown"] = language.shown
        self.globals.update(gettext=gettext, _=gettext, ngettext=_ngettext(language), language=language)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        # Jinja has no public step between parsing and compiling; a call for each message would double a page's time
        template: nodes.Template = _Translate(self.language).visit(super()._parse(source, name, filename))
        return template


class _Translate(NodeTransformer):
    """Puts the translation in the place of the call for it. A message that is missing stays a call, which notes that."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802 - Jinja's name
        """Text and values of a message stand in the output as those of a template do: `%` would take as long as the rest of a page."""
        shown: list[nodes.Expr] = []
        for child in node.nodes:
            if isinstance(child, nodes.Call) and (words := self._translated(child)) is not None:
                shown += self._pieces(words, child.kwargs)
            else:
                shown.append(child)
        node.nodes = shown
        self.generic_visit(node)
        return node

    def _pieces(self, words: str, values: Sequence[nodes.Keyword]) -> Iterator[nodes.Expr]:
        by_name = {value.key: value.value for value in values}
        for place, piece in enumerate(_NAMED.split(words)):
            if place % 2:  # a name stands between two pieces of text
                yield by_name[piece]
            elif piece:
                yield nodes.TemplateData(piece % {})

    def _translated(self, node: nodes.Call) -> str | None:
        """The translation that a call asks for; None for another call, for one whose values aren't named, and for a gap."""
        is_message = isinstance(node.node, nodes.Name) and node.node.name in MESSAGES
        if not is_message or node.dyn_kwargs is not None:
            return None
        [message] = node.args
        if not isinstance(message, nodes.Const) or not self.language.has(message.value):
            return None
        return self.language.message(message.value)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        words = self._translated(node)
        if words is None:
            return node
        if not node.kwargs:
            return nodes.MarkSafeIfAutoescape(nodes.Const(words % {}), lineno=node.lineno)
        shown = [
            nodes.Pair(nodes.Const(value.key), nodes.Filter(value.value, "shown", [], [], None, None))
            for value in node.kwargs
        ]
        return nodes.Mod(
            nodes.MarkSafeIfAutoescape(nodes.Const(words)), nodes.Dict(shown), lineno=node.lineno
        )


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
