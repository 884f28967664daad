import { expect, test } from 'vitest';
import { serverPath } from '../src/model/paths';

test.each([
  ['RTC:folder/a.ipynb', 'folder/a.ipynb'],
  ['folder/a.ipynb', 'folder/a.ipynb'],
  ['적재/RTC:a.ipynb', '적재/RTC:a.ipynb']
])('%s is %s on the server', (path, expected) => {
  expect(serverPath(path)).toBe(expected);
});
