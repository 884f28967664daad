"""The compiler's findings, collected while it goes on: all of them at once, never the first only."""

from collections.abc import Iterable

from nbflow.compiler.drafts import Need
from nbflow.compiler.effects import Finding
from nbflow.compiler.versions import Version
from nbflow.model.codes import CODES
from nbflow.model.dag import Place
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId, TaskName
from nbflow.model.sentence import CellName, Sentence


class Findings:
    """Diagnostics in the order they were found, without doubles."""

    def __init__(self, diagnostics: Iterable[Diagnostic] = ()) -> None:
        self._found: dict[Diagnostic, None] = dict.fromkeys(diagnostics)

    def all(self) -> tuple[Diagnostic, ...]:
        """Return everything found so far."""
        return tuple(self._found)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Note what another collection found."""
        for diagnostic in diagnostics:
            self._found.setdefault(diagnostic)

    def add(
        self,
        code: str,
        message: str,
        *,
        place: Place | None = None,
        hint: str = "",
        path: str | None = None,
    ) -> None:
        """Note one finding; severity and, by default, the hint are the code's own."""
        info = CODES[code]
        diagnostic = Diagnostic(
            code=code,
            severity=info.severity,
            message=message,
            hint=hint or info.remedy,
            cell=place.cell if place else None,
            line=place.line if place else None,
            path=path,
        )
        self._found.setdefault(diagnostic)

    def of_analysis(
        self, cell: CellId, findings: Iterable[Finding], path: str | None = None
    ) -> None:
        """Note what the analysis of a cell found; ``path`` where the DAG has several notebooks."""
        for finding in findings:
            place = Place(cell=cell, line=finding.line)
            self.add(finding.code, finding.message, place=place, hint=finding.hint, path=path)

    def unbound(self, name: str, place: Place, *, guarded: bool) -> None:
        """Note a name that no earlier cell binds."""
        if guarded:
            self.add(
                "NBF204",
                Sentence("'{name}' may be read before any cell binds it", name=name),
                place=place,
            )
        else:
            self.add(
                "NBF203",
                Sentence("'{name}' is read before any cell binds it", name=name),
                place=place,
            )

    def deleted(self, name: str, place: Place, deletion: Place) -> None:
        """Note the use of a deleted name."""
        self.add(
            "NBF205",
            Sentence(
                "'{name}' is read, but cell {cell} deleted it in line {line}",
                name=name,
                cell=CellName(deletion.cell),
                line=deletion.line,
            ),
            place=place,
        )

    def two_versions(
        self, task: TaskName, name: str, known: Need, version: Version, place: Place
    ) -> None:
        """Note a task that would have to load two versions of one name."""
        self.add(
            "NBF206",
            Sentence(
                "task '{task}' needs two versions of '{name}': the one of cell {cell} and the one of cell {cell2}",
                task=task,
                name=name,
                cell=CellName(known.version.cell),
                cell2=CellName(version.cell),
            ),
            place=place,
        )

    def between(
        self, task: TaskName, name: str, own: Version, version: Version, place: Place
    ) -> None:
        """Note a task that reads its own name after another task wrote it in between."""
        self.add(
            "NBF206",
            Sentence(
                "task '{task}' writes '{name}' in cell {cell} and later needs the version that cell {cell2} of task '{task2}' makes in between",
                task=task,
                name=name,
                cell=CellName(own.cell),
                cell2=CellName(version.cell),
                task2=version.task,
            ),
            place=place,
        )

    def middle(self, reader: TaskName, version: Version, last: Version, place: Place) -> None:
        """Note a reader of a version that its own writer changes again later."""
        self.add(
            "NBF207",
            Sentence(
                "task '{reader}' needs '{name}' as cell {cell} leaves it, but task '{task}' changes it again in cell {cell2}",
                reader=reader,
                name=version.name,
                cell=CellName(version.cell),
                task=version.task,
                cell2=CellName(last.cell),
            ),
            place=place,
        )

    def middle_state(self, reader: TaskName, state: str, writer: TaskName, place: Place) -> None:
        """Note a reader of a process-wide state that its own writer changes again later."""
        self.add(
            "NBF207",
            Sentence(
                "task '{reader}' needs the state of '{state}' from the middle of task '{writer}'",
                reader=reader,
                state=state,
                writer=writer,
            ),
            place=place,
        )

    def setup_depends(self, place: Place, task: TaskName) -> None:
        """Note a setup cell that was taken into the task above it."""
        self.add(
            "NBF208",
            Sentence(
                "this setup cell reads what a task writes, so it belongs to task '{task}'",
                task=task,
            ),
            place=place,
        )

    def setup_makes_data(self, place: Place, name: str) -> None:
        """Note a setup cell that makes data."""
        self.add(
            "NBF209",
            Sentence("this setup cell makes '{name}' again in every later task", name=name),
            place=place,
        )
