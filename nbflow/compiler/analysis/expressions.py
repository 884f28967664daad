"""Expressions: what they read, in order, and what is known of their value."""

import ast
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace

from nbflow.compiler.analysis.comprehensions import Comprehensions
from nbflow.compiler.analysis.recorder import PROVIDED, Scope
from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.tables import (
    MUTATORS,
    NDARRAY_VIEWS,
    PANDAS_SCALARS,
    PANDAS_SHARING,
    USUAL_MODULES,
)
from nbflow.compiler.analysis.values import (
    IMMUTABLE,
    NOTHING,
    UNKNOWN,
    UNKNOWN_CONST,
    FunctionInfo,
    Value,
    constant,
    contents,
    fresh,
    holding,
    join,
)

_DUNDERS: dict[type[ast.AST], str] = {
    ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__",
    ast.MatMult: "__matmul__", ast.Mod: "__mod__", ast.Pow: "__pow__", ast.FloorDiv: "__floordiv__",
    ast.LShift: "__lshift__", ast.RShift: "__rshift__", ast.BitOr: "__or__",
    ast.BitAnd: "__and__", ast.BitXor: "__xor__", ast.Eq: "__eq__", ast.Lt: "__lt__",
    ast.Gt: "__gt__", ast.LtE: "__le__", ast.GtE: "__ge__", ast.NotEq: "__ne__",
    ast.In: "__contains__", ast.NotIn: "__contains__",
}  # fmt: skip
_NUMBERS = frozenset({"int", "float", "bool", "complex", "scalar"})
HISTORY = frozenset({"_", "__", "___", "_i", "_ii", "_iii", "In", "Out", "_ih", "_oh"})


