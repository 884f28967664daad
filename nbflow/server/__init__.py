"""The Jupyter server extension: nbflow's API, and a scheduler that ends with the server."""

from typing import Any

from nbflow import __version__

__all__ = ["__version__"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from nbflow.server.extension import NbflowExtension

    return [{"module": "nbflow.server", "app": NbflowExtension}]
