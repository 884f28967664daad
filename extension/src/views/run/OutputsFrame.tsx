import type { ReactElement } from 'react';

export interface OutputsFrameProps {
  /** The page of a run on the server. */
  url: string;
  title: string;
}

/** Outputs of a run, in a frame with an origin of its own: scripts in there reach nothing. */
export function OutputsFrame({ url, title }: OutputsFrameProps): ReactElement {
  return <iframe src={url} title={title} sandbox="allow-scripts" referrerPolicy="no-referrer" />;
}
