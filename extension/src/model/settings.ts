import type { SettingProblemForm } from '../api/types';

/** The `dag` object of a notebook's metadata, as it is written. */
export type Settings = Readonly<Record<string, unknown>>;

/** The settings with one of them changed; `path` leads into objects, nothing takes a key off. */
export function changed(settings: Settings, path: readonly string[], value: unknown): Settings {
  const [key, ...rest] = path;
  if (key === undefined) {
    return settings;
  }
  const inner = settings[key];
  const next = rest.length > 0 ? changed(isSettings(inner) ? inner : {}, rest, value) : value;
  const others = Object.fromEntries(Object.entries(settings).filter(([one]) => one !== key));
  return next === undefined ? others : { ...settings, [key]: next };
}

/**
 * The settings of somebody else, with what was changed from `before` to `after` put over them.
 * Lists are taken as a whole.
 */
export function rebased(before: Settings, after: Settings, theirs: Settings): Settings {
  let merged = theirs;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is, other] = [before[key], after[key], theirs[key]];
    if (!isSame(was, is)) {
      const known = was === undefined ? {} : was;
      const isInside = isSettings(known) && isSettings(is) && isSettings(other);
      merged = changed(merged, [key], isInside ? rebased(known, is, other) : is);
    }
  }
  return merged;
}

/** Whether two settings say the same, in whichever order. */
export function isSame(one: unknown, other: unknown): boolean {
  if (!isObject(one) || !isObject(other)) {
    return one === other;
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return (
    Array.isArray(one) === Array.isArray(other) &&
    [...keys].every(key => isSame(one[key], other[key]))
  );
}

/** What stands at a path, as text; empty where nothing stands. */
export function textAt(settings: Settings, path: readonly string[]): string {
  let here: unknown = settings;
  for (const key of path) {
    here = isSettings(here) ? here[key] : undefined;
  }
  return here === undefined || here === null ? '' : String(here);
}

/** The first problem of a field; one of a part of it counts, too. */
export function problemAt(
  problems: readonly SettingProblemForm[],
  field: string
): SettingProblemForm | null {
  return problems.find(one => one.field === field || one.field.startsWith(`${field}.`)) ?? null;
}

/** `metadata.nbflow` with other settings of the DAG; undefined if nothing is left to say. */
export function withSettings(nbflow: unknown, settings: Settings): Settings | undefined {
  const { dag: _, ...others } = isSettings(nbflow) ? nbflow : {};
  const isEmpty = Object.keys(settings).length === 0;
  const kept = isEmpty ? others : { version: 1, ...others, dag: settings };
  return Object.keys(kept).some(key => key !== 'version') ? kept : undefined;
}

/** The settings of the DAG in `metadata.nbflow`. */
export function settingsIn(nbflow: unknown): Settings {
  return isSettings(nbflow) && isSettings(nbflow.dag) ? nbflow.dag : {};
}

function isSettings(value: unknown): value is Settings {
  return isObject(value) && !Array.isArray(value);
}

function isObject(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null;
}
