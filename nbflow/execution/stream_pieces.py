"""Makes an IPython kernel send a flood of text in pieces, so that no reader needs it all at once.

ipykernel gathers what is printed within 0.2 seconds into one message, of hundreds of megabytes if
need be, which every reader holds several times while it is decoded.
"""

PIECE = 2**20
"""Characters after which a stream is flushed."""

CODE = f'''
exec("""
import sys

def in_pieces(stream):
    write, flush = stream.write, stream.flush
    unsent = 0

    def write_in_pieces(text):
        nonlocal unsent
        if not isinstance(text, str) or unsent + len(text) <= {PIECE}:
            unsent += len(text) if isinstance(text, str) else 0
            return write(text)
        for start in range(0, len(text), {PIECE}):
            write(text[start:start + {PIECE}])
            flush()
        unsent = 0
        return len(text)

    write_in_pieces.sends_pieces = True
    return write_in_pieces

def before_a_cell():
    # At each cell, since IPython puts a write of its own in place for the time of a cell.
    for stream in (sys.stdout, sys.stderr):
        if not hasattr(stream.write, 'sends_pieces'):
            try:
                stream.write = in_pieces(stream)
            except (AttributeError, TypeError):
                pass

shell = sys.modules['IPython'].get_ipython()
if shell is not None:
    shell.events.register('pre_execute', before_a_cell)
""", {{}})
'''
"""To be run hidden in a new kernel, once; leaves no name behind."""
