"""scikit-learn's estimators and functions: what they change, and whether they draw.

An estimator made without a ``random_state`` draws from numpy's global generator when it is fitted,
and so does whatever it stands in: a pipeline, a search, a list of models.
"""

from collections.abc import Iterator
from dataclasses import replace

from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis import tables
from nbflow.compiler.analysis.functions import Functions
from nbflow.compiler.analysis.values import UNKNOWN, Value, contents, fresh, holding
from nbflow.compiler.effects import AmbientUse

Keywords = dict[str | None, Value]

_FITTING = ("fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample")
_MAKERS = ("make_pipeline", "make_union", "make_column_transformer")
_LOOKING = ("export_", "plot_tree", "check_is_fitted", "dump_")
_GETTERS = ("get_", "has_", "is_")


class Estimators(Functions):
    """Evaluates calls of scikit-learn."""

    __slots__ = ()

    def sklearn_draws(self, path: str, word: str, args: list[Value], keywords: Keywords) -> None:
        """Record what a function draws by itself or by fitting what it is given."""
        if word[:1].isupper() or word.startswith(_LOOKING):
            return
        every = [*args, *keywords.values()]
        if (word in lib.SKLEARN_DRAWS and not seeded(keywords)) or any(
            value.draws for value in every
        ):
            self.ambient("numpy.random", AmbientUse.DRAW, path)
        elif word in lib.SKLEARN_FITS:
            model = args[0] if args else keywords.get("estimator", UNKNOWN)
            if model.type != "estimator":
                self.may_draw(path)
                self.fit_own(model)

    def fit_own(self, model: Value) -> None:
        """scikit-learn calls the methods of the notebook's own estimators."""
        self.unsure += 1
        self.maybe += 1
        for one in _nested(model):
            for cls in one.classes if one.type != "class" else ():
                for name, _method in cls.methods:
                    if not name.startswith("__"):
                        self.method_of(one, name, [UNKNOWN, UNKNOWN])
        self.unsure -= 1
        self.maybe -= 1

    def sklearn_result(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        """Return what a class or function of scikit-learn gives."""
        every = [*args, *keywords.values()]
        if word[:1].isupper() or word in _MAKERS:
            steady = word in lib.SKLEARN_STEADY or seeded(keywords)
            if "solver" in keywords and keywords["solver"].const not in lib.STEADY_SOLVERS:
                steady = seeded(keywords)
            if word in ("StratifiedKFold", "KFold") and "shuffle" in keywords:
                steady = seeded(keywords)
            kept = holding("estimator", every)
            own = any(v.classes for value in every for v in _nested(value))
            return replace(kept, elem=None, draws=kept.draws or own or not steady)
        if word == "clone" and args:
            return replace(args[0], same=frozenset(), deep=frozenset())
        if word == "train_test_split":
            return Value(type="list", elem=fresh(_common(list(args))))
        if word.startswith("make_"):
            return Value(type="tuple", elem=fresh("ndarray"))
        return fresh(None)

    def estimator_method(self, receiver: Value, name: str, args: list[Value]) -> Value | None:
        """Return what a method of an estimator gives; None if nothing is known of it."""
        if name in (*_FITTING, "set_params", "set_output"):
            self.mutate(receiver, f".{name}()")
            if receiver.draws and name.startswith(("fit", "partial")):
                self.ambient("numpy.random", AmbientUse.DRAW, f".{name}()")
            if name in ("fit", "partial_fit", "set_params", "set_output"):
                return receiver
            return fresh("ndarray" if name == "fit_predict" else None)
        if name == "split":
            given = Value(type="iterator", live="generator", elem=fresh(None))
            return replace(given, draws=receiver.draws)
        if name == "sample":
            return fresh(None)
        if name in ("transform", "predict", "score", "inverse_transform") or (
            name in tables.PURE_METHODS
        ):
            return fresh(tables.TYPE_OF_METHOD.get(name))
        if name.startswith(_GETTERS):
            return contents(receiver)
        return None


def _nested(value: Value) -> Iterator[Value]:
    """Give a value and what is known of its parts."""
    part: Value | None = value
    while part is not None:
        yield part
        part = part.elem


def _common(values: list[Value]) -> str | None:
    types = {v.type for v in values}
    return types.pop() if len(types) == 1 else None


def seeded(keywords: Keywords) -> bool:
    """Tell whether the call brings its own seed or generator (or doesn't shuffle at all)."""
    for key in lib.SEED_KEYWORDS:
        if key in keywords:
            value = keywords[key]
            return value.type != "None" and value.type != "library"
    shuffle = keywords.get("shuffle")
    return shuffle is not None and shuffle.const is False
