"""Every code that a diagnostic or an error can carry; the documentation's page is made from it."""

from dataclasses import dataclass

from nbflow.model.diagnostics import Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeInfo:
    """What a code means: one heading of the page, the explanation, and the way out."""

    severity: Severity
    title: str
    explanation: str
    remedy: str


def _error(title: str, explanation: str, remedy: str) -> CodeInfo:
    return CodeInfo(severity=Severity.ERROR, title=title, explanation=explanation, remedy=remedy)


def _warning(title: str, explanation: str, remedy: str) -> CodeInfo:
    return CodeInfo(severity=Severity.WARNING, title=title, explanation=explanation, remedy=remedy)


def _info(title: str, explanation: str, remedy: str) -> CodeInfo:
    return CodeInfo(severity=Severity.INFO, title=title, explanation=explanation, remedy=remedy)


CODES: dict[str, CodeInfo] = {
    "NBF001": _error(
        "File can't be read",
        "There is no such file, it is a folder, or its permissions don't let us read it.",
        "Check the path and the permissions.",
    ),
    "NBF002": _error(
        "File too large",
        "Notebooks of 50 MB and more are not read; nearly all of it is output.",
        "Clear the outputs and save the notebook again.",
    ),
    "NBF003": _error(
        "Not UTF-8 text",
        "The file is binary data, text in another encoding, or holds half a character (a lone surrogate).",
        "Save it again with the encoding UTF-8.",
    ),
    "NBF004": _error(
        "Not JSON",
        "The file is empty, cut short, holds the marks of a merge conflict, or is no JSON for another reason.",
        "Resolve the conflict, restore the file, or save it again in Jupyter.",
    ),
    "NBF005": _error(
        "Beyond the limits of a notebook",
        "The file nests lists and objects more than 100 levels deep, or holds a number with thousands of digits.",
        "Restore the file, or clear its outputs.",
    ),
    "NBF006": _error(
        "Not a notebook",
        "The file is JSON, but lacks what every notebook has, or has it in another shape.",
        "Save it again in Jupyter, or restore it.",
    ),
    "NBF007": _error(
        "Notebook format not supported",
        "Versions 4 and 3 of the notebook format are read.",
        "Convert the notebook with nbconvert.",
    ),
    "NBF008": _error(
        "Text notebook can't be read",
        "Jupytext could not read the script or Markdown file.",
        "Check its header.",
    ),
    "NBF009": _warning(
        "Duplicate cell id",
        "Two cells have one id; the later one is called by its position.",
        "Save the notebook in Jupyter once.",
    ),
    "NBF010": _warning(
        "Irregular file",
        "The file has a byte order mark, NaN, or half a character in an output; it was read all the same.",
        "Save it again in Jupyter.",
    ),
    "NBF011": _error(
        "File can't be written",
        "The notebook could not be saved; the old file is untouched.",
        "Check the folder's permissions and the space on the disk.",
    ),
    "NBF101": _error(
        "Bad task name",
        "A name is letters, digits, `_`, `.` and `-`, the first a letter or digit, at most 100 characters.",
        "Rename the task.",
    ),
    "NBF102": _error(
        "Bad variable name",
        "`reads:`, `writes:` and `ignores:` take the bare name of a variable.",
        "Write it like `reads:df`.",
    ),
    "NBF103": _error(
        "Two roles",
        "A cell has two `task:` tags, or `task:` beside `setup` or `skip`.",
        "Keep one of them.",
    ),
    "NBF104": _warning(
        "Tag that looks like one of nbflow's",
        "The tag is nearly one of nbflow's, such as `Task:x`; it is ignored.",
        "Write it as the hint says, or rename it.",
    ),
    "NBF105": _error(
        "Bad %% line",
        "The first line `%%task`, `%%setup` or `%%skip` can't be read.",
        "Write `%%task NAME --option VALUE`.",
    ),
    "NBF106": _error(
        "Tag and %% line contradict each other",
        "The cell's tags or metadata and its first line say different things.",
        "Keep one of them.",
    ),
    "NBF107": _warning(
        "Second parameters cell",
        "Only the first cell tagged `parameters` holds the parameters, as for papermill.",
        "Move them into one cell.",
    ),
    "NBF108": _warning(
        "Tag without effect",
        "Markdown, raw and empty cells belong to no task.",
        "Move the tag to a code cell.",
    ),
    "NBF110": _error(
        "Bad option",
        "The value of an option is not one it can have.",
        "Correct the value; the reference lists the options.",
    ),
    "NBF111": _warning(
        "Unknown option",
        "The key is none that nbflow knows; it is ignored.",
        "Correct or remove it.",
    ),
    "NBF112": _error(
        "Metadata of the wrong shape",
        "`metadata.nbflow`, its `dag` or its `task` is not an object.",
        "Write it as the reference shows.",
    ),
    "NBF113": _warning(
        "Option without effect",
        "Options count on the first cell of a task only.",
        "Move them there.",
    ),
    "NBF114": _error(
        "Bad expression",
        "`when` and `foreach` hold Python expressions.",
        "Correct the expression.",
    ),
    "NBF115": _warning(
        "Tags inside a whole-notebook task",
        "The whole notebook is one task, so tags of its cells don't count.",
        "Remove the tags, or the task object.",
    ),
    "NBF116": _error(
        "Newer metadata",
        "`metadata.nbflow.version` is not one that this release reads.",
        "Install a newer jupyter-nbflow.",
    ),
    "NBF120": _error(
        "Bad kernel name",
        "The kernel name in the metadata is none that can exist.",
        "Choose a kernel in Jupyter and save.",
    ),
    "NBF200": _error(
        "The notebook does not compile",
        "At least one finding is an error; each is listed with its own code.",
        "Mend the listed errors; `nbflow lint` shows them with their cells.",
    ),
    "NBF201": _error(
        "Cycle between tasks",
        "Tasks wait for each other in a circle, through their variables or `after:` tags.",
        "Remove an `after:` tag, or put the cells that depend on each other into one task.",
    ),
    "NBF202": _error(
        "Unknown task in after:",
        "An `after:` tag names a task that the DAG does not have.",
        "Correct the name, or tag the cell that it means.",
    ),
    "NBF203": _error(
        "Name read before it is bound",
        "A cell surely reads a name that no earlier cell binds: top to bottom it would raise "
        "NameError.",
        "Move the cell that binds it up, or bind the name first.",
    ),
    "NBF204": _warning(
        "Name that may be unbound",
        "A cell reads a name that no earlier cell binds, but under `try` or `if`, in a function, or "
        "after code that nobody can look into.",
        "Nothing, if the cell copes with it.",
    ),
    "NBF205": _error(
        "Deleted name is read",
        "An earlier cell surely deleted the name.",
        "Remove the `del`, or bind the name again.",
    ),
    "NBF206": _error(
        "A task needs two versions of a name",
        "The task's cells are torn apart: between them another task changes a name, so that the task "
        "would have to load two versions of it.",
        "Put the task's cells side by side, or split the task in two.",
    ),
    "NBF207": _error(
        "A task needs a version from the middle of another",
        "A task reads a name as it is between two cells of another task, which changes it again "
        "afterwards; only what a task leaves at its end is stored.",
        "Split the other task after the cell that writes the wanted version.",
    ),
    "NBF208": _warning(
        "Setup cell needs a task's result",
        "A setup cell reads what a task writes, so it can't be replayed before every task; it "
        "belongs to the task before it.",
        "Move it up, or tag it as a task.",
    ),
    "NBF209": _warning(
        "Setup cell makes data",
        "Every later task runs the setup cell again, so its data are made again each time.",
        "Tag the cell as a task; its data are then made once and handed on.",
    ),
    "NBF210": _warning(
        "Safe order",
        "The cell does something whose effects can't be told from the page, so the task waits for "
        "all earlier tasks and gets every variable bound so far.",
        "Name the variables with `reads:` and `writes:` tags, or write the code so that they show.",
    ),
    "NBF211": _info(
        "Tasks share one kernel",
        "A value can't be stored, so the tasks that use it run one after another in one live kernel, "
        "and a retry starts with the first of them.",
        "Hand on something that can be stored (a list for a generator, a path for an open file) to "
        "let the tasks run on their own.",
    ),
    "NBF212": _warning(
        "Second parameters cell",
        "Only the first cell tagged `parameters` takes the run's values.",
        "Put all parameters into the first one.",
    ),
    "NBF213": _warning(
        "Cell tags inside a whole-notebook task",
        "The notebook's metadata make it one task of a larger DAG, so its cells' tags don't count.",
        "Remove the tags, or the `task` object in the notebook's metadata.",
    ),
    "NBF214": _error(
        "Two tasks of one name",
        "Names are unique in a DAG without regard to case.",
        "Rename one of them.",
    ),
    "NBF215": _error(
        "Unknown task or variable in inputs",
        "An input of a whole-notebook task names a task, or a variable, that no notebook of the DAG "
        "puts out.",
        "Correct it, or add the variable to the other notebook's `outputs`.",
    ),
    "NBF216": _error(
        "Settings of the DAG differ",
        "Two notebooks of one DAG both hold its settings, and they differ; or two DAGs have one id.",
        "Keep the `dag` object in one notebook.",
    ),
    "NBF217": _warning(
        "No analysis for this language",
        "Dependencies are inferred for Python only; these tasks run in page order in one kernel.",
        "Nothing, if that is what you want.",
    ),
    "NBF218": _error(
        "Bad option of a task",
        "A `when` or `foreach` option can't be read as an expression.",
        "`when` takes a Python expression, `foreach` is written `NAME in EXPRESSION`.",
    ),
    "NBF220": _error(
        "Schedule that can't be kept",
        "The schedule is no cron expression, preset, interval or single time, never fires, or has "
        "times that nobody could predict.",
        "Write cron of 5 fields (6 with seconds last), `@daily` and its family, `every 15m`, or "
        "`once 2026-12-01T09:00`.",
    ),
    "NBF221": _error(
        "Unknown time zone",
        "The time zone is not in the IANA database.",
        "Use a name such as `Europe/Berlin`, `Asia/Seoul` or `UTC`.",
    ),
    "NBF222": _error(
        "Bad date of a schedule",
        "A date or time can't be read, or the end lies before the start.",
        "Write dates as `2026-12-01`, times as `2026-12-01T09:00`.",
    ),
    "NBF223": _error(
        "Schedule that fires too often",
        "Two fires lie closer together than the DAG's shortest period.",
        "Fire less often, or set `min_period`.",
    ),
    "NBF300": _error(
        "Syntax error",
        "The cell is neither Python nor anything that IPython turns into Python.",
        "Mend the named line, or tag the cell `skip` to leave it out of the DAG.",
    ),
    "NBF301": _warning(
        "A method may change its object",
        "Nobody can tell from the page whether the method changes the object; the change is "
        "assumed, so later readers wait for this task.",
        "Tag the task `ignores:NAME` if it does not, or `writes:NAME` if it does.",
    ),
    "NBF302": _info(
        "Two names for one object",
        "The object is changed under one name and known under another as well: both get a new "
        "version.",
        "Copy the object first if only one of the names is meant.",
    ),
    "NBF303": _info(
        "A function binds a global name",
        "The name is bound only when the function is called; a call counts as a write.",
        "Return the value and bind the name where the function is called.",
    ),
    "NBF304": _info(
        "A call changes names of the notebook",
        "A function that another cell defines binds or changes a name of the notebook here.",
        "Pass the object in and return the result to make the dependency visible.",
    ),
    "NBF305": _info(
        "A value that can't be stored",
        "Generators, open files, connections, locks and the like live in one kernel only: the "
        "tasks that share one run as a kernel group.",
        "Keep a list, a path or a query instead, where that is possible.",
    ),
    "NBF306": _info(
        "A star import",
        "Every public name of the module becomes a name of the notebook.",
        "Import the names that are used.",
    ),
    "NBF307": _info(
        "A shell command",
        "A shell command may read and write any file; it is ordered against all file access of "
        "other tasks.",
        "Use Python's own functions with literal paths where order matters.",
    ),
    "NBF308": _info(
        "Process-wide state is set",
        "A seed, the working directory or an environment variable is set for the whole process; "
        "it is carried to the later tasks that use it.",
        "Use a generator object, absolute paths or arguments instead.",
    ),
    "NBF309": _info(
        "The cell writes a file",
        "Tasks that read the file wait for this one.",
        "Nothing to do.",
    ),
    "NBF310": _warning(
        "Names that nobody can list",
        "The code binds or reads names that the page does not show (`exec`, `globals()`, `%run`, a "
        "star import that can't be resolved); the task takes the safe order.",
        "Write the code out, or import it from a module.",
    ),
    "NBF311": _warning(
        "Output history",
        "`_`, `Out` and `In` exist only in a kernel that ran all earlier cells: the task joins a "
        "kernel group with all earlier tasks.",
        "Give the value a name.",
    ),
    "NBF401": _error(
        "Bad parameter",
        "A parameter is unknown, is no identifier, or its value does not fit its type.",
        "Correct the name or the value; the error lists the known names.",
    ),
    "NBF402": _error(
        "Parameter too large",
        "A value may have 64 kB, all values together 1 MB.",
        "Put the data into a file and pass its path.",
    ),
    "NBF501": _error(
        "The run ended, but not well",
        "At least one task failed, or the run was cancelled; the message names the tasks with their "
        "errors and cells.",
        "Mend the cell that is named and run again.",
    ),
    "NBF502": _error(
        "A kernel or a slot could not do its work",
        "The process that runs tasks, or the kernel in it, ended or broke off in a way that has no code of its own.",
        "Read the log that is named; run again.",
    ),
    "NBF503": _error(
        'Kernel not started',
        'The kernel that the notebook names is not installed, ended at once, or did not answer in time.',
        "Install it, or choose an installed kernel in the notebook; `nbflow info` lists them. The attempt's kernel.log holds what it wrote.",
    ),
    "NBF504": _error(
        'Kernel died',
        "The kernel's process ended while a cell ran: a crash in native code, an exit, or the system's out-of-memory killer.",
        "Read the attempt's log; give the task less data or more memory.",
    ),
    "NBF505": _error(
        'Environment variable refused',
        "A task may not set variables that steer the interpreter or nbflow: LD_*, PYTHON*, PATH, NBFLOW_*, and names that aren't upper case.",
        'Choose another name, or set it for the whole process.',
    ),
    "NBF506": _error(
        'Kernel left no answer',
        'The kernel was asked to load, replay or store something and did not answer.',
        "Read the attempt's log and kernel.log in its folder.",
    ),
    "NBF507": _error(
        'Live kernel gone',
        'Tasks that share a live kernel need it, and its process or its slot has ended.',
        'Nothing to do: the group starts again in a new kernel.',
    ),
    "NBF512": _error(
        "Unknown task in a selector",
        "The selector names a task that the DAG does not have.",
        "Name one of the tasks listed: `train`, `+train`, `train+`, `+train+`.",
    ),
    "NBF513": _error(
        "Nothing stored for a task that is left out",
        "A selected task reads what a left-out task makes, and no earlier run stored it.",
        "Run the left-out task, too: `--select +NAME`.",
    ),
    "NBF514": _error(
        "One notebook is needed",
        "The command works on one notebook, not on a folder.",
        "Name the notebook's file.",
    ),
    "NBF601": _error(
        "The metastore refused",
        "The database answered a question or a change with an error of its own, which the message quotes.",
        "Run `nbflow db check`; it says whether the metastore is sound.",
    ),
    "NBF602": _error(
        "The schema does not fit",
        "The metastore was made by an older or a newer nbflow, or a migration was interrupted.",
        "Older: `nbflow db migrate`. Newer: upgrade nbflow here, or `nbflow db downgrade` with the newer one.",
    ),
    "NBF603": _error(
        "Somebody else was first",
        "The row was changed by another process after it was read; nothing was written.",
        "Nothing to do: what is due is decided anew.",
    ),
    "NBF604": _error(
        "The metastore is locked",
        "Another process held the write lock for longer than 30 seconds; nothing was written.",
        "Try again, or end the process that holds it.",
    ),
    "NBF605": _error(
        "No metastore can be kept there",
        "The address is no database URL, or one of a kind that nbflow does not work with, or its driver is missing.",
        "Use sqlite, postgresql or mariadb, and install the extra of that name.",
    ),
    "NBF606": _error(
        "SQLite on a network file system",
        "SQLite's write-ahead log needs shared memory, which network file systems don't give; the file would be damaged.",
        "Move NBFLOW_HOME to a local disk, or use PostgreSQL or MariaDB.",
    ),
    "NBF607": _error(
        "The metastore can't be written",
        "The file or its folder is read-only, or belongs to somebody else.",
        "Check owner and mode of the file and its folder, or set NBFLOW_HOME to another one.",
    ),
    "NBF608": _error(
        "The metastore can't grow",
        "The disk is full, or a limit on the file's size was met; nothing was written.",
        "Free some space; work goes on then.",
    ),
    "NBF609": _error(
        "The database server does not answer",
        "The connection was refused, or broke, more often than nbflow tries again.",
        "Check that the server runs and that NBFLOW_DATABASE_URL is right.",
    ),
    "NBF610": _error(
        "The store can't be used",
        "The folder of values, executed notebooks and logs can't be read or written.",
        "See that NBFLOW_HOME is yours, writable and has room.",
    ),
    "NBF611": _error(
        "The DAGs folder can't be written to",
        "The examples could not be copied.",
        "Choose another NBFLOW_HOME, or make room.",
    ),
    "NBF612": _error(
        "A move that there is not",
        "Code asked for a change of state that the model does not know; nothing was written.",
        "This is a mistake in nbflow; please report it.",
    ),
    "NBF613": _error(
        "Not in the metastore",
        "There is no DAG, version, run or task of that name.",
        "`nbflow dags list` and `nbflow runs list` show what there is.",
    ),
    "NBF614": _error(
        "More slots than the pool has",
        "A task would wait for ever for slots that its pool does not have.",
        "Lower its `pool_slots`, or make the pool larger.",
    ),
    "NBF615": _error(
        "The attempt is no longer the live one",
        "Its lease ended, or it was handed back, before its result came; the result does not count.",
        "Nothing to do: the task is tried again.",
    ),
    "NBF616": _error(
        "There is no metastore",
        "Nothing is at the address, and the verb makes none.",
        "Run `nbflow db init`.",
    ),
    "NBF617": _error(
        "The metastore is damaged",
        "The file is no sound database any more: truncated, overwritten, or changed from outside. nbflow never replaces it by itself.",
        "Stop nbflow, keep a copy, run `nbflow db check`, then put a backup in its place.",
    ),
    "NBF641": _error(
        "No space left in the store",
        "The disk or the quota of the folder of values, notebooks and logs is full; nothing was left half-written.",
        "Free space on that disk.",
    ),
    "NBF642": _error(
        "The store can't be written",
        "The folder of values, notebooks and logs is read-only or belongs to another account.",
        "Give this account the right to write there, or set `NBFLOW_HOME` to another folder.",
    ),
    "NBF643": _error(
        "Not in the store",
        "A value, notebook or log that a run names is not there.",
        "Run the task again to make it anew.",
    ),
    "NBF644": _error(
        "A path leads outside of the store",
        "A name or a link would reach a file that is not nbflow's.",
        "Remove the link; names of runs and files are made by nbflow alone.",
    ),
    "NBF645": _error(
        "A stored value is damaged",
        "Its bytes are not those that were written, or another installation signed it.",
        "Run the task that made it again.",
    ),
    "NBF646": _error(
        "The key of stored values can't be used",
        "The file `value.key` in the store is too short, or others can read it.",
        "Restore it, or delete it: a new key is made, and stored values are made anew.",
    ),
    "NBF701": _error(
        "The picture was refused",
        "A drawn DAG passes a last check that only lets known SVG elements and attributes out; "
        "this one held something else.",
        "This is a fault in nbflow; `nbflow show --format text` draws without a picture.",
    ),
    "NBF702": _error(
        "No such form of a DAG",
        "A DAG is drawn as svg, png, dot, json or text; a file's ending names the form.",
        "Use one of these names or endings.",
    ),
    "NBF704": _error(
        "A file can't be written",
        "The folder does not exist, is full, or may not be written to.",
        "Choose another path for `--output`.",
    ),
    "NBF705": _error(
        "Several DAGs, none named",
        "The folder holds several DAGs and the verb works on one.",
        "Name it with `--dag`.",
    ),
    "NBF706": _error(
        "Unknown theme",
        "A picture is drawn in the colours `light`, `dark` or `auto`.",
        "Use one of the three.",
    ),
    "NBF707": _error(
        "A picture can't be shown in a terminal",
        "PNG is binary.",
        "Write it to a file with `--output`, or redirect the output.",
    ),
    "NBF708": _error(
        "A setting can't be meant",
        "An environment variable of nbflow has a value that does not fit.",
        "Correct or unset the variable; `nbflow config` shows what is in force.",
    ),
    "NBF709": _error(
        "A parameter is not written as NAME=VALUE",
        "`-p` takes the name of a parameter, an equals sign and a value.",
        "Write for example `-p target=0.9`.",
    ),
    "NBF710": _error(
        "Which notebook is meant is not known",
        "`%dag` reads the saved file of the notebook it stands in; the kernel doesn't say which "
        "that is, or the file is not there.",
        "Save the notebook, restart the kernel after renaming it, or name the file: `%dag PATH`.",
    ),
    "NBF711": _error(
        "The `%dag` line can't be read",
        "It holds an option, a name or a value that `%dag` doesn't know.",
        "`%dag help` shows the usage.",
    ),
    "NBF712": _error(
        "A task can't start a run",
        "A cell of the DAG runs a notebook with nbflow; of its own notebook that would never end.",
        "Tag the cell `skip`. Lines that begin with `%dag` need nothing: they are left out of runs.",
    ),
    "NBF713": _error(
        "The examples are not part of this installation",
        "They ship in the wheel and lie beside the package in a checkout; here they are in neither place.",
        "Install jupyter-nbflow from a wheel, or say `nbflow db init --without-examples`.",
    ),
    "NBF900": _error(
        "nbflow itself failed",
        "Something happened that nbflow did not foresee; the log file holds what is needed to find it.",
        "Report it with the log file; `NBFLOW_DEBUG=1` prints the traceback at once.",
    ),
    "NBF901": _error(
        "The call can't be carried out as written",
        "An argument does not fit.",
        "Read the hint, or the verb's `--help`.",
    ),
    "NBF902": _error(
        "Not found",
        "There is no DAG, run, task or file of that name.",
        "Look at `nbflow dags list`, `nbflow runs list` or `nbflow show`.",
    ),
}  # fmt: skip


def code_info(code: str) -> CodeInfo:
    """Return what is known of a code; KeyError for one that is not registered."""
    return CODES[code]
