"""What pandas, matplotlib and scikit-learn keep between cells, where each cell is a task."""

import pytest
from page_maker import page

from nbflow.compiler import compile_notebook


def compiled(*cells):
    dag = compile_notebook(page(*cells))
    assert not [d for d in dag.diagnostics if d.severity.value == "error"]
    return dag


def edges(*cells):
    return {(e.source, e.target, e.kind.value) for e in compiled(*cells).edges}


SEEDED = "import numpy as np\nnp.random.seed(0)"
MODELS = (
    "from sklearn.linear_model import SGDClassifier, Ridge\n"
    "from sklearn.preprocessing import StandardScaler\n"
    "from sklearn.pipeline import Pipeline\n"
    "from sklearn.model_selection import GridSearchCV, ShuffleSplit, KFold, cross_val_score\n"
    "from sklearn.base import BaseEstimator, clone\n"
    "X, y = [[1.], [2.]], [0, 1]"
)
OWN = (
    "class Own(BaseEstimator):\n    def fit(self, X, y=None):\n"
    "        self.w_ = np.random.rand()\n        return self\nown = Own()"
)


@pytest.mark.parametrize(
    "cell",
    [
        "Pipeline([('s', StandardScaler()), ('m', SGDClassifier())]).fit(X, y)",
        "models = {'sgd': SGDClassifier(), 'r': Ridge()}\nfor n, m in models.items():\n    m.fit(X, y)",
        "models = []\nmodels.append(SGDClassifier())\nmodels[0].fit(X, y)",
        "clone(SGDClassifier()).fit(X, y)",
        "GridSearchCV(SGDClassifier(), {'alpha': [1, 2]}).fit(X, y)",
        "cross_val_score(own, X, y)",
        "cross_val_score(Pipeline([('own', own)]), X, y)",
        "cross_val_score(Ridge(), X, y, cv=KFold(2, shuffle=True))",
        "for a, b in ShuffleSplit(2).split(X):\n    pass",
        "[a for a, b in ShuffleSplit(2).split(X)]",
        "list(ShuffleSplit(2).split(X))",
    ],
)
def test_models_without_a_seed_draw_wherever_they_stand(cell):
    cells = (SEEDED, MODELS, OWN, cell, "np.random.rand()")
    assert ("t4", "t5", "ambient") in edges(*cells)


@pytest.mark.parametrize(
    "cell",
    [
        "Pipeline([('s', StandardScaler()), ('m', Ridge())]).fit(X, y)",
        "Pipeline([('m', SGDClassifier(random_state=0))]).fit(X, y)",
        "cross_val_score(Ridge(), X, y, cv=KFold(2))",
        "{'r': Ridge()}['r'].fit",
    ],
)
def test_models_that_never_draw_leave_tasks_parallel(cell):
    cells = (SEEDED, MODELS, "1", cell, "np.random.rand()")
    assert ("t4", "t5", "ambient") not in edges(*cells)


def test_a_generator_that_draws_does_so_where_it_is_used():
    cells = (
        SEEDED,
        "def noise():\n    while True:\n        yield np.random.rand()\ng = noise()",
        "next(g)",
        "np.random.rand()",
    )
    assert ("t3", "t4", "ambient") in edges(*cells)


def test_an_accessor_registered_with_pandas_is_there_in_later_tasks():
    dag = compiled(
        "import pandas as pd",
        "factor = 2",
        "@pd.api.extensions.register_dataframe_accessor('geo')\nclass Geo:\n"
        "    def __init__(self, frame):\n        self.frame = frame\n"
        "    def total(self):\n        return self.frame.sum() * factor",
        "factor = 3",
        "pd.DataFrame({'a': [1]}).geo.total()",
    )
    user = dag.task("t5")
    assert "c3/0" in {replay.unit for replay in user.replays}
    assert ("t4", "t5", "data") in {(e.source, e.target, e.kind.value) for e in dag.edges}


def test_formatting_a_styler_changes_it_in_place():
    found = edges(
        "import pandas as pd\ndf = pd.DataFrame({'a': [1]})",
        "styler = df.style",
        "styler.format('{:.1f}')",
        "styler",
    )
    assert ("t3", "t4", "mutation") in found


SIDE_BY_SIDE = (
    "class show:\n    def __init__(self, *names):\n        self.names = names\n"
    "    def _repr_html_(self):\n"
    "        return ''.join(eval(name)._repr_html_() for name in self.names)"
)


def test_names_in_texts_that_a_display_method_evaluates_are_read_when_it_is_shown():
    found = edges(
        SIDE_BY_SIDE,
        "one = two = other = 1",
        "two = 2",
        "both = show('one', 'abs(two)')",
        "two = 3",
        "both",
        "show('one')",
    )
    assert {("t2", "t6", "data"), ("t5", "t6", "data"), ("t2", "t7", "data")} <= found
    assert ("t5", "t7", "data") not in found
    assert ("t2", "t4", "data") not in found


def test_evaluating_a_text_that_nobody_knows_keeps_page_order():
    assert ("t1", "t2", "safe") in edges("a = 1", "text = input()\neval(text)")


def test_options_of_a_with_statement_need_no_common_kernel():
    dag = compiled(
        "import matplotlib.pyplot as plt",
        "with plt.xkcd():\n    plt.plot([1])",
        "plt.plot([2])",
    )
    assert dag.groups == ()


def test_turning_figures_off_before_anything_is_plotted_has_no_effect():
    cells = ("import matplotlib.pyplot as plt\nplt.ioff()", "plt.plot([1])", "plt.plot([2])")
    assert compiled(*cells).groups == ()
    assert compiled("import matplotlib.pyplot as plt", cells[1], "plt.ioff()", cells[2]).groups
    assert compiled("%matplotlib inline", *cells).groups[0].tasks == ("t2", "t3", "t4")


def test_what_is_unpickled_may_be_of_any_class_of_the_notebook():
    dag = compiled(
        "import joblib",
        "class Own:\n    def value(self):\n        return factor",
        "factor = 2",
        "joblib.dump(Own(), 'own.pkl')",
        "factor = 3",
        "own = joblib.load('own.pkl')\nown.value()",
        "own",
    )
    assert "c2/0" in {replay.unit for replay in dag.task("t7").replays}
    assert "c2/0" in {replay.unit for replay in dag.task("t6").replays}
    assert ("t5", "t6", "data") in {(e.source, e.target, e.kind.value) for e in dag.edges}


def test_names_of_pylab_are_what_they_are_in_its_modules():
    found = edges(
        "from pylab import *", "seed(0)", "x = rand(3)", "randn(2)", "plot(x)", "x.mean()"
    )
    assert {("t2", "t3", "ambient"), ("t3", "t4", "ambient")} <= found
    assert ("t4", "t5", "ambient") not in found


def test_the_pylab_magic_binds_what_a_star_import_would():
    found = edges("%pylab inline", "seed(0)", "x = rand(3)", "plot(x)\nplt.title(np.pi)")
    assert {("t2", "t3", "ambient"), ("t3", "t4", "data")} <= found
