import type { TranslationBundle } from '@jupyterlab/translation';

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
