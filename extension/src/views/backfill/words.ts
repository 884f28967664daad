import type { TranslationBundle } from '@jupyterlab/translation';
import type { DayForm } from '../../api/types';
import { lookOf } from '../../look/states';

/** How a day's slots stand: the state of those that most ask to be looked at. Null: none has come. */
export function dayState(day: DayForm): string | null {
  if (day.failed) {
    return 'failed';
  }
  if (day.goes_on) {
    return 'running';
  }
  if (day.no_run) {
    return 'none';
  }
  if (day.cancelled) {
    return 'cancelled';
  }
  return day.succeeded ? 'success' : null;
}

/** How many slots a day has, and how their runs stand. */
export function slotsText(day: DayForm, trans: TranslationBundle, lang: 'en' | 'ko'): string {
  const parts: [string, number][] = [
    [trans.__('without a run'), day.no_run],
    [lookOf('success').word[lang], day.succeeded],
    [lookOf('failed').word[lang], day.failed],
    [lookOf('cancelled').word[lang], day.cancelled],
    [lookOf('running').word[lang], day.goes_on],
    [trans.__('outside of its dates'), day.left_out],
    [trans.__('not come yet'), day.future]
  ];
  const known = parts.filter(([, count]) => count > 0).map(([word, count]) => `${word} ${count}`);
  return `${trans.__('slots: %1', day.slots)} (${known.join(', ')})`;
}

export function actionWord(action: string, trans: TranslationBundle): string {
  switch (action) {
    case 'new':
      return trans.__('+ new run');
    case 're-run':
      return trans.__('↻ runs again');
    case 'in flight':
      return trans.__('… goes on');
    default:
      return trans.__('⤼ left out');
  }
}

export function whyWord(why: string, trans: TranslationBundle): string {
  switch (why) {
    case 'no run':
      return trans.__('it never had a run');
    case 'succeeded':
      return trans.__('its run succeeded');
    case 'failed':
      return trans.__('its run failed');
    case 'cancelled':
      return trans.__('its run was cancelled');
    case 'goes on':
      return trans.__('its run has not ended');
    case 'before start_date':
      return trans.__('before the start date');
    case 'after end_date':
      return trans.__('after the end date');
    default:
      return trans.__('it has not come');
  }
}
