// The console: one page of script that asks the public API.
import { render } from 'preact';
import './styles/main.scss';
import { App } from './core/shell';
import type { Route } from './core/router';

const routes: Route[] = [
  { path: '/', page: () => import('./registry/overview') },
  { path: '/sources', page: () => import('./registry/sources') },
  { path: '/sources/:source', page: () => import('./registry/source') },
  { path: '/runs', page: () => import('./registry/runs') },
  { path: '/search', page: () => import('./registry/search') },
  { path: '/persons/:entity', page: () => import('./registry/person') },
  { path: '/organisations/:entity', page: () => import('./registry/organisation') },
];

render(<App routes={routes} />, document.getElementById('app')!);
