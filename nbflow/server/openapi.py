"""The API's description, made of the routes and the models that validate it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from nbflow import __version__
from nbflow.server.models.fields import Problem
from nbflow.server.routing import PATH_PARAMETERS, Route

_REF = "#/components/schemas/{model}"
_COMMON = (403, 422, 429, 500, 503)
_WITH_BODY = (400, 413, 415)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
_WORDS = {
    400: "The request can't be read.",
    403: "Nobody is logged in, or they may not do this.",
    404: "There is nothing of that name.",
    409: "The state of things doesn't allow it, or somebody else was first.",
    412: "What is deployed, or the notebook, is not what the request says was looked at.",
    413: "The request is too large.",
    415: "The body is not application/json.",
    422: "What is asked for can't be carried out as written.",
    429: "Too many calls wait for an answer.",
    500: "nbflow itself failed.",
    503: "The metastore is busy or can't be used: try again later.",
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the API as an OpenAPI 3.1 document."""
    models = _models(routes)
    references, definitions = models_json_schema(
        [(model, mode) for model, mode in models], ref_template=_REF, by_alias=True
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nbflow",
            "version": __version__,
            "description": "The API below `nbflow/api` of a Jupyter server's base URL.",
        },
        "servers": [{"url": "/nbflow/api"}],
        "security": [{"token": []}, {"cookie": [], "xsrf": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions.get("$defs", {}).items())),
            "responses": {str(status): _problem(status) for status in _WORDS},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token` and the server's token, with a space between.",
                },
                "cookie": {"type": "apiKey", "in": "cookie", "name": "username-localhost-8888"},
                "xsrf": {"type": "apiKey", "in": "header", "name": "X-XSRFToken"},
            },
        },
    }


def _models(routes: Sequence[Route]) -> list[tuple[type[BaseModel], Any]]:
    found: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            found[(route.body, "validation")] = None
        if route.given is not None:
            found[(route.given, "serialization")] = None
    return list(found)


def _operation(route: Route, references: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "x-nbflow-action": route.action,
        "parameters": [*_in_path(route), *_in_query(route)],
        "responses": {
            str(route.status): _answer(route, references),
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in statuses(route)
            },
        },
    }
    if route.body is not None:
        schema = references[(route.body, "validation")]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def statuses(route: Route) -> list[int]:
    """Return the statuses with which a route may refuse a request."""
    with_path = (400, 404) if route.names else ()
    with_body = _WITH_BODY if route.body is not None else (400, 413)
    return sorted({*_COMMON, *with_body, *with_path, *route.problems})


def _answer(route: Route, references: Any) -> dict[str, Any]:
    content: dict[str, Any]
    if route.given is None:
        content = {media.partition(";")[0]: {} for media in route.media}
    else:
        content = {"application/json": {"schema": references[(route.given, "serialization")]}}
    return {"description": route.summary, "content": content}


def _problem(status: int) -> dict[str, Any]:
    problem: dict[str, Any] = {"description": _WORDS[status], "content": _PROBLEM}
    if status in (429, 503):
        problem["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
    return problem


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name][1],
            "schema": PATH_PARAMETERS[name][0].json_schema(),
        }
        for name in route.names
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(ref_template=_REF)
    found = []
    for name, field in schema.get("properties", {}).items():
        plain = _inlined(field, schema.get("$defs", {}))
        description = plain.pop("description", "")
        parameter = {"name": name, "in": "query", "schema": plain}
        if name in schema.get("required", ()):
            parameter["required"] = True
        if description:
            parameter["description"] = description
        found.append(parameter)
    return found


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions, and what is not null, in the place of references: queries hold plain texts."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _inlined(definitions[name], definitions)
    found = {key: _inlined(value, definitions) for key, value in schema.items()}
    if "anyOf" in found:
        others = [one for one in found.pop("anyOf") if one != {"type": "null"}]
        found = {**found, **(others[0] if len(others) == 1 else {"anyOf": others})}
        if found.get("default", 0) is None:
            del found["default"]
    return found
