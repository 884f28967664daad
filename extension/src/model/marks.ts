/** A cell as far as its marks go. */
export interface MarkedCell {
  readonly source?: unknown;
  readonly metadata?: unknown;
}

const TAG = /^(task|after):|^(setup|skip|parameters)$/;
const LINE = /^\s*%%(task|setup|skip)\b/i;

/**
 * Whether somebody uses nbflow in a notebook: only such notebooks are compiled without being asked.
 * What the marks mean is for the compiler to say.
 */
export function hasMarks(cells: readonly MarkedCell[]): boolean {
  return cells.some(
    ({ source, metadata }) =>
      LINE.test(String(source ?? '')) || tagsOf(metadata).some(tag => TAG.test(tag))
  );
}

/** The tags of a cell's metadata, whatever else is in there. */
export function tagsOf(metadata: unknown): string[] {
  const tags: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'tags') : null;
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}
