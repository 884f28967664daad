"""What is known of the built-in types and of methods by their name: data, no logic."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STR_METHODS = _words(
    """capitalize casefold center count encode endswith expandtabs find format format_map index
    isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace
    istitle isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace
    rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title
    translate upper zfill decode hex"""
)

MUTATORS = _words(
    """append extend insert pop remove clear update sort reverse add discard setdefault popitem
    appendleft popleft extendleft rotate fill put resize itemset partition setflags setfield
    difference_update intersection_update symmetric_difference_update subtract move_to_end write
    writelines writerow writerows writeheader seek truncate send throw close __setitem__ __delitem__
    __setattr__ shuffle put_nowait task_done push set_xlabel set_ylabel set_title set_xlim set_ylim
    set_xticks set_yticks set_xticklabels set_yticklabels set_aspect set_index_inplace
    acquire release add_node add_edge add_nodes_from add_edges_from remove_node remove_edge
    add_subplot add_axes tight_layout suptitle subplots_adjust legend"""
)
"""Methods that surely change their receiver, whatever its type (where no type says otherwise)."""

PURE_METHODS = _words(
    """head tail describe info mean median std var sum min max prod cumsum cumprod cummax cummin
    abs round quantile corr cov nunique unique value_counts isna isnull notna notnull fillna dropna
    groupby agg aggregate apply applymap transform pivot pivot_table melt merge join concat
    sort_values sort_index reset_index set_index rename astype copy drop_duplicates duplicated
    isin between clip diff shift pct_change rolling expanding ewm resample nlargest nsmallest
    idxmin idxmax argmin argmax argsort any all dot matmul reshape ravel flatten transpose squeeze
    swapaxes tolist to_list to_dict to_numpy to_frame to_string to_csv to_json to_excel to_parquet
    to_html to_markdown to_latex to_pickle to_records to_period to_timestamp items keys values
    iterrows itertuples get query eval assign map filter select_dtypes stack unstack explode crosstab
    predict predict_proba predict_log_proba decision_function score score_samples inverse_transform
    kneighbors get_params get_feature_names_out get_support get_n_splits split nonzero trace
    conj conjugate searchsorted repeat take choose compress diagonal ptp tobytes view item size
    strftime isoformat date time timestamp total_seconds year month day weekday isoweekday
    intersection union difference symmetric_difference issubset issuperset isdisjoint most_common
    elements group groups groupdict span start end match search findall fullmatch sub
    summary conf_int pvalues rsquared get_legend_handles_labels get_xlim get_ylim get_title
    pdf cdf ppf sf isf pmf logpdf logcdf logpmf interval entropy moment stats median
    exists is_file is_dir read_text read_bytes as_posix with_suffix with_name resolve relative_to
    numpy cpu tolist is_integer as_integer_ratio bit_length hex to_bytes count index
    first last nth cumcount ngroup size memory_usage sample equals compare combine_first where mask
    xs at_time between_time tz_localize tz_convert asfreq interpolate ffill bfill pad
    replace skew kurt kurtosis sem mad rank eq ne lt le gt ge add_prefix add_suffix sub mul div
    truediv floordiv mod pow radd rsub rmul rdiv reindex align nbytes degree neighbors nodes edges
    number_of_nodes number_of_edges has_edge has_node in_degree out_degree bfill getvalue
    getbuffer swaplevel droplevel get_group filter_ to_series to_flat_index isocalendar"""
)
"""Methods that don't change their receiver, whatever its type."""

FRESH_METHODS = _words(
    """copy mean median std var sum min max prod describe corr cov nunique value_counts tolist
    predict predict_proba predict_log_proba decision_function score score_samples inverse_transform
    strftime isoformat total_seconds flatten count index argmin argmax argsort any all dot
    cumsum cumprod round abs isna isnull notna notnull to_csv to_string to_json to_html to_markdown
    pdf cdf ppf sf logpdf pmf groupdict findall astype info tobytes isin pct_change quantile
    duplicated is_file is_dir exists read_text read_bytes searchsorted summary"""
)
"""Methods whose result shares nothing with the receiver, whatever its type."""

_DICT_MUTATORS = _words(
    "pop popitem clear update setdefault subtract move_to_end __setitem__ __delitem__"
)
TYPE_MUTATORS: dict[str, frozenset[str]] = {
    "list": _words("append extend insert pop remove clear sort reverse __setitem__ __delitem__"),
    "dict": _DICT_MUTATORS,
    "defaultdict": _DICT_MUTATORS,
    "set": _words(
        """add discard remove pop clear update difference_update intersection_update
        symmetric_difference_update"""
    ),
    "deque": _words(
        "append appendleft extend extendleft insert pop popleft remove clear rotate reverse"
    ),
    "ndarray": _words("sort fill resize put partition itemset setflags setfield"),
    "pandas": _words("insert pop update set_flags_inplace"),
    "tuple": frozenset(),
    "frozenset": frozenset(),
}
"""The methods that change an object of a type in place; all others of that type don't."""

