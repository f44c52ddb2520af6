// Node 18 has Web Crypto, but not by the global names that jose and openid-client ask for.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
