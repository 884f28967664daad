"""What is known of libraries by the dotted path of a function or class: data, no logic."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUIET_ROOTS = _words(
    """builtins math cmath statistics json re os pathlib datetime time collections itertools
    functools operator string sys io copy pickle csv glob shutil typing typing_extensions
    dataclasses enum decimal fractions textwrap pprint warnings logging urllib requests sqlite3
    hashlib base64 zipfile gzip bz2 lzma tarfile calendar locale platform contextlib abc types
    inspect timeit struct bisect heapq array numbers unicodedata queue threading subprocess
    multiprocessing concurrent asyncio tempfile weakref ast dis traceback gc ctypes socket html xml
    email zoneinfo secrets uuid keyword token tokenize symtable numpy pandas matplotlib
    mpl_toolkits pylab scipy seaborn IPython ipywidgets PIL joblib tqdm tabulate h5py xarray
    sympy statsmodels patsy plotly bokeh altair sklearn pyarrow polars yaml toml tomllib dateutil
    pytz psutil skimage cv2 imageio bs4 lxml nltk wordcloud missingno cycler mpmath numexpr
    requests_html certifi colorama rich openpyxl xlrd tables netCDF4 cartopy geopandas shapely
    pyproj astropy numba cython __future__ importlib atexit signal errno stat fnmatch graphlib
    argparse configparser getpass difflib cProfile pstats tracemalloc memory_profiler vega_datasets
    palmerpenguins colorsys imghdr wave sched turtle codecs reprlib sysconfig site pkgutil nbflow"""
)
"""Top-level modules that don't draw from the global generators, but for `DRAWS`."""

DRAWS = _words(
    """scipy.stats.bootstrap scipy.stats.permutation_test scipy.stats.monte_carlo_test
    scipy.stats.qmc.Sobol scipy.optimize.differential_evolution scipy.optimize.dual_annealing
    scipy.optimize.basinhopping scipy.cluster.vq.kmeans scipy.cluster.vq.kmeans2 scipy.sparse.random
    scipy.sparse.rand scipy.sparse.random_array scipy.linalg.interpolative.svd
    scipy.sparse.linalg.eigsh scipy.sparse.linalg.eigs scipy.sparse.linalg.svds
    scipy.sparse.linalg.lobpcg
    seaborn.stripplot seaborn.catplot seaborn.swarmplot seaborn.regplot seaborn.lmplot
    skimage.util.random_noise skimage.measure.ransac nltk.FreqDist.generate
    scipy.stats.multiscale_graphcorr scipy.stats.goodness_of_fit scipy.spatial.transform.Rotation.random
    pandas.plotting.bootstrap_plot imblearn.over_sampling.SMOTE wordcloud.WordCloud"""
)
"""Functions that draw from numpy's global generator unless `random_state`, `seed` or `rng` is given."""

SEED_KEYWORDS = ("random_state", "seed", "rng", "random_seed")

SKLEARN_DRAWS = _words(
    """train_test_split make_classification make_regression make_blobs make_moons make_circles
    make_friedman1 make_friedman2 make_friedman3 make_gaussian_quantiles make_hastie_10_2
    make_low_rank_matrix make_multilabel_classification make_s_curve make_swiss_roll
    make_spd_matrix make_sparse_uncorrelated make_sparse_coded_signal make_sparse_spd_matrix
    make_biclusters make_checkerboard resample shuffle permutation_importance
    randomized_svd k_means kmeans_plusplus mutual_info_classif mutual_info_regression
    permutation_test_score fastica dict_learning estimate_bandwidth graphical_lasso
    spectral_clustering spectral_embedding partial_dependence learning_curve"""
)

SKLEARN_FITS = _words(
    """cross_val_score cross_validate cross_val_predict learning_curve validation_curve
    permutation_test_score permutation_importance partial_dependence fit_and_score"""
)
"""Functions that fit or call the estimator they are given first."""

