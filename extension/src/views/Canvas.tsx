import type { TranslationBundle } from '@jupyterlab/translation';
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactElement,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import type { SketchForm } from '../api/types';
import type { LayoutEngine } from '../layout/engine';
import type { Direction } from '../layout/layout';
import { reveal } from '../model/viewport';
import { walk } from '../model/walk';
import { DagPicture } from './DagPicture';
import { type Placed, usePlaced } from './usePlaced';
import { useViewport, type ViewportControl } from './useViewport';

/** Below this many pixels of width the picture runs from top to bottom. */
const NARROW = 480;
const NOTHING = { width: 1, height: 1 };

export interface CanvasProps {
  sketch: SketchForm;
  engine: LayoutEngine;
  trans: TranslationBundle;
  chosen: string | null;
  found: ReadonlySet<string> | null;
  /** What somebody asked to see; another object each time. */
  asked: object | null;
  /** A box or line was chosen, or nothing. */
  onChoose: (id: string | null) => void;
  /** A box was clicked, or entered with the keyboard. */
  onEnter: (box: string) => void;
  /** The pointer is on a line or box, or on nothing. */
  onPoint: (id: string | null) => void;
}

/** The picture with zoom, moving, and a walk from box to box by keyboard. */
export function Canvas(props: CanvasProps): ReactElement {
  const { sketch, engine, trans, chosen, found, asked, onPoint } = props;
  const host = useRef<HTMLDivElement>(null);
  const [direction, setDirection] = useState<Direction>('LR');
  const placed = usePlaced(sketch, direction, engine);
  const control = useViewport(host, placed?.layout ?? NOTHING);
  const { view, room } = control;
  useEffect(() => setDirection(room.width < NARROW ? 'TB' : 'LR'), [room.width]);
  const [current, setCurrent] = useState<string | null>(null);
  const focused = sketch.boxes.some(box => box.id === current)
    ? current
    : (sketch.boxes[0]?.id ?? null);
  const show = useReveal(placed, control);
  const [first] = found ?? [];
  const seen = first ?? chosen;
  const isPlaced = placed !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: who asks once more sees it once more
  useEffect(() => {
    if (seen && isPlaced) {
      show(seen);
    }
  }, [seen, show, isPlaced, asked]);
  const onKeyDown = useKeys(props, placed, control, id => {
    setCurrent(id);
    show(id);
    host.current?.querySelector<SVGElement>(`[data-box="${id}"]`)?.focus();
  });
  return (
    <div className="nbf-canvas" ref={host} {...control.pointer}>
      {/* biome-ignore lint/a11y/useSemanticElements: it is a picture, the boxes inside are buttons */}
      <svg
        className="nbflow-dag"
        role="group"
        aria-label={`${sketch.title}: ${sketch.summary}`}
        data-engine={placed?.layout.engine}
        onClick={event => click(event, props, control)}
        onKeyDown={onKeyDown}
        onFocus={event => setCurrent(at(event.target, 'box') ?? current)}
        onPointerOver={event => onPoint(at(event.target, 'line') ?? at(event.target, 'box'))}
        onPointerLeave={() => onPoint(null)}
      >
        <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
          {placed && <DagPicture {...placed} current={focused} chosen={chosen} found={found} />}
        </g>
      </svg>
      <Zoom control={control} trans={trans} />
    </div>
  );
}

function Zoom({ control, trans }: { control: ViewportControl; trans: TranslationBundle }) {
  return (
    <div className="nbf-zoom">
      <button
        type="button"
        title={trans.__('Zoom out')}
        aria-label={trans.__('Zoom out')}
        onClick={() => control.zoom(-1)}
      >
        −
      </button>
      <button
        type="button"
        title={trans.__('Zoom in')}
        aria-label={trans.__('Zoom in')}
        onClick={() => control.zoom(1)}
      >
        +
      </button>
      <button type="button" title={trans.__('Show the whole picture')} onClick={control.fit}>
        {trans.__('Fit')}
      </button>
    </div>
  );
}

/** Move the picture so that a box is seen. */
function useReveal(placed: Placed | null, control: ViewportControl): (id: string) => void {
  const now = useRef({ placed, control });
  useLayoutEffect(() => {
    now.current = { placed, control };
  });
  return useCallback((id: string) => {
    const { placed, control } = now.current;
    const centre = placed?.layout.boxes.get(id);
    const box = placed?.sketch.boxes.find(one => one.id === id);
    if (centre && box) {
      control.change(view => reveal(view, control.room, centre, box));
    }
  }, []);
}

function useKeys(
  props: CanvasProps,
  placed: Placed | null,
  control: ViewportControl,
  go: (id: string) => void
): (event: KeyboardEvent) => void {
  return event => {
    const from = at(event.target, 'box');
    const zooms: Record<string, () => void> = {
      '+': () => control.zoom(1),
      '=': () => control.zoom(1),
      '-': () => control.zoom(-1),
      '0': control.fit
    };
    const zoom = event.ctrlKey || event.metaKey || event.altKey ? undefined : zooms[event.key];
    if (zoom) {
      zoom();
    } else if (event.key === 'Escape') {
      props.onChoose(null);
    } else if (from && (event.key === 'Enter' || event.key === ' ')) {
      props.onChoose(from);
      props.onEnter(from);
    } else if (from && placed) {
      const flat = placed.direction === 'LR';
      const next = walk(placed.sketch, placed.layout.boxes, from, event.key, flat);
      if (next === null) {
        return;
      }
      go(next);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}

function click(event: MouseEvent, props: CanvasProps, control: ViewportControl): void {
  if (control.wasDragged()) {
    return;
  }
  const box = at(event.target, 'box');
  props.onChoose(box ?? at(event.target, 'line'));
  if (box) {
    props.onEnter(box);
  }
}

/** The id of the box or line that an element belongs to. */
function at(target: EventTarget, kind: 'box' | 'line'): string | null {
  const element = target instanceof Element ? target.closest(`[data-${kind}]`) : null;
  return element?.getAttribute(`data-${kind}`) ?? null;
}
