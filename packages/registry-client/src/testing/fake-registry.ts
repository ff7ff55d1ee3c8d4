import type { KeyObject } from 'node:crypto';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AcknowledgementBody,
  acknowledgementBodySchema,
  type Entities,
  frameLine,
  provesApplied,
  type Snapshot,
  stateDigest,
  streamNonceBytes,
  verifyToken,
  withChange,
} from '@sluice/registry-protocol';

const nothing: Entities = { cas: [], profiles: [], accounts: [], blockedKeys: '' };
const account = (name: string, ...profiles: string[]): Entities['accounts'][number] => ({
  name,
  state: 'enabled',
  profiles,
  apiKeyHashes: [],
});

/** A registry in memory that serves one subscriber and may misbehave. */
export class FakeRegistry {
  state: Snapshot = { ...nothing, epoch: '1', accounts: [account('acme', 'tls')] };
  history: string = randomUUID();
  /** What versions of the past were sealed with. */
  readonly sealed = new Map<string, string>();
  /** Up to where a restore was admitted. */
  restored = '0';
  /** `away`: drops connections. `silent`: greets and says nothing more. `fenced`, `unauthorized`: says so. */
  mode: 'answers' | 'away' | 'silent' | 'hangs' | 'fenced' = 'answers';
  /** What each stream asked for. */
  readonly asked: { readonly epoch: string | null }[] = [];
  readonly acknowledged: bigint[] = [];
  readonly refused: { epoch: string; code: string; reason: string }[] = [];
  /** Acknowledgements whose proof was wrong. */
  disbelieved = 0;
  /** Every acknowledgement is answered with a conflict. */
  disbelieves = false;
  /** Damages each line on its way. */
  damage: (line: string) => string = (line) => line;
  readonly #publicKey: KeyObject;
  #stream: ServerResponse | undefined;
  #nonce = Buffer.alloc(0);
  #beats: NodeJS.Timeout;

  readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on(
      'end',
      () =>
        void this.#answer(
          request.method ?? '',
          request.url ?? '',
          request.headers.authorization,
          Buffer.concat(chunks),
          response,
        ),
    );
  });

  constructor(publicKey: KeyObject, heartbeatMs: number) {
    this.#publicKey = publicKey;
    this.#beats = setInterval(() => this.beat(), heartbeatMs);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    clearInterval(this.#beats);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next epoch: `acme` may use these profiles. Told unless `quietly`. */
  change(profiles: string[], { quietly = false } = {}): void {
    const from = this.state.epoch;
    this.sealed.set(from, this.#digest());
    const changed = { ...nothing, accounts: [account('acme', ...profiles)] };
    this.state = withChange(this.state, { epoch: String(BigInt(from) + 1n), changed });
    if (!quietly) this.tell(this.changeLine(from, changed));
  }

  changeLine(from: string, changed: Entities): string {
    const { epoch } = this.state;
    return frameLine({ type: 'change', from, epoch, digest: this.#digest(), changed });
  }

  beat(): void {
    if (this.mode === 'answers')
      this.tell(frameLine({ type: 'heartbeat', epoch: this.state.epoch, digest: this.#digest() }));
  }

  tell(line: string): void {
    this.#stream?.write(this.damage(line));
  }

  cut(): void {
    this.#stream?.destroy();
  }

  #digest(): string {
    return Buffer.from(stateDigest(this.state)).toString('base64url');
  }

  #sealedAt(epoch: string | null): string | null {
    if (epoch === this.state.epoch) return this.#digest();
    return epoch !== null && BigInt(epoch) < BigInt(this.state.epoch) ? (this.sealed.get(epoch) ?? null) : null;
  }

  async #answer(
    method: string,
    path: string,
    authorization: string | undefined,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    if (this.mode === 'hangs') return;
    if (this.mode === 'away') return void response.destroy();
    try {
      await verifyToken({
        ...{ authorization, method, path, body, now: new Date() },
        publicKeyOf: async (name) => (name === 'signer-1' ? this.#publicKey : undefined),
      });
    } catch {
      return void response.writeHead(401).end();
    }
    const url = new URL(path, 'http://registry');
    if (url.pathname === '/v1/stream') this.#open(url.searchParams, response);
    else this.#hear(acknowledgementBodySchema.parse(JSON.parse(body.toString())), response);
  }

  #open(query: URLSearchParams, response: ServerResponse): void {
    if (this.mode === 'fenced')
      return void response.writeHead(503).end(JSON.stringify({ code: 'fenced', detail: 'x' }));
    const whole = query.get('whole') === 'true';
    this.asked.push({ epoch: whole ? null : query.get('epoch') });
    this.#stream = response;
    this.#nonce = randomBytes(streamNonceBytes);
    const { history, restored } = this;
    const epoch = query.get('epoch');
    const stream_nonce = this.#nonce.toString('base64url');
    this.tell(frameLine({ type: 'hello', stream_nonce, history, restored, sealed: this.#sealedAt(epoch) }));
    if (this.mode === 'silent') return;
    if (epoch === null || whole) this.tell(frameLine({ type: 'snapshot', digest: this.#digest(), state: this.state }));
    else if (BigInt(epoch) >= BigInt(this.state.epoch)) this.beat();
    else this.tell(this.changeLine(epoch, { ...nothing, accounts: this.state.accounts }));
  }

  #hear(said: AcknowledgementBody, response: ServerResponse): void {
    if ('refused' in said) {
      this.refused.push({ epoch: said.epoch, ...said.refused });
      return void response.end();
    }
    const epoch = BigInt(said.epoch);
    const about = { name: 'signer-1', incarnation: BigInt(said.incarnation), epoch, streamNonce: this.#nonce };
    const believed =
      !this.disbelieves &&
      epoch <= BigInt(this.state.epoch) &&
      (epoch !== BigInt(this.state.epoch) || provesApplied(said.proof, { ...about, digest: stateDigest(this.state) }));
    if (believed) this.acknowledged.push(epoch);
    else this.disbelieved += 1;
    response.writeHead(believed ? 200 : 409).end(believed ? '{}' : JSON.stringify({ code: 'conflict', detail: 'x' }));
  }
}
