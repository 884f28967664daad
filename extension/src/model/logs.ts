/** Of a long log the end is kept: as many characters as a page shows without effort. */
const KEPT = 200_000;

/** The end of a log, from the start of a line; a first line of dots says that there is more. */
export function endOfLog(log: string, kept = KEPT): string {
  if (log.length <= kept) {
    return log;
  }
  const end = log.slice(-kept);
  return `…\n${end.slice(end.indexOf('\n') + 1)}`;
}
