// What the tests with npm's clients share: a daemon with somebody in it, a browser, TAP.
import './node18.mjs';
import { Agent } from '../conformance/frame/agent.mjs';
import { startCallback } from '../conformance/frame/callback.mjs';
import { makeAccount, startNdc } from '../conformance/frame/daemon.mjs';

export { assert, done, equal, test } from '../../registry/serve/daemon.mjs';

/** Fails unless `body` is refused with what `check` knows. */
export async function refused(body, check, message) {
  let error;
  try {
    await body();
  } catch (e) {
    error = e;
  }
  if (!error) throw new Error(`${message}: it was not refused`);
  if (!check(error)) throw new Error(`${message}: refused otherwise: ${error.stack} ${JSON.stringify(error.cause ?? '')}`);
}

/** {issuer, account, callback, browser(), run(), stop()}. */
export async function begin(ndc, options) {
  const target = await startNdc(ndc, options);
  const callback = await startCallback();
  const account = await makeAccount(target);
  return {
    ...target, account, callback,
    browser: () => new Agent({ pages: target.pages, callback: callback.origin, account, tls: target.tls }),
    async stop() {
      await target.stop();
      await callback.stop();
    },
  };
}
