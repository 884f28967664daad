"""The content store: places, safety, wholeness, garbage."""

import ast
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_files import files_of_at_most

import nbflow.artifacts
from nbflow.artifacts.names import attempt_folder, task_part
from nbflow.artifacts.store import ArtifactStore, RemoteValues
from nbflow.errors import StoreError
from nbflow.model.ids import Digest, RunId, TaskName, Token

RUN = RunId("manual__20260102T030405Z__abcdefgh")
NOWHERE = Digest("0" * 64)
WRITE = """
import sys
exec(sys.argv[1], {})
from _nbflow_runtime import bundles, state
state.attempt.spec = {"environment": {"NBFLOW_VALUE_KEY": sys.argv[3]}}
about = {"names": {"x": 0, "y": 1}, "types": {"x": "list", "y": "dict"}}
big = memoryview(b"big" * 500_000)
print(bundles.write(sys.argv[2], b"the stream", [big, memoryview(bytearray(7))], about)[0])
"""


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "store")


def add_bundle(store, key="", env=None):
    from nbflow.execution import kernel_runtime

    done = subprocess.run(
        [sys.executable, "-c", WRITE, kernel_runtime.bootstrap_code(), str(store.values_folder()), key],
        capture_output=True, text=True, env={**os.environ, **(env or {})},
    )  # fmt: skip
    return Digest(done.stdout.strip()), done.returncode


def test_a_bundle_that_a_kernel_wrote_is_described_and_proven(store):
    digest, _ = add_bundle(store, key=store.value_key())
    header = store.describe_bundle(digest)
    assert header.names == ("x", "y")
    assert header.types == {"x": "list", "y": "dict"}
    assert header.size == store.value_path(digest).stat().st_size
    assert all(offset % 64 == 0 for offset, _, _ in header.parts)
    assert store.verify(digest, signed=True) == header
    assert store.has_value(digest)


def test_any_changed_part_is_found(store):
    digest, _ = add_bundle(store)
    path = store.value_path(digest)
    whole = path.read_bytes()
    for offset, length, _ in store.describe_bundle(digest).parts:
        damaged = bytearray(whole)
        damaged[offset + length - 1] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="damaged") as caught:
            store.verify(digest)
        assert caught.value.code == "NBF645"
    for length in (0, 10, 200, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="damaged"):
            store.verify(digest)


def test_a_bundle_signed_with_another_key_is_refused(store):
    digest, _ = add_bundle(store, key="of somebody else")
    store.verify(digest)
    with pytest.raises(StoreError, match="not written by this store"):
        store.verify(digest, signed=True)


def test_equal_content_is_stored_once_and_its_age_renewed(store):
    digest, _ = add_bundle(store)
    path = store.value_path(digest)
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert add_bundle(store)[0] == digest
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 1
    assert [p.name for p in store.values_folder().iterdir()] == [digest[:2]]


@pytest.mark.fault(40)
def test_a_writer_killed_before_the_rename_leaves_nothing_that_counts(store):
    _, code = add_bundle(store, env={"NBFLOW_FAULT": "artifact.rename:1:kill"})
    assert code == -signal.SIGKILL
    assert store.usage().values == 0
    assert store.collect_garbage([], [], before=4e9).bytes > 1_500_000
    assert not list(store.values_folder().glob(".bundle-*"))


@pytest.mark.fault(40)
def test_a_file_is_written_whole_even_when_its_writer_dies(store):
    store.write_bytes("runs/r/notebook.ipynb", b"old")
    code = "from nbflow.artifacts.store import ArtifactStore; import sys; ArtifactStore(sys.argv[1]).write_bytes('runs/r/notebook.ipynb', b'new' * 99999)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.root)],
        env={**os.environ, "NBFLOW_FAULT": "artifact.rename:1:kill"},
    )
    assert done.returncode == -signal.SIGKILL
    assert store.open_notebook("runs/r/notebook.ipynb") == b"old"


@pytest.mark.abuse(44)
def test_files_are_private_whatever_the_umask(store):
    before = os.umask(0)
    try:
        store.write_bytes("runs/a/b.txt", b"x")
        store.attempt_dir(RUN, TaskName("load"), Token(3))
        store.value_key()
        add_bundle(store)
    finally:
        os.umask(before)
    for path in [store.root, *store.root.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.abuse(8, 10)
@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "runs/../../x", "", "runs/a\0b", "link/passwd", "runs/link", "..", "."],
)
def test_paths_that_lead_out_are_refused_for_reading_and_writing(store, path):
    store.write_bytes("runs/a", b"x")
    (store.root / "link").symlink_to("/etc")
    (store.root / "runs" / "link").symlink_to("/etc/passwd")
    with pytest.raises(StoreError):
        store.open_notebook(path)
    with pytest.raises(StoreError):
        store.write_bytes(path, b"x")


