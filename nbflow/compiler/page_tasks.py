"""The drafts of a page's tasks, put together from what its cells gave, and what they replay."""

from collections.abc import Iterator, Mapping, Sequence

from nbflow.compiler.drafts import AmbientVersion, CellResult, Draft, Need
from nbflow.compiler.effects import CellAnalysis, File, FileAction
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.grouping import Placed
from nbflow.compiler.page import Page
from nbflow.compiler.versions import UnitKey, Version
from nbflow.model.dag import EdgeKind, Place
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Role


class PageTasks:
    """All drafts, with the page that they come from. ``at`` is the index of each cell on the page,
    ``setup`` the indexes of the cells that tasks replay as a whole.
    """

    def __init__(
        self,
        placed: Sequence[Placed],
        analyses: Sequence[CellAnalysis],
        page: Page,
        results: Sequence[CellResult],
    ) -> None:
        self.placed = placed
        self.page = page
        self.results = results
        self.at: Mapping[CellId, int] = {one.cell.id: i for i, one in enumerate(placed)}
        self.drafts: dict[TaskName, Draft] = {}
        self.setup: list[int] = []
        self._analyses = analyses
        for index, result in enumerate(results):
            if result.task is not None:
                self._add(index, result.task, result)
            elif result.role is not Role.SKIP:
                self.setup.append(index)
        self._replay_code_of_setup()

    @property
    def order(self) -> list[TaskName]:
        """The tasks by their first cell."""
        return list(self.drafts)

    def owner(self, key: UnitKey) -> TaskName | None:
        """Return the task that a unit belongs to, None if its cell is no task's."""
        unit = self.page.units.peek(key)
        return unit.owner if unit is not None else None

    def place(self, version: Version | AmbientVersion) -> Place:
        """Return where a version is written."""
        place = self.page.places.peek(version)
        assert place is not None
        return place

    def _add(self, index: int, task: TaskName, result: CellResult) -> None:
        draft = self.drafts.get(task)
        if draft is None:
            draft = self.drafts[task] = Draft(name=task, first=index)
        elif draft.last_cell + 1 != index:
            self._setup_between(draft, index)
        draft.last_cell = index
        self._add_cell(draft, index)
        draft.summaries.append(result.summary)
        draft.needs.update(result.needs)
        if result.ambient_needs:
            draft.ambient_needs.update(result.ambient_needs)
        if result.mutates:
            draft.mutates.update(result.mutates)
        for version in result.versions:
            writer = version.task
            if writer is not None:
                last = draft.last if writer == task else self.drafts[writer].last
                last[version.name] = version
        for state in result.ambient:
            draft.ambient_last[state.state] = state
        for key, place in result.code.items():
            self.need_unit(draft, key, place)

    def _setup_between(self, draft: Draft, index: int) -> None:
        # Setup cells between a task's cells run in their place, as part of the task.
        for between in range(draft.last_cell + 1, index):
            if self.results[between].role in (Role.SETUP, Role.PARAMETERS):
                self._add_cell(draft, between)

    def _add_cell(self, draft: Draft, index: int) -> None:
        cell = self.placed[index].cell
        draft.cells.append(cell.id)
        if cell.options and not draft.options and cell.role is not Role.SETUP:
            draft.options = cell.options

    def _replay_code_of_setup(self) -> None:
        """A setup cell that is replayed needs the code of tasks before it that it uses."""
        using = [(index, code) for index in self.setup if (code := self.results[index].code)]
        for draft in self.drafts.values() if using else ():
            for index, code in using:
                if index < draft.first:
                    for key, place in code.items():
                        self.need_unit(draft, key, place)

    def need_unit(self, draft: Draft, key: UnitKey, place: Place) -> None:
        """Have the task replay a unit, with everything that the unit reads at its own place."""
        if key in draft.units or self.owner(key) in (None, draft.name):
            return  # its own, or of a setup cell, which is replayed as a whole
        draft.units[key] = place
        own = draft.unit_needs.setdefault(key, {})
        for name, version in (self.page.environments.peek(key) or {}).items():
            if version.unit is not None:
                self.need_unit(draft, version.unit, place)
            elif version.task is not None:
                own[name] = Need(version=version, kind=EdgeKind.DATA, reader=place)

    def units_of(self, draft: Draft) -> list[UnitKey]:
        """Return the units that a task replays, in page order."""
        units = list(draft.units)
        if len(units) > 1:
            units.sort(key=lambda key: (self.at[key[0]], key[1]))
        return units

    def file_uses(self) -> list[FileUse]:
        """Return all uses of files in page order; a task's replays come before its own cells."""
        replaying = [draft for draft in self.drafts.values() if draft.units]
        uses = [use for draft in replaying for use in self._files_of_units(draft)]
        for result in self.results:
            uses.extend(result.files)
        return sorted(uses, key=lambda use: self.at[use.place.cell])

    def _files_of_units(self, draft: Draft) -> Iterator[FileUse]:
        """A replay reads files as its statement does: the module that it imports, say."""
        first = draft.cells[0]
        for key, wanted in draft.units.items():
            analysis = self._analyses[self.at[key[0]]]
            unit = analysis.units[key[1]]
            place = Place(cell=first, line=wanted.line if wanted.cell == first else 1)
            for event in analysis.events:
                if (
                    isinstance(event, File)
                    and event.action is FileAction.READ
                    and unit.first_line <= event.line <= unit.last_line
                ):
                    yield FileUse(
                        task=draft.name, action=event.action, path=event.path, place=place
                    )
