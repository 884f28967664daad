import { expect, test } from 'vitest';
import { languageOf } from '../src/model/language';
import { serverPath } from '../src/model/paths';

test.each([
  ['RTC:folder/a.ipynb', 'folder/a.ipynb'],
  ['folder/a.ipynb', 'folder/a.ipynb'],
  ['적재/RTC:a.ipynb', '적재/RTC:a.ipynb']
])('%s is %s on the server', (path, expected) => {
  expect(serverPath(path)).toBe(expected);
});

test.each([
  ['ko_KR', 'ko-KR'],
  ['en', 'en'],
  [undefined, 'en']
])('a reader whose language is %s reads %s', (languageCode, wanted) => {
  expect(languageOf({ languageCode })).toBe(wanted);
  expect(languageOf(null)).toBe('en');
});
