import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

/** Draw anew whenever the signal is emitted. */
export function useSignal(signal: ISignal<object, unknown>): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = () => again();
    signal.connect(slot);
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}
