import type { ReactElement } from 'react';
import { ago, exactly } from '../model/past';
import { useSeconds } from './useSeconds';

interface AgoProps {
  instant: string;
  lang: 'en' | 'ko';
  className?: string;
  /** What else is said where it is pointed at. */
  more?: string;
}

/** How long ago an instant is; pointed at it says when exactly. */
export function Ago({ instant, lang, className, more }: AgoProps): ReactElement {
  const now = Date.now();
  useSeconds(true, now - Date.parse(instant) < 60_000 ? 1 : 20);
  const exact = exactly(instant, lang);
  return (
    <time className={className} dateTime={instant} title={more ? `${exact}\n${more}` : exact}>
      {ago(instant, now, lang)}
    </time>
  );
}
