// Shapes of /api/eid, and going through an interaction: somebody signs in, for a client, for
// a device or for the account's own pages.
import { call } from '../core/api';

export type Method = 'passkey' | 'password' | 'totp' | 'recovery';

export interface Client { id: string; name: string | null; uri?: string | null; logo_uri?: string | null; policy_uri?: string | null; tos_uri?: string | null }

export interface Interaction {
  id: string;
  kind: string;
  step: 'sign-in' | 'second' | 'consent' | 'done';
  methods: Method[];
  need: { acr: string | null; level: number };
  client: Client | null;
  scopes: string[];
  authorization_details?: Record<string, unknown>[]; claims: string[];
  purpose: string | null;
  login_hint: string | null;
  account: { name: string; number_masked: string } | null;
  location: string | null;
  expires_at: string;
}

export interface Authenticator {
  number: number;
  kind: Method;
  title: string;
  created_at: string | null;
  used_at: string | null;
  synced?: boolean;
  warning?: string | null;
  codes_left?: number;
}

export interface Ward { account: string; kind: string; number_masked: string; name: string; level: number; state: string }

export interface Me {
  account: string;
  kind: string;
  name: string;
  number_masked: string;
  level: number;
  acr: string;
  state: string;
  birth_date: string;
  phone: string;
  email: string;
  user?: string | null;
  signed_in_at?: string;
  authenticators: Authenticator[];
  guardian_of: Ward[];
}

export interface OwnSession { sid: string; current: boolean; created_at: string; used_at: string; address: string; agent: string }
export interface SignIn { entry: number; at: string; what: string; allowed: boolean; where: string; how: string }
export interface Reader { entry: number; at: string; name?: string | null; who: string; agency: string; what: string; purpose: string; legal_basis: string; platform: string; allowed: boolean; fields: string[] }
export interface Grant { client: Client; scopes: string[]; claims: string[]; purpose: string | null; given_at: string; last_used_at: string | null; record: unknown }

const interactions = '/api/eid/interactions';

/** Begins a sign-in that leads to a page of this server. */
export const begin = (next: string) => call<Interaction>(interactions, { body: { next }, quiet401: true });

export const read = (id: string) => call<Interaction>(`${interactions}/${encodeURIComponent(id)}`, { quiet401: true });

/** One step; the answer is the interaction as it then is. */
export const step = (id: string, name: string, body: object) =>
  call<Interaction>(`${interactions}/${encodeURIComponent(id)}/${name}`, { body, quiet401: true });

/** To a page of this server, or where a finished sign-in leads: nowhere but here. */
export function leave(to: string) {
  const target = new URL(to, location.origin);
  location.assign(target.origin === location.origin ? target.href : '/eid/error?code=eid.next');
}
export const signInPage = (id: string) => `/eid/sign-in?interaction=${encodeURIComponent(id)}`;

/** Signs in (again) and comes back to this very page. */
export async function signInAndReturn() {
  const interaction = await begin(location.pathname);
  leave(signInPage(interaction.id));
}