SKLEARN_STEADY = _words(
    """LinearRegression Ridge RidgeCV RidgeClassifier Lars
    LassoLars LassoLarsCV LarsCV BayesianRidge ARDRegression KNeighborsClassifier
    KNeighborsRegressor NearestNeighbors RadiusNeighborsClassifier RadiusNeighborsRegressor
    NearestCentroid GaussianNB MultinomialNB BernoulliNB ComplementNB CategoricalNB StandardScaler
    MinMaxScaler MaxAbsScaler RobustScaler Normalizer Binarizer PolynomialFeatures OneHotEncoder
    OrdinalEncoder LabelEncoder LabelBinarizer MultiLabelBinarizer SimpleImputer KNNImputer
    FunctionTransformer PowerTransformer CountVectorizer TfidfVectorizer TfidfTransformer
    HashingVectorizer DictVectorizer LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis
    KernelDensity KernelRidge IsotonicRegression AgglomerativeClustering DBSCAN OPTICS Birch
    SelectKBest SelectPercentile SelectFpr VarianceThreshold HuberRegressor QuantileRegressor
    PLSRegression PLSCanonical CCA LeaveOneOut LeavePOut GroupKFold TimeSeriesSplit PredefinedSplit
    DummyRegressor EmpiricalCovariance MissingIndicator SplineTransformer FeatureHasher
    ColumnTransformer Pipeline FeatureUnion VotingClassifier VotingRegressor StackingClassifier
    StackingRegressor GridSearchCV make_pipeline make_union make_column_transformer
    make_column_selector OneVsRestClassifier OneVsOneClassifier MultiOutputClassifier
    MultiOutputRegressor ClassifierChain RegressorChain TransformedTargetRegressor
    CalibratedClassifierCV SequentialFeatureSelector RFE RFECV SelectFromModel
    KFold StratifiedKFold cross_val_score cross_validate cross_val_predict validation_curve
    Isomap LogisticRegressionCV GammaRegressor PoissonRegressor TweedieRegressor
    OrthogonalMatchingPursuit RBF WhiteKernel ConstantKernel Matern DotProduct ExpSineSquared
    RationalQuadratic ConfusionMatrixDisplay RocCurveDisplay PrecisionRecallDisplay
    DecisionBoundaryDisplay Bunch GaussianProcessRegressor GaussianProcessClassifier
    LogisticRegression"""
)
"""Estimators and functions that never draw by themselves (an estimator inside them may)."""

STEADY_SOLVERS = _words("auto lbfgs newton-cg newton-cholesky cholesky svd lsqr eigen sparse_cg")
"""Values of ``solver`` with which a steady estimator stays steady."""

