"""Codes of the compiler: NBF2xx, NBF3xx."""

from nbflow.model.code_info import CodeInfo, error, info, warning

DAG_CODES: dict[str, CodeInfo] = {
    "NBF200": error(
        "The notebook does not compile",
        "At least one finding is an error; each is listed with its own code.",
        "Mend the listed errors; `nbflow lint` shows them with their cells.",
    ),
    "NBF201": error(
        "Cycle between tasks",
        "Tasks wait for each other in a circle, through their variables or `after:` tags.",
        "Remove an `after:` tag, or put the cells that depend on each other into one task.",
    ),
    "NBF202": error(
        "Unknown task in after:",
        "An `after:` tag names a task that the DAG does not have.",
        "Correct the name, or tag the cell that it means.",
    ),
    "NBF203": error(
        "Name read before it is bound",
        "A cell surely reads a name that no earlier cell binds: top to bottom it would raise "
        "NameError.",
        "Move the cell that binds it up, or bind the name first.",
    ),
    "NBF204": warning(
        "Name that may be unbound",
        "A cell reads a name that no earlier cell binds, but under `try` or `if`, in a function, or "
        "after code that nobody can look into.",
        "Nothing, if the cell copes with it.",
    ),
    "NBF205": error(
        "Deleted name is read",
        "An earlier cell surely deleted the name.",
        "Remove the `del`, or bind the name again.",
    ),
    "NBF206": error(
        "A task needs two versions of a name",
        "The task's cells are torn apart: between them another task changes a name, so that the task "
        "would have to load two versions of it.",
        "Put the task's cells side by side, or split the task in two.",
    ),
    "NBF207": error(
        "A task needs a version from the middle of another",
        "A task reads a name as it is between two cells of another task, which changes it again "
        "afterwards; only what a task leaves at its end is stored.",
        "Split the other task after the cell that writes the wanted version.",
    ),
    "NBF208": warning(
        "Setup cell needs a task's result",
        "A setup cell reads what a task writes, so it can't be replayed before every task; it "
        "belongs to the task before it.",
        "Move it up, or tag it as a task.",
    ),
    "NBF209": warning(
        "Setup cell makes data",
        "Every later task runs the setup cell again, so its data are made again each time.",
        "Tag the cell as a task; its data are then made once and handed on.",
    ),
    "NBF210": warning(
        "Safe order",
        "The cell does something whose effects can't be told from the page, so the task waits for "
        "all earlier tasks and gets every variable bound so far.",
        "Name the variables with `reads:` and `writes:` tags, or write the code so that they show.",
    ),
    "NBF211": info(
        "Tasks share one kernel",
        "A value can't be stored, so the tasks that use it run one after another in one live kernel, "
        "and a retry starts with the first of them.",
        "Hand on something that can be stored (a list for a generator, a path for an open file) to "
        "let the tasks run on their own.",
    ),
    "NBF212": warning(
        "Second parameters cell",
        "Only the first cell tagged `parameters` takes the run's values.",
        "Put all parameters into the first one.",
    ),
    "NBF213": warning(
        "Cell tags inside a whole-notebook task",
        "The notebook's metadata make it one task of a larger DAG, so its cells' tags don't count.",
        "Remove the tags, or the `task` object in the notebook's metadata.",
    ),
    "NBF214": error(
        "Two tasks of one name",
        "Names are unique in a DAG without regard to case.",
        "Rename one of them.",
    ),
    "NBF215": error(
        "Unknown task or variable in inputs",
        "An input of a whole-notebook task names a task, or a variable, that no notebook of the DAG "
        "puts out.",
        "Correct it, or add the variable to the other notebook's `outputs`.",
    ),
    "NBF216": error(
        "Settings of the DAG differ",
        "Two notebooks of one DAG both hold its settings, and they differ; or two DAGs have one id.",
        "Keep the `dag` object in one notebook.",
    ),
    "NBF217": warning(
        "No analysis for this language",
        "Dependencies are inferred for Python only; these tasks run in page order in one kernel.",
        "Nothing, if that is what you want.",
    ),
    "NBF218": error(
        "Bad option of a task",
        "A `when` or `foreach` option can't be read as an expression.",
        "`when` takes a Python expression, `foreach` is written `NAME in EXPRESSION`.",
    ),
    "NBF220": error(
        "Schedule that can't be kept",
        "The schedule is no cron expression, preset, interval or single time, never fires, or has "
        "times that nobody could predict.",
        "Write cron of 5 fields (6 with seconds last), `@daily` and its family, `every 15m`, or "
        "`once 2026-12-01T09:00`.",
    ),
    "NBF221": error(
        "Unknown time zone",
        "The time zone is not in the IANA database.",
        "Use a name such as `Europe/Berlin`, `Asia/Seoul` or `UTC`.",
    ),
    "NBF222": error(
        "Bad date of a schedule",
        "A date or time can't be read, or the end lies before the start.",
        "Write dates as `2026-12-01`, times as `2026-12-01T09:00`.",
    ),
    "NBF223": error(
        "Schedule that fires too often",
        "Two fires lie closer together than the DAG's shortest period.",
        "Fire less often, or set `min_period`.",
    ),
    "NBF224": error(
        "Too many slots to catch up on",
        "`catchup` is `all` and more than a thousand slots have passed since the start date, or while the "
        "DAG was paused.",
        "Choose a later `start_date` or `catchup` `latest`; confirm it if you mean it.",
    ),
    "NBF225": error(
        "Backfill of no sound range",
        "The DAG has no schedule, the range ends before it begins, or it has more slots than anybody "
        "could mean.",
        "Give `--from` the earlier and `--to` the later end; see the slots with `--dry-run`.",
    ),
    "NBF226": error(
        "Too many slots to backfill",
        "The backfill would make more than a thousand runs.",
        "Look at them with `--dry-run`; choose a shorter range, or confirm it with `--yes`.",
    ),
    "NBF227": warning(
        "Schedule with no time to come",
        "The only time of the schedule has passed, or its end date has: it makes no run.",
        "Choose a time to come or a later `end_date`; `nbflow dags trigger DAG` runs it now.",
    ),
    "NBF236": info(
        "The notebook differs from what is deployed",
        "The DAG was deployed, and the notebook was changed since: its schedule and its triggers run what was deployed.",
        "Deploy it when it is as you want it, or let `track: live` in its metadata do so.",
    ),
    "NBF237": error(
        "A notebook of the folder can't be read",
        "A DAG of several notebooks is not deployed by itself while one that may belong to it is broken.",
        "Mend the notebook that `nbflow dags import-errors` names, or take it out of the folder.",
    ),
    "NBF238": error(
        "Notebook not found",
        "A DAG with `track: live` runs the notebook in the DAGs folder, and it is no longer there; after three such runs the DAG is paused.",
        "Put the notebook back, or delete the DAG; then unpause it.",
    ),
    "NBF300": error(
        "Syntax error",
        "The cell is neither Python nor anything that IPython turns into Python.",
        "Mend the named line, or tag the cell `skip` to leave it out of the DAG.",
    ),
    "NBF301": warning(
        "A method may change its object",
        "Nobody can tell from the page whether the method changes the object; the change is "
        "assumed, so later readers wait for this task.",
        "Tag the task `ignores:NAME` if it does not, or `writes:NAME` if it does.",
    ),
    "NBF302": info(
        "Two names for one object",
        "The object is changed under one name and known under another as well: both get a new "
        "version.",
        "Copy the object first if only one of the names is meant.",
    ),
    "NBF303": info(
        "A function binds a global name",
        "The name is bound only when the function is called; a call counts as a write.",
        "Return the value and bind the name where the function is called.",
    ),
    "NBF304": info(
        "A call changes names of the notebook",
        "A function that another cell defines binds or changes a name of the notebook here.",
        "Pass the object in and return the result to make the dependency visible.",
    ),
    "NBF305": info(
        "A value that can't be stored",
        "Generators, open files, connections, locks and the like live in one kernel only: the "
        "tasks that share one run as a kernel group.",
        "Keep a list, a path or a query instead, where that is possible.",
    ),
    "NBF306": info(
        "A star import",
        "Every public name of the module becomes a name of the notebook.",
        "Import the names that are used.",
    ),
    "NBF307": info(
        "A shell command",
        "A shell command may read and write any file; it is ordered against all file access of "
        "other tasks.",
        "Use Python's own functions with literal paths where order matters.",
    ),
    "NBF308": info(
        "Process-wide state is set",
        "A seed, the working directory or an environment variable is set for the whole process; "
        "it is carried to the later tasks that use it.",
        "Use a generator object, absolute paths or arguments instead.",
    ),
    "NBF309": info(
        "The cell writes a file",
        "Tasks that read the file wait for this one.",
        "Nothing to do.",
    ),
    "NBF310": warning(
        "Names that nobody can list",
        "The code binds or reads names that the page does not show (`exec`, `globals()`, `%run`, a "
        "star import that can't be resolved); the task takes the safe order.",
        "Write the code out, or import it from a module.",
    ),
    "NBF311": warning(
        "Output history",
        "`_`, `Out` and `In` exist only in a kernel that ran all earlier cells: the task joins a "
        "kernel group with all earlier tasks.",
        "Give the value a name.",
    ),
}