class Expressions(Comprehensions):
    """Evaluates expressions abstractly."""

    __slots__ = ()

    # Given by the classes that build on this one.
    @abstractmethod
    def call(self, node: ast.Call) -> Value:
        """Evaluate a call."""

    @abstractmethod
    def set_attribute(self, base: Value, name: str, value: Value, node: ast.expr) -> bool:
        """Run a property setter of the notebook; tell whether there was one."""

    def evaluate(self, node: ast.expr, *, escapes: bool = False) -> Value:
        """Record what the expression does and return its value."""
        if not self.fixed:
            self.line = self.cell_line(node.lineno)
        visit = _VISITORS.get(type(node))
        if isinstance(node, ast.Name):
            return self.name(node.id, escapes=escapes)
        if visit is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.evaluate(child)
            return UNKNOWN
        value = visit(self, node)
        if escapes:
            self._handed_over(node, value)
        return value

    def _handed_over(self, node: ast.expr, value: Value) -> None:
        if value.late:
            self.guard += 1  # it may be called later only (`np.vectorize(f)`)
            self.need_late(value)
            self.guard -= 1
        if isinstance(node, ast.Attribute) and node.attr in MUTATORS and not value.fns:
            owner = replace(value, same=value.shares)  # `map(found.append, xs)`
            self.mutate(owner, f"{node.attr}()", sure=False)

    def cell_line(self, line: int) -> int:
        """Return the cell's line for a line of the tree."""
        return line

    # --------------------------------------------------------------------- names

    def name(self, name: str, *, called: bool = False, escapes: bool = False) -> Value:
        """Load a name as the innermost scope sees it."""
        scope = self.scope
        inner = True
        while scope is not None:
            if name in scope.vars and (inner or scope.kind != "class"):
                value = scope.vars[name]
                if (called or escapes) and value.late:
                    self.need_late(value)
                return value
            if scope.kind == "function":
                if name in scope.page:
                    break
                if name in scope.own:
                    return UNKNOWN
                inner = False
                if scope.parent is None and name not in scope.page and scope.callee is not UNKNOWN:
                    enclosed = self._enclosed(name, scope)
                    if enclosed is not None:
                        return enclosed
            scope = scope.parent
        return self._page_name(name, called, escapes)

    def _enclosed(self, name: str, scope: Scope) -> Value | None:
        # A function made by a function of an earlier cell: its enclosing variables live in it.
        if scope.callee.type != "closure" or name in scope.callee.late:
            return None
        if self.bound(name) or name in PROVIDED:
            return None
        return Value(same=scope.callee.same, deep=scope.callee.deep, loose=True)

    def _page_name(self, name: str, called: bool, escapes: bool) -> Value:
        if name in self.env or name in self.names:
            self.read(name, called=called, escapes=escapes)
            return self.value_of(name)
        if name in PROVIDED:
            if name in self.bound_here:
                self.read(name, called=called, escapes=escapes)
            return _provided(name)
        if name in HISTORY or (name[:1] == "_" and name.lstrip("_i").isdigit()):
            if name in self.bound_here and name in self.definite:
                self.read(name)
            elif not self.quiet or name in HISTORY:
                self.opaque(name, history=True, binds=False)
            return UNKNOWN
        if name == "__name__":
            return Value(type="str", const="__main__")
        if name in ("__doc__", "__builtins__", "__loader__", "__spec__", "__package__"):
            return Value(type="library", path="builtins")
        self.read(name, called=called, escapes=escapes)
        path = USUAL_MODULES.get(name)
        return self.value_of(name) if path is None else Value(type="module", path=path)

    def assign_local(self, name: str, value: Value) -> bool:
        """Bind a name in the innermost function or class scope; False: it is a page name."""
        scope = self.scope
        while scope is not None and scope.kind == "comp":
            scope = scope.parent
        if scope is None:
            return False
        if name in scope.page:
            return False
        if scope.kind == "function" and name not in scope.own:
            outer = scope.parent
            while outer is not None:
                if name in outer.vars or name in outer.own:
                    break
                outer = outer.parent
            if outer is None:
                self.mutate(scope.callee, f"{name} = …", sure=False)
            else:
                outer.vars[name] = join((outer.vars.get(name, value), value))
                self.mutate(scope.callee, f"{name} = …", sure=False)
            return True
        old = scope.vars.get(name)
        scope.vars[name] = value if old is None or not self.maybe else join((old, value))
        return True

    # ---------------------------------------------------------------- expressions

    def _constant(self, node: ast.Constant) -> Value:
        return constant(node.value)

    def _joined(self, node: ast.JoinedStr) -> Value:
        text: list[str] | None = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                piece: object = part.value
            else:
                assert isinstance(part, ast.FormattedValue)
                value = self.evaluate(part.value)
                self._shown(value)
                plain = part.conversion == -1
                if part.format_spec is not None:
                    spec = self.evaluate(part.format_spec)
                    piece = None
                    if value.known and isinstance(spec.const, str) and plain:
                        piece = _formatted(value.const, spec.const)
                else:
                    piece = str(value.const) if value.known and plain else None
            if text is not None and isinstance(piece, str):
                text.append(piece)
            else:
                text = None
        return Value(type="str", const="".join(text) if text is not None else UNKNOWN_CONST)

    def _shown(self, value: Value) -> None:
        if value.late:
            self.need_late(value)
        if value.type == "instance":
            for dunder in ("__format__", "__str__", "__repr__"):
                if self.method_of(value, dunder, [UNKNOWN]) is not None:
                    return

    def _binary(self, node: ast.BinOp) -> Value:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        dunder = _DUNDERS.get(type(node.op))
        if dunder and left.type == "instance":
            found = self.method_of(left, dunder, [right])
            if found is not None:
                return found
        if dunder and right.type == "instance":
            found = self.method_of(right, f"__r{dunder[2:]}", [left])
            if found is not None:
                return found
        return arithmetic(node.op, left, right)

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return Value(type="bool")
        if value.known and isinstance(value.const, int | float) and isinstance(node.op, ast.USub):
            return constant(-value.const)
        return fresh(value.type if value.type in _NUMBERS | {"ndarray", "pandas"} else None)

    def _compare(self, node: ast.Compare) -> Value:
        left = self.evaluate(node.left)
        type_ = "bool"
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(part)
            dunder = _DUNDERS.get(type(op))
            for one, other in ((left, right), (right, left)):
                if dunder and one.type == "instance":
                    self.method_of(one, dunder, [other])
            for one in (left, right):
                if one.type in ("ndarray", "pandas"):
                    type_ = one.type
                elif one.type is None and type_ == "bool":
                    type_ = ""
            left = right
        return fresh(type_ or None)

    def _boolean(self, node: ast.BoolOp) -> Value:
        values = [self.evaluate(node.values[0])]
        self.maybe += 1
        self.guard += 1
        before = set(self.definite)
        for part in node.values[1:]:
            values.append(self.evaluate(part))
        self.definite &= before
        self.maybe -= 1
        self.guard -= 1
        return join(values)

    def _conditional(self, node: ast.IfExp) -> Value:
        self.evaluate(node.test)
        self.maybe += 1
        self.guard += 1
        before = set(self.definite)
        first = self.evaluate(node.body)
        after = set(self.definite)
        self.definite = set(before)
        second = self.evaluate(node.orelse)
        self.definite &= after
        self.maybe -= 1
        self.guard -= 1
        return join((first, second))

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        word = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}[type(node)]
        parts: list[Value] = []
        starred = False
        for part in node.elts:
            if isinstance(part, ast.Starred):
                starred = True
                parts.append(contents(self.evaluate(part.value)))
            else:
                parts.append(self.evaluate(part))
        out = holding(word, parts)
        if word == "tuple":
            out = replace(out, loose=False)
            if all(p.immutable and not p.live for p in parts):
                known = all(p.known for p in parts) and not starred
                const = tuple(p.const for p in parts) if known else UNKNOWN_CONST
                return Value(type="scalar", const=const, elem=join(parts) if parts else None)
        elem = join(parts) if parts else None
        return replace(out, elem=elem)

    def _dict(self, node: ast.Dict) -> Value:
        parts: list[Value] = []
        for key, part in zip(node.keys, node.values, strict=True):
            if key is None:
                parts.append(contents(self.evaluate(part)))
                continue
            parts.append(self.evaluate(key))
            parts.append(self.evaluate(part))
        values = parts[1::2] if all(k is not None for k in node.keys) else parts
        return replace(holding("dict", parts), elem=join(values) if values else None)

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.evaluate(node.value)
        return self.attribute(base, node.attr)

    def attribute(self, base: Value, name: str) -> Value:
        """Return what an attribute of a value may be, running a property of the notebook."""
        if base.path is not None and base.type in ("module", "library", "class", "function"):
            path = f"{base.path}.{name}"
            return Value(type="library", path=path)
        for cls in base.classes:
            method = cls.find(name)
            if method is not None:
                if base.type == "instance" and _is_property(method):
                    return self.method_of(base, name, []) or contents(base)
                return Value(
                    type="method", same=base.same, deep=base.shares, fns=(method,),
                    code=base.code, late=method.free, classes=(cls,),
                )  # fmt: skip
        if base.type == "pandas":
            if name in PANDAS_SCALARS:
                return Value(type="scalar")
            if name == "style":
                return Value(type="styler", deep=base.shares)
            if name in PANDAS_SHARING:
                shares = base.shares
                word = "ndarray" if name == "values" else "pandas"
                return Value(type=word, same=shares, deep=shares, loose=base.loose)
            return fresh("pandas")
        if base.type == "ndarray" and name in ("shape", "size", "ndim", "dtype", "nbytes"):
            return Value(type="scalar")
        if base.type == "ndarray" and name in NDARRAY_VIEWS:
            return replace(base, const=UNKNOWN_CONST, elem=None)
        if base.type in IMMUTABLE:
            return Value(type="scalar")
        found = contents(replace(base, elem=None))
        if base.type in ("axes", "figure"):
            return replace(found, type=base.type)
        if base.type == "estimator" and name.endswith("_"):
            return replace(found, type=None)
        return found

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.evaluate(node.value)
        self.evaluate(node.slice)
        if base.type == "instance":
            found = self.method_of(base, "__getitem__", [UNKNOWN])
            if found is not None:
                return found
        if base.type == "library":
            return Value(type="library", path=base.path)
        if base.type == "defaultdict":
            self.mutate(base, "[]", sure=False)  # a key that isn't there comes to be
        if base.type == "pandas":
            return fresh("pandas")
        if isinstance(node.slice, ast.Slice):
            if base.type in ("list", "tuple"):
                return replace(base, same=NOTHING, deep=base.shares, const=UNKNOWN_CONST)
            if base.type == "str":
                return Value(type="str")
        if base.type == "ndarray":
            return replace(base, const=UNKNOWN_CONST, elem=None)
        if isinstance(base.const, tuple) and isinstance(node.slice, ast.Constant):
            index = node.slice.value
            if isinstance(index, int) and -len(base.const) <= index < len(base.const):
                return constant(base.const[index])
        found = contents(base)
        return replace(found, const=UNKNOWN_CONST) if found.known else found

    def _slice(self, node: ast.Slice) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.evaluate(part)
        return Value(type="scalar")

    def _starred(self, node: ast.Starred) -> Value:
        return self.evaluate(node.value)

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        name = node.target.id
        if not self.assign_local(name, value):
            self.bind_page(name, value)
        return value

    def _lambda(self, node: ast.Lambda) -> Value:
        defaults = [self.evaluate(d) for d in node.args.defaults]
        defaults += [self.evaluate(d) for d in node.args.kw_defaults if d is not None]
        return self.function_value(node, "<lambda>", defaults)

    def function_value(
        self, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, name: str,
        defaults: list[Value],
    ) -> Value:  # fmt: skip
        """Return the value of a function made here."""
        scope = scope_of(node)
        free = frozenset(n for n in scope.free if not self._found_locally(n))
        enclosed = [self._local(n) for n in scope.free if self._found_locally(n)]
        info = FunctionInfo(
            name=name, source=self.text_of(node), node=node, free=free, scope=self.scope,
        )  # fmt: skip
        held = holding("closure" if self.scope is not None else "function", defaults + enclosed)
        return replace(held, fns=(info,), late=held.late | free, code=held.code)

    def text_of(self, node: ast.AST) -> str:
        """Return a text that tells a function from others."""
        return ast.unparse(node)

    # -------------------------------------------------------------- comprehensions

    def _await(self, node: ast.Await) -> Value:
        return self.evaluate(node.value)

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Value:
        value = self.evaluate(node.value) if node.value is not None else UNKNOWN
        scope = self.scope
        while scope is not None and scope.kind != "function":
            scope = scope.parent
        if scope is not None:
            scope.returns.append(value if isinstance(node, ast.Yield) else contents(value))
        return UNKNOWN


