// The console: one page of script that asks the public API.
import { render } from 'preact';
import './styles/main.scss';
import { App } from './core/shell';
import type { Route } from './core/router';

const routes: Route[] = [
  { path: '/', page: () => import('./registry/overview') },
  { path: '/map', page: () => import('./registry/map') },
  { path: '/sources', page: () => import('./registry/sources') },
  { path: '/sources/new', page: () => import('./registry/source_new') },
  { path: '/sources/:source', page: () => import('./registry/source') },
  { path: '/runs', page: () => import('./registry/runs') },
  { path: '/runs/:run', page: () => import('./registry/run') },
  { path: '/quarantine', page: () => import('./registry/quarantine') },
  { path: '/quarantine/:id', page: () => import('./registry/quarantine_item') },
  { path: '/changes', page: () => import('./registry/changes') },
  { path: '/reviews', page: () => import('./registry/reviews') },
  { path: '/search', page: () => import('./registry/search') },
  { path: '/persons/:entity', page: () => import('./registry/person') },
  { path: '/organisations/:entity', page: () => import('./registry/organisation') },
  { path: '/datasets', page: () => import('./registry/datasets') },
  { path: '/datasets/:dataset', page: () => import('./registry/dataset') },
  { path: '/datasets/:dataset/:thing', page: () => import('./registry/thing') },
  { path: '/verify', page: () => import('./verify/files') },
  { path: '/verify/:file', page: () => import('./verify/file') },
  { path: '/eid/desk', page: () => import('./eid/desk') },
  { path: '/policy', page: () => import('./policy/policy') },
  { path: '/audit', page: () => import('./policy/audit') },
  { path: '/jobs', page: () => import('./identity/jobs') },
  { path: '/webhooks', page: () => import('./identity/webhooks') },
  { path: '/webhooks/:id', page: () => import('./identity/webhooks') },
  { path: '/access', page: () => import('./identity/access') },
  { path: '/account', page: () => import('./identity/account') },
];

render(<App routes={routes} />, document.getElementById('app')!);
