import { useRef } from 'react';

/** The same object as before as long as it says the same, so that what shows it need not be drawn. */
export function useStable<T>(value: T): T {
  const kept = useRef({ value, text: '' });
  const text = JSON.stringify(value);
  if (text !== kept.current.text) {
    kept.current = { value, text };
  }
  return kept.current.value;
}
