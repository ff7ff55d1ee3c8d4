import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { verifyToken } from '@sluice/registry-protocol';
import { run } from '../run.js';
import type { Terminal } from '../terminal.js';

type Answer = readonly [status: number, body: unknown];

/** A command line to be run by a test: a terminal that remembers, and a registry that says what the test wants. */
export interface CommandRig {
  /** What the registry answers, by `GET /path`: in order, the last one for ever. */
  readonly answers: Record<string, Answer[]>;
  readonly calls: { readonly call: string; readonly body: unknown }[];
  /** The registry takes a call and answers nothing. */
  hangsUp: boolean;
  readonly out: string[];
  readonly err: string[];
  /** Each picture in its turn. */
  readonly drawn: string[];
  interactive: boolean;
  /** What the person answers. */
  typed: string;
  /** What comes on standard input. */
  input: string;
  /** The person presses Ctrl-C at this pause. */
  interruptAtPause: number;
  /** A folder for files, and the operator's key in it. */
  readonly dir: string;
  readonly keyFile: string;
  readonly registryUrl: string;
  /** Runs it against the registry as operator alice; returns the exit code. */
  sluice(...args: string[]): Promise<number>;
  /** The same with nothing but these arguments. */
  bare(...args: string[]): Promise<number>;
  /** Nobody listens any more. */
  closeRegistry(): Promise<void>;
  end(): Promise<void>;
}

export async function startCommandRig(): Promise<CommandRig> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const registered = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
  const dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  const keyFile = join(dir, 'alice.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  let pauses = 0;

  const server = createServer((req, res) => {
    void buffer(req).then(async (body) => {
      if (rig.hangsUp) {
        res.destroy();
        return;
      }
      const { method = '', url = '', headers } = req;
      const call = `${method} ${url}`;
      rig.calls.push({ call, body: body.length === 0 ? undefined : JSON.parse(body.toString()) });
      const publicKeyOf = async (name: string) => (name === 'alice' ? registered : undefined);
      await verifyToken({
        authorization: headers.authorization,
        method,
        path: url,
        body,
        publicKeyOf,
        now: new Date(),
      });
      const left = rig.answers[call] ?? [];
      const [status, answer] = (left.length > 1 ? left.shift() : left[0]) ?? [404, {}];
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registryUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const terminal: Terminal = {
    out: (text) => void rig.out.push(text),
    err: (text) => void rig.err.push(text),
    get interactive() {
      return rig.interactive;
    },
    ask: async () => rig.typed,
    readInput: async () => rig.input,
    clear: () => void rig.out.push('<clear>'),
    redraw: (text) => void rig.drawn.push(text),
    pause: async () => {
      pauses += 1;
    },
    interrupted: () => pauses >= rig.interruptAtPause,
    now: () => new Date(),
  };
  const bare = (...args: string[]): Promise<number> => run(args, { terminal });
  const rig: CommandRig = {
    answers: {},
    calls: [],
    hangsUp: false,
    out: [],
    err: [],
    drawn: [],
    interactive: false,
    typed: '',
    input: '',
    interruptAtPause: Number.POSITIVE_INFINITY,
    dir,
    keyFile,
    registryUrl,
    sluice: (...args) => bare('--registry', registryUrl, '--operator', 'alice', '--key', keyFile, ...args),
    bare,
    async closeRegistry() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    async end() {
      await rig.closeRegistry();
      rmSync(dir, { recursive: true });
    },
  };
  return rig;
}

/** A problem as the registry says it. */
export function problem(status: number, code: string, more: object = {}): Answer {
  const said = { type: `/problems/${code}`, title: 'T', status, detail: 'What happened', what_to_do: 'Do this.' };
  return [status, { ...said, code, request_id: 'req-12345', ...more }];
}