MUTATED_ARGUMENTS: dict[str, tuple[int, ...]] = {
    "random.shuffle": (0,), "numpy.random.shuffle": (0,), "numpy.put": (0,), "numpy.place": (0,),
    "numpy.putmask": (0,), "numpy.copyto": (0,), "numpy.fill_diagonal": (0,),
    "numpy.put_along_axis": (0,), "numpy.add.at": (0,), "numpy.subtract.at": (0,),
    "numpy.multiply.at": (0,), "numpy.divide.at": (0,), "numpy.maximum.at": (0,),
    "numpy.minimum.at": (0,), "numpy.ndarray.sort": (0,), "numpy.nan_to_num_inplace": (0,),
    "heapq.heappush": (0,), "heapq.heappop": (0,), "heapq.heapify": (0,), "heapq.heapreplace": (0,),
    "heapq.heappushpop": (0,), "bisect.insort": (0,), "bisect.insort_left": (0,),
    "bisect.insort_right": (0,), "builtins.setattr": (0,), "builtins.delattr": (0,),
    "builtins.next": (0,), "builtins.anext": (0,), "json.dump": (1,), "pickle.dump": (1,),
    "yaml.dump": (1,), "yaml.safe_dump": (1,), "matplotlib.pyplot.setp": (0,),
    "matplotlib.pyplot.sca": (0,), "matplotlib.pyplot.close": (), "operator.setitem": (0,),
    "operator.delitem": (0,), "operator.iadd": (0,), "operator.iconcat": (0,),
    "operator.isub": (0,), "operator.imul": (0,), "list.append": (0,), "list.sort": (0,),
    "list.extend": (0,), "dict.update": (0,), "set.add": (0,), "collections.deque.append": (0,),
    "sklearn.utils.shuffle_inplace": (0,), "copy.replace_inplace": (0,),
    "scipy.linalg.lapack.dgesv": (), "shutil.copyfileobj": (0, 1), "csv.writer": (0,),
    "csv.reader": (0,), "csv.DictReader": (0,), "csv.DictWriter": (0,), "pickle.load": (0,),
    "json.load": (0,), "yaml.safe_load": (0,), "yaml.load": (0,), "itertools.islice": (0,),
    "functools.update_wrapper": (0,), "matplotlib.pyplot.colorbar": (), "time.sleep": (),
    "dict.setdefault": (0,), "list.insert": (0,), "list.remove": (0,), "list.pop": (0,),
    "dict.pop": (0,),
}  # fmt: skip
"""Functions that change arguments in place, by position."""

STORED_ARGUMENTS = _words(
    "heapq.heappush bisect.insort builtins.setattr operator.setitem dict.update"
)

RESULTS: dict[str, str] = {
    "pandas.DataFrame": "pandas", "pandas.Series": "pandas", "pandas.Index": "pandas",
    "pandas.concat": "pandas", "pandas.merge": "pandas", "pandas.get_dummies": "pandas",
    "pandas.pivot_table": "pandas", "pandas.crosstab": "pandas", "pandas.melt": "pandas",
    "pandas.cut": "pandas", "pandas.qcut": "pandas", "pandas.to_datetime": "pandas",
    "pandas.to_numeric": "pandas", "pandas.date_range": "pandas", "pandas.to_timedelta": "pandas",
    "pandas.period_range": "pandas", "pandas.timedelta_range": "pandas",
    "pandas.json_normalize": "pandas", "pandas.merge_asof": "pandas", "pandas.Categorical": "pandas",
    "pandas.MultiIndex": "pandas", "pandas.isna": "pandas", "pandas.isnull": "pandas",
    "pandas.notna": "pandas", "pandas.notnull": "pandas", "pandas.unique": "ndarray",
    "pandas.Timestamp": "scalar", "pandas.Timedelta": "scalar", "pandas.DatetimeIndex": "pandas",
    "pandas.RangeIndex": "pandas", "pandas.PeriodIndex": "pandas", "pandas.IntervalIndex": "pandas",
    "pandas.array": "pandas", "pandas.wide_to_long": "pandas", "pandas.merge_ordered": "pandas",
    "seaborn.load_dataset": "pandas", "pandas.Interval": "scalar", "pandas.Period": "scalar",
    "pandas.factorize": "tuple", "pandas.eval": "pandas", "pandas.Grouper": "scalar",
    "numpy.random.default_rng": "rng", "numpy.random.Generator": "rng",
    "numpy.random.RandomState": "rng", "random.Random": "rng", "random.SystemRandom": "rng",
    "numpy.random.PCG64": "rng", "numpy.random.SeedSequence": "rng", "numpy.random.MT19937": "rng",
    "matplotlib.pyplot.figure": "figure", "matplotlib.pyplot.gcf": "figure",
    "matplotlib.pyplot.axes": "axes", "matplotlib.pyplot.gca": "axes",
    "matplotlib.pyplot.subplot": "axes", "matplotlib.pyplot.subplot2grid": "axes",
    "matplotlib.pyplot.show": "None", "matplotlib.pyplot.subplots": "axes",
    "matplotlib.pyplot.subplot_mosaic": "axes", "matplotlib.figure.Figure": "figure",
    "collections.deque": "deque", "collections.defaultdict": "defaultdict", "collections.Counter": "dict",
    "collections.OrderedDict": "dict", "collections.ChainMap": "dict", "pathlib.Path": "path",
    "pathlib.PurePath": "path", "pathlib.PosixPath": "path", "datetime.datetime": "scalar",
    "datetime.date": "scalar", "datetime.timedelta": "scalar", "datetime.time": "scalar",
    "datetime.timezone": "scalar", "decimal.Decimal": "scalar", "fractions.Fraction": "scalar",
    "uuid.uuid4": "scalar", "re.compile": "regex", "json.dumps": "str", "glob.glob": "list",
    "os.listdir": "list", "time.time": "float", "time.perf_counter": "float", "os.getcwd": "str",
    "time.process_time": "float", "time.monotonic": "float", "timeit.default_timer": "float",
    "os.path.join": "str", "os.path.basename": "str", "os.path.dirname": "str",
    "os.path.abspath": "str", "os.getenv": "str", "textwrap.dedent": "str", "time.strftime": "str",
    "pickle.dumps": "bytes", "copy.deepcopy": "copy", "os.path.exists": "bool",
    "os.path.isfile": "bool", "os.path.isdir": "bool", "os.path.getsize": "int",
    "sys.getsizeof": "int", "platform.python_version": "str", "string.Template": "scalar",
    "timeit.timeit": "float", "functools.reduce": "unknown",
}  # fmt: skip
"""The word for what a function or class of a library gives, where it shares nothing."""

