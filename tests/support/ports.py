"""Ports for servers that can't be handed a socket that listens."""

import random
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Below where Linux (32768) and IANA (49152) begin to hand out ports by themselves: a kernel that
# starts takes one of those some time after it was found to be free, whoever has it by then.
_OURS = range(20_000, 32_000)


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that nobody takes but a server that listens with SO_REUSEADDR.

    On Linux two processes of the tests never get the same: to bind without that option fails where
    another socket is bound, and setting it afterwards lets one more socket listen there. Elsewhere
    the port was free a moment ago.
    """
    for port in random.sample(_OURS, len(_OURS)):
        with socket.socket() as holder:
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue
            if sys.platform == "linux":
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            else:
                holder.close()
            yield port
            return
    raise RuntimeError("no port is free")
