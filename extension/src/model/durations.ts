/** As the live view of `%dag run` says them, too: both read the file that stands beside the tokens. */
export { clock, duration } from '../../../nbflow/render/times.mjs';