NUMPY_VIEWS = _words(
    """asarray asanyarray ascontiguousarray asfortranarray reshape ravel transpose squeeze swapaxes
    moveaxis rollaxis expand_dims atleast_1d atleast_2d atleast_3d broadcast_to broadcast_arrays
    split array_split hsplit vsplit dsplit diagonal real imag ndarray frombuffer flipud fliplr flip
    rot90 matrix asmatrix ravel_multi_index_view lib nditer ndenumerate squeeze permute_dims
    require asarray_chkfinite ix_ poly1d ma rec memmap"""
)

OPTION_CALLS = _words(
    """pandas.set_option pandas.reset_option pandas.options.display pandas.set_eng_float_format
    matplotlib.pyplot.style.use matplotlib.style.use matplotlib.pyplot.rc matplotlib.rc
    matplotlib.use matplotlib.pyplot.switch_backend matplotlib.pyplot.rcdefaults
    matplotlib.rcdefaults matplotlib.pyplot.ion matplotlib.pyplot.ioff matplotlib.pyplot.set_cmap
    matplotlib.pyplot.viridis matplotlib.pyplot.gray matplotlib.pyplot.hot matplotlib.pyplot.jet
    matplotlib.pyplot.xkcd matplotlib.pyplot.set_loglevel matplotlib.rc_file
    matplotlib.pyplot.rcParams.update matplotlib.rcParams.update matplotlib.style.reload_library
    matplotlib.rc_params_from_file
    matplotlib.pyplot.rcParams.setdefault matplotlib.font_manager.fontManager.addfont
    matplotlib_inline.backend_inline.set_matplotlib_formats
    IPython.display.set_matplotlib_formats IPython.display.set_matplotlib_close
    seaborn.set seaborn.set_theme seaborn.set_style seaborn.set_palette seaborn.set_context
    seaborn.despine_default seaborn.reset_defaults seaborn.reset_orig seaborn.set_color_codes
    numpy.set_printoptions numpy.seterr numpy.seterrcall numpy.setbufsize numpy.set_string_function
    warnings.filterwarnings warnings.simplefilter warnings.resetwarnings warnings.warn_explicit
    sklearn.set_config logging.basicConfig logging.disable logging.captureWarnings
    sys.path.append sys.path.insert sys.path.extend sys.path.remove
    sys.setrecursionlimit os.environ.update os.environ.setdefault os.environ.pop os.putenv
    os.unsetenv os.environ.clear locale.setlocale decimal.setcontext decimal.getcontext
    tqdm.pandas tqdm.tqdm.pandas tqdm.auto.tqdm.pandas tqdm.notebook.tqdm.pandas
    pandas.plotting.register_matplotlib_converters pandas.plotting.deregister_matplotlib_converters
    gc.disable gc.enable gc.set_threshold gc.freeze socket.setdefaulttimeout os.umask os.nice
    faulthandler.enable importlib.reload importlib.invalidate_caches
    threading.setprofile threading.settrace sys.settrace csv.field_size_limit csv.register_dialect
    copyreg.pickle codecs.register mimetypes.add_type atexit.register signal.signal
    sympy.init_printing sympy.interactive.printing.init_printing time.tzset
    torch.manual_seed torch.cuda.manual_seed torch.cuda.manual_seed_all torch.set_default_dtype
    tensorflow.random.set_seed tensorflow.keras.utils.set_random_seed keras.utils.set_random_seed
    matplotlib.pyplot.style.core.reload_library"""
)
FIRST_USES = _words(
    """logging.debug logging.info logging.warning logging.error logging.critical logging.log"""
)
"""Functions whose first call sets something up that stays, when what it says is constant."""

