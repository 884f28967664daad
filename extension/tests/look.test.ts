import { expect, test } from 'vitest';
import { colourRules } from '../src/look/sheet';
import { tokens } from '../src/look/tokens';

test('each state has its colours in both themes, from the one table', () => {
  const [light, dark, ...states] = colourRules().split('\n');
  for (const [name, look] of Object.entries(tokens.states)) {
    expect(light).toContain(`--nbf-${name}-ink:${look.light.ink}`);
    expect(dark).toContain(`--nbf-${name}-ink:${look.dark.ink}`);
    expect(states.join('')).toContain(`[data-state=${name}] .icon`);
  }
});
