"""Assignments and deletions: names bound, objects changed."""

import ast
from dataclasses import replace

from nbflow.compiler.analysis.methods import Methods
from nbflow.compiler.analysis.scopes import names_in_targets
from nbflow.compiler.analysis.values import (
    NOTHING,
    UNKNOWN,
    Value,
    contents,
    holding,
    join,
)
from nbflow.compiler.effects import BindKind
from nbflow.model.sentence import Sentence


class Assignments(Methods):
    """Interprets assignments."""

    __slots__ = ()

    def bind(self, name: str, value: Value, kind: BindKind | None = None) -> None:
        """Bind a plain name to a value in the scope that owns it."""
        if self.assign_local(name, value):
            return
        silent = False
        if kind is None:
            kind = BindKind.DATA
        if value.live is not None and kind is BindKind.DATA and not self.unsure:
            self._warn_live(name, value)
        self.bind_page(name, value, kind=kind, literal=self.literal, silent=silent)

    def _warn_live(self, name: str, value: Value) -> None:
        if self.hides_live:
            return
        self.warn("unpicklable", name, "NBF305", Sentence("{name} holds a {live}, which can't be stored.", name=name, live=value.live),
                  "The tasks that share it run in one kernel; keep a list or the path instead.")  # fmt: skip

    @property
    def hides_live(self) -> bool:
        """Tell whether a live value is closed by the statement itself (`with`)."""
        return False

    def assign(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target of any form."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, replace(holding("list", [value]), elem=contents(value)))
        elif isinstance(target, ast.Attribute):
            base = self.evaluate(target.value)
            if self.set_attribute(base, target.attr, value, target):
                return
            self._change(base, target, f".{target.attr} = …", value)
        elif isinstance(target, ast.Subscript):
            base = self._base_of(target.value)
            self.evaluate(target.slice)
            if base.type == "instance" and self.method_of(base, "__setitem__", [UNKNOWN, value]):
                return
            self._change(base, target, "[…] = …", value)

    def _base_of(self, node: ast.expr) -> Value:
        """What an item is set in: for chains on pandas objects, the root itself."""
        value = self.evaluate(node)
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if root is not node and isinstance(root, ast.Name) and value.type in ("pandas", None):
            quiet = self.quiet
            self.quiet += 1
            own = self.name(root.id)
            self.quiet = quiet
            if own.type in ("pandas", None, "ndarray"):
                return replace(value, same=value.same | own.same)
        return value

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        parts = value.const if isinstance(value.const, tuple) else None
        if isinstance(parts, tuple) and len(parts) == len(target.elts):
            from nbflow.compiler.analysis.values import constant

            for part, const in zip(target.elts, parts, strict=True):
                self.assign(part, constant(const))
            return
        self._use_iterator(value)
        item = self.iterate(value) if value.type != "scalar" else contents(value)
        if value.type == "tuple" and value.elem is not None:
            item = contents(value)
        elif value.live is not None and value.elem is None:
            item = replace(item, live=None)
        if value.type == "figure-and-axes":
            self._figure_and_axes(target)
            return
        for part in target.elts:
            self.assign(part, item)

    def _figure_and_axes(self, target: ast.Tuple | ast.List) -> None:
        """`fig, ax = plt.subplots()`: a change of one is a change of the other."""
        names = frozenset(names_in_targets([target.elts[0]])) if self.scope is None else NOTHING
        self.assign(target.elts[0], Value(type="figure"))
        for part in target.elts[1:]:
            self.assign(part, Value(type="axes", deep=names, elem=Value(type="axes", deep=names)))

    def _use_iterator(self, value: Value) -> None:
        if value.live is not None:
            self.need_late(value)
            self.mutate(value, "iteration")

    def _change(self, base: Value, target: ast.expr, how: str, value: Value | None) -> None:
        if base.type in ("module", "library"):
            path = base.path or "module"
            if isinstance(target, ast.Attribute):
                path = f"{path}.{target.attr}"
            if path.startswith("builtins"):
                return
            self.option(path)
            return
        stores = value
        if value is not None and value.immutable:
            stores = replace(value, type=None, deep=NOTHING, same=NOTHING)
        self.mutate(base, how, stores=stores)
        if value is not None:
            self.absorb(target, value)

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1 and self._swap(node.targets[0], node.value):
            return
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _swap(self, target: ast.expr, value: ast.expr) -> bool:
        """`a, b = b, a`: each name gets its own value."""
        if not (
            isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
        ):
            return False
        if len(target.elts) != len(value.elts) or any(
            isinstance(e, ast.Starred) for e in (*target.elts, *value.elts)
        ):
            return False
        values = [self.evaluate(part) for part in value.elts]
        names = {e.id for e in target.elts if isinstance(e, ast.Name)}
        if any(v.shares & names for v in values):
            # Bound one after the other, a swap would look like two names for one object.
            both = join(values)
            values = [replace(v, same=both.same, deep=both.deep) for v in values]
        for part, one in zip(target.elts, values, strict=True):
            self.assign(part, one)
        return True

    def _annotated(self, node: ast.AnnAssign) -> None:
        local = self.scope is not None and self.scope.kind != "class"
        if not (self.annotations_are_lazy() or (local and isinstance(node.target, ast.Name))):
            self.evaluate(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value))

    def _augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            old = self.name(target.id)
            value = self.evaluate(node.value)
            made = self._arithmetic_result(node, old, value)
            if not old.immutable and not made.immutable:
                self.mutate(old, "+=", sure=False, stores=value)
                made = replace(made, same=old.same, deep=old.deep | value.shares, loose=old.loose)
            self.bind(target.id, made)
            return
        if isinstance(target, ast.Attribute):
            base = self.evaluate(target.value)
        else:
            base = self._base_of(target.value)
            self.evaluate(target.slice)
        value = self.evaluate(node.value)
        self._change(base, target, "[…] += …", value)

    def _arithmetic_result(self, node: ast.AugAssign, old: Value, value: Value) -> Value:
        from nbflow.compiler.analysis.expressions import arithmetic

        if old.type == "instance":
            found = self.method_of(old, "__iadd__", [value])
            if found is not None:
                return found
        return arithmetic(node.op, old, value)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_one(target)

    def _delete_one(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._delete_one(part)
        elif isinstance(target, ast.Name):
            scope = self.scope
            if scope is not None and scope.kind != "comp" and target.id not in scope.page:
                scope.vars.pop(target.id, None)
                return
            self.delete(target.id)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            base = self.evaluate(target.value)
            if isinstance(target, ast.Subscript):
                self.evaluate(target.slice)
                self.method_of(base, "__delitem__", [UNKNOWN])
            self._change(base, target, "del", None)
