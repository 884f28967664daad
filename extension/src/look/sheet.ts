import { type StateLook, tokens } from './tokens';

const DARK = 'body[data-jp-theme-light="false"] .nbflow-dag';

/** Make the colours of the tokens known to the page, light and dark: `picture.css` uses them. */
export function adoptColours(page: Document): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(colourRules());
  page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
}

/** The variables of both themes, and which of them a state uses. */
export function colourRules(): string {
  return [
    `.nbflow-dag{--nbf-font:${tokens.font};${variables('light')}}`,
    `${DARK}{${variables('dark')}}`,
    ...Object.keys(tokens.states).map(stateRules)
  ].join('\n');
}

function variables(theme: 'light' | 'dark'): string {
  const surfaces = Object.entries(tokens.surfaces).map(([name, colour]) => [name, colour[theme]]);
  const states = Object.entries(tokens.states).flatMap(([name, look]: [string, StateLook]) =>
    Object.entries(look[theme]).map(([part, colour]) => [`${name}-${part}`, colour])
  );
  return [...surfaces, ...states].map(([name, colour]) => `--nbf-${name}:${colour}`).join(';');
}

function stateRules(state: string): string {
  const here = `.nbflow-dag [data-state=${state}]`;
  return [
    `${here} .box{fill:var(--nbf-${state}-fill);stroke:var(--nbf-${state}-line)}`,
    `${here} .fold{stroke:var(--nbf-${state}-line)}`,
    `${here} .note{fill:var(--nbf-${state}-ink)}`,
    `${here} .icon{stroke:var(--nbf-${state}-ink)}`
  ].join('');
}
