import { relative } from 'node:path';
import { operatorKeyFile, operatorNames } from './credentials.js';
import type { Demo } from './demo.js';
import { type LocalFolder, usualFolder } from './local-folder.js';

/** Where everything listens: host:port. */
export interface Addresses {
  readonly registry: string;
  readonly signers: readonly string[];
  readonly frontEnds: readonly string[];
}

/** What is shown when everything runs: where it listens and the line to paste. Paths are absolute where they are pasted. */
export function greeting(facts: {
  addresses: Addresses;
  demo: Demo;
  folder: LocalFolder;
  servers: { postgres: string; queueRedis: string; cacheRedis: string };
}): string {
  const { addresses, demo, folder, servers } = facts;
  const near = (path: string) => relative(process.cwd(), path) || '.';
  const rows: [string, string][] = [
    ...addresses.frontEnds.map((address, index): [string, string] => [
      `identity-api-${index + 1}`,
      `http://${address}`,
    ]),
    ['issuer-registry', `http://${addresses.registry}`],
    ...addresses.signers.map((address, index): [string, string] => [
      `signer-${index + 1}`,
      `http://${address}  (health and metrics only)`,
    ]),
    ['PostgreSQL', withoutPassword(servers.postgres)],
    ['Redis (queue)', withoutPassword(servers.queueRedis)],
    ['Redis (cache)', withoutPassword(servers.cacheRedis)],
    ['operator keys', operatorNames.map((name) => near(operatorKeyFile(folder, name))).join(', ')],
    ['logs', near(folder.logs)],
    ['demo account', `${demo.account}; its key, CSRs and API key: ${near(folder.demo)}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    '',
    'Sluice runs.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    '',
    'Your first certificate:',
    '',
    `  ${curlLine(addresses.frontEnds[0] ?? '', demo)}`,
    '',
    'What happens inside:',
    '',
    `  npx sluice ${elsewhere(facts)}status`,
    '',
    'Ctrl-C drains and stops everything; npm start goes on with the same data.',
    '',
  ].join('\n');
}

/** `sluice` looks into .local/ by itself; a stack that lies elsewhere must be named. */
function elsewhere({ addresses, folder }: { addresses: Addresses; folder: LocalFolder }): string {
  if (folder.path === usualFolder) return '';
  const [operator] = operatorNames;
  const key = quoted(operatorKeyFile(folder, operator));
  return `--registry http://${addresses.registry} --operator ${operator} --key ${key} `;
}

/** A line that works as pasted, from any folder. */
export function curlLine(address: string, demo: Demo): string {
  const headers = [`Authorization: Bearer ${demo.apiKey}`, 'Content-Type: application/json'];
  const options = headers.map((header) => `-H '${header}'`).join(' ');
  return `curl -sS http://${address}/identity ${options} --data-binary ${quoted(`@${demo.requestFile}`)}`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  return `${shown.protocol}//${shown.host}${shown.pathname === '/' ? '' : shown.pathname}`;
}