@pytest.mark.abuse(10)
def test_a_link_inside_the_store_is_not_followed_either(store):
    store.write_bytes("value.txt", b"x")
    (store.root / "alias").symlink_to("value.txt")
    with pytest.raises(StoreError, match="outside"):
        store.open_notebook("alias")


@pytest.mark.abuse(8)
def test_a_sibling_folder_with_the_same_prefix_is_outside(tmp_path):
    (tmp_path / "store-2").mkdir()
    (tmp_path / "store-2" / "secret").write_text("x")
    store = ArtifactStore(tmp_path / "store")
    store.write_bytes("a", b"x")
    (store.root / "near").symlink_to(tmp_path / "store-2")
    with pytest.raises(StoreError, match="outside"):
        store.open_notebook("near/secret")


@pytest.mark.abuse(9)
@pytest.mark.parametrize("run", ["..", ".", "", "a/b", "a\\b", "-x", "x" * 300, "a\nb"])
def test_run_ids_that_could_be_paths_are_refused(store, run):
    with pytest.raises(StoreError, match="no id"):
        store.attempt_dir(RunId(run), TaskName("t"), Token(1))


@pytest.mark.parametrize("digest", ["", "..", "ab", "A" * 64, "0" * 63 + "/", "0" * 65])
def test_what_is_no_digest_is_refused(store, digest):
    with pytest.raises(StoreError, match="no digest"):
        store.value_path(Digest(digest))


def test_a_value_that_is_not_there_says_how_to_make_it(store):
    store.values_folder()
    with pytest.raises(StoreError, match="not in the store") as caught:
        store.verify(NOWHERE)
    assert "run the task again" in caught.value.hint


@pytest.mark.abuse(9)
@given(st.text(min_size=1, max_size=100))
def test_every_task_name_is_one_harmless_part_of_a_path(name):
    part = task_part(TaskName(name))
    assert part == part.lower()
    assert part.isascii()
    assert 0 < len(part) <= 60
    assert not set(part) & set('/\\:*?"<>|\0 ')
    assert part not in {".", ".."}
    assert not part.startswith((".", "-"))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_different_task_names_never_meet(one, other):
    assert (task_part(TaskName(one)) == task_part(TaskName(other))) == (one == other)


def test_names_that_differ_in_case_or_script_get_folders_of_their_own(store):
    names = ["Load", "load", "LOAD", "적재", "con", "a.b", "a.", "café", "x" * 100]
    folders = {store.attempt_dir(RUN, TaskName(n), Token(1)).parent.name.lower() for n in names}
    assert len(folders) == len(names)


def test_a_log_is_read_piece_by_piece_without_cutting_characters(store):
    text = "적재 끝 ✓\n" * 50
    store.write_bytes("runs/log.txt", text.encode())
    offset, pieces = 0, []
    while True:
        part = store.read_log("runs/log.txt", offset, 7)
        if not part.text:
            break
        pieces.append(part.text)
        offset = part.next_offset
    assert "".join(pieces) == text
    assert offset == part.size
    assert store.read_log("runs/log.txt", -4).text == "✓\n"


def test_binary_logs_are_read_to_their_end(store):
    store.write_bytes("log", b"\x80" * 10 + b"\xf0")
    part = store.read_log("log", 0, 3)
    assert part.next_offset == 3
    assert store.read_log("log", 10, 5).next_offset == 11


def test_garbage_is_what_no_row_names_and_nobody_touched_lately(store):
    digest, _ = add_bundle(store)
    gone = store.attempt_dir(RUN, TaskName("load"), Token(1))
    kept = store.attempt_dir(RUN, TaskName("load"), Token(2))
    (gone / "log.txt").write_text("12345")
    names = [attempt_folder(RUN, TaskName("load"), Token(2))]
    young = store.collect_garbage([], names, before=time.time() - 3600)
    assert (young.values, young.attempts) == (0, 0)
    assert store.collect_garbage([digest], names, before=4e9).values == 0
    assert not gone.exists()
    assert kept.exists()
    assert store.collect_garbage([], names, before=4e9).values == 1
    assert store.collect_garbage([], [], before=4e9).attempts == 1
    assert list((store.root / "runs").iterdir()) == []


