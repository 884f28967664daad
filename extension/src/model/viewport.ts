/** Where the picture is seen: moved by `x` and `y` pixels, `scale` times as large. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const LEAST = 0.05;
const MOST = 3;
/** Smaller names could not be read: a wider picture begins at its start instead. */
const READABLE = 0.7;

/** The whole picture in the middle, never larger than it is. */
export function fitAll(picture: Size, room: Size): Viewport {
  return centred(picture, room, wholeScale(picture, room));
}

/** The whole picture if it can be read so, else its beginning. */
export function fitReadable(picture: Size, room: Size): Viewport {
  const whole = wholeScale(picture, room);
  const scale = Math.max(whole, READABLE);
  const middle = centred(picture, room, scale);
  return { x: Math.max(0, middle.x), y: Math.max(0, middle.y), scale };
}

/** Zoom by a factor; the point under the pointer stays where it is. */
export function zoomAt(view: Viewport, factor: number, x: number, y: number): Viewport {
  const scale = Math.min(MOST, Math.max(LEAST, view.scale * factor));
  const real = scale / view.scale;
  return { x: x - (x - view.x) * real, y: y - (y - view.y) * real, scale };
}

/** Move just so far that a box of the picture is seen, with some room around. */
export function reveal(
  view: Viewport,
  room: Size,
  centre: { x: number; y: number },
  box: Size
): Viewport {
  const around = 24;
  const move = (offset: number, at: number, size: number, space: number) => {
    const low = offset + (at - size / 2) * view.scale - around;
    const high = offset + (at + size / 2) * view.scale + around;
    if (low < 0 || high - low > space) {
      return offset - low;
    }
    return high > space ? offset - (high - space) : offset;
  };
  return {
    ...view,
    x: move(view.x, centre.x, box.width, room.width),
    y: move(view.y, centre.y, box.height, room.height)
  };
}

function wholeScale(picture: Size, room: Size): number {
  const scale = Math.min(room.width / picture.width, room.height / picture.height, 1);
  return Number.isFinite(scale) && scale > 0 ? Math.max(scale, LEAST) : 1;
}

function centred(picture: Size, room: Size, scale: number): Viewport {
  return {
    x: (room.width - picture.width * scale) / 2,
    y: (room.height - picture.height * scale) / 2,
    scale
  };
}
