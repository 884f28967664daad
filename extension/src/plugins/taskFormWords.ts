import type { TranslationBundle } from '@jupyterlab/translation';

/** What is said of an option of a task. */
interface Words {
  readonly title: string;
  readonly description: string;
}

/** The options of a task that the form has, in the reader's language. */
export function optionWords(trans: TranslationBundle): Record<string, Words> {
  return {
    doc: {
      title: trans.__('What the task does'),
      description: trans.__('One sentence for people.')
    },
    retries: {
      title: trans.__('Retries'),
      description: trans.__('How often a failed attempt is tried again.')
    },
    retry_delay: {
      title: trans.__('Wait between tries'),
      description: trans.__('Seconds, or 90s, 15m, 2h, 1d.')
    },
    timeout: {
      title: trans.__('Time-out'),
      description: trans.__('Seconds, or 90s, 15m, 2h, 1d.')
    },
    when: {
      title: trans.__('Only when'),
      description: trans.__('A condition in Python, like accuracy < 0.9; else the task is skipped.')
    },
    foreach: {
      title: trans.__('For each'),
      description: trans.__('item in items: the task runs once for each.')
    },
    trigger_rule: {
      title: trans.__('Trigger rule'),
      description: trans.__('Which ends of the tasks before it let it run.')
    },
    pool: {
      title: trans.__('Pool'),
      description: trans.__('The pool whose slots it takes.')
    }
  };
}

/** When a task runs by each trigger rule, in the reader's language. */
export function ruleWords(trans: TranslationBundle): Record<string, string> {
  return {
    all_success: trans.__('every task before it succeeded'),
    all_failed: trans.__('every one failed'),
    all_done: trans.__('every one ended, however'),
    all_done_min_one_success: trans.__('every one ended and at least one succeeded'),
    all_done_setup_success: trans.__('as all_done'),
    one_success: trans.__('at least one succeeded'),
    one_failed: trans.__('at least one failed'),
    one_done: trans.__('at least one succeeded or failed'),
    none_failed: trans.__('every one succeeded or was skipped'),
    none_skipped: trans.__('every one ended and none was skipped'),
    none_failed_min_one_success: trans.__('none failed and at least one succeeded'),
    all_skipped: trans.__('every one was skipped'),
    always: trans.__('at once')
  };
}
