"""Executed notebooks as pages to look at. What stands in an output is nobody's to trust: the page
is let into a frame alone, with an origin of its own, and reaches nothing.
"""

import io
import json
from collections.abc import Mapping
from typing import Any

POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "font-src data:",
        "media-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
"""Plots may run their scripts; there is no cookie and no network for them."""


def page_of(document: Mapping[str, Any], *, theme: str) -> bytes:
    """Return a notebook with its outputs as one page that needs nothing from elsewhere."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="lab", theme=theme, mathjax_url="", require_js_url="", jquery_url=""
    )
    page, _ = exporter.from_file(io.StringIO(json.dumps(document)))
    return str(page).encode("utf-8", "replace")
