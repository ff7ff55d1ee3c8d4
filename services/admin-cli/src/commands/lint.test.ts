import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assembleCertificate, compileTemplate, encodeSubject, parseProfile, toPem } from '@sluice/pki';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type CommandRig, startCommandRig } from '../testing/command-rig.js';

let rig: CommandRig;
beforeAll(async () => {
  rig = await startCommandRig();
});
afterAll(() => rig.end());
beforeEach(() => {
  rig.out.length = 0;
  rig.err.length = 0;
});

const subject = { common_name: 'Root' };
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ type: 'spki', format: 'der' });

/** A root with these key usages; signs itself. */
function root(keyUsage: string, notAfter = '2036-01-01T00:00:00Z'): Uint8Array {
  const document = parseProfile(
    `name: root\nca: root\npurpose: ca-certificate\nvalidity_seconds: 600\nsubject: { common_name: required }\n` +
      `keys: [ec-p256]\nkey_usage: [${keyUsage}]\nbasic_constraints: { ca: true }\n`,
  );
  const template = compileTemplate(document, { subjectDer: encodeSubject(subject), spki });
  const tbs = template.fill({
    serial: Uint8Array.from({ length: 16 }, (_, index) => 0x41 + index),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date(notAfter),
    content: { subject_dn: subject, san: {} },
    spki,
  });
  return assembleCertificate(tbs, template.signatureAlgorithm, sign('sha256', tbs, privateKey));
}

function file(name: string, content: Uint8Array | string): string {
  const path = join(rig.dir, name);
  writeFileSync(path, content);
  return path;
}

it('finds nothing in a sound certificate, PEM or DER, asking no registry', async () => {
  const der = root('keyCertSign, cRLSign');
  expect(await rig.bare('lint', file('a.pem', toPem(der, 'CERTIFICATE')))).toBe(0);
  expect(await rig.bare('lint', file('a.der', der), '--issuer', file('b.der', der))).toBe(0);
  expect(rig.out.every((line) => line.endsWith('no finding, as a certificate of a root.'))).toBe(true);
  expect(rig.calls).toEqual([]);
});

it('is exit code 1 for a broken rule, with its name and section', async () => {
  const path = file('bad.der', root('keyCertSign'));
  expect(await rig.bare('lint', path)).toBe(1);
  expect(rig.out.join('\n')).toMatch(
    /error +key-usage-ca-signs +BR 7\.1\.2\.10\.7 +extensions\.keyUsage must set cRLSign/,
  );
  rig.out.length = 0;
  expect(await rig.bare('lint', path, '--json')).toBe(1);
  expect(JSON.parse(rig.out.join(''))).toMatchObject({
    kind: 'root',
    errors: 1,
    findings: [{ rule: 'key-usage-ca-signs', severity: 'error' }],
  });
});

it('shows a warning, and is not ended by it', async () => {
  const der = Buffer.from(root('keyCertSign, cRLSign'));
  der.fill(0x55, der.indexOf('ABCDEFGHIJKLMNOP') + 8, der.indexOf('ABCDEFGHIJKLMNOP') + 16);
  const path = file('even.der', der);
  expect(await rig.bare('lint', path)).toBe(0);
  expect(rig.out.join('\n')).toMatch(/warning +serial-not-constant +MRSP 5\.2/);
  rig.out.length = 0;
  expect(await rig.bare('lint', path, '--json')).toBe(0);
  expect(JSON.parse(rig.out.join(''))).toMatchObject({ errors: 0, warnings: 1 });
});

it('compares with the CA that is given', async () => {
  const [path, issuer] = [
    file('long.der', root('keyCertSign, cRLSign', '2037-01-01T00:00:00Z')),
    file('short.der', root('keyCertSign, cRLSign')),
  ];
  expect(await rig.bare('lint', path)).toBe(0);
  expect(await rig.bare('lint', path, '--issuer', issuer)).toBe(1);
  expect(rig.out.join('\n')).toContain('validity-within-issuer');
});

it('takes apart what it can, and says what is no certificate', async () => {
  expect(await rig.bare('lint', file('cut.der', root('keyCertSign, cRLSign').subarray(0, 90)))).toBe(1);
  expect(await rig.bare('lint', file('text.pem', 'hello'))).toBe(2);
  const pem = toPem(root('keyCertSign, cRLSign'), 'CERTIFICATE');
  expect(await rig.bare('lint', file('two.pem', pem + pem))).toBe(2);
  expect(rig.err.join('\n')).toMatch(/no certificate[\s\S]*holds 2 certificates/);
});
