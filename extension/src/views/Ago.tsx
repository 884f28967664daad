import type { ReactElement } from 'react';
import { ago, exactly } from '../model/past';
import { useSeconds } from './useSeconds';

interface AgoProps {
  instant: string;
  lang: 'en' | 'ko';
  className?: string;
  /** The zone of what schedules it. */
  zone?: string | null;
  /** What it stands in says when exactly. */
  isTold?: boolean;
}

/** How long ago an instant is; pointed at it says when exactly. */
export function Ago({ instant, lang, className, zone, isTold }: AgoProps): ReactElement {
  const now = Date.now();
  useSeconds(true, now - Date.parse(instant) < 60_000 ? 1 : 20);
  const title = isTold ? undefined : exactly(instant, lang, zone);
  return (
    <time {...{ className, title }} dateTime={instant}>
      {ago(instant, now, lang)}
    </time>
  );
}
