"""Codes of reading notebooks and of the format's grammar: NBF0xx, NBF1xx."""

from nbflow.model.code_info import CodeInfo, error, warning

NOTEBOOK_CODES: dict[str, CodeInfo] = {
    "NBF001": error(
        "File can't be read",
        "There is no such file, it is a folder, or its permissions don't let us read it.",
        "Check the path and the permissions.",
    ),
    "NBF002": error(
        "File too large",
        "Notebooks of 50 MB and more are not read; nearly all of it is output.",
        "Clear the outputs and save the notebook again.",
    ),
    "NBF003": error(
        "Not UTF-8 text",
        "The file is binary data, text in another encoding, or holds half a character (a lone surrogate).",
        "Save it again with the encoding UTF-8.",
    ),
    "NBF004": error(
        "Not JSON",
        "The file is empty, cut short, holds the marks of a merge conflict, or is no JSON for another reason.",
        "Resolve the conflict, restore the file, or save it again in Jupyter.",
    ),
    "NBF005": error(
        "Beyond the limits of a notebook",
        "The file nests lists and objects more than 100 levels deep, or holds a number with thousands of digits.",
        "Restore the file, or clear its outputs.",
    ),
    "NBF006": error(
        "Not a notebook",
        "The file is JSON, but lacks what every notebook has, or has it in another shape.",
        "Save it again in Jupyter, or restore it.",
    ),
    "NBF007": error(
        "Notebook format not supported",
        "Versions 4 and 3 of the notebook format are read.",
        "Convert the notebook with nbconvert.",
    ),
    "NBF008": error(
        "Text notebook can't be read",
        "Jupytext could not read the script or Markdown file.",
        "Check its header.",
    ),
    "NBF009": warning(
        "Duplicate cell id",
        "Two cells have one id; the later one is called by its position.",
        "Save the notebook in Jupyter once.",
    ),
    "NBF010": warning(
        "Irregular file",
        "The file has a byte order mark, NaN, or half a character in an output; it was read all the same.",
        "Save it again in Jupyter.",
    ),
    "NBF011": error(
        "File can't be written",
        "The notebook could not be saved; the old file is untouched.",
        "Check the folder's permissions and the space on the disk.",
    ),
    "NBF101": error(
        "Bad task name",
        "A name is letters, digits, `_`, `.` and `-`, the first a letter or digit, at most 100 characters.",
        "Rename the task.",
    ),
    "NBF102": error(
        "Bad variable name",
        "`reads:`, `writes:` and `ignores:` take the bare name of a variable.",
        "Write it like `reads:df`.",
    ),
    "NBF103": error(
        "Two roles",
        "A cell has two `task:` tags, or `task:` beside `setup` or `skip`.",
        "Keep one of them.",
    ),
    "NBF104": warning(
        "Tag that looks like one of nbflow's",
        "The tag is nearly one of nbflow's, such as `Task:x`; it is ignored.",
        "Write it as the hint says, or rename it.",
    ),
    "NBF105": error(
        "Bad %% line",
        "The first line `%%task`, `%%setup` or `%%skip` can't be read.",
        "Write `%%task NAME --option VALUE`.",
    ),
    "NBF106": error(
        "Tag and %% line contradict each other",
        "The cell's tags or metadata and its first line say different things.",
        "Keep one of them.",
    ),
    "NBF107": warning(
        "Second parameters cell",
        "Only the first cell tagged `parameters` holds the parameters, as for papermill.",
        "Move them into one cell.",
    ),
    "NBF108": warning(
        "Tag without effect",
        "Markdown, raw and empty cells belong to no task.",
        "Move the tag to a code cell.",
    ),
    "NBF110": error(
        "Bad option",
        "The value of an option is not one it can have.",
        "Correct the value; the reference lists the options.",
    ),
    "NBF111": warning(
        "Unknown option",
        "The key is none that nbflow knows; it is ignored.",
        "Correct or remove it.",
    ),
    "NBF112": error(
        "Metadata of the wrong shape",
        "`metadata.nbflow`, its `dag` or its `task` is not an object.",
        "Write it as the reference shows.",
    ),
    "NBF113": warning(
        "Option without effect",
        "Options count on the first cell of a task only.",
        "Move them there.",
    ),
    "NBF114": error(
        "Bad expression",
        "`when` and `foreach` hold Python expressions.",
        "Correct the expression.",
    ),
    "NBF115": warning(
        "Tags inside a whole-notebook task",
        "The whole notebook is one task, so tags of its cells don't count.",
        "Remove the tags, or the task object.",
    ),
    "NBF117": error(
        "Bad trigger",
        "An entry of `on` is not one that can be watched: another DAG, files, code, or a metric compared with a number.",
        'Write for example `{"dag": "etl"}`, `{"files": "data/*.csv"}`, `"code"` or `{"metric": "metric(\\"accuracy\\") < 0.9"}`.',
    ),
    "NBF118": error(
        "Bad notification",
        "An entry of `notify` names nobody that can be told, an unknown event, or a template with an unknown place.",
        'Write for example `{"email": "ada@example.org"}`, `{"slack": "$SLACK_URL"}` or `{"webhook": "https://example.org/hook", "on": ["failure"]}`.',
    ),
    "NBF119": error(
        "An address that must not be reached",
        "Notifications go to public hosts by https only, so that a notebook can't reach into the network that the scheduler stands in.",
        "Use a public https:// address; an administrator can allow internal hosts with `NBFLOW_NOTIFY_ALLOW`.",
    ),
    "NBF116": error(
        "Newer metadata",
        "`metadata.nbflow.version` is not one that this release reads.",
        "Install a newer jupyter-nbflow.",
    ),
    "NBF120": error(
        "Bad kernel name",
        "The kernel name in the metadata is none that can exist.",
        "Choose a kernel in Jupyter and save.",
    ),
}