def test_usage_counts_values_and_attempts(store):
    digest, _ = add_bundle(store)
    (store.attempt_dir(RUN, TaskName("load"), Token(1)) / "log.txt").write_text("12345")
    usage = store.usage()
    assert (usage.values, usage.attempts, usage.attempt_bytes) == (1, 1, 5)
    assert usage.value_bytes == store.value_path(digest).stat().st_size


def test_the_key_is_made_once_and_kept(store):
    key = store.value_key()
    assert len(key) == 64
    assert store.value_key() == key


@pytest.mark.parametrize("content", ["", "short\n"])
def test_a_short_key_is_refused_with_its_path(store, content):
    store.value_key()
    (store.root / "value.key").write_text(content)
    with pytest.raises(StoreError, match=r"too short: .*value\.key") as caught:
        store.value_key()
    assert caught.value.code == "NBF646"


def test_a_key_that_others_can_read_is_refused(store):
    store.value_key()
    (store.root / "value.key").chmod(0o644)
    with pytest.raises(StoreError, match="read by others"):
        store.value_key()


@pytest.mark.fault(40)
def test_a_full_disk_keeps_the_old_file_and_names_the_path(store):
    """The limit on a file's size stands for a full disk: it needs no root."""
    store.write_bytes("runs/n.ipynb", b"old")
    with (
        files_of_at_most(100_000),
        pytest.raises(StoreError, match=r"no space left to write .*n\.ipynb") as caught,
    ):
        store.write_bytes("runs/n.ipynb", b"x" * 1_000_000)
    assert caught.value.code == "NBF641"
    assert caught.value.hint
    assert store.open_notebook("runs/n.ipynb") == b"old"
    assert [p.name for p in (store.root / "runs").iterdir()] == ["n.ipynb"]


def test_a_folder_that_may_not_be_written_is_named_with_a_way_out(tmp_path):
    code = (
        "import sys\nfrom nbflow.errors import StoreError\n"
        "from nbflow.artifacts.store import ArtifactStore\n"
        "import os\nif os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: ArtifactStore(sys.argv[1]).write_bytes('runs/x', b'x')\n"
        "except StoreError as problem: print(problem.code, problem.message, problem.hint)"
    )
    tmp_path.chmod(0o755)
    (tmp_path / "locked").mkdir(mode=0o555)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "locked")], capture_output=True, text=True
    )
    assert done.stdout.startswith("NBF642"), done.stderr
    assert "NBFLOW_HOME" in done.stdout


def test_every_system_error_becomes_a_store_error_with_its_path(store):
    from nbflow.artifacts.local import store_errors

    for number in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO):
        path = store.root / "x"
        with pytest.raises(StoreError, match="/x"), store_errors(path):
            raise OSError(number, os.strerror(number))


def test_bundles_travel_over_any_file_system_and_are_proven_on_arrival(store, tmp_path):
    digest, _ = add_bundle(store)
    there = RemoteValues("memory://bucket/values-test", store)
    there.publish(digest)
    there.publish(digest)
    here = ArtifactStore(tmp_path / "other")
    far = RemoteValues("memory://bucket/values-test", here)
    path = far.fetch(digest)
    assert path.read_bytes() == store.value_path(digest).read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert far.fetch(digest) == path
    with pytest.raises(StoreError, match="not in the store"):
        far.fetch(NOWHERE)


def test_a_bundle_that_changed_on_the_way_never_becomes_visible(store, tmp_path):
    import fsspec

    digest, _ = add_bundle(store)
    RemoteValues("memory://bucket/damaged-test", store).publish(digest)
    memory = fsspec.filesystem("memory")
    name = f"/bucket/damaged-test/values/{digest[:2]}/{digest[2:]}"
    raw = bytearray(memory.cat(name))
    raw[140] ^= 1
    memory.pipe(name, bytes(raw))
    here = ArtifactStore(tmp_path / "other")
    with pytest.raises(StoreError, match="damaged"):
        RemoteValues("memory://bucket/damaged-test", here).fetch(digest)
    assert not here.has_value(digest)
    assert [p for p in here.values_folder().rglob("*") if p.is_file()] == []


def test_the_store_never_unpickles_and_needs_no_fsspec_for_a_folder():
    for path in Path(nbflow.artifacts.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] + [getattr(node, "module", None)]
                assert not {"pickle", "cloudpickle", "marshal", "joblib", "dill"} & set(names)
    code = "import sys, nbflow.artifacts.store; print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"
