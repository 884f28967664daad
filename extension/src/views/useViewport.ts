import {
  type PointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import { fitAll, fitReadable, type Size, type Viewport, zoomAt } from '../model/viewport';

const STEP = 1.25;
const DRAG = 4;
/** Below the picture stand the buttons that zoom: what is fitted leaves them their place. */
const BUTTONS = 40;

export interface ViewportControl {
  view: Viewport;
  room: Size;
  /** Move or zoom; from then on changes of the picture or the room leave the view alone. */
  change: (next: (view: Viewport) => Viewport) => void;
  fit: () => void;
  zoom: (direction: 1 | -1) => void;
  pointer: {
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: () => void;
  };
  /** Whether the pointer that was let go moved the picture: then it clicked on nothing. */
  wasDragged: () => boolean;
}

/** The view of a picture in an element: fitted until somebody moves it, by wheel, pointer or key. */
export function useViewport(host: RefObject<HTMLElement>, picture: Size): ViewportControl {
  const room = useRoom(host);
  const [moved, setMoved] = useState<Viewport | null>(null);
  const view = moved ?? fitReadable(picture, room);
  const shown = useRef(view);
  useLayoutEffect(() => {
    shown.current = view;
  });
  const change = useCallback((next: (view: Viewport) => Viewport) => {
    shown.current = next(shown.current);
    setMoved(shown.current);
  }, []);
  useWheel(host, change);
  const drag = useDrag(change);
  return {
    view,
    room,
    change,
    fit: () => setMoved(fitAll(picture, room)),
    zoom: direction =>
      change(now => zoomAt(now, STEP ** direction, room.width / 2, room.height / 2)),
    ...drag
  };
}

function useRoom(host: RefObject<HTMLElement>): Size {
  const [room, setRoom] = useState<Size>({ width: 600, height: 400 });
  useLayoutEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    const measure = () => {
      const { clientWidth: width, clientHeight } = element;
      const height = Math.max(clientHeight - BUTTONS, clientHeight / 2);
      if (width > 0 && height > 0) {
        setRoom(old => (old.width === width && old.height === height ? old : { width, height }));
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [host]);
  return room;
}

/** The wheel moves the picture; with Ctrl or Cmd, and pinched on a touch pad, it zooms. */
function useWheel(host: RefObject<HTMLElement>, change: ViewportControl['change']): void {
  useEffect(() => {
    const element = host.current;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
      const { deltaX, deltaY, clientX, clientY } = event;
      change(view =>
        event.ctrlKey || event.metaKey
          ? zoomAt(view, Math.exp(-deltaY / 300), clientX - box.left, clientY - box.top)
          : { ...view, x: view.x - deltaX, y: view.y - deltaY }
      );
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [host, change]);
}

function useDrag(
  change: ViewportControl['change']
): Pick<ViewportControl, 'pointer' | 'wasDragged'> {
  const start = useRef<{ x: number; y: number; isDragged: boolean } | null>(null);
  const dragged = useRef(false);
  return {
    pointer: {
      onPointerDown: event => {
        dragged.current = false;
        if (event.button === 0) {
          start.current = { x: event.clientX, y: event.clientY, isDragged: false };
        }
      },
      onPointerMove: event => {
        const from = start.current;
        if (!from || event.buttons === 0) {
          start.current = null; // It was let go of outside.
          return;
        }
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.isDragged && Math.hypot(dx, dy) < DRAG) {
          return;
        }
        if (!from.isDragged) {
          event.currentTarget.setPointerCapture(event.pointerId);
        }
        dragged.current = true;
        start.current = { x: event.clientX, y: event.clientY, isDragged: true };
        change(view => ({ ...view, x: view.x + dx, y: view.y + dy }));
      },
      onPointerUp: () => {
        start.current = null;
      }
    },
    wasDragged: () => dragged.current
  };
}
