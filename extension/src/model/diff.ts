import type { LineChangeForm } from '../api/types';

/** A part of a cell to show: lines, or how many unchanged ones are left out. */
export type Hunk =
  | { readonly kind: 'lines'; readonly lines: readonly LineChangeForm[] }
  | { readonly kind: 'gap'; readonly count: number };

/** The lines that changed with a few around them; long stretches that did not are left out. */
export function hunksOf(lines: readonly LineChangeForm[], around = 2): Hunk[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(one => one.sign !== ' ')
  );
  const found: Hunk[] = [];
  let begin = 0;
  for (let end = 1; end <= lines.length; end++) {
    if (end < lines.length && isNear[end] === isNear[begin]) {
      continue;
    }
    found.push(
      isNear[begin]
        ? { kind: 'lines', lines: lines.slice(begin, end) }
        : { kind: 'gap', count: end - begin }
    );
    begin = end;
  }
  return found;
}
