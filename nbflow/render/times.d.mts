/** A duration as people read it: `850 ms`, `3.2 s`, `4 m 05 s`, `2 h 07 m`. */
export function duration(seconds: number): string;
/** How long something has gone on, in whole seconds: `42 s`, `4 m 05 s`, `2 h 07 m`. */
export function clock(seconds: number): string;