def _provided(name: str) -> Value:
    return Value(type="library", path=f"builtins.{name}")


def _is_property(method: FunctionInfo) -> bool:
    node = method.node
    if isinstance(node, ast.Lambda):
        return False
    for decorator in node.decorator_list:
        word = decorator.attr if isinstance(decorator, ast.Attribute) else None
        word = decorator.id if isinstance(decorator, ast.Name) else word
        if word in ("property", "cached_property", "setter"):
            return True
    return False


def _formatted(value: object, spec: str) -> str | None:
    try:
        return format(value, spec)
    except (ValueError, TypeError):
        return None


def arithmetic(op: ast.operator, left: Value, right: Value) -> Value:
    """Return what an operator gives for two values that no notebook class takes care of."""
    types = (left.type, right.type)
    if left.type == "str" and right.type == "str" and isinstance(op, ast.Add):
        if isinstance(left.const, str) and isinstance(right.const, str):
            return constant(left.const + right.const)
        return Value(type="str")
    if left.type == "path" and isinstance(op, ast.Div):
        if isinstance(left.const, str) and isinstance(right.const, str):
            joined = right.const if right.const.startswith("/") else f"{left.const}/{right.const}"
            return Value(type="path", const=joined)
        return Value(type="path")
    if "pandas" in types:
        return fresh("pandas")
    if "ndarray" in types:
        return fresh("ndarray")
    if left.type in ("list", "tuple", "dict", "set") or right.type in ("list", "tuple"):
        word = left.type if left.type in ("list", "tuple", "dict", "set") else right.type
        return holding(word, (replace(left, same=NOTHING, deep=left.shares),
                              replace(right, same=NOTHING, deep=right.shares)))  # fmt: skip
    if left.type in _NUMBERS and right.type in _NUMBERS:
        return fresh(left.type if left.type == right.type else "scalar")
    if left.type == "str" and isinstance(op, ast.Mod | ast.Mult):
        return Value(type="str")
    return fresh(None)


_VISITORS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: Expressions._constant,
    ast.JoinedStr: Expressions._joined,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.BoolOp: Expressions._boolean,
    ast.IfExp: Expressions._conditional,
    ast.List: Expressions._sequence,
    ast.Tuple: Expressions._sequence,
    ast.Set: Expressions._sequence,
    ast.Dict: Expressions._dict,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Slice: Expressions._slice,
    ast.Starred: Expressions._starred,
    ast.NamedExpr: Expressions._walrus,
    ast.Lambda: Expressions._lambda,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._generator,
    ast.Await: Expressions._await,
    ast.Yield: Expressions._yield,
    ast.YieldFrom: Expressions._yield,
    ast.Call: lambda self, node: self.call(node),
}
