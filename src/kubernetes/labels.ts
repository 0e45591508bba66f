/** Labels and annotations by which Keelson knows its own objects. */
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const KEELSON = 'keelson';
/** On every object: the installation (a row of the database) that made it. Another one's objects are never touched. */
export const INSTALLATION = 'keelson.dev/installation';
/** On the namespace: uuid of the app that it is for. */
export const APP_UUID = 'keelson.dev/app-uuid';
/** On the pod template: the stamp of the last rolling restart. */
export const RESTARTED_AT = 'keelson.dev/restarted-at';
/** On Deployments: whether the app was published when they were sent. What gets requests has a probe then. */
export const ROUTABLE = 'keelson.dev/routable';
/** On every object: hash of the manifest that was applied last. */
export const APPLIED = 'keelson.dev/applied';
/** On a run pod: uuid of its row. */
export const RUN_UUID = 'keelson.dev/run-uuid';
/** On the platform's own objects, for people and tools that know Drycc. */
export const HERITAGE = 'drycc';

/** Labels of everything made for an app. */
export function appLabels(app: { id: string; installation: string }): Record<string, string> {
  return {
    app: app.id,
    heritage: HERITAGE,
    'app.kubernetes.io/name': app.id,
    [MANAGED_BY]: KEELSON,
    [INSTALLATION]: app.installation,
  };
}
