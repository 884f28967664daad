/** Where things stand, whoever placed them. Pixels, y downwards. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line's way: a start, then cubic Bézier segments of three points each, and the arrow's tip. */
export interface Route {
  readonly points: readonly Point[];
  readonly tip: Point;
  /** The centre of the label. */
  readonly label: Point | null;
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Left to right, or top to bottom where it is narrow. */
export type Direction = 'LR' | 'TB';

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centres by the id of the box. */
  readonly boxes: ReadonlyMap<string, Point>;
  readonly routes: ReadonlyMap<string, Route>;
  readonly frames: ReadonlyMap<string, Area>;
  readonly engine: 'graphviz' | 'layered';
}

export const MARGIN = 12;
