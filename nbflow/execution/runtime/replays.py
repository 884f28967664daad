"""Code of earlier cells run again, silently, at the place on the page where it stands."""

from __future__ import annotations

import ast
import contextlib
import inspect
from typing import Any, Iterator

from . import loading
from .quiet import quiet
from .state import Answer, StepError, attempt, namespace, shell

_AWAIT = getattr(ast, "PyCF_ALLOW_TOP_LEVEL_AWAIT", 0)


async def replay(first: int, last: int | None) -> Answer:
    """Run the steps in page order; those whose unit this kernel has run already are skipped."""
    steps = attempt.spec["replays"]
    ran, skipped = [], []
    for number in range(len(steps))[first:last]:
        step = steps[number]
        if step.get("unit") and step["unit"] in attempt.units:
            skipped.append(number)
            continue
        await run_step(step)
        ran.append(number)
    return {"ran": ran, "skipped": skipped}


def replay_now(first: int, last: int | None) -> Answer:
    """As `replay`, in the context of the cells: context variables that a step sets (numpy's print
    options, the context of decimal numbers) would be lost with the task of a coroutine. Stops at a
    step that has to wait and says its number as ``awaits``.
    """
    steps = attempt.spec["replays"]
    ran: list[int] = []
    skipped: list[int] = []
    for number in range(len(steps))[first:last]:
        step = steps[number]
        if step.get("unit") and step["unit"] in attempt.units:
            skipped.append(number)
            continue
        if "await" in step["source"] or "async" in step["source"]:
            return {"ran": ran, "skipped": skipped, "awaits": number}
        _drive(run_step(step))
        ran.append(number)
    return {"ran": ran, "skipped": skipped, "awaits": None}


def _drive(step: Any) -> None:
    """Run a coroutine that never waits."""
    try:
        step.send(None)
    except StopIteration:
        return
    raise StepError("a replayed statement waits where nothing can wait")


def run_lazily(name: str) -> bool:
    """Replay what defines a name that a stored value needs; False when nothing does."""
    step = attempt.spec.get("lazy", {}).get(name)
    if step is None or name in attempt.lazily_run:
        return False
    attempt.lazily_run.add(name)
    held = namespace()
    for other in sorted(_names_in(step["source"])):
        if other not in held:
            with contextlib.suppress(StepError):  # it may not be needed after all
                run_lazily(other)
    finish_at_once(run_step(step))
    return name in namespace()


def _names_in(source: str) -> set[str]:
    """Return the names that a definition may look up: imports and other definitions it needs."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


attempt.define_lazily = run_lazily


async def run_step(step: dict[str, Any]) -> None:
    """Bind the step's own loads and run its code; raises StepError with the place of a failure."""
    ipython = shell()
    with quiet(ipython), _replaying():
        try:
            loading.bind(step.get("loads") or ())
            await _run(ipython, step)
            loading.show_figures(loaded=False)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as problem:
            cell, line = _place(step, problem)
            raise StepError(f"replaying line {line} of cell {cell} failed", cell, line) from problem
    if step.get("unit"):
        attempt.units.add(step["unit"])


@contextlib.contextmanager
def _replaying() -> Iterator[None]:
    before, attempt.replaying = attempt.replaying, True
    try:
        yield
    finally:
        attempt.replaying = before


async def _run(ipython: Any, step: dict[str, Any]) -> None:
    source = step["source"]
    try:
        ast.parse(source)
    except SyntaxError:
        source = ipython.transform_cell(source)
    attempt.sources.append(source)
    padded = "\n" * (step["first_line"] - 1) + source
    filename = _cached(ipython, step, padded)
    step["filename"] = filename
    flags = ipython.compile.flags | _AWAIT
    tree = compile(padded, filename, "exec", flags | ast.PyCF_ONLY_AST, True)
    code = compile(ipython.transform_ast(tree), filename, "exec", flags, True)
    ipython.compile.flags |= code.co_flags & _FUTURES
    if code.co_flags & inspect.CO_COROUTINE:
        await eval(code, ipython.user_ns)
    else:
        exec(code, ipython.user_ns)


def _cached(ipython: Any, step: dict[str, Any], padded: str) -> str:
    """Return the file name that the code has where its cell runs, with the cell's lines behind it."""
    whole, prompt = step.get("cell_source") or step["source"], step.get("prompt") or 0
    shown = ipython.transform_cell(whole)
    if len(shown.splitlines()) < len(padded.splitlines()):
        shown = padded
    return str(ipython.compile.cache(shown, prompt, raw_code=whole))


def _futures() -> int:
    import __future__

    features = (getattr(__future__, name) for name in __future__.all_feature_names)
    return sum({feature.compiler_flag for feature in features})


_FUTURES = _futures()


def _place(step: dict[str, Any], problem: BaseException) -> tuple[str, int]:
    """Return the cell and the line of the step's own code that a traceback passed last."""
    line = int(step["first_line"])
    if isinstance(problem, SyntaxError) and problem.filename == step.get("filename"):
        line = problem.lineno or line
    trace = problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == step.get("filename"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return step["cell"], line


def finish_at_once(step: Any) -> None:
    """Run a step where nobody can wait; one that awaits gets a loop in a thread of its own."""
    import asyncio
    import threading

    problems: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(step)
        except BaseException as problem:
            problems.append(problem)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
    else:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    if problems:
        raise problems[0]
