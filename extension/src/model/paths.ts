const COLLABORATION = 'RTC:';

/** A path as the server knows it: real-time collaboration puts the name of its drive before. */
export function serverPath(path: string): string {
  return path.startsWith(COLLABORATION) ? path.slice(COLLABORATION.length) : path;
}
