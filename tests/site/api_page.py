"""Writes the page about the API from the code's own OpenAPI description, so that neither can say what the other doesn't."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from billing.web_app import ENDPOINTS, add_routes

Json = dict[str, Any]
HEAD = """# API

Each operation with what it takes, as `/openapi.json` of a running installation describes it. [Integrate](integrate.md) explains keys, idempotency
and errors, with examples.
"""


def openapi() -> Json:
    """The description of the API. It needs no installation."""
    app = FastAPI(title="Masthead")
    add_routes(app, *ENDPOINTS)
    return app.openapi()


def api_page() -> str:
    """The page as Markdown."""
    described = openapi()
    groups: dict[str, list[str]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            text = "\n".join(_operation(method, path, operation, described))
            groups.setdefault(operation["tags"][0], []).append(text)
    return "\n".join([HEAD, *(f"## {tag}\n\n" + "\n".join(texts) for tag, texts in groups.items())])


def _operation(method: str, path: str, operation: Json, described: Json) -> Iterator[str]:
    yield f"### {method.upper()} {path}\n"
    yield f"**{operation['summary']}.**".replace("?.**", "?**")
    yield " ".join(operation.get("description", "").split()) + "\n"
    if scopes := [
        scope for need in operation.get("security", []) for each in need.values() for scope in each
    ]:
        yield f"Needs an API key with {' or '.join(f'`{scope}`' for scope in scopes)}.\n"
    rows = [*_parameters(operation), *_body(operation, described)]
    if rows:
        yield "| in | name | type | required | |\n|---|---|---|---|---|"
        yield from rows
        yield ""


def _parameters(operation: Json) -> Iterator[str]:
    for each in operation.get("parameters", []):
        yield _row(each["in"], each["name"], each["schema"], each["required"], each.get("description", ""))


def _body(operation: Json, described: Json) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _fields(content["schema"], described, "")


def _fields(schema: Json, described: Json, within: str) -> Iterator[str]:
    """A row for each field of a body, those of a nested object after it, as `consent.ip`."""
    model = _resolved(schema, described)
    for name, field in model.get("properties", {}).items():
        required = name in model.get("required", [])
        inner = _resolved(field, described)
        yield _row(
            "body", within + name, inner, required, field.get("description", inner.get("description", ""))
        )
        yield from _fields(inner, described, f"{within}{name}.")


def _resolved(schema: Json, described: Json) -> Json:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    model: Json = described["components"]["schemas"][reference.rpartition("/")[2]]
    return model


def _row(where: str, name: str, schema: Json, required: bool, words: str) -> str:
    text = " ".join(words.split()).replace("|", "\\|")
    return f"| {where} | `{name}` | {_type(schema)} | {'yes' if required else ''} | {text} |"


def _type(schema: Json) -> str:
    if "anyOf" in schema:
        kinds = [_type(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    form = schema.get("format")
    return f"{schema.get('type', 'object')}{f' ({form})' if form else ''}"
