import { type StateLook, tokens } from './tokens';

const DARK = 'body[data-jp-theme-light="false"] ';

/** How a state looks; one that is not known here looks as what waits. */
export function lookOf(state: string): StateLook {
  return tokens.states[state] ?? (tokens.states.none as StateLook);
}

const coloured = new WeakSet<Document>();

/** Colour everything that says which state it is in, in both themes. */
export function adoptStates(page: Document): void {
  if (coloured.has(page)) {
    return;
  }
  coloured.add(page);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    Object.entries(tokens.states)
      .map(([state, { light, dark }]) => {
        const here = `.nbf-state[data-state="${state}"]`;
        return `${here}{color:${light.ink}}\n${DARK}${here}{color:${dark.ink}}`;
      })
      .join('\n')
  );
  page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
}
