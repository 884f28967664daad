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
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