PUTTING = _words(
    """append extend insert update add setdefault appendleft extendleft put push __setitem__
    setattr put_nowait"""
)
"""Mutators that make their arguments reachable from the receiver."""

NDARRAY_VIEWS = _words(
    "reshape ravel view transpose swapaxes squeeze diagonal T flat real imag base data"
)

PANDAS_SHARING = _words(
    """values to_numpy array groupby rolling expanding ewm resample loc iloc at iat index columns
    str dt cat plot style attrs flags items iterrows itertuples pipe axes sparse __array__"""
)
PANDAS_SCALARS = _words("shape size ndim empty dtype name hasnans is_unique")

TYPE_OF_METHOD: dict[str, str] = {
    "tolist": "list", "to_list": "list", "to_dict": "dict", "split": "list", "splitlines": "list",
    "rsplit": "list", "format": "str", "strip": "str", "lower": "str", "upper": "str", "title": "str",
    "rstrip": "str", "lstrip": "str", "replace": "str", "capitalize": "str", "zfill": "str",
    "encode": "bytes", "strftime": "str", "isoformat": "str", "read_text": "str",
    "score": "scalar", "predict": "ndarray", "predict_proba": "ndarray",
    "decision_function": "ndarray", "to_string": "str", "to_html": "str", "total_seconds": "scalar",
    "findall": "list",
}  # fmt: skip
"""What a method gives, whatever its receiver's type."""

BUILTIN_RESULT: dict[str, str] = {
    "len": "int", "int": "int", "float": "float", "str": "str", "bool": "bool", "abs": "scalar",
    "round": "scalar", "ord": "int", "chr": "str", "hex": "str", "bin": "str", "oct": "str",
    "repr": "str", "format": "str", "ascii": "str", "hash": "int", "id": "int", "input": "str",
    "isinstance": "bool", "issubclass": "bool", "callable": "bool", "hasattr": "bool",
    "any": "bool", "all": "bool", "pow": "scalar", "divmod": "scalar", "range": "range",
    "bytes": "bytes", "complex": "complex", "print": "None", "help": "None", "type": "library",
    "slice": "scalar", "display": "None", "bytearray": "bytearray", "delattr": "None",
    "setattr": "None",
}  # fmt: skip
"""What built-in functions give where it shares nothing."""

CONSUMERS = _words(
    """any all sum min max sorted list tuple set dict frozenset len join deque Counter array
    fromiter mean fsum prod"""
)
"""Calls that use up an iterator at once: nothing lazy is left."""

LIVE_BUILTINS: dict[str, str] = {
    "iter": "iterator",
    "zip": "zip iterator",
    "map": "map iterator",
    "filter": "filter iterator",
    "enumerate": "enumerate iterator",
    "reversed": "reversed iterator",
    "open": "open file",
    "aiter": "async iterator",
}

