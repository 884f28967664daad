"""Notebooks written as text: Jupytext's percent scripts and Markdown. Imported only for them."""

import logging
import re
from dataclasses import dataclass, field
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.sentence import Sentence
from nbflow.notebooks.document import plain

LARGEST_HEADER = 64_000
DEEPEST_HEADER = 50
_MARK = re.compile(r"---\s*")
_JUPYTER = re.compile(r"jupyter\s*:\s*")
_YAML_WORDS: dict[object, str] = {True: "on", False: "off", None: "null"}


def document_from_text(text: str, suffix: str, shown: str) -> dict[str, Any]:
    """Return the nbformat document of a ``.py`` or ``.md`` file; its cells carry no ids.

    Raises NotebookError if jupytext can't read it.
    """
    import jupytext  # nbformat comes with it: slow, paid by text notebooks only

    logging.getLogger("jupytext").setLevel(logging.ERROR)
    _check_header(text, suffix, shown)
    try:
        document: dict[str, Any] = plain(jupytext.reads(text, fmt=_format(text, suffix)))
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotebookError(
            Sentence("{shown}: jupytext can't read it: {first}", shown=shown, first=first),
            code="NBF008",
            hint="check the header between the two lines '# ---'",
        ) from error
    document["metadata"] = _text_keys(document["metadata"])
    for cell in document["cells"]:
        # jupytext draws ids at random; the reader derives them from the position
        cell.pop("id", None)
    return document


def _check_header(text: str, suffix: str, shown: str) -> None:
    """Refuse settings in YAML that are larger in memory than they look, or say one thing twice,
    before anything is made of them. What is no YAML at all is left for jupytext to say.
    """
    import yaml

    header = _settings_in(text, "#" if suffix == ".py" else "")
    if len(header) > LARGEST_HEADER:
        raise _odd_header(shown, Sentence("is too large"))
    levels: list[_Level] = [_Level()]
    try:
        for event in yaml.parse(header):
            if isinstance(event, yaml.AliasEvent):
                raise _odd_header(shown, Sentence("holds an alias (*name)"))
            if isinstance(event, yaml.NodeEvent):
                key = levels[-1].twice(getattr(event, "value", None))
                if key is not None:
                    raise _odd_header(shown, Sentence("says {key} twice", key=key))
            if isinstance(event, yaml.CollectionStartEvent):
                levels.append(_Level(has_keys=isinstance(event, yaml.MappingStartEvent)))
            elif isinstance(event, yaml.CollectionEndEvent):
                levels.pop()
            if len(levels) > DEEPEST_HEADER + 1:
                raise _odd_header(shown, Sentence("is nested too deep"))
    except yaml.YAMLError:
        return


@dataclass(slots=True)
class _Level:
    """A list or mapping of YAML while it is read: in a mapping every other node is a key."""

    has_keys: bool = False
    known: set[str] = field(default_factory=set)
    is_key_next: bool = True

    def twice(self, node: str | None) -> str | None:
        """Take the next node, None for one that is no text; return it if it is a key again."""
        is_key = self.has_keys and self.is_key_next
        self.is_key_next = not self.is_key_next
        if not is_key or node is None:
            return None
        is_known = node in self.known
        self.known.add(node)
        return node if is_known else None


def _settings_in(text: str, prefix: str) -> str:
    """Return the lines that jupytext loads: ``jupyter:`` and what is below it, in a header that ends.

    As jupytext finds them: before any other text; with ``prefix`` at each line, or, without one, as
    they stand or in a comment of HTML, in which they go on behind the second mark.
    """
    settings: list[str] = []
    marks, is_hidden, is_inside = 0, False, False
    for number, line in enumerate(text.splitlines()):
        if not line.startswith(prefix) or (is_hidden and marks > 1 and "-->" in line):
            break
        is_hidden = is_hidden or (not prefix and line.strip().startswith("<!--"))
        own = line.removeprefix(prefix).removeprefix(" " if prefix else "")
        if _MARK.fullmatch(own):
            marks += 1
            if marks > 1 and not is_hidden:
                break
        elif not marks:
            is_first = number < 2 and (line.startswith("#!") or "coding" in line)
            if own.strip() and not is_hidden and not is_first:
                break
        else:
            is_inside = bool(_JUPYTER.fullmatch(own)) or (is_inside and own[:1].strip() == "")
            settings += [own] if is_inside else []
    return "\n".join(settings) if marks > 1 else ""


def _odd_header(shown: str, what: Sentence) -> NotebookError:
    return NotebookError(
        Sentence("{shown}: the header {what}", shown=shown, what=what),
        code="NBF008",
        hint="write the settings out, as nbflow's documentation shows them",
    )


def _text_keys(value: Any) -> Any:
    """Return metadata as JSON could hold them: YAML takes a key that is written ``on`` for true."""
    if isinstance(value, dict):
        return {_YAML_WORDS.get(key, str(key)): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def _format(text: str, suffix: str) -> str:
    """Percent where a cell mark is found; else let jupytext tell by the text."""
    if suffix == ".py":
        return "py:percent" if "# %%" in text else "py"
    return "md"


def text_from_document(document: dict[str, Any], text: str, suffix: str, shown: str) -> str:
    """Return the document as text in the format that ``text``, its former text, has."""
    import jupytext
    import nbformat

    settings = document["metadata"].get("jupytext", {})
    if settings.get("cell_metadata_filter") == "-all":
        # jupytext sets this for a text whose cells had no metadata: the new tags would be lost
        settings["cell_metadata_filter"] = "tags,nbflow,-all"
    try:
        written: str = jupytext.writes(nbformat.from_dict(document), fmt=_format(text, suffix))
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotebookError(
            Sentence("{shown}: jupytext can't write it: {first}", shown=shown, first=first),
            code="NBF008",
            hint="tag the cells in an editor instead",
        ) from error
    return written
