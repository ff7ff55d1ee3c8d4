import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type Terminal } from '@sluice/admin-cli';

export interface Said {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** A command line that runs. */
export interface Running {
  /** What it has said on standard error so far. */
  err(): string;
  readonly ended: Promise<Said>;
}

export interface Operator {
  readonly name: string;
  /** SPKI, DER: to be enrolled. */
  readonly publicKey: Uint8Array;
  start(...args: string[]): Running;
  /** Runs it to its end. */
  sluice(...args: string[]): Promise<Said>;
}

/** An operator with a key of their own, at the command line as it ships, where nobody is to be asked. */
export function createOperator(name: string, dir: string, registryUrl: () => string): Operator {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyFile = join(dir, `${name}.pem`);
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const start = (...args: string[]): Running => {
    const out: string[] = [];
    const err: string[] = [];
    const whole = ['--registry', registryUrl(), '--operator', name, '--key', keyFile, ...args];
    const ended = run(whole, { terminal: scriptTerminal(out, err) });
    return {
      err: () => err.join('\n'),
      ended: ended.then((exitCode) => ({ exitCode, out: out.join('\n'), err: err.join('\n') })),
    };
  };
  return {
    name,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    start,
    sluice: (...args) => start(...args).ended,
  };
}

/** As a script has it: nothing is drawn, nothing comes in. */
function scriptTerminal(out: string[], err: string[]): Terminal {
  const none = (): void => undefined;
  return {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    interactive: false,
    ask: async () => '',
    readInput: async () => '',
    clear: none,
    redraw: none,
    pause: (waitMs) => sleep(waitMs),
    interrupted: () => false,
    now: () => new Date(),
  };
}
