"""Magics and shell commands, as IPython runs them."""

import ast
import itertools
import re
from collections.abc import Sequence

from nbflow.compiler.analysis import files, tables
from nbflow.compiler.analysis.recorder import Scope
from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.statements import Statements
from nbflow.compiler.analysis.transform import CellMagic, parse_fragment
from nbflow.compiler.analysis.values import UNKNOWN, Value, fresh
from nbflow.compiler.effects import AmbientUse, FileAction
from nbflow.model.sentence import Sentence

_BRACES = re.compile(r"\{([^{}]+)\}")
_VALUED_OPTIONS = {
    "time": "", "prun": "DlsT", "timeit": "nrpv", "memit": "rtTi", "lprun": "fmDTu", "mprun": "fT",
}  # fmt: skip
"""Line magics that run Python, and their options that are followed by a value."""
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
        """Read the names in `{…}` and `$name`, as IPython expands them, if they are bound."""
        self.guard += 1
        for inner in _BRACES.findall(text):
            if self._left_to_the_shell(inner):
                continue
            tree = parse_fragment(inner.strip().partition(":")[0].partition("!")[0])
            if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
                outer, self.fixed = self.fixed, True
                self.evaluate(tree.body[0].value)
                self.fixed = outer
        for name in _DOLLAR.findall(_BRACES.sub("", text)):
            if not self._left_to_the_shell(name):
                self.name(name)
        self.guard -= 1

    def _left_to_the_shell(self, name: str) -> bool:
        return name.isupper() and not self.bound(name)  # $HOME

    def line_magic(self, name: str, rest: str, node: ast.AST) -> Value:
        """Evaluate a line magic."""
        if name == "timeit":
            self.run_locally(fragment(name, rest))
            return UNKNOWN
        if name in _VALUED_OPTIONS:
            return self.run_text(name, rest)
        if name in tables.SHELL_MAGICS:
            self.shell(rest)
            return fresh("list")
        self.expand(rest)
        if name == "cd":
            absolute = rest.strip().startswith("/")
            if not absolute:
                self.ambient("cwd", AmbientUse.READ, "%cd")
            self.ambient("cwd", AmbientUse.SEED if absolute else AmbientUse.DRAW, "%cd")
            self.warn("ambient", "cwd", "NBF308", "%cd changes the working directory.")
            return UNKNOWN
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

    def run_text(self, name: str, text: str) -> Value:
        """Run the code of a line magic that runs it as the cell would."""
        outer, self.fixed = self.fixed, True
        value = UNKNOWN
        for statement in fragment(name, text):
            if isinstance(statement, ast.Expr):
                value = self.evaluate(statement.value)
            else:
                self.run(statement)
        self.fixed = outer
        return value

    def run_locally(self, line: list[ast.stmt], body: Sequence[ast.stmt] = ()) -> None:
        """Run code as `%timeit` does: now, in a function of its own; ``line`` is the magic's."""
        outer, fixed = self.scope, self.fixed
        own = scope_of(_function_of([*line, *body])).own
        self.scope = Scope(kind="function", parent=outer, own=own)
        self.fixed = True
        self.run_body(line)
        self.fixed = fixed
        self.run_body(list(body))
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


def fragment(name: str, text: str) -> list[ast.stmt]:
    """Return the code in the line of a magic that runs code, without the magic's options."""
    words = text.strip()
    while words.startswith("-"):
        flag, _, words = words.partition(" ")
        words = words.lstrip()
        if len(flag) == 2 and flag[1] in _VALUED_OPTIONS[name]:
            words = words.partition(" ")[2].lstrip()
    tree = parse_fragment(words)
    return tree.body if tree is not None else []


def _function_of(body: list[ast.stmt]) -> ast.FunctionDef:
    made = ast.parse("def inner(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.body = body
    return made
