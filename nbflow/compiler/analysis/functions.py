"""Functions of the notebook, followed where they are called."""

import ast
from abc import abstractmethod
from dataclasses import replace

from nbflow.compiler.analysis.expressions import Expressions
from nbflow.compiler.analysis.recorder import MAX_STEPS, Scope
from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.values import (
    FRESH_NONE,
    NOTHING,
    UNKNOWN,
    ClassInfo,
    FunctionInfo,
    Value,
    constant,
    holding,
    join,
)

_MAX_DEPTH = 12
_DISPLAYING = (
    "__repr__", "__str__", "_repr_html_", "_repr_markdown_", "_repr_latex_", "_repr_svg_",
    "_repr_png_", "_repr_jpeg_", "_repr_json_", "_repr_pretty_", "_repr_mimebundle_",
    "_ipython_display_",
)  # fmt: skip


class Functions(Expressions):
    """Interprets bodies of functions and methods with the arguments of a call."""

    __slots__ = ()

    @abstractmethod
    def run_body(self, body: list[ast.stmt]) -> None:
        """Interpret statements."""

    def invoke(
        self, info: FunctionInfo, args: list[Value], keywords: dict[str | None, Value],
        callee: Value, *, starred: bool = False,
    ) -> Value:  # fmt: skip
        """Interpret a function's body for one call and return what the call gives."""
        every = [*args, *keywords.values()]
        self.steps += 20
        if len(self.stack) > _MAX_DEPTH or self.steps > MAX_STEPS:
            return self._too_deep(info, every)
        if sum(1 for f in self.stack if f is info or f == info) >= 2:
            return holding(None, every, loose=True)
        node = info.node
        names = scope_of(node)
        parent = info.scope if isinstance(info.scope, Scope) else None
        scope = Scope(
            kind="function", parent=parent, own=names.own,
            page=names.global_binds, callee=callee,
        )  # fmt: skip
        self._bind_parameters(node, scope, args, keywords, callee, starred)
        count = len(self.events)
        result = self._interpret(info, node, scope)
        if names.is_generator:
            return Value(
                type="generator", deep=result.shares | holding(None, every).deep,
                live="generator", late=info.free, elem=result,
                draws=result.draws or self.drew_since(count),
            )  # fmt: skip
        return result

    def _interpret(
        self, info: FunctionInfo, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef,
        scope: Scope,
    ) -> Value:  # fmt: skip
        outer = (self.scope, self.fixed, self.dead, self.loops, self.statement, self.option_unit)
        before_maybe = self.maybe
        self.scope, self.fixed, self.dead, self.loops, self.statement = scope, True, False, [], None
        self.quiet += 1
        self.stack.append(info)
        self.ran.add(info.name)
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body)
            self.run_body(node.body)
            if not scope.returns:
                return FRESH_NONE
            return join(scope.returns)
        finally:
            self.last_scope = scope
            self.stack.pop()
            self.quiet -= 1
            self.maybe = before_maybe
            self.scope, self.fixed, self.dead, self.loops, self.statement, self.option_unit = outer

    def _too_deep(self, info: FunctionInfo, args: list[Value]) -> Value:
        # Too much to follow: say so and take the safe order.
        for arg in args:
            self.mutate(replace(arg, same=arg.shares), f"{info.name}()", sure=False)
        self.may_draw(info.name)
        self.opaque(f"{info.name}()")
        return holding(None, args, loose=True)

    def _bind_parameters(
        self, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope,
        args: list[Value], keywords: dict[str | None, Value], callee: Value, starred: bool,
    ) -> None:  # fmt: skip
        spec = node.args
        positional = [*spec.posonlyargs, *spec.args]
        anything = holding(None, [*args, *keywords.values()], loose=True)
        spread = starred or None in keywords
        defaults: dict[str, ast.expr] = {}
        for arg, default in zip(reversed(positional), reversed(spec.defaults), strict=False):
            defaults[arg.arg] = default
        for arg, kw_default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if kw_default is not None:
                defaults[arg.arg] = kw_default
        for number, arg in enumerate([*positional, *spec.kwonlyargs]):
            if number < len(args) and number < len(positional) and not starred:
                value = args[number]
            elif arg.arg in keywords:
                value = keywords[arg.arg]
            elif spread:
                value = anything
            elif arg.arg in defaults:
                value = self._default(defaults[arg.arg], callee)
            else:
                value = UNKNOWN
            scope.vars[arg.arg] = value
        if spec.vararg is not None:
            rest = args[len(positional) :] if not starred else [anything]
            scope.vars[spec.vararg.arg] = replace(
                holding("tuple", rest), elem=join(rest) if rest else None
            )
        if spec.kwarg is not None:
            named = {a.arg for a in (*positional, *spec.kwonlyargs)}
            others = [v for k, v in keywords.items() if k not in named]
            scope.vars[spec.kwarg.arg] = holding("dict", others)

    def _default(self, node: ast.expr, callee: Value) -> Value:
        if isinstance(node, ast.Constant):
            return constant(node.value)
        if isinstance(node, ast.List | ast.Dict | ast.Set):
            word = {ast.List: "list", ast.Dict: "dict", ast.Set: "set"}[type(node)]
            return Value(type=word, same=callee.same, deep=callee.same)
        if isinstance(node, ast.Name) and node.id in self.names:
            value = self.value_of(node.id)
            return value if value.immutable or value.fns else replace(value, const=UNKNOWN.const)
        return Value(same=callee.same, deep=callee.same)

    # ------------------------------------------------------------------- classes

    def method_of(self, value: Value, name: str, args: list[Value]) -> Value | None:
        """Run the notebook's method of that name, for each class the value may be of."""
        methods = [m for c in value.classes if (m := c.find(name)) is not None]
        results = [self.invoke(m, [value, *args], {}, value) for m in dict.fromkeys(methods)]
        return join(results) if results else None

    def displayed(self, value: Value) -> None:
        """The value of an expression is shown: classes of the notebook say how."""
        part: Value | None = value
        while part is not None:
            if part.type == "instance":
                for name in _DISPLAYING:
                    self.method_of(part, name, [])
            part = part.elem

    def set_attribute(self, base: Value, name: str, value: Value, node: ast.expr) -> bool:
        """Run a property setter; False if the class has none."""
        for cls in base.classes:
            for own, method in reversed(cls.methods):
                if own == name and method.decorated:
                    self.invoke(method, [base, value], {}, base)
                    return True
        return False

    def construct(
        self, cls: ClassInfo, args: list[Value], keywords: dict[str | None, Value], *,
        starred: bool = False,
    ) -> Value:  # fmt: skip
        """Make an instance: `__init__` runs with a fresh object."""
        made = Value(
            type="instance", classes=(cls,), code=frozenset((cls.name,)), late=NOTHING,
        )  # fmt: skip
        every = [*args, *keywords.values()]
        hooks = [cls.find("__new__"), cls.find("__init__"), cls.find("__post_init__")]
        held = holding(None, every)
        texts = frozenset[str]().union(*(v.strings for v in every))
        made = replace(
            made,
            deep=held.deep,
            live=held.live,
            code=made.code | held.code,
            late=held.late,
            texts=texts,
        )
        if cls.foreign or self.value_of(cls.name).live:
            made = replace(made, late=made.late | _late_names(cls))
        for hook in hooks:
            if hook is not None:
                extra = [] if hook.name == "__post_init__" else args
                self.invoke(hook, [made, *extra], keywords, made, starred=starred)
                made = self._after_hook(made, hook)
        return made

    def _after_hook(self, made: Value, hook: FunctionInfo) -> Value:
        """Return the instance with what its own method has put into it."""
        scope, args = self.last_scope, hook.node.args.args
        if scope is None or not args:
            return made
        own = scope.vars.get(args[0].arg)
        if own is None:
            return made
        return replace(
            made, deep=made.deep | own.deep, live=made.live or own.live,
            code=made.code | own.code, late=made.late | own.late,
        )  # fmt: skip


def _late_names(cls: ClassInfo) -> frozenset[str]:
    return cls.free.union(*(_late_names(base) for base in cls.bases))
