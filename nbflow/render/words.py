"""The few words that pictures and the live view speak, in English and Korean."""

from nbflow.render.tokens import tokens
from nbflow.texts import LANGUAGES

_WORDS: dict[str, tuple[str, str]] = {
    "legend.task": ("task", "작업"),
    "dag.title": ("DAG {dag}", "DAG {dag}"),
    "dag.summary": ("{tasks}, {edges}.", "{tasks}, {edges}."),
    "dag.edges": ("{n} dependency", "의존성 {n}개"),
    "dag.edges.many": ("{n} dependencies", "의존성 {n}개"),
    "dag.tasks": ("{n} task", "작업 {n}개"),
    "dag.tasks.many": ("{n} tasks", "작업 {n}개"),
    "dag.empty": (
        "No task yet: tag a cell task:NAME, or start it with %%task NAME.",
        "아직 작업이 없습니다. 셀에 task:이름 태그를 달거나 %%task 이름으로 시작하세요.",
    ),
    "edge.after": ("{target} after {source}", "{source} 다음에 {target}"),
    "edge.because": ("{target} waits for {source}:", "{target} 작업은 {source} 작업을 기다립니다:"),
    "place": ("cell {cell}, line {line}", "셀 {cell}, {line}행"),
    "why.data": ("reads {variable}", "{variable} 값을 읽음"),
    "why.mutation": (
        "needs {variable} as changed in place",
        "제자리에서 바뀐 {variable} 값이 필요함",
    ),
    "why.pass-through": ("{variable} may be bound here", "{variable} 값이 여기서 바뀔 수 있음"),
    "why.order": ("after: tag", "after: 태그"),
    "why.ambient": ("shares the state of {variable}", "{variable} 상태를 함께 씀"),
    "why.file": ("uses the file {variable}", "{variable} 파일을 사용함"),
    "why.safe": ("kept in page order to be safe", "안전을 위해 페이지 순서를 유지함"),
    "why.group": ("needs the same live kernel ({variable})", "같은 커널이 필요함 ({variable})"),
    "writer": ("written at {place}", "쓰는 곳: {place}"),
    "reader": ("read at {place}", "읽는 곳: {place}"),
    "task.cells": ("cells {cells}", "셀 {cells}"),
    "task.notebook": ("notebook {notebook}", "노트북 {notebook}"),
    "task.when": ("runs only if {expression}", "{expression} 일 때만 실행"),
    "task.foreach": ("once per {expression}", "{expression} 항목마다 한 번"),
    "task.try": ("try {n} of {m}", "{m}회 중 {n}번째 시도"),
    "task.of": ("{n} of {m}", "{m}개 중 {n}개"),
    "group.label": ("one kernel · {variable}", "한 커널 · {variable}"),
    "strip.setup": ("setup", "준비"),
    "strip.parameters": ("parameters", "매개변수"),
    "strip.skip": ("skipped", "제외"),
    "strip.broken": ("broken", "오류"),
    "strip.cells": ("{n} cell", "셀 {n}개"),
    "strip.cells.many": ("{n} cells", "셀 {n}개"),
    "fold.tasks": ("{n} tasks", "작업 {n}개"),
    "fold.chip": ("{n} sections folded · --unfold all", "구역 {n}개 접음 · --unfold all"),
    "fold.hint": (
        "A DAG of more than 60 tasks is folded by section; --unfold NAME opens one, --unfold all every one.",
        "작업이 60개를 넘는 DAG는 구역별로 접습니다. --unfold 이름은 하나를, --unfold all은 모두를 펼칩니다.",
    ),
    "live.ready": ("Ready to run {n} tasks", "작업 {n}개 실행 준비됨"),
    "live.starting": ("Starting…", "시작하는 중…"),
    "live.running": ("Running", "실행 중"),
    "live.success": ("Run finished", "실행 완료"),
    "live.failed": ("Run failed", "실행 실패"),
    "live.cancelled": ("Run cancelled", "실행 취소됨"),
    "live.cancel": ("Cancel run", "실행 취소"),
    "live.cancelling": ("Cancelling…", "취소하는 중…"),
    "live.fault": ("nbflow failed: {kind}: {error}", "nbflow 오류: {kind}: {error}"),
    "live.output": ("Open the executed notebook", "실행된 노트북 열기"),
    "live.progress": ("{n} of {m} tasks", "작업 {m}개 중 {n}개"),
    "magic.saved": (
        "Drawn from the saved file {file} (saved {age}); save the notebook to see later changes.",
        "저장된 파일 {file} 기준입니다({age} 저장). 이후 변경은 노트북을 저장하면 보입니다.",
    ),
    "age.now": ("just now", "방금"),
    "age.minutes": ("{n} min ago", "{n}분 전"),
    "age.hours": ("{n} h ago", "{n}시간 전"),
    "age.days": ("{n} days ago", "{n}일 전"),
    "lint.clean": ("No findings.", "발견된 문제가 없습니다."),
    "explain.none": (
        "{target} does not wait for {source}.",
        "{target} 작업은 {source} 작업을 기다리지 않습니다.",
    ),
}


def say(key: str, lang: str, **values: object) -> str:
    """Return the phrase of that key in that language, with ``values`` filled in."""
    phrase = _WORDS[key][LANGUAGES.index(lang)]
    return phrase.format(**values) if values else phrase


def counted(key: str, lang: str, n: int) -> str:
    """Return the phrase of that key for ``n`` of them."""
    return say(key if n == 1 else f"{key}.many", lang, n=n)


def state_word(state: str, lang: str) -> str:
    """Return a state's word, e.g. ``running``."""
    return tokens().states[state].words[lang]


def duration(seconds: float) -> str:
    """Return a duration as people read it: ``850 ms``, ``3.2 s``, ``4 m 05 s``, ``2 h 07 m``."""
    if seconds < 0.9995:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"
