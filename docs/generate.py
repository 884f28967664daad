"""Write the reference pages that are made from code: the command line and the diagnostics.

``python docs/generate.py`` writes them, ``--check`` says which are not fresh and exits 1.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["NBFLOW_LANG"] = "en"

from nbflow.cli.entry import make_app
from nbflow.model.codes import CODES
from nbflow.server.routes import openapi_text

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate.py; edit the code instead. -->\n"
_GROUPS = {
    "0": "Files",
    "1": "Tags and metadata",
    "2": "The meaning of a DAG",
    "3": "Inference",
    "4": "Parameters and values",
    "5": "Runs",
    "6": "Metastore and store",
    "7": "Settings, command line, pictures",
    "9": "General",
}


def diagnostics_page() -> str:
    """Return the page of all codes, one heading each."""
    lines = [
        "# Diagnostics",
        _NOTE,
        (
            "Every finding and every error carries a code. A finding also has a cell and a line; a "
            "compile reports all of them at once. *error* stops a run, *warning* does not, *info* is "
            "worth knowing."
        ),
    ]
    group = ""
    for code, info in CODES.items():
        title = _GROUPS[code[3]]
        if title != group:
            group = title
            lines.append(f"\n## {group}")
        lines.append(f"\n### {code} · {info.title} {{ #{code.lower()} }}\n")
        lines.append(f"*{info.severity}* — {info.explanation}\n")
        lines.append(f"**What to do:** {info.remedy}")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return the page of all verbs with their arguments and options."""
    import typer.main

    app: Any = typer.main.get_command(make_app())
    lines = [
        "# Command line",
        _NOTE,
        (
            "`nbflow VERB --help` prints the same. Exit codes: 0 all is well, 1 it ran but not well "
            "(a failed task, a finding of severity error), 2 the call can't be carried out as "
            "written, 3 the metastore or the store can't be used, 70 a fault of nbflow itself, "
            "130 stopped with Ctrl-C."
        ),
    ]
    for path, command in commands(app):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option"]
        usage = " ".join(["nbflow", *path, *(_placeholder(a) for a in arguments)])
        lines += [f"\n## nbflow {' '.join(path)}", f"\n{command.help}", f"\n```text\n{usage}\n```"]
        if arguments:
            lines.append("\n| argument | meaning |\n| --- | --- |")
            lines += [f"| `{_placeholder(a)}` | {a.help or ''} |" for a in arguments]
        if options:
            lines.append("\n| option | meaning | default |\n| --- | --- | --- |")
            lines += [_option_row(o) for o in options]
    return "\n".join(lines) + "\n"


def commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Return all commands below a group with the words that call them."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, command in group.commands.items():
        if not hasattr(command, "commands") or command.invoke_without_command:
            found.append(((*path, name), command))
        if hasattr(command, "commands"):
            found += commands(command, (*path, name))
    return found


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _option_row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    default = option.default
    shown = "" if default in (None, False, (), []) or callable(default) else f"`{default}`"
    text = (option.help or "").replace("|", "\\|") + _choices(option)
    return f"| {names} | {text} | {shown} |"


def _choices(option: Any) -> str:
    choices = getattr(option.type, "choices", ())
    shown = (f"`{getattr(one, 'value', one)}`" for one in choices)
    return " One of " + ", ".join(shown) + "." if choices else ""


def api_page() -> str:
    """Return the page of the API: every route, then every model."""
    api = json.loads(openapi_text())
    lines = [
        "# API",
        _NOTE,
        (
            "The routes below `BASE_URL/nbflow/api` of a Jupyter server. The same in OpenAPI 3.1: "
            "[openapi.json](openapi.json), or `GET openapi.json` of a running server. How to use it: "
            "[Use nbflow's API](../how-to/api.md)."
        ),
        (
            "\nWhoever asks must be logged in to the server and allowed to *read*, *write* or "
            "*execute* the resource `nbflow`, as each route says. Refusals are problem details "
            "(RFC 9457) with a code of [Diagnostics](diagnostics.md): 403 nobody is logged in or "
            "they may not, 404 nothing of that name, 409 the state of things or somebody else was "
            "first, 412 not what was looked at, 413 too large, 415 no JSON, 422 it can't be carried "
            "out as written, 429 and 503 with `Retry-After`."
        ),
    ]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            lines += _route(f"{method.upper()} {path}", operation)
    lines.append("\n## Models")
    for name, schema in api["components"]["schemas"].items():
        lines += _model(name, schema)
    return "\n".join(lines) + "\n"


def _route(title: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"\n## {title}", f"\n{operation['summary']} (*{operation['x-nbflow-action']}*)"]
    if operation["parameters"]:
        lines.append("\n| parameter | in | type | meaning |\n| --- | --- | --- | --- |")
        lines += [
            f"| `{p['name']}` | {p['in']} | {_type(p['schema'])} | {p.get('description', '')} |"
            for p in operation["parameters"]
        ]
    body = operation.get("requestBody")
    if body:
        lines.append(f"\nTakes {_type(body['content']['application/json']['schema'])}.")
    status, answer = next(iter(operation["responses"].items()))
    kinds = [
        _type(content["schema"]) if content else f"`{media}`"
        for media, content in answer["content"].items()
    ]
    others = [code for code in operation["responses"] if code != status]
    lines.append(f"\nGives {status}: {', '.join(kinds)}. Refuses with {', '.join(others)}.")
    return lines


def _model(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"\n### {name}", f"\n{schema.get('description', '')}"]
    if "enum" in schema:
        return [*lines, "\nOne of " + ", ".join(f"`{one}`" for one in schema["enum"]) + "."]
    fields = schema.get("properties", {})
    if fields:
        lines.append("\n| field | type | meaning |\n| --- | --- | --- |")
    required = schema.get("required", ())
    for field, about in fields.items():
        told = about.get("description", "")
        default = "" if field in required else f" Default `{json.dumps(about.get('default'))}`."
        lines.append(f"| `{field}` | {_type(about)} | {told}{default} |")
    return lines


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "anything")


PAGES = {
    "diagnostics.md": diagnostics_page,
    "cli.md": cli_page,
    "api.md": api_page,
    "openapi.json": openapi_text,
}


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    stale = []
    for name, make in PAGES.items():
        path = REFERENCE / name
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"not fresh: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
