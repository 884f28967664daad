"""Statements: binding, changing, branching, in the order they run."""

import ast
from collections.abc import Callable

from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.branches import Branches
from nbflow.compiler.analysis.values import (
    UNKNOWN,
    Value,
    contents,
    holding,
    join,
)


class Statements(Branches):
    """Interprets statements."""

    __slots__ = ()

    def run_body(self, body: list[ast.stmt]) -> None:
        """Interpret statements until the path ends."""
        for statement in body:
            if self.dead:
                return
            self.run(statement)

    def run(self, node: ast.stmt) -> None:
        """Interpret one statement."""
        self.steps += 1
        if not self.fixed:
            self.line = self.cell_line(node.lineno)
        visit = _STATEMENTS.get(type(node).__name__)
        if visit is not None:
            visit(self, node)

    # -------------------------------------------------------------------- binding

    def _expression(self, node: ast.Expr) -> None:
        outer = self.statement
        value_node = node.value
        self.statement = value_node if self.scope is None or self.stack else None
        value = self.evaluate(value_node)
        self.statement = outer
        if self.scope is None:
            if not isinstance(value_node, ast.Call):
                self._shown(value)
            self.displayed(value)

    # ---------------------------------------------------------------- definitions

    # ------------------------------------------------------------------- branches

    def _return(self, node: ast.Return) -> None:
        value = self.evaluate(node.value) if node.value is not None else UNKNOWN
        scope = self.scope
        while scope is not None and scope.kind != "function":
            scope = scope.parent
        if scope is not None and node.value is not None:
            scope.returns.append(value)
        self.dead = True

    def _raise(self, node: ast.Raise) -> None:
        for part in (node.exc, node.cause):
            if part is not None:
                self.evaluate(part)
        self.dead = True

    def _try(self, node: ast.Try) -> None:
        self.guard += bool(node.handlers)
        if not node.handlers:
            self.run_body(node.body)
            self.run_body(node.orelse)
        else:
            start = set(self.definite)

            def body() -> None:
                self.run_body(node.body)
                self.run_body(node.orelse)

            runs: list[Callable[[], None]] = [body]
            runs += [lambda h=h: self._handler(h, start) for h in node.handlers]  # type: ignore[misc]
            self.branches(runs, exhaustive=True)
        self.guard -= bool(node.handlers)
        dead = self.dead
        self.dead = False
        self.run_body(node.finalbody)
        self.dead = self.dead or dead

    def _handler(self, node: ast.ExceptHandler, start: set[str]) -> None:
        if node.type is not None:
            self.evaluate(node.type)
        if node.name:
            value = Value(type="exception")
            if not self.assign_local(node.name, value):
                self.bind_page(node.name, value, silent=True)
        self.run_body(node.body)
        if node.name and self.scope is None:
            self.definite.discard(node.name)
            self.env.pop(node.name, None)
            self.kinds.pop(node.name, None)
            self._loaded.clear()

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        hidden = suppress = 0
        for item in node.items:
            path = self._context_path(item.context_expr)
            is_hidden = path in lib.CONTEXTS
            self.hides_options += is_hidden
            value = self.evaluate(item.context_expr)
            self.hides_options -= is_hidden
            hidden += is_hidden
            suppress += path == "contextlib.suppress"
            if value.type == "instance":
                value = self.method_of(value, "__enter__", []) or value
                self.method_of(value, "__exit__", [UNKNOWN] * 3)
            if value.live is not None and value.same:
                self.mutate(value, "with")
            if item.optional_vars is not None:
                self.assign_context(item.optional_vars, value)
        self.hides_options += bool(hidden)
        if suppress:
            self.branches([lambda: self.run_body(node.body)], exhaustive=False)
        else:
            self.run_body(node.body)
        self.hides_options -= bool(hidden)

    def assign_context(self, target: ast.expr, value: Value) -> None:
        """Bind the name of `with … as`: what is closed at its end is no reason for a warning."""
        if isinstance(target, ast.Name) and not self.assign_local(target.id, value):
            self.bind_page(target.id, value)
        elif not isinstance(target, ast.Name):
            self.assign(target, value)

    def _context_path(self, node: ast.expr) -> str | None:
        if not isinstance(node, ast.Call):
            return None
        self.quiet += 1
        value = (
            self.evaluate(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else UNKNOWN
        )
        self.quiet -= 1
        return value.path

    def _match(self, node: ast.Match) -> None:
        subject = self.evaluate(node.subject)
        self.guard += 1
        runs: list[Callable[[], None]] = []
        exhaustive = False
        for case in node.cases:
            runs.append(lambda c=case: self._case(c, subject))  # type: ignore[misc]
            if case.guard is None and _irrefutable(case.pattern):
                exhaustive = True
        self.branches(runs, exhaustive=exhaustive)
        self.guard -= 1

    def _case(self, case: ast.match_case, subject: Value) -> None:
        part = contents(subject)
        for node in ast.walk(case.pattern):
            if isinstance(node, ast.MatchValue):
                self.evaluate(node.value)
            elif isinstance(node, ast.MatchClass):
                self.evaluate(node.cls)
            elif isinstance(node, ast.MatchMapping):
                for key in node.keys:
                    self.evaluate(key)
                if node.rest:
                    self.bind(node.rest, holding("dict", [subject]))
            elif isinstance(node, ast.MatchStar) and node.name:
                self.bind(node.name, holding("list", [part]))
            elif isinstance(node, ast.MatchAs) and node.name:
                self.bind(node.name, join((subject, part)))
        if case.guard is not None:
            self.evaluate(case.guard)
        self.run_body(case.body)

    def _assert(self, node: ast.Assert) -> None:
        self.evaluate(node.test)
        if node.msg is not None:
            self.evaluate(node.msg)

    def _alias(self, node: ast.stmt) -> None:
        target = getattr(node, "name", None)
        if isinstance(target, ast.Name):
            self.bind(target.id, Value(type="library"))

    def _nothing(self, node: ast.stmt) -> None:
        """`pass`, `global` and `nonlocal` do nothing when they run."""


def _irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _irrefutable(pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        return any(_irrefutable(p) for p in pattern.patterns)
    return False


_STATEMENTS: dict[str, Callable[..., None]] = {
    "Assign": Statements._assign, "AnnAssign": Statements._annotated,
    "AugAssign": Statements._augmented, "Delete": Statements._delete,
    "Expr": Statements._expression, "FunctionDef": Statements._function,
    "AsyncFunctionDef": Statements._function, "ClassDef": Statements._class,
    "Import": Statements._import, "ImportFrom": Statements._import, "If": Statements._if,
    "For": Statements._for, "AsyncFor": Statements._for, "While": Statements._while,
    "Break": Statements._break, "Continue": Statements._continue, "Return": Statements._return,
    "Raise": Statements._raise, "Try": Statements._try, "TryStar": Statements._try,
    "With": Statements._with, "AsyncWith": Statements._with, "Match": Statements._match,
    "Assert": Statements._assert, "TypeAlias": Statements._alias,
}  # fmt: skip
