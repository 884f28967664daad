import { type InputHTMLAttributes, type ReactElement, useState } from 'react';

interface TypedProps extends InputHTMLAttributes<HTMLInputElement> {
  value: string;
  /** Whether what was typed so far can be taken. */
  fits: (text: string) => boolean;
  onValue: (text: string) => void;
}

/** An input that keeps what somebody types until it fits: half a number is no reason to reset it. */
export function Typed({ value, fits, onValue, ...rest }: TypedProps): ReactElement {
  const [text, setText] = useState<string | null>(null);
  return (
    <input
      {...rest}
      value={text ?? value}
      onChange={({ target }) => {
        setText(target.value);
        if (fits(target.value)) {
          onValue(target.value);
        }
      }}
      onBlur={() => setText(null)}
    />
  );
}
