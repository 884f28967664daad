import { memo, type ReactElement, useContext } from 'react';
import type { BoxForm, FrameForm, LineForm, SketchForm } from '../api/types';
import type { Area, Layout, Point, Route } from '../layout/layout';
import { tokens } from '../look/tokens';
import { timeOf } from '../model/lastRan';
import { arrowOf, pathOf } from '../model/lines';
import { type RanState, RunStates } from './runStates';
import { useSeconds } from './useSeconds';

const LINE_HEIGHT = 17;
const STACK = 8;
const CORNER = 12;

export interface DagPictureProps {
  sketch: SketchForm;
  layout: Layout;
  /** The box that has the keyboard. */
  current: string | null;
  /** The box or line that is told of. */
  chosen: string | null;
  /** The boxes that a search found; null if nothing is searched for. */
  found: ReadonlySet<string> | null;
}

/** A placed sketch as SVG elements. What stands in it is text everywhere. */
export const DagPicture = memo(function DagPicture(props: DagPictureProps): ReactElement {
  const { sketch, layout, current, chosen, found } = props;
  const has = <T,>(item: { id: string }, places: ReadonlyMap<string, T>) => places.get(item.id);
  return (
    <>
      {sketch.frames.map(frame => {
        const area = has(frame, layout.frames);
        return area && <Frame key={frame.id} frame={frame} area={area} />;
      })}
      {sketch.lines.map(line => {
        const route = has(line, layout.routes);
        return (
          route && <Line key={line.id} line={line} route={route} isChosen={line.id === chosen} />
        );
      })}
      {sketch.boxes.map(box => {
        const centre = has(box, layout.boxes);
        return (
          centre && (
            <Box
              key={box.id}
              box={box}
              centre={centre}
              isCurrent={box.id === current}
              isChosen={box.id === chosen}
              isDim={found !== null && !found.has(box.id)}
              isRoomy={sketch.roomy}
            />
          )
        );
      })}
      {sketch.lines.map(line => {
        const at = has(line, layout.routes)?.label;
        return at && <Label key={line.id} line={line} at={at} />;
      })}
    </>
  );
});

const Frame = memo(({ frame, area }: { frame: FrameForm; area: Area }) => (
  <g>
    <rect className="frame" rx={10} {...area} />
    <text className="small" x={area.x + 12} y={area.y + 17}>
      {frame.label}
    </text>
  </g>
));

interface LineProps {
  line: LineForm;
  route: Route;
  isChosen: boolean;
}

const Line = memo(({ line, route, isChosen }: LineProps) => {
  const look = tokens.edges[line.kind];
  const path = pathOf(route.points);
  const start = route.points[0];
  return (
    <g
      className={`edge${line.bold ? ' critical' : ''}${isChosen ? ' nbf-chosen' : ''}`}
      data-line={line.id}
      data-kind={line.kind}
    >
      <title>{line.title}</title>
      <path className="reach" d={path} />
      <path className="line" d={path} strokeWidth={look?.width} strokeDasharray={look?.dash} />
      <polygon className="tip" points={arrowOf(route.points, route.tip)} />
      {line.dot && start && <circle className="dot" cx={start.x} cy={start.y} r={3.4} />}
    </g>
  );
});

const Label = memo(({ line, at }: { line: LineForm; at: Point }) => (
  <g data-line={line.id}>
    {line.page && (
      <path
        className="page"
        d={tokens.marks.page}
        transform={`translate(${at.x - (line.label_width - 16) * 0.43 - 6} ${at.y - 8})`}
      />
    )}
    <text className="label" x={at.x + (line.page ? 7 : 0)} y={at.y + 0.8}>
      {line.label}
    </text>
  </g>
));

interface BoxProps {
  box: BoxForm;
  centre: Point;
  isCurrent: boolean;
  isChosen: boolean;
  isDim: boolean;
  isRoomy: boolean;
}

