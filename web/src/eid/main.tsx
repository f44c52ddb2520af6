// The citizens' pages of electronic identification: a bundle of its own, without the console.
import { render } from 'preact';
import '../styles/eid.scss';
import { App } from './frame';
import type { Route } from '../core/router';

const routes: Route[] = [
  { path: '/eid', page: () => import('./overview') },
  { path: '/eid/sign-in', page: () => import('./signin') },
  { path: '/eid/open', page: () => import('./open') },
  { path: '/eid/account', page: () => import('./overview') },
  { path: '/eid/account/passkey', page: () => import('./passkey') },
  { path: '/eid/account/totp', page: () => import('./totp') },
  { path: '/eid/account/recovery', page: () => import('./recovery') },
  { path: '/eid/account/password', page: () => import('./password') },
  { path: '/eid/account/child', page: () => import('./child') },
  { path: '/eid/account/activity', page: () => import('./activity') },
  { path: '/eid/account/sharing', page: () => import('./sharing') },
  { path: '/eid/account/readers', page: () => import('./readers') },
  { path: '/eid/account/services', page: () => import('./services') },
  { path: '/eid/account/services/:id', page: () => import('./services') },
  { path: '/eid/account/freeze', page: () => import('./freeze') },
  { path: '/eid/sign-out', page: () => import('./sign_out') },
  { path: '/eid/signed-out', page: () => import('./signed_out') },
  { path: '/eid/device', page: () => import('./device') },
  { path: '/eid/sample', page: () => import('./sample') },
  { path: '/eid/error', page: () => import('./error') },
];

render(<App routes={routes} />, document.getElementById('app')!);
