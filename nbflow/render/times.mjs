// How times are said in the browser: by the JupyterLab extension and by the live view of `%dag run`.
// What has ended is said as `render/words.py` says it.

/** A duration as people read it: `850 ms`, `3.2 s`, `4 m 05 s`, `2 h 07 m`. */
export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return inMinutes(Math.round(seconds));
}

/** How long something has gone on, in whole seconds: no figure flickers while it is looked at. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 60 ? `${whole} s` : inMinutes(whole);
}

function inMinutes(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} m ${two(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

function two(value) {
  return String(value).padStart(2, "0");
}
