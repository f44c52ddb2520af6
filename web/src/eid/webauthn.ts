// Passkeys (W3C Web Authentication, Level 3). The server speaks the JSON forms of section 5.1.8
// and the browser's own readers of them are younger than the browsers we serve, so the few
// binary members are turned here.
import { ApiProblem, call } from '../core/api';

const toBytes = (text: string): Uint8Array<ArrayBuffer> => {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
};

const toText = (bytes: ArrayBuffer): string => {
  let plain = '';
  for (const b of new Uint8Array(bytes)) plain += String.fromCharCode(b);
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
};

interface Descriptor { id: string; type: 'public-key'; transports?: AuthenticatorTransport[] }
interface RequestJson extends Omit<PublicKeyCredentialRequestOptions, 'challenge' | 'allowCredentials'> { challenge: string; allowCredentials?: Descriptor[] }
interface CreationJson extends Omit<PublicKeyCredentialCreationOptions, 'challenge' | 'user' | 'excludeCredentials'> {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: Descriptor[];
}

const descriptors = (list: Descriptor[] | undefined) => list?.map((d) => ({ ...d, id: toBytes(d.id) }));

export const supported = () => typeof PublicKeyCredential === 'function' && !!navigator.credentials;

/** Whether the browser can offer passkeys in the first field's own list. */
export async function canFill(): Promise<boolean> {
  if (!supported() || !PublicKeyCredential.isConditionalMediationAvailable) return false;
  return PublicKeyCredential.isConditionalMediationAvailable().catch(() => false);
}

/** The browser's refusals as problems with codes of ours. An abort by us stays an abort. */
function refusal(error: unknown): unknown {
  const name = error instanceof DOMException ? error.name : '';
  const codes: Record<string, string> = { NotAllowedError: 'passkey.canceled', InvalidStateError: 'passkey.known', SecurityError: 'passkey.address', NotSupportedError: 'passkey.unsupported', ConstraintError: 'passkey.unsupported', NotReadableError: 'passkey.failed', UnknownError: 'passkey.failed' };
  const code = codes[name];
  return code ? new ApiProblem({ status: 400, code }) : error;
}

/** Asks for a passkey; `fill`: quietly, in the field's own list, until one is chosen. */
export async function assert(optionsPath: string, body: object, signal: AbortSignal, fill = false): Promise<object> {
  const { publicKey } = await call<{ publicKey: RequestJson }>(optionsPath, { body, signal, quiet401: true });
  let credential: PublicKeyCredential;
  try {
    credential = (await navigator.credentials.get({
      publicKey: { ...publicKey, challenge: toBytes(publicKey.challenge), allowCredentials: descriptors(publicKey.allowCredentials) },
      signal,
      ...(fill ? { mediation: 'conditional' as const } : {}),
    })) as PublicKeyCredential;
  } catch (error) {
    throw refusal(error);
  }
  const r = credential.response as AuthenticatorAssertionResponse;
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(r.clientDataJSON),
      authenticatorData: toText(r.authenticatorData),
      signature: toText(r.signature),
      userHandle: r.userHandle ? toText(r.userHandle) : undefined,
    },
  };
}

/** Makes a passkey of the signed-in account. */
export async function create(): Promise<object> {
  const { publicKey } = await call<{ publicKey: CreationJson }>('/api/eid/me/passkeys/options', { body: {} });
  let credential: PublicKeyCredential;
  try {
    credential = (await navigator.credentials.create({
      publicKey: {
        ...publicKey,
        challenge: toBytes(publicKey.challenge),
        user: { ...publicKey.user, id: toBytes(publicKey.user.id) },
        excludeCredentials: descriptors(publicKey.excludeCredentials),
      },
    })) as PublicKeyCredential;
  } catch (error) {
    throw refusal(error);
  }
  const r = credential.response as AuthenticatorAttestationResponse;
  const spki = r.getPublicKey?.();
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(r.clientDataJSON),
      attestationObject: toText(r.attestationObject),
      authenticatorData: r.getAuthenticatorData ? toText(r.getAuthenticatorData()) : undefined,
      publicKey: spki ? toText(spki) : undefined,
      publicKeyAlgorithm: r.getPublicKeyAlgorithm?.(),
      transports: r.getTransports?.() ?? [],
    },
  };
}
