/** A duration as people read it: `850 ms`, `3.2 s`, `4 m 05 s`, `2 h 07 m`. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) {
    return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return `${minutes} m ${two(whole % 60)} s`;
  }
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
