"""Teaching notebooks in which each cell is a task: every output equals the run top to bottom."""

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240)]


def test_options_state_and_code_that_remembers(differences):
    assert not differences(
        "import functools, warnings, decimal\nimport numpy as np\nfrom collections import namedtuple",
        "np.set_printoptions(threshold=5)\ndecimal.getcontext().prec = 5",
        "np.arange(20), decimal.Decimal(1) / 3",
        "Point = namedtuple('Point', 'x y'); pt = Point(1, 2)",
        "isinstance(pt, Point), pt._replace(x=5)",
        "total = 0\ndef add(n):\n    global total\n    total += n\nadd(3)",
        "add(4); total",
        "def count(f):\n    @functools.wraps(f)\n    def w(*a):\n        w.calls += 1\n"
        "        return f(*a)\n    w.calls = 0\n    return w\n\n@count\ndef sq(v):\n    return v * v",
        "sq(2); ops = {'sq': sq}",
        "ops['sq'](3), sq.calls",
        "class P:\n    v = 3\np = P()",
        "P.twice = lambda self: 2 * self.v",
        "p.twice()",
        "def careful():\n    x = 1\n    warnings.warn('careful')",
        "careful()",
        "vec = np.vectorize(lambda q: q + off)\noff = 2",
        "off = 5; vec([1, 2])",
    )


def test_global_generators_reach_library_objects(differences):
    assert not differences(
        "import numpy as np\nfrom scipy import stats\nfrom sklearn.linear_model import Lasso",
        "dist = stats.norm(1, 2)",
        "np.random.seed(0); dist.rvs(3)",
        "dist.rvs(2), np.random.rand()",
        "m = Lasso(0.1).fit(np.arange(6.).reshape(3, 2), [1, 2, 3])",
        "np.random.rand(2)",
        "from sklearn.ensemble import RandomForestClassifier\n"
        "rf = RandomForestClassifier(3).fit(np.arange(8.).reshape(4, 2), [0, 1, 0, 1])\nrf",
        "rf.feature_importances_, np.random.rand()",
        "rf",
    )


def test_figures_and_displays_of_earlier_cells(differences):
    assert not differences(
        "from IPython.display import display, Image\nimport matplotlib.pyplot as plt",
        "fig, ax = plt.subplots()",
        "ax.set_title('t'); ax.figure",
        "fig.savefig('f.png')",
        "Image('f.png')",
        "h = display('first', display_id='h1')",
        "h.update('second')",
        "plt.ioff()\nplt.plot([1])",
        "plt.ion(); plt.show()",
    )


def test_files_written_through_what_lives(differences):
    assert not differences(
        "import os\nimport numpy as np",
        "os.makedirs('out')",
        "mm = np.memmap('out/m.dat', dtype='f4', mode='w+', shape=(3,)); mm[:] = 3; mm.flush()",
        "np.fromfile('out/m.dat', dtype='f4')",
        "mm[0] = 7; mm.flush()",
        "np.fromfile('out/m.dat', dtype='f4'), os.listdir('out')",
        "%%writefile mod_of_page.py\nK = 3\ndef f(x):\n    return K * x",
        "import mod_of_page",
        "mod_of_page.K = 5",
        "mod_of_page.f(2)",
        "%cat mod_of_page.py",
        "%who_ls",
    )


def test_sets_keep_their_order_and_cells_may_raise(differences):
    assert not differences(
        "words = 'it was the best of times it was the worst of times we all know'.split()",
        "vocabulary = set(words); print(vocabulary)",
        "at = {word: n for n, word in enumerate(vocabulary)}",
        "order = list(vocabulary); print(order, all(order[at[w]] == w for w in words))",
        "vocabulary -= {'it', 'we', 'best'}; seen = vocabulary | {'a', 'b', 'c'}",
        "print(vocabulary, seen, seen.pop())",
        "print(undefined)",
        "seen = sorted(seen)\nclass Stop(Exception):\n    pass\nraise Stop('here')\nwords = 0",
        "print(seen, len(words))",
        "print 'old'",
        "try:\n    raise Stop('again')\nexcept Stop as stop:\n    print(stop)",
        "%cd -q ..",
        "%cd -q -",
        raising=(6, 7, 9),
    )


def test_what_is_drawn_without_a_seed_may_differ_in_each_run(differences):
    # Among enough words: of a coin, all plain runs may by chance agree on the other side.
    assert not differences(
        "import random, numpy as np",
        "words = 'oak elm ash fir yew box bay fig lime pine pear plum'.split()",
        "random.choice(words), [random.randint(0, 1) for _ in range(8)]",
        "a = np.random.randn(3, 3); a",
        "a > 0, np.random.permutation(list('abcdefgh')), a.tobytes()",
    )


def test_what_libraries_keep_between_cells(differences):
    assert not differences(
        "import joblib\nimport numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\n"
        "from sklearn.base import BaseEstimator\nfrom sklearn.linear_model import SGDClassifier\n"
        "from sklearn.pipeline import make_pipeline\nplt.ioff()",
        "np.random.seed(3)\ndf = pd.DataFrame({'a': np.random.rand(6), 'b': [0, 1] * 3}); df.note = 'x'",
        "class Own(BaseEstimator):\n    def fit(self, X, y=None):\n        self.k_ = np.random.rand()\n"
        "        return self\n    def transform(self, X):\n        return X + self.k_",
        "model = make_pipeline(Own(), SGDClassifier()).fit(df[['a']], df.b)\njoblib.dump(model, 'm.pkl')",
        "model[0].k_, model[-1].coef_, np.random.rand()",
        "again = joblib.load('m.pkl')\nagain.predict(df[['a']])",
        "again[0].k_, df.note",
        "@pd.api.extensions.register_dataframe_accessor('geo')\nclass Geo:\n"
        "    def __init__(self, frame):\n        self.total = frame.a.sum()",
        "df.geo.total",
        "class Both:\n    def __init__(self, *names):\n        self.names = names\n"
        "    def __repr__(self):\n        return ' '.join(str(eval(n)) for n in self.names)",
        "Both('df.note', 'np.round(df.a, 2).tolist()')",
        "fig, ax = plt.subplots(dpi=50)\nim = ax.imshow([[0, 1]]); bar = fig.colorbar(im)",
        "im.set_clim(0, 9); fig.dpi = 40",
        "fig",
        "styler = df.head(2).style",
        "styler.format('{:.1f}')",
        "styler",
    )