LIVE_LIBRARY: dict[str, str] = {
    "csv.reader": "csv reader", "csv.DictReader": "csv reader", "csv.writer": "csv writer",
    "csv.DictWriter": "csv writer", "os.scandir": "directory iterator", "os.popen": "process",
    "sqlite3.connect": "database connection", "sqlalchemy.create_engine": "database engine",
    "psycopg2.connect": "database connection", "duckdb.connect": "database connection",
    "threading.Lock": "lock", "threading.RLock": "lock", "threading.Thread": "thread",
    "threading.Event": "event", "threading.Condition": "condition",
    "threading.Semaphore": "semaphore", "threading.BoundedSemaphore": "semaphore",
    "threading.Timer": "thread", "threading.Barrier": "barrier", "threading.local": "thread local",
    "multiprocessing.Pool": "process pool", "multiprocessing.Process": "process",
    "multiprocessing.Queue": "queue", "multiprocessing.Lock": "lock",
    "multiprocessing.Manager": "process manager", "queue.Queue": "queue",
    "queue.LifoQueue": "queue", "queue.PriorityQueue": "queue", "queue.SimpleQueue": "queue",
    "subprocess.Popen": "process", "socket.socket": "socket",
    "socket.create_connection": "socket", "concurrent.futures.ThreadPoolExecutor": "executor",
    "concurrent.futures.ProcessPoolExecutor": "executor", "asyncio.create_task": "asyncio task",
    "asyncio.ensure_future": "asyncio task", "asyncio.Lock": "lock", "asyncio.Queue": "queue",
    "asyncio.Event": "event", "asyncio.Semaphore": "semaphore",
    "asyncio.get_event_loop": "event loop", "asyncio.new_event_loop": "event loop",
    "asyncio.get_running_loop": "event loop",
    "tempfile.TemporaryDirectory": "temporary directory",
    "tempfile.NamedTemporaryFile": "temporary file", "tempfile.TemporaryFile": "temporary file",
    "tempfile.SpooledTemporaryFile": "temporary file", "tqdm.tqdm": "progress bar",
    "tqdm.auto.tqdm": "progress bar", "tqdm.notebook.tqdm": "progress bar",
    "tqdm.trange": "progress bar", "weakref.ref": "weak reference",
    "weakref.WeakValueDictionary": "weak references", "weakref.proxy": "weak reference",
    "numpy.memmap": "memory map", "numpy.nditer": "array iterator",
    "numpy.lib.npyio.NpzFile": "open file", "mmap.mmap": "memory map",
    "contextvars.ContextVar": "context variable", "contextvars.copy_context": "context",
    "io.open": "open file", "gzip.open": "open file", "bz2.open": "open file",
    "lzma.open": "open file", "codecs.open": "open file", "zipfile.ZipFile": "open file",
    "tarfile.open": "open file", "h5py.File": "open file", "urllib.request.urlopen": "connection",
    "http.client.HTTPConnection": "connection", "http.client.HTTPSConnection": "connection",
    "os.fdopen": "open file", "shelve.open": "open file", "dbm.open": "open file",
    "pandas.ExcelWriter": "open file", "pandas.HDFStore": "open file",
    "types.SimpleQueue": "queue", "inspect.currentframe": "frame", "sys._getframe": "frame",
    "logging.getLogger": "logger", "glob.iglob": "iterator", "re.finditer": "iterator",
    "os.walk": "directory iterator",
}  # fmt: skip
"""Library calls whose result can't be stored."""

LIVE_METHODS: dict[str, str] = {
    "cursor": "database cursor", "finditer": "iterator", "iterrows": "iterator",
    "itertuples": "iterator", "open": "open file", "rglob": "iterator", "glob": "iterator",
    "iterdir": "iterator", "submit": "future", "imap": "iterator", "connect": "connection",
}  # fmt: skip
"""Methods of unknown receivers whose result, bound to a name, can't be stored."""

ITERTOOLS_LISTS = _words("")

PLOTTING = _words("plot hist boxplot bar barh scatter line area pie kde hexbin imshow show draw")
"""Methods that may make a figure."""

DICT_VIEWS = _words("keys values items")

SHELL_MAGICS = _words(
    """bash sh script sx ! system perl ruby cmd javascript_shell cat cp mv rm mkdir rmdir ldir lf lk
    lx"""
)
SHOWN_MAGICS = _words("html HTML javascript js svg SVG latex markdown Markdown")
LINE_OPTIONS = _words(
    """matplotlib config load_ext reload_ext autoreload precision pylab colors automagic xmode
    alias logstart logstop logon logoff pprint gui env set_env unload_ext aimport pdb
    sql_options killbgscripts doctest_mode page cd_history rehashx"""
)
LINE_HISTORY = _words(
    "who whos who_ls history hist recall rerun macro save notebook pastebin dhist psearch"
)
"""Line magics that show or take up what ran before, in one kernel."""

LINE_SILENT = _words(
    """pinfo pinfo2 pdoc pdef psource pfile lsmagic magic quickref
    pycat less more man tb ls ll pwd pip conda uv mamba colors
    debug load clear cls watermark"""
)

USUAL_MODULES = {
    "np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "sns": "seaborn",
    "mpl": "matplotlib", "sm": "statsmodels.api", "smf": "statsmodels.formula.api",
    **{n: n for n in ["numpy", "pandas", "matplotlib", "seaborn", "scipy", "sklearn", "random", "os", "sys", "math", "json", "re", "time", "datetime", "collections", "itertools", "functools", "operator", "heapq", "bisect", "copy", "pickle", "csv", "glob", "shutil", "threading", "multiprocessing", "subprocess", "asyncio", "sqlite3", "warnings", "logging", "pathlib", "string", "tempfile", "socket", "queue", "weakref", "contextlib", "statistics", "urllib", "requests", "joblib"]},
}  # fmt: skip
"""What a name surely means that is used as a module though the page binds it nowhere."""
