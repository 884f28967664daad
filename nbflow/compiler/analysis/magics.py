"""Magics and shell commands, as IPython runs them."""

import ast
import itertools
import re

from nbflow.compiler.analysis import files, tables
from nbflow.compiler.analysis.recorder import Scope
from nbflow.compiler.analysis.scopes import names_in_targets
from nbflow.compiler.analysis.statements import Statements
from nbflow.compiler.analysis.transform import CellMagic, parse_fragment
from nbflow.compiler.analysis.values import UNKNOWN, Value, fresh
from nbflow.compiler.effects import AmbientUse, FileAction
from nbflow.model.sentence import Sentence

_BRACES = re.compile(r"\{([^{}]+)\}")
_DOLLAR = re.compile(r"\$\$?([^\W\d]\w*)")


class Magics(Statements):
    """Evaluates what IPython's transformer leaves behind: calls on `get_ipython()`."""

    __slots__ = ()

    def magic_call(self, node: ast.Call, name: str) -> Value:
        """Evaluate a call on `get_ipython()`."""
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        words = [str(t) for t in texts]
        if name in ("run_line_magic", "magic") and words:
            if name == "magic":
                head, _, tail = words[0].partition(" ")
                words = [head, tail]
            return self.line_magic(words[0].lstrip("%"), words[1] if len(words) > 1 else "", node)
        if name in ("system", "getoutput", "getoutput_split") and words:
            self.shell(words[0])
            return fresh("list" if name == "getoutput" else "None")
        if name == "run_cell_magic" and len(words) > 2:
            self.foreign_magic(CellMagic(words[0], words[1], self.line, words[2]))
            return UNKNOWN
        self.opaque(f"get_ipython().{name}")
        return UNKNOWN

    def shell(self, command: str, *, expand: bool = True) -> None:
        """A shell command reads the names it mentions and may use any file."""
        if expand:
            self.expand(command)
        self.file(FileAction.READ, None, "shell")
        self.file(FileAction.WRITE, None, "shell")
        self.warn("shell", "", "NBF307", "A shell command may read and write any file.")

    def expand(self, text: str) -> None:
        """Read the names in `{…}` and `$name`, as IPython expands them."""
        for inner in _BRACES.findall(text):
            tree = parse_fragment(inner.strip().partition(":")[0].partition("!")[0])
            if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
                outer, self.fixed = self.fixed, True
                self.evaluate(tree.body[0].value)
                self.fixed = outer
        for name in _DOLLAR.findall(_BRACES.sub("", text)):
            # Unknown names are left to the shell ($HOME).
            if self.bound(name) or not name.isupper():
                self.guard += 1
                self.name(name)
                self.guard -= 1

    def line_magic(self, name: str, rest: str, node: ast.AST) -> Value:
        """Evaluate a line magic."""
        if name in ("time", "prun", "memit"):
            return self._run_text(without_options(rest, "lrsDTp"))
        if name == "timeit":
            self.local_code(without_options(rest, "nrp"))
            return UNKNOWN
        if name == "cd":
            self.expand(rest)
            absolute = rest.strip().startswith("/")
            if not absolute:
                self.ambient("cwd", AmbientUse.READ, "%cd")
            self.ambient("cwd", AmbientUse.SEED if absolute else AmbientUse.DRAW, "%cd")
            self.warn("ambient", "cwd", "NBF308", "%cd changes the working directory.")
            return UNKNOWN
        if name in tables.SHELL_MAGICS:
            self.shell(rest)
            return fresh("list")
        if name in tables.LINE_HISTORY:
            self.opaque(f"%{name}", history=True, binds=name in ("recall", "rerun", "macro"))
            return UNKNOWN
        if name in ("matplotlib", "pylab"):
            self.plot()
        if name in tables.LINE_OPTIONS:
            self.option(f"%{name}", kept="close_figures" in rest)
            if name in ("env", "set_env"):
                self.warn(
                    "ambient",
                    "os.environ",
                    "NBF308",
                    Sentence("%{name} sets the environment.", name=name),
                )
            return UNKNOWN
        if name in tables.LINE_SILENT:
            self._inspected(name, rest)
            return UNKNOWN
        self.expand(rest)
        self.opaque(f"%{name}")
        return UNKNOWN

    def _inspected(self, name: str, rest: str) -> None:
        if name in ("pinfo", "pinfo2", "pdoc", "pdef", "psource", "pfile", "pycat"):
            word = rest.strip().strip("?").partition(".")[0].strip()
            if word.isidentifier():
                self.guard += 1
                self.name(word)
                self.guard -= 1
        if name in ("ls", "ll", "pip", "conda", "pwd", "load"):
            self.file(FileAction.READ, None, f"%{name}")

    def _run_text(self, text: str) -> Value:
        tree = parse_fragment(text)
        if tree is None:
            return UNKNOWN
        outer, self.fixed = self.fixed, True
        value = UNKNOWN
        for statement in tree.body:
            if isinstance(statement, ast.Expr):
                value = self.evaluate(statement.value)
            else:
                self.run(statement)
        self.fixed = outer
        return value

    def local_code(self, text: str) -> None:
        """Run code as `%timeit` does: in a function of its own, now."""
        tree = parse_fragment(text)
        if tree is not None:
            outer, self.fixed = self.fixed, True
            self.run_locally(tree.body)
            self.fixed = outer

    def run_locally(self, body: list[ast.stmt]) -> None:
        """Interpret statements whose names are local, whose reads happen now."""
        own = {
            n.id
            for part in body
            for n in ast.walk(part)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        own |= set(names_in_targets([]))
        outer = self.scope
        self.scope = Scope(kind="function", parent=outer, own=frozenset(own))
        self.run_body(body)
        self.scope = outer
        self.dead = False

    def foreign_magic(self, magic: CellMagic) -> None:
        """Evaluate a cell magic whose body isn't Python of this notebook."""
        name = magic.name
        if name in ("writefile", "file"):
            words = [w for w in magic.rest.split() if w not in ("-a", "--append")]
            self.expand(magic.rest)
            path = files.normalised(words[-1].strip("'\"")) if words else None
            if path is not None and "{" in path:
                path = None
            if "-a" in magic.rest.split():
                self.file(FileAction.READ, path, "%%writefile")
            self.file(FileAction.WRITE, path, "%%writefile")
            self.warn("file-write", "", "NBF309", "The cell writes a file.")
        elif name in tables.SHELL_MAGICS:
            self._foreign_out(magic)
            self.shell(magic.body, expand=name in ("!", "sx", "system"))
        elif name in tables.SHOWN_MAGICS:
            return
        else:
            self.expand(magic.rest)
            self.opaque(f"%%{name}")

    def _foreign_out(self, magic: CellMagic) -> None:
        words = magic.rest.split()
        for flag, name in itertools.pairwise(words):
            if flag in ("--out", "--err") and name.isidentifier():
                self.bind(name, Value(type="str"))

    def capture(self, rest: str) -> None:
        """`%%capture NAME` binds NAME after the body."""
        for word in rest.split():
            if word.isidentifier():
                self.bind(word, Value(type="capture"))


def without_options(text: str, with_value: str) -> str:
    """Return a line magic's code without its options; those in ``with_value`` take a number."""
    words = text.strip()
    while words.startswith("-"):
        flag, _, words = words.partition(" ")
        words = words.lstrip()
        if len(flag) == 2 and flag[1] in with_value and words[:1].isdigit():
            words = words.partition(" ")[2].lstrip()
    return words
