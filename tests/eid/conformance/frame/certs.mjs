// Self-signed certificates (X.509 v3; P-256 or RSA), written as DER here: Node makes none, and
// no other program is wanted for it.
import crypto from 'node:crypto';
import { makePair } from './jose.mjs';

function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  const n = body.length;
  const len = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...len]), body]);
}
const seq = (...parts) => der(0x30, ...parts);
const oid = (hex) => der(0x06, Buffer.from(hex, 'hex'));
const octets = (bytes) => der(0x04, bytes);
const bits = (bytes) => der(0x03, Buffer.from([0]), bytes);
const boolTrue = Buffer.from([0x01, 0x01, 0xff]);
const time = (date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const SIGNATURES = { ec: seq(oid('2a8648ce3d040302')), rsa: seq(oid('2a864886f70d01010b'), der(0x05)) };

/** {cert, key, x5t}: PEM texts, and the SHA-256 of the certificate (RFC 8705, 3.1). */
export function makeCert(name, { hosts = false, type = 'ec' } = {}) {
  const { privateKey, privatePem, publicPem } = makePair(type, type === 'ec' ? { namedCurve: 'P-256' } : { modulusLength: 2048 });
  const algorithm = SIGNATURES[type];
  const subject = seq(der(0x31, seq(oid('550403'), der(0x0c, Buffer.from(name)))));
  const now = Date.now();
  const extensions = [seq(oid('551d13'), boolTrue, octets(seq(boolTrue)))];
  if (hosts) extensions.push(seq(oid('551d11'), octets(seq(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))))));
  const serial = crypto.randomBytes(8);
  serial[0] = (serial[0] & 0x7f) | 1;
  const body = seq(
    der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, serial), algorithm, subject,
    seq(time(new Date(now - 3600e3)), time(new Date(now + 86400e3))), subject,
    Buffer.from(publicPem.replace(/-----[^-]+-----|\s/g, ''), 'base64'), der(0xa3, seq(...extensions)));
  const cert = seq(body, algorithm, bits(crypto.sign('sha256', body, privateKey)));
  const pem = `-----BEGIN CERTIFICATE-----\n${cert.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;
  return { cert: pem, key: privatePem, x5t: crypto.createHash('sha256').update(cert).digest('base64url') };
}
