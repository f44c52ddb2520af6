// Who is signed in.
import { call, setCsrf } from './api';
import { purpose } from './purpose_store';

export interface Session {
  user: string;
  name: string;
  agency: string;
  roles: string[];
  permissions: string[];
  mustChange: boolean;
  shouldChange: boolean;
}

interface SessionBody {
  user?: string | { name?: string; full_name?: string; agency?: string };
  name?: string;
  full_name?: string;
  agency?: string;
  roles?: string[] | string;
  permissions?: string[];
  csrf?: string;
  must_change?: boolean;
  should_change?: boolean;
}

let session: Session | null = null;

function read(body: SessionBody): Session {
  setCsrf(body.csrf ?? '');
  const user = typeof body.user === 'object' ? body.user : { name: body.user ?? body.name, full_name: body.full_name ?? body.name, agency: body.agency };
  return {
    user: user.name ?? '',
    name: user.full_name || user.name || '',
    agency: user.agency ?? body.agency ?? '',
    roles: Array.isArray(body.roles) ? body.roles : (body.roles ?? '').split(' ').filter(Boolean),
    permissions: body.permissions ?? [],
    mustChange: body.must_change ?? false,
    shouldChange: body.should_change ?? false,
  };
}

export const current = () => session;

/** The frame hears when what it shows of the session has changed. */
let listener: (session: Session | null) => void = () => {};
export const onChanged = (listen: typeof listener) => { listener = listen; };
export const changed = () => listener(session && { ...session });

/** No list of permissions from the server means: let the server decide. */
export const may = (permission: string) => !session || !session.permissions.length || session.permissions.includes(permission);

export async function load(): Promise<Session | null> {
  session = read(await call<SessionBody>('/api/session', { quiet401: true }));
  return session;
}

export async function signIn(user: string, password: string): Promise<Session> {
  const body = await call<SessionBody | undefined>('/api/session', { body: { user, password }, quiet401: true });
  session = body?.csrf ? read(body) : ((await load()) as Session);
  return session;
}

export async function signOut(): Promise<void> {
  try {
    await call('/api/session', { method: 'DELETE', quiet401: true });
  } finally {
    forget();
  }
}

export async function changePassword(current: string, password: string): Promise<void> {
  const body = await call<SessionBody | undefined>('/api/session/password', { body: { current, password }, quiet401: true });
  if (body?.csrf) session = read(body);
  else await load();
}

export function forget() {
  session = null;
  setCsrf('');
  purpose.set(null);
}