PAGE_READERS = _words("doctest.testmod unittest.main")
"""Functions that look at everything the page defines."""

KEEPING_OPTIONS = _words(
    """matplotlib.pyplot.ioff IPython.display.set_matplotlib_close seaborn.reset_defaults
    seaborn.reset_orig"""
)
"""Options with which figures stay open behind their cell."""

PLOTTING = _words("matplotlib mpl_toolkits pylab seaborn")
UNPICKLING = _words(
    """pickle.load pickle.loads joblib.load dill.load dill.loads cloudpickle.load cloudpickle.loads"""
)
"""Calls that make objects of the notebook's own classes again."""

OPTION_PREFIXES = (
    "set_", "enable_", "disable_", "register", "use_", "init_", "configure", "reset_", "unregister",
)  # fmt: skip
OPTION_WORDS = _words("use rc configure init set setup install activate")
NO_OPTIONS = _words("matplotlib.pyplot numpy.random builtins random json re datetime")
"""Modules whose setter-like functions aren't options (`plt.set…` acts on the current axes)."""

CONTEXTS = _words(
    """matplotlib.pyplot.rc_context matplotlib.rc_context matplotlib.pyplot.style.context
    matplotlib.style.context pandas.option_context numpy.printoptions numpy.errstate
    warnings.catch_warnings sklearn.config_context decimal.localcontext seaborn.axes_style
    seaborn.plotting_context seaborn.color_palette contextlib.redirect_stdout matplotlib.pyplot.xkcd
    contextlib.redirect_stderr contextlib.suppress contextlib.nullcontext"""
)
"""Context managers that put process-wide options back."""

CLASS_MAKERS = _words(
    """collections.namedtuple typing.NamedTuple enum.Enum enum.IntEnum enum.StrEnum enum.Flag
    enum.IntFlag typing.NewType typing.TypeVar typing.ParamSpec dataclasses.make_dataclass
    typing.TypedDict types.new_class typing_extensions.TypedDict"""
)

STEADY_DECORATORS = _words(
    """builtins.property builtins.staticmethod builtins.classmethod functools.wraps
    dataclasses.dataclass functools.total_ordering functools.cached_property contextlib.contextmanager
    numba.jit numba.njit numba.vectorize typing.overload abc.abstractmethod enum.unique
    typing.no_type_check typing.final functools.partial contextlib.asynccontextmanager
    atexit.register numpy.vectorize typing.runtime_checkable jit njit"""
)
CACHES = _words(
    """functools.lru_cache functools.cache functools.singledispatch joblib.Memory.cache
    cachetools.cached"""
)
