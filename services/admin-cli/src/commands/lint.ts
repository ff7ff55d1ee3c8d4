import { X509Certificate } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import { type LintContext, type LintFinding, type LintKind, lintCertificate, readCertificate } from '@sluice/pki';
import { type Command, Option } from 'commander';
import { type CommandContext, show } from '../command-context.js';
import { exitCodes } from '../exit-codes.js';
import { table } from '../screens/table.js';
import { certificateIn } from './certificate-in.js';
import { readNamedBytes } from './read-file.js';

const kinds: readonly LintKind[] = ['subscriber', 'ocsp-signer', 'subordinate-ca', 'root'];
const ocspSigning = '1.3.6.1.5.5.7.3.9';

/** What the certificate says that it is for; one that cannot be read is looked at as a subscriber's. */
function kindOf(der: Uint8Array): LintKind {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    // The linter says what is wrong with it.
    return 'subscriber';
  }
  // Node calls the extended key usage so.
  if (!certificate.ca) return certificate.keyUsage?.includes(ocspSigning) ? 'ocsp-signer' : 'subscriber';
  return certificate.subject === certificate.issuer ? 'root' : 'subordinate-ca';
}

async function issuerIn(file: string, context: CommandContext): Promise<NonNullable<LintContext['issuer']>> {
  const der = certificateIn(await readNamedBytes(file, context.terminal), file);
  try {
    const { subjectDer, ski = new Uint8Array(), spki, notBefore, notAfter } = readCertificate(der);
    return { subjectDer, ski, spki, notBefore, notAfter };
  } catch (cause) {
    throw new SluiceError('config-invalid', `The certificate in ${file} cannot be read`, {
      cause,
      facts: { what_to_do: `Look what is wrong with it: sluice lint ${file}.` },
    });
  }
}

function findingsScreen(file: string, kind: LintKind, findings: readonly LintFinding[]): string {
  if (findings.length === 0) return `${file}: no finding, as a certificate of a ${kind}.`;
  const rows = findings.map(({ rule, source, severity, pointer, detail }) => [
    severity,
    rule,
    source,
    `${pointer ?? 'the certificate'} ${detail}`,
  ]);
  return table(['SEVERITY', 'RULE', 'SOURCE', 'DETAIL'], rows);
}

/** `sluice lint`: looks at a certificate by the rules that every signature here is subject to. Asks no registry. */
export function addLint(program: Command, context: CommandContext): void {
  program
    .command('lint')
    .description('check a certificate by the rules that signers keep; exit code 1 when it breaks one, warnings aside')
    .argument('<file>', 'the certificate, PEM or DER; - is standard input (PEM)')
    .option('--issuer <file>', 'the certificate of the CA that signed it, to compare with')
    .addOption(new Option('--kind <kind>', 'what it is for, when it should not be read from itself').choices(kinds))
    .addHelpText(
      'after',
      `
Examples:
  $ sluice lint device.pem
  $ sluice lint device.pem --issuer demo-tls.pem
  $ sluice lint responder.der --kind ocsp-signer --json`,
    )
    .action(async (file: string, options: { issuer?: string; kind?: LintKind }, command: Command) => {
      const der = certificateIn(await readNamedBytes(file, context.terminal), file);
      const kind = options.kind ?? kindOf(der);
      const issuer = options.issuer === undefined ? undefined : await issuerIn(options.issuer, context);
      const findings = lintCertificate(der, issuer === undefined ? { kind } : { kind, issuer });
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      const answer = { file, kind, errors, warnings: findings.length - errors, findings };
      show(context, command, answer, () => findingsScreen(file, kind, findings));
      if (errors > 0) context.endWith(exitCodes.failed);
    });
}
