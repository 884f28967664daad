"""Codes of parameters, runs, the metastore and the faces: NBF4xx and above."""

from nbflow.model.code_info import CodeInfo, error

RUN_CODES: dict[str, CodeInfo] = {
    "NBF401": error(
        "Bad parameter",
        "A parameter is unknown, is no identifier, or its value does not fit its type.",
        "Correct the name or the value; the error lists the known names.",
    ),
    "NBF402": error(
        "Parameter too large",
        "A value may have 64 kB, all values together 1 MB.",
        "Put the data into a file and pass its path.",
    ),
    "NBF403": error(
        "Unknown name in a template",
        "`{{ … }}` in a parameter's value can hold a name that every run has, and nothing else.",
        "Use `logical_date`, `data_interval_start`, `data_interval_end`, `ds` or `run_id`; a backslash before the braces leaves them as they are.",
    ),
    "NBF404": error(
        "Not a date",
        "`--date` takes a day or an instant in ISO form.",
        "Write for example `--date 2026-11-01` or `--date 2026-11-01T09:00+09:00`.",
    ),
    "NBF405": error(
        "Not a metric",
        "`nbflow.metric` was called with a name of no or too many characters, or with a value that is no finite number.",
        'Write for example `nbflow.metric("accuracy", 0.91)`.',
    ),
    "NBF501": error(
        "The run ended, but not well",
        "At least one task failed, or the run was cancelled; the message names the tasks with their "
        "errors and cells.",
        "Mend the cell that is named and run again.",
    ),
    "NBF502": error(
        "A kernel or a slot could not do its work",
        "The process that runs tasks, or the kernel in it, ended or broke off in a way that has no code of its own.",
        "Read the log that is named; run again.",
    ),
    "NBF503": error(
        "Kernel not started",
        "The kernel that the notebook names is not installed, ended at once, or did not answer in time.",
        "Install it, or choose an installed kernel in the notebook; `nbflow info` lists them. The attempt's kernel.log holds what it wrote.",
    ),
    "NBF504": error(
        "Kernel died",
        "The kernel's process ended while a cell ran: a crash in native code, an exit, or the system's out-of-memory killer.",
        "Read the attempt's log; give the task less data or more memory.",
    ),
    "NBF505": error(
        "Environment variable refused",
        "A task may not set variables that steer the interpreter or nbflow: LD_*, PYTHON*, PATH, NBFLOW_*, and names that aren't upper case.",
        "Choose another name, or set it for the whole process.",
    ),
    "NBF506": error(
        "Kernel left no answer",
        "The kernel was asked to load, replay or store something and did not answer.",
        "Read the attempt's log and kernel.log in its folder.",
    ),
    "NBF507": error(
        "Live kernel gone",
        "Tasks that share a live kernel need it, and its process or its slot has ended.",
        "Nothing to do: the group starts again in a new kernel.",
    ),
    "NBF508": error(
        "Out of time",
        "The attempt took longer than the task's `timeout` and was ended.",
        "Give the task more time, or less to do.",
    ),
    "NBF509": error(
        "Too much output",
        "The cells wrote more than an attempt may; it was ended.",
        "Print less, or write to a file.",
    ),
    "NBF510": error(
        "A value can't be stored",
        "Later tasks need the value, it can't be stored, and no live kernel can stand in for it.",
        "Keep such values inside one task, or hand on what they were made of.",
    ),
    "NBF512": error(
        "Unknown task in a selector",
        "The selector names a task that the DAG does not have.",
        "Name one of the tasks listed: `train`, `+train`, `train+`, `+train+`.",
    ),
    "NBF513": error(
        "Nothing stored for a task that is left out",
        "A selected task reads what a left-out task makes, and no earlier run stored it.",
        "Run the left-out task, too: `--select +NAME`.",
    ),
    "NBF514": error(
        "One notebook is needed",
        "The command works on one notebook, not on a folder.",
        "Name the notebook's file.",
    ),
    "NBF521": error(
        "An input was never stored",
        "A task can only be opened with what the tasks before it stored in that run, and one of them stored nothing.",
        "Open the task that failed, or let the run go on first: `nbflow runs clear RUN --only-failed`.",
    ),
    "NBF522": error(
        "The inputs can't be loaded",
        "A stored value or a setup cell could not be brought into the kernel, or the kernel is not Python.",
        "Read the message; `nbflow runs clear RUN --task TASK` makes a task's values anew.",
    ),
    "NBF601": error(
        "The metastore refused",
        "The database answered a question or a change with an error of its own, which the message quotes.",
        "Run `nbflow db check`; it says whether the metastore is sound.",
    ),
    "NBF602": error(
        "The schema does not fit",
        "The metastore was made by an older or a newer nbflow, or a migration was interrupted.",
        "Older: `nbflow db migrate`. Newer: upgrade nbflow here, or `nbflow db downgrade` with the newer one.",
    ),
    "NBF603": error(
        "Somebody else was first",
        "The row was changed by another process after it was read; nothing was written.",
        "Nothing to do: what is due is decided anew.",
    ),
    "NBF604": error(
        "The metastore is locked",
        "Another process held the write lock for longer than 30 seconds; nothing was written.",
        "Try again, or end the process that holds it.",
    ),
    "NBF605": error(
        "No metastore can be kept there",
        "The address is no database URL, or one of a kind that nbflow does not work with, or its driver is missing.",
        "Use sqlite, postgresql or mariadb, and install the extra of that name.",
    ),
    "NBF606": error(
        "SQLite on a network file system",
        "SQLite's write-ahead log needs shared memory, which network file systems don't give; the file would be damaged.",
        "Move NBFLOW_HOME to a local disk, or use PostgreSQL or MariaDB.",
    ),
    "NBF607": error(
        "The metastore can't be written",
        "The file or its folder is read-only, or belongs to somebody else.",
        "Check owner and mode of the file and its folder, or set NBFLOW_HOME to another one.",
    ),
    "NBF608": error(
        "The metastore can't grow",
        "The disk is full, or a limit on the file's size was met; nothing was written.",
        "Free some space; work goes on then.",
    ),
    "NBF609": error(
        "The database server does not answer",
        "The connection was refused, or broke, more often than nbflow tries again.",
        "Check that the server runs and that NBFLOW_DATABASE_URL is right.",
    ),
    "NBF610": error(
        "The store can't be used",
        "The folder of values, executed notebooks and logs can't be read or written.",
        "See that NBFLOW_HOME is yours, writable and has room.",
    ),
    "NBF611": error(
        "The DAGs folder can't be written to",
        "The examples could not be copied.",
        "Choose another NBFLOW_HOME, or make room.",
    ),
    "NBF612": error(
        "A move that there is not",
        "Code asked for a change of state that the model does not know; nothing was written.",
        "This is a mistake in nbflow; please report it.",
    ),
    "NBF613": error(
        "Not in the metastore",
        "There is no DAG, version, run or task of that name.",
        "`nbflow dags list` and `nbflow runs list` show what there is.",
    ),
    "NBF614": error(
        "More slots than the pool has",
        "A task would wait for ever for slots that its pool does not have.",
        "Lower its `pool_slots`, or make the pool larger.",
    ),
    "NBF615": error(
        "The attempt is no longer the live one",
        "Its lease ended, or it was handed back, before its result came; the result does not count.",
        "Nothing to do: the task is tried again.",
    ),
    "NBF616": error(
        "There is no metastore",
        "Nothing is at the address, and the verb makes none.",
        "Run `nbflow db init`.",
    ),
    "NBF617": error(
        "The metastore is damaged",
        "The file is no sound database any more: truncated, overwritten, or changed from outside. nbflow never replaces it by itself.",
        "Stop nbflow, keep a copy, run `nbflow db check`, then put a backup in its place.",
    ),
    "NBF618": error(
        "Two backfills of the same slots",
        "Another backfill of the DAG is about some of the slots and has not ended.",
        "Wait for its end, cancel it, or choose a range beside its own.",
    ),
    "NBF619": error(
        "The DAG has runs that go on",
        "A DAG is deleted when none of its runs is under way.",
        "Cancel them (`nbflow runs cancel --dag DAG`) or wait for their end, then delete it again.",
    ),
    "NBF620": error(
        "The pool is needed",
        "Tasks that are deployed, or of runs that go on, take slots of it; the default pool always stays.",
        "Give these tasks another pool first.",
    ),
    "NBF621": error(
        "Something can't go on by itself",
        "A scheduler can't plan, decide, start or tell of one thing (a DAG's schedule, a version, a run, a trigger, a notification), for a reason that nobody foresaw, or because what the metastore holds of it can't be read. Everything else goes on; this is tried again with longer and longer pauses.",
        "Read the message and the scheduler's log. `nbflow db check` tells if rows are damaged: put a backup in their place, or deploy the DAG again, or delete the run.",
    ),
    "NBF641": error(
        "No space left in the store",
        "The disk or the quota of the folder of values, notebooks and logs is full; nothing was left half-written.",
        "Free space on that disk.",
    ),
    "NBF642": error(
        "The store can't be written",
        "The folder of values, notebooks and logs is read-only or belongs to another account.",
        "Give this account the right to write there, or set `NBFLOW_HOME` to another folder.",
    ),
    "NBF643": error(
        "Not in the store",
        "A value, notebook or log that a run names is not there.",
        "Run the task again to make it anew.",
    ),
    "NBF644": error(
        "A path leads outside of the store",
        "A name or a link would reach a file that is not nbflow's.",
        "Remove the link; names of runs and files are made by nbflow alone.",
    ),
    "NBF645": error(
        "A stored value is damaged",
        "Its bytes are not those that were written, or another installation signed it.",
        "Run the task that made it again.",
    ),
    "NBF646": error(
        "The key of stored values can't be used",
        "The file `value.key` in the store is too short, or others can read it.",
        "Restore it, or delete it: a new key is made, and stored values are made anew.",
    ),
    "NBF661": error(
        "The run has not ended",
        "Only a run that has ended can be deleted, or moved to the deployed version by a clear. Tasks of "
        "a run that goes on can be cleared if schedulers drive it and nobody cancels it.",
        "Wait for its end, or end it with `nbflow runs cancel RUN`.",
    ),
    "NBF662": error(
        "Nothing to clear",
        "No task was named, or none of the run's tasks is in the state that was asked for.",
        "Name tasks with `--task`, or say `--only-failed` or `--all`; `nbflow runs show RUN` tells their states.",
    ),
    "NBF663": error(
        "A task that is to be cleared is busy",
        "In a run that goes on a task can be cleared unless it runs at this moment, a task runs that "
        "takes its results, or it shares a live kernel with others.",
        "Wait for its end, or end the run with `nbflow runs cancel RUN`, then clear it.",
    ),
    "NBF664": error(
        "Somebody else deployed meanwhile",
        "The deploy was to take the place of one version, and another one is deployed: of another "
        "person or page, a script or the scheduler's. Nothing was deployed.",
        "Look at what differs from what is deployed now, then deploy again. In JupyterLab the dialog "
        "shows it by itself.",
    ),
    "NBF665": error(
        "The file was changed",
        "What is deployed is the file, and it was changed since the comparison: in another window, by "
        "another person or by a program. Nothing was deployed.",
        "Load the notebook again from disk (*File → Reload Notebook from Disk*) or save yours, then "
        "deploy again.",
    ),
    "NBF701": error(
        "The picture was refused",
        "A drawn DAG passes a last check that only lets known SVG elements and attributes out; "
        "this one held something else.",
        "This is a fault in nbflow; `nbflow show --format text` draws without a picture.",
    ),
    "NBF702": error(
        "No such form of a DAG",
        "A DAG is drawn as svg, png, dot, json or text; a file's ending names the form.",
        "Use one of these names or endings.",
    ),
    "NBF704": error(
        "A file can't be written",
        "The folder does not exist, is full, or may not be written to.",
        "Choose another path for `--output`.",
    ),
    "NBF705": error(
        "Several DAGs, none named",
        "The folder holds several DAGs and the verb works on one.",
        "Name it with `--dag`.",
    ),
    "NBF706": error(
        "Unknown theme",
        "A picture is drawn in the colours `light`, `dark` or `auto`.",
        "Use one of the three.",
    ),
    "NBF707": error(
        "A picture can't be shown in a terminal",
        "PNG is binary.",
        "Write it to a file with `--output`, or redirect the output.",
    ),
    "NBF708": error(
        "A setting can't be meant",
        "An environment variable of nbflow has a value that does not fit.",
        "Correct or unset the variable; `nbflow config` shows what is in force.",
    ),
    "NBF709": error(
        "A parameter is not written as NAME=VALUE",
        "`-p` takes the name of a parameter, an equals sign and a value.",
        "Write for example `-p target=0.9`.",
    ),
    "NBF710": error(
        "Which notebook is meant is not known",
        "`%dag` reads the saved file of the notebook it stands in; the kernel doesn't say which "
        "that is, or the file is not there.",
        "Save the notebook, restart the kernel after renaming it, or name the file: `%dag PATH`.",
    ),
    "NBF711": error(
        "The `%dag` line can't be read",
        "It holds an option, a name or a value that `%dag` doesn't know.",
        "`%dag help` shows the usage.",
    ),
    "NBF712": error(
        "A task can't start a run",
        "A cell of the DAG runs a notebook with nbflow; of its own notebook that would never end.",
        "Tag the cell `skip`. Lines that begin with `%dag` need nothing: they are left out of runs.",
    ),
    "NBF713": error(
        "The examples are not part of this installation",
        "They ship in the wheel and lie beside the package in a checkout; here they are in neither place.",
        "Install jupyter-nbflow from a wheel, or say `nbflow db init --without-examples`.",
    ),
    "NBF715": error(
        "The notebook itself would be replaced",
        "The executed notebook was to be written to the file of a notebook of the DAG, whose text would be lost.",
        "Name another file.",
    ),
    "NBF716": error(
        "A scheduler works already",
        "A scheduler was to be started in the background, and one that was started so works for the same home.",
        "Leave it as it is, end it (SIGTERM), or start one beside it with `--another`: nothing runs twice.",
    ),
    "NBF717": error(
        "The scheduler did not come to work",
        "It was started in the background and ended at once, or took longer than a minute.",
        "Its log says why; `nbflow scheduler` in a terminal shows the same.",
    ),
    "NBF720": error(
        "The request can't be read",
        "The body is no JSON, is nested too deep, or stands where none belongs; or the address can't be meant.",
        "Send what docs/reference/api.md describes.",
    ),
    "NBF721": error(
        "A field doesn't fit",
        "The request has a field that the call doesn't know, or lacks one, or its value is of another kind.",
        "The page of the API lists the fields of each call.",
    ),
    "NBF722": error(
        "Not allowed",
        "Nobody is logged in, the request came from another site, or the server's authoriser refuses it.",
        "Log in to the Jupyter server, or send its token.",
    ),
    "NBF723": error(
        "The request is too large",
        "Notebooks may have 50 MB, other requests 10 MB.",
        "Clear the notebook's outputs, or send less at once.",
    ),
    "NBF724": error(
        "The body is of the wrong kind",
        "The API takes JSON only: a form of another site can't send that unnoticed.",
        "Send the header `Content-Type: application/json`, and nothing compressed.",
    ),
    "NBF725": error(
        "The address doesn't take this method",
        "It exists, but not for this method; the header `Allow` lists those that it takes.",
        "The page of the API lists the methods of each address.",
    ),
    "NBF726": error(
        "Too many calls wait for an answer",
        "The server answers as fast as it can, and takes no more until some are answered.",
        "Wait as long as the header `Retry-After` says, and ask again.",
    ),
    "NBF900": error(
        "nbflow itself failed",
        "Something happened that nbflow did not foresee; the log file holds what is needed to find it.",
        "Report it with the log file; `NBFLOW_DEBUG=1` prints the traceback at once.",
    ),
    "NBF901": error(
        "The call can't be carried out as written",
        "An argument does not fit.",
        "Read the hint, or the verb's `--help`.",
    ),
    "NBF902": error(
        "Not found",
        "There is no DAG, run, task or file of that name.",
        "Look at `nbflow dags list`, `nbflow runs list` or `nbflow show`.",
    ),
}