const Box = memo(({ box, centre, isCurrent, isChosen, isDim, isRoomy }: BoxProps) => {
  const ran = useContext(RunStates).get(box.task);
  const title = [box.title, ran?.word, ran?.reason].filter(Boolean).join(' · ');
  const stack = box.stacked ? STACK : 0;
  const [width, height] = [box.width - stack, box.height - stack];
  const [left, top] = [centre.x - box.width / 2, centre.y - box.height / 2 + stack];
  const marks = `${isChosen ? ' nbf-chosen' : ''}${isDim ? ' nbf-dim' : ''}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      className={`task${marks}`}
      data-box={box.id}
      data-task={box.task}
      data-state={ran?.state}
      tabIndex={isCurrent ? 0 : -1}
      role="button"
      aria-label={title}
      aria-pressed={isChosen}
    >
      <title>{title}</title>
      {stack > 0 &&
        [stack, stack / 2].map(shift => (
          <rect
            key={shift}
            className="box"
            rx={7}
            x={left + shift}
            y={top - shift}
            width={width}
            height={height}
          />
        ))}
      <Shape left={left} top={top} width={width} height={height} isFolded={box.folded} />
      {box.condition && <polygon className="when" points={diamond(left, top + 10)} />}
      <Words
        box={box}
        ran={isRoomy && ran ? ran : null}
        centre={{ x: left + width / 2, y: top + height / 2 }}
        left={left}
      />
    </g>
  );
});

interface ShapeProps {
  left: number;
  top: number;
  width: number;
  height: number;
  isFolded: boolean;
}

function Shape({ left, top, width, height, isFolded }: ShapeProps): ReactElement {
  if (!isFolded) {
    return <rect className="box" rx={7} x={left} y={top} width={width} height={height} />;
  }
  const [right, bottom] = [left + width, top + height];
  const outline = `M${left} ${top}H${right - CORNER}L${right} ${top + CORNER}V${bottom}H${left}Z`;
  return (
    <>
      <path className="box" strokeLinejoin="round" d={outline} />
      <path className="fold" d={`M${right - CORNER} ${top}V${top + CORNER}H${right}Z`} />
    </>
  );
}

interface WordsProps {
  box: BoxForm;
  /** How the task stood last, where there is room to say it. */
  ran: RanState | null;
  centre: Point;
  left: number;
}

function Words({ box, ran, centre, left }: WordsProps): ReactElement {
  const count = box.lines.length + (ran || box.note ? 1 : 0);
  const first = centre.y - ((count - 1) * LINE_HEIGHT) / 2 + 4.5;
  const last = first + box.lines.length * LINE_HEIGHT;
  return (
    <>
      {box.lines.map((line, index) => (
        <text
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one name, in their order
          key={index}
          className={ran ? 'name left' : 'name'}
          x={ran ? left + 15 : centre.x}
          y={first + index * LINE_HEIGHT}
        >
          {line}
        </text>
      ))}
      {ran && <Standing ran={ran} left={left} y={last} />}
      {!ran && box.note && (
        <text className="small middle" x={centre.x} y={last}>
          {box.note}
        </text>
      )}
    </>
  );
}

/**
 * The second line of a box: its task's state, and how long it took or takes by now, or the word of
 * a state without a time. Both would make boxes so wide that less of the DAG is seen.
 */
function Standing({ ran, left, y }: { ran: RanState; left: number; y: number }): ReactElement {
  useSeconds(ran.state === 'running');
  return (
    <>
      <g transform={`translate(${left + 14} ${y - 10}) scale(0.78)`}>
        <path className="icon" d={tokens.states[ran.state]?.icon} />
      </g>
      <text className="note" x={left + 32} y={y}>
        {timeOf(ran, Date.now()) || briefly(ran.word)}
      </text>
    </>
  );
}

/** The word of a state where there is little room: what stands before its colon. */
function briefly(word: string): string {
  return word.split(':')[0] ?? word;
}

function diamond(x: number, y: number): string {
  return `${x - 7},${y} ${x},${y - 7} ${x + 7},${y} ${x},${y + 7}`;
}
