"""What pydantic finds wrong, in sentences that are told in Korean, too: it has English alone."""

from typing import Any, cast

from nbflow.model.sentence import Sentence

_DAY = "must be a day, as 2026-03-01"
_INSTANT = "must be an instant with its zone, as 2026-03-01T06:00:00Z"

REFUSALS = {
    "missing": "must be given",
    "extra_forbidden": "is not known here",
    **dict.fromkeys(("enum", "literal_error"), "must be {expected}"),
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "greater_than": "must be more than {gt}",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("string_type", "string_unicode"), "must be text"),
    "string_too_long": "must have {max_length} characters at most",
    "string_too_short": "must have {min_length} characters at least",
    "string_pattern_mismatch": "must look like {pattern}",
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    "too_long": "must have {max_length} items at most",
    "too_short": "must have {min_length} items at least",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be an object"),
    "union_tag_invalid": "must be of one of these kinds: {expected_tags}",
    "union_tag_not_found": "must say of which kind it is, in {discriminator}",
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        _DAY,
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"),
        _INSTANT,
    ),
}
"""By pydantic's kinds of problems; the fields are those of its contexts."""


def said(problem: Any) -> str:
    """Return what is wrong with a value, of one of the ``errors()`` of pydantic: half a sentence, or
    what a check of ours said.
    """
    context = problem.get("ctx", {})
    ours = context.get("error")
    if isinstance(ours, ValueError) and ours.args:
        return cast("str", ours.args[0])
    template = REFUSALS.get(problem["type"])
    if template is None:
        text = str(problem["msg"])
        return text[:1].lower() + text[1:]
    return Sentence(template, **{key: value for key, value in context.items() if key != "error"})
