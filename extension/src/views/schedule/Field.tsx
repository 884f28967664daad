import { type ReactElement, type ReactNode, useId } from 'react';
import type { SettingProblemForm } from '../../api/types';

/** What an input has to carry so that its label and its problem are read with it. */
export interface Control {
  id: string;
  className: string;
  'aria-describedby': string;
  'aria-invalid': boolean;
}

interface FieldProps {
  label: string;
  help?: string;
  problem: SettingProblemForm | null;
  isWide?: boolean;
  children: (control: Control) => ReactNode;
}

/** A labelled input; what is wrong with its value is said below it, with the way out. */
export function Field({ label, help, problem, isWide, children }: FieldProps): ReactElement {
  const id = useId();
  const isWrong = problem?.error ?? false;
  return (
    <div className="nbf-field" data-wrong={isWrong} data-wide={isWide ?? false}>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        // Lab's dialogs are not accepted while something in them has this class.
        className: isWrong ? 'nbf-input jp-mod-error' : 'nbf-input',
        'aria-describedby': `${id}-help`,
        'aria-invalid': isWrong
      })}
      <p
        id={`${id}-help`}
        className={problem ? 'nbf-wrong' : 'nbf-quiet'}
        role={problem ? 'alert' : undefined}
      >
        {problem ? `✕ ${problem.message}${problem.hint ? ` → ${problem.hint}` : ''}` : help}
      </p>
    </div>
  );
}
