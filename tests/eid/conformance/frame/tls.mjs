// What a server's TLS is (RFC 9325; FAPI 2.0 Security Profile, 5.2): old versions refused, the
// new one preferred, and of TLS 1.2 only suites with forward secrecy and AEAD.
import tls from 'node:tls';

const GOOD = /^(ECDHE|DHE)-(ECDSA|RSA)-(AES128-GCM-SHA256|AES256-GCM-SHA384|CHACHA20-POLY1305)$/;
const OLD = 'AES128-SHA:AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256';

function shake(t, url, options) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = tls.connect({ host: hostname, port: port || 443, rejectUnauthorized: false, ...t.target.tls, ...options }, () => {
      resolve({ version: socket.getProtocol(), cipher: socket.getCipher().name });
      socket.destroy();
    });
    socket.on('error', (error) => resolve({ error: error.code ?? error.message }));
    socket.setTimeout(10000, () => { socket.destroy(); resolve({ error: 'timeout' }); });
  });
}

export async function checkTls(t, url) {
  if (!url.startsWith('https:')) return void t.check('the endpoint is https', false, url);
  for (const version of ['TLSv1', 'TLSv1.1']) {
    const got = await shake(t, url, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
    t.check(`${version} is refused`, got.error, got);
  }
  const best = await shake(t, url, {});
  t.equal('TLS 1.3 is chosen where both have it', best.version, 'TLSv1.3');
  const twelve = await shake(t, url, { maxVersion: 'TLSv1.2' });
  t.check('TLS 1.2, where it is spoken, has a suite of RFC 9325', twelve.error || GOOD.test(twelve.cipher), twelve);
  const weak = await shake(t, url, { maxVersion: 'TLSv1.2', ciphers: `${OLD}:@SECLEVEL=0` });
  t.check('TLS 1.2 with suites without forward secrecy or AEAD is refused', weak.error, weak);
}
