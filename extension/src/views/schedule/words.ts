import type { TranslationBundle } from '@jupyterlab/translation';
import type { ChannelWord, TriggerWord } from '../../model/entries';
import type { PresetKind, Unit } from '../../model/presets';

export function kindWord(kind: PresetKind, trans: TranslationBundle): string {
  switch (kind) {
    case 'none':
      return trans.__('No, only by hand or by triggers');
    case 'every':
      return trans.__('Every so often');
    case 'hourly':
      return trans.__('Every hour');
    case 'daily':
      return trans.__('Every day');
    case 'weekdays':
      return trans.__('Monday to Friday');
    case 'weekly':
      return trans.__('Every week');
    case 'monthly':
      return trans.__('Every month');
    case 'once':
      return trans.__('Once');
    case 'custom':
      return trans.__('As written (cron)');
  }
}

export function unitWord(unit: Unit, trans: TranslationBundle): string {
  switch (unit) {
    case 'm':
      return trans.__('minutes');
    case 'h':
      return trans.__('hours');
    case 'd':
      return trans.__('days');
    case 'w':
      return trans.__('weeks');
    case 'mo':
      return trans.__('months');
  }
}

export function dayWord(day: number, trans: TranslationBundle): string {
  const words = [
    trans.__('Sunday'),
    trans.__('Monday'),
    trans.__('Tuesday'),
    trans.__('Wednesday'),
    trans.__('Thursday'),
    trans.__('Friday'),
    trans.__('Saturday')
  ];
  return words[day] ?? '';
}

export function triggerWord(kind: TriggerWord, trans: TranslationBundle): string {
  switch (kind) {
    case 'dag':
      return trans.__('Another DAG has run');
    case 'files':
      return trans.__('Files changed');
    case 'metric':
      return trans.__('A metric crosses a value');
    case 'code':
      return trans.__('The code changed');
  }
}

export function channelWord(channel: ChannelWord, trans: TranslationBundle): string {
  switch (channel) {
    case 'email':
      return trans.__('By mail');
    case 'slack':
      return trans.__('Slack or Mattermost');
    case 'webhook':
      return trans.__('Webhook (JSON)');
  }
}

export function eventWord(event: string, trans: TranslationBundle): string {
  switch (event) {
    case 'failure':
      return trans.__('a run fails');
    case 'recovery':
      return trans.__('a run succeeds again');
    default:
      return trans.__('runs are missed');
  }
}
