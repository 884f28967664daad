"""What each task must store because somebody later reads it, and which tasks must share a kernel.

The fold says what each task wants. Here the wants travel backwards: to the writer, through versions
that only hand an earlier one on, and to whoever must store two names together since they may be one
object.
"""

from collections.abc import Iterable
from dataclasses import replace

from nbflow.compiler.drafts import Draft, Need
from nbflow.compiler.findings import Findings
from nbflow.compiler.page_tasks import PageTasks
from nbflow.compiler.versions import ObjectId, Origin, Version, in_order
from nbflow.model.dag import EdgeKind, Place
from nbflow.model.ids import TaskName


class Demand:
    """Fills ``outputs`` and ``ambient_outputs`` of all drafts, and completes their needs."""

    def __init__(self, tasks: PageTasks, findings: Findings) -> None:
        self._tasks = tasks
        self._findings = findings
        self._drafts = tasks.drafts
        self._work: list[tuple[Draft, Need]] = []

    def run(self) -> None:
        """Settle all needs; call once, after the fold."""
        for draft in self._drafts.values():
            self._work += [(draft, need) for need in draft.needs.values()]
            if draft.unit_needs:
                self._settle_units(draft)
            for state, (version, place) in draft.ambient_needs.items():
                assert version.task is not None
                writer = self._drafts[version.task]
                writer.ambient_outputs.add(state)
                if writer.ambient_last[state] is not version:
                    self._findings.middle_state(draft.name, state, version.task, place)
        self._drain()
        for draft in reversed(self._drafts.values()):
            if len(draft.needs) > 1:
                self._keep_objects_together(draft)
                self._drain()

    def want_fallbacks(self, draft: Draft, need: Need, versions: tuple[Version, ...]) -> None:
        """Have earlier versions stored too, for the case that the writer is skipped or fails."""
        draft.needs[need.version.name] = replace(need, fallbacks=versions)
        for version in versions:
            self._work.append((draft, Need(version=version, kind=need.kind, reader=need.reader)))
        self._drain()

    def _settle_units(self, draft: Draft) -> None:
        for key, needs in list(draft.unit_needs.items()):
            for name, need in needs.items():
                writer = need.version.task
                assert writer is not None
                if writer == draft.name or self._drafts[writer].last[name] is not need.version:
                    # The value of the unit's own place is gone: only its kernel still has the code.
                    del draft.unit_needs[key]
                    draft.units.pop(key, None)
                    owner = self._tasks.owner(key)
                    if owner is not None and owner != draft.name:
                        draft.live_with[owner] = (name, "value that a definition once used")
                    break
                self._work.append((draft, need))

    def _drain(self) -> None:
        while self._work:
            self._settle(*self._work.pop())

    def _settle(self, draft: Draft, need: Need) -> None:
        version = need.version
        if version.task is None:
            return
        writer = self._drafts[version.task]
        last = writer.last[version.name]
        if last is not version:
            self._findings.middle(draft.name, version, last, need.reader)
        live = self._tasks.page.live_at_end(version)
        if live is not None:
            draft.live_with[writer.name] = (version.name, live)
        if writer.outputs.get(version.name) is version:
            return
        writer.outputs[version.name] = version
        self._hand_on(writer, version)

    def _hand_on(self, writer: Draft, version: Version) -> None:
        """A version that may still be the one before it makes its writer need that one."""
        place = self._tasks.place(version)
        while version.passes and version.previous is not None:
            version = version.previous
            if version.task == writer.name:
                continue
            if version.is_deleted or version.task is None:
                return
            if version.unit is not None:
                self._tasks.need_unit(writer, version.unit, place)
                return
            known = writer.needs.get(version.name)
            if known is None:
                self._load(writer, version, place)
            elif known.version is not version:
                self._findings.two_versions(writer.name, version.name, known, version, place)
            return

    def _keep_objects_together(self, draft: Draft) -> None:
        """Names that may share objects must be loaded from one bundle: the newest writer's."""
        for cluster in _clusters(draft.needs.values()):
            newest = max(cluster, key=lambda need: self._tasks.at[need.version.cell])
            keeper = self._drafts[_writer(newest)]
            for need in cluster:
                if _writer(need) == keeper.name:
                    continue
                version = need.version
                known = keeper.needs.get(version.name)
                if version.name in keeper.last or (known and known.version is not version):
                    continue
                draft.needs[version.name] = replace(need, through=keeper.name)
                keeper.outputs[version.name] = version
                if known is None:
                    self._load(keeper, version, self._tasks.place(newest.version))

    def _load(self, draft: Draft, version: Version, place: Place) -> None:
        """Have a task load a version that it only stores again, with the code of its objects."""
        need = Need(version=version, kind=EdgeKind.PASS_THROUGH, reader=place)
        draft.needs[version.name] = need
        for code in in_order(version.code):
            if code.unit is not None and code.task != draft.name:
                self._tasks.need_unit(draft, code.unit, place)
        self._work.append((draft, need))


def _writer(need: Need) -> TaskName:
    assert need.version.task is not None
    return need.version.task


def _clusters(needs: Iterable[Need]) -> list[list[Need]]:
    """Group the needs whose versions may share objects; clusters of one writer are left out."""
    items = [need for need in needs if need.version.task is not None]
    owner: dict[ObjectId, int] = {}
    parent: list[int] = []

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for index, need in enumerate(items):
        parent.append(index)
        for obj in need.version.objects:
            if obj in owner:
                parent[root(index)] = root(owner[obj])
            else:
                owner[obj] = index
    grouped: dict[int, list[Need]] = {}
    for index, need in enumerate(items):
        grouped.setdefault(root(index), []).append(need)
    return [c for c in grouped.values() if len({_writer(n) for n in c}) > 1]


def may_be_unbound(version: Version) -> bool:
    """Tell whether the name may turn out unbound when the version's writer ends."""
    while True:
        if version.origin is Origin.DELETED:
            return True
        if not version.passes:
            return False
        if version.previous is None:
            return True
        version = version.previous
