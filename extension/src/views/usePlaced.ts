import { useEffect, useState } from 'react';
import type { SketchForm } from '../api/types';
import type { LayoutEngine } from '../layout/engine';
import type { Direction, Layout } from '../layout/layout';

export interface Placed {
  readonly sketch: SketchForm;
  readonly layout: Layout;
  readonly direction: Direction;
}

/** The newest sketch that has been placed: the last picture stays until the next one is there. */
export function usePlaced(
  sketch: SketchForm,
  direction: Direction,
  engine: LayoutEngine
): Placed | null {
  const [placed, setPlaced] = useState<Placed | null>(null);
  useEffect(() => {
    let isWanted = true;
    void engine.layOut(sketch, direction).then(layout => {
      if (isWanted && layout) {
        setPlaced({ sketch, layout, direction });
      }
    });
    return () => {
      isWanted = false;
    };
  }, [sketch, direction, engine]);
  return placed;
}
