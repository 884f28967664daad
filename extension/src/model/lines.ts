interface Point {
  readonly x: number;
  readonly y: number;
}

const LENGTH = 8;
const HALF = 3.4;

/** The path of a start and cubic segments, for an SVG `d`. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points.map(point => `${point.x} ${point.y}`);
  const segments = [];
  for (let index = 0; index + 2 < rest.length; index += 3) {
    segments.push(`C${rest.slice(index, index + 3).join(' ')}`);
  }
  return `M${first ?? '0 0'}${segments.join('')}`;
}

/** A slender triangle from the end of a line to its tip, for an SVG `points`. */
export function arrowOf(points: readonly Point[], tip: Point): string {
  const end = points.at(-1) ?? tip;
  const length = Math.hypot(tip.x - end.x, tip.y - end.y) || 1;
  const [dx, dy] = [(tip.x - end.x) / length, (tip.y - end.y) / length];
  const [x, y] = [tip.x - dx * LENGTH, tip.y - dy * LENGTH];
  const corners = [
    [tip.x, tip.y],
    [x - dy * HALF, y + dx * HALF],
    [x + dy * HALF, y - dx * HALF]
  ];
  return corners.map(corner => corner.map(value => value.toFixed(1)).join(',')).join(' ');
}
