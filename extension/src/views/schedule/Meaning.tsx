import type { ReactElement } from 'react';
import type { SettingsAnswer } from '../../api/types';
import { inItsZone, toldApart, whereIAm } from '../../model/instants';
import type { PartProps } from './source';

interface MeaningProps extends Omit<PartProps, 'source'> {
  answer: SettingsAnswer;
}

/** What the schedule means: in words, as the next times, and where the clock is changed. */
export function Meaning({ answer, trans, lang }: MeaningProps): ReactElement {
  const other = lang === 'en' ? 'ko' : 'en';
  const here = toldApart(
    answer.next.map(one => one.utc),
    utc => whereIAm(utc, lang)
  );
  return (
    <section className="nbf-meaning" aria-live="polite" aria-label={trans.__('What this means')}>
      <p className="nbf-head" lang={lang}>
        {answer.words[lang]}
      </p>
      <p className="nbf-quiet" lang={other}>
        {answer.words[other]}
      </p>
      {answer.next.length > 0 && (
        <table className="nbf-fires">
          <thead>
            <tr>
              <th scope="col">{trans.__('Next runs')}</th>
              <th scope="col">{trans.__('Where you are')}</th>
            </tr>
          </thead>
          <tbody>
            {answer.next.map(one => (
              <tr key={one.utc}>
                <td>{inItsZone(one.local, lang)}</td>
                <td className="nbf-quiet">{here.get(one.utc)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {answer.clock.map(one => (
        <p key={one} className="nbf-quiet">
          {one}
        </p>
      ))}
    </section>
  );
}
