import { useEffect, useReducer } from 'react';

/** Draw anew every second, or every so many, while something goes on: times go on, too. */
export function useSeconds(isGoingOn: boolean, every = 1): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (isGoingOn) {
      const timer = setInterval(again, every * 1000);
      return () => clearInterval(timer);
    }
    return undefined;
  }, [isGoingOn, every]);
}
