"""Which files a call reads and writes."""

import posixpath

from nbflow.compiler.analysis.values import Value
from nbflow.compiler.effects import FileAction

READ, WRITE = FileAction.READ, FileAction.WRITE

# (positions of the path, its keywords, actions)
Use = tuple[int, tuple[str, ...], tuple[FileAction, ...]]


def _table(action: tuple[FileAction, ...], names: str, at: int = 0, *keys: str) -> dict[str, Use]:
    return dict.fromkeys(names.split(), (at, keys or ("path",), action))


FUNCTIONS: dict[str, Use] = {
    **_table(
        (READ,),
        """pandas.read_csv pandas.read_table pandas.read_json pandas.read_excel pandas.read_parquet
        pandas.read_pickle pandas.read_hdf pandas.read_feather pandas.read_html pandas.read_xml
        pandas.read_fwf pandas.read_stata pandas.read_sas pandas.read_orc pandas.ExcelFile""",
        0, "filepath_or_buffer", "path", "io", "path_or_buf", "path_or_buffer",
    ),
    **_table(
        (READ,),
        """numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.fromregex joblib.load
        matplotlib.pyplot.imread matplotlib.image.imread PIL.Image.open imageio.imread cv2.imread
        skimage.io.imread scipy.io.loadmat scipy.io.wavfile.read scipy.io.mmread
        os.listdir os.scandir os.walk os.stat os.path.exists os.path.isfile os.path.isdir
        os.path.getsize os.path.getmtime os.access polars.read_csv polars.read_parquet
        pyarrow.parquet.read_table xarray.open_dataset runpy.run_path torch.load
        IPython.display.Image IPython.display.SVG IPython.display.Audio IPython.display.Video
        IPython.display.FileLink sklearn.datasets.load_svmlight_file sklearn.datasets.load_files zipfile.is_zipfile
        linecache.getline filecmp.cmp""",
        0, "file", "fname", "filename", "path", "fp", "data",
    ),
    **_table(
        (WRITE,),
        """numpy.save numpy.savez numpy.savez_compressed numpy.savetxt matplotlib.pyplot.savefig
        matplotlib.pyplot.imsave imageio.imwrite cv2.imwrite skimage.io.imsave scipy.io.savemat
        scipy.io.mmwrite scipy.io.wavfile.write os.remove os.unlink os.mkdir os.makedirs os.rmdir
        os.removedirs shutil.rmtree os.truncate os.chmod os.utime""",
        0, "file", "fname", "filename", "path", "name",
    ),
    **_table((WRITE,), "joblib.dump torch.save", 1, "filename", "f"),
    **_table((READ, WRITE), "sqlite3.connect shelve.open dbm.open duckdb.connect", 0, "database"),
    **_table((READ, WRITE), "numpy.memmap numpy.lib.format.open_memmap", 0, "filename"),
    **_table((READ, WRITE), "h5py.File pandas.HDFStore netCDF4.Dataset", 0, "name", "path"),
    **_table((WRITE,), "pandas.ExcelWriter", 0, "path"),
    **_table((READ,), "tempfile.none os.readlink", 0, "path"),
}  # fmt: skip

TWO_PATHS: dict[str, tuple[FileAction, FileAction]] = {
    "os.rename": (WRITE, WRITE), "os.replace": (WRITE, WRITE), "shutil.move": (WRITE, WRITE),
    "shutil.copy": (READ, WRITE), "shutil.copy2": (READ, WRITE), "shutil.copyfile": (READ, WRITE),
    "shutil.copytree": (READ, WRITE), "os.link": (READ, WRITE), "os.symlink": (READ, WRITE),
    "shutil.make_archive": (WRITE, READ), "shutil.unpack_archive": (READ, WRITE),
    "urllib.request.urlretrieve": (READ, WRITE),
}  # fmt: skip

OPENERS = frozenset(
    {"builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open",
     "zipfile.ZipFile", "tarfile.open", "tarfile.TarFile", "wave.open"}
)  # fmt: skip

METHODS: dict[str, Use] = {
    **_table(
        (WRITE,),
        """to_csv to_json to_excel to_parquet to_pickle to_hdf to_feather to_stata to_html to_latex
        to_markdown to_xml to_orc to_string tofile savefig to_netcdf to_zarr""",
        0, "path_or_buf", "path", "excel_writer", "fname", "buf",
    ),
    **_table((WRITE,), "save write_image write_html dump", 0, "fp", "file", "fname"),
}  # fmt: skip

PATH_METHODS: dict[str, tuple[FileAction, ...]] = {
    "read_text": (READ,), "read_bytes": (READ,), "exists": (READ,), "is_file": (READ,),
    "is_dir": (READ,), "stat": (READ,), "iterdir": (READ,), "glob": (READ,), "rglob": (READ,),
    "write_text": (WRITE,), "write_bytes": (WRITE,), "unlink": (WRITE,), "mkdir": (WRITE,),
    "rmdir": (WRITE,), "touch": (WRITE,), "rename": (WRITE,), "replace": (WRITE,), "walk": (READ,),
    "symlink_to": (WRITE,), "hardlink_to": (WRITE,), "chmod": (WRITE,), "resolve": (),
}  # fmt: skip

WHOLE_FOLDERS = frozenset(
    {"os.listdir", "os.scandir", "os.walk", "shutil.rmtree", "shutil.copytree", "iterdir", "rglob",
     "walk", "shutil.move", "os.rename", "sklearn.datasets.load_files", "rename", "replace",
     "os.mkdir", "os.makedirs", "mkdir", "os.rmdir", "rmdir"}
)  # fmt: skip


def path_of(value: Value | None) -> tuple[bool, str | None]:
    """Return whether the value names a file at all, and the file's path if the page tells it."""
    if value is None:
        return False, None
    if isinstance(value.const, str):
        text = value.const
        if "://" in text or "\n" in text:
            return False, None
        return True, normalised(text)
    if value.known:
        return False, None
    return True, None


def normalised(text: str) -> str:
    """Return a path with `/`, without `.` and doubled separators."""
    path = posixpath.normpath(text.replace("\\", "/")) if text else "."
    return path[1:] if path.startswith("//") else path


def below(path: str | None) -> str | None:
    """Return the pattern for everything below a folder."""
    if path is None:
        return None
    return "*" if path == "." else f"{path.rstrip('/')}/*"


def pattern(text: str) -> str:
    """Return the widest known start of a glob pattern, ending in ``*``."""
    cut = min((text.index(c) for c in "*?[" if c in text), default=len(text))
    return normalised_prefix(text[:cut]) + "*"


def normalised_prefix(text: str) -> str:
    """Normalise the start of a path, keeping a last separator."""
    if not text:
        return ""
    path = normalised(text)
    if path == ".":
        return ""
    return path + "/" if text.endswith("/") else path


def modes(mode: object) -> tuple[FileAction, ...]:
    """Return what opening a file in a mode does to it."""
    if not isinstance(mode, str):
        return (READ, WRITE)
    if "+" in mode or "a" in mode:
        return (READ, WRITE)
    if "w" in mode or "x" in mode:
        return (WRITE,)
    return (READ,)
