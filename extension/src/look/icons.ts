import { LabIcon } from '@jupyterlab/ui-components';

/** Two tasks that wait for one. */
export const dagIcon = new LabIcon({
  name: 'nbflow:dag',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><g class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linejoin="round"><rect x="2.5" y="8.5" width="7" height="7" rx="2"/><rect x="15" y="2.5" width="6.5" height="6.5" rx="2"/><rect x="15" y="15" width="6.5" height="6.5" rx="2"/><path d="M9.5 11c3 0 2.5-5.2 5.5-5.2M9.5 13c3 0 2.5 5.2 5.5 5.2" stroke-linecap="round"/></g></g></svg>`
});

/** A task that starts. */
export const runIcon = new LabIcon({
  name: 'nbflow:run',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><rect class="jp-icon3" x="2.5" y="5" width="19" height="14" rx="3" stroke="#616161" stroke-width="2"/></g><path class="jp-icon3" fill="#616161" d="M9.5 8.5l6 3.5-6 3.5z"/></svg>`
});

/** A task: a box, and a plus to make one. */
export const taskIcon = new LabIcon({
  name: 'nbflow:task',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><g class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"><path d="M20 11V8a3 3 0 0 0-3-3H6a3 3 0 0 0-3 3v8a3 3 0 0 0 3 3h6"/><path d="M18 14v7M14.5 17.5h7"/></g></g></svg>`
});

/** A calendar with one day marked. */
export const scheduleIcon = new LabIcon({
  name: 'nbflow:schedule',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><g class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"><rect x="3.5" y="5" width="17" height="15.5" rx="2.5"/><path d="M3.5 10h17M8 2.5V7M16 2.5V7"/></g></g><rect class="jp-icon3" fill="#616161" x="12.5" y="13" width="4" height="4" rx="1"/></svg>`
});

/** A clock that is looked back at. */
export const historyIcon = new LabIcon({
  name: 'nbflow:history',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><g class="jp-icon3" stroke="#616161" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"><path d="M4.5 4v5h5"/><path d="M4.9 9A8 8 0 1 1 4 13"/><path d="M12 8v4.5l3 2"/></g></g></svg>`
});
