import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFaults } from './certificate-faults.js';
import { csrOf } from './csr-of.js';
import type { Order } from './expected-certificate.js';
import { forbiddenBy } from './forbidden-by.js';
import { holdsInBulk } from './in-bulk.js';
import { type InputAnswer, type InputSystem, startInputSystem } from './input-system.js';
import { mutatedDer } from './mutations/der.js';
import { mutatedJson } from './mutations/json.js';
import { type Level, levels, type Mutated } from './mutations/mutated.js';
import { mutatedPem } from './mutations/pem.js';
import { mutatedRule } from './mutations/rule.js';
import { mutatedSchema } from './mutations/schema.js';
import { type Stage, stageOf } from './stage-of.js';
import { makeSoundCsrs, makeSubjectKeys, type SoundCsr } from './subject-keys.js';
import { asSentAt, type ValidOrder, validOrders } from './valid-orders.js';

const inFlight = 64;
/** Thousands of certificates: beyond any machine's pace. */
const timeoutMs = 3_600_000;

/**
 * Generated orders against the real system: `valid` that must be issued exactly as asked, and `mutated` that must be
 * refused, or be permitted as they are. `INPUT_SEED` repeats a run.
 */
export function describeInputs(counts: { readonly valid: number; readonly mutated: number }): void {
  const seed = Number(process.env.INPUT_SEED ?? Math.floor(Math.random() * 2 ** 31));
  let inputs: InputSystem;
  let csrs: readonly SoundCsr[];
  let orders: fc.Arbitrary<ValidOrder>;
  /** Of what was issued, to be compared with the ledger at the end. */
  const serials: string[] = [];
  let madeBefore = 0;

  beforeAll(async () => {
    console.info(`INPUT_SEED=${seed}`);
    const [started, keys] = await Promise.all([startInputSystem(), makeSubjectKeys()]);
    inputs = started;
    csrs = makeSoundCsrs(keys);
    orders = fc.oneof(...[...inputs.profiles.values()].map((document) => validOrders(document, csrs)));
    madeBefore = await certificatesMade();
  });
  afterAll(async () => {
    if (inputs) expect(await inputs.stop()).toEqual([]);
  });

  async function certificatesMade(): Promise<number> {
    const [row] = await inputs.system.query<{ count: string }>('select count(*) as count from ledger.certificate');
    return Number(row?.count);
  }

  /** Issued: is the order permitted, and the certificate exactly that? `spki` of a CSR that nothing was done to. */
  function issuedFaults(body: Uint8Array, answer: InputAnswer, spki?: Uint8Array): string[] {
    serials.push(String(answer.body.serial));
    const order = JSON.parse(new TextDecoder().decode(body)) as Order;
    const document = inputs.profiles.get(order.profile);
    if (document === undefined) return [`issued by a profile ${order.profile}`];
    const csr = spki === undefined ? csrOf(order.csr) : { spki, faults: [] };
    if (csr.faults.length > 0) return csr.faults.map((fault) => `issued for a CSR with a fault: ${fault}`);
    const forbidden = forbiddenBy(document, order, csr.spki).map((fault) => `issued though forbidden: ${fault}`);
    return [...forbidden, ...certificateFaults(document, order, csr.spki, answer)];
  }

  it(
    `${counts.valid} valid orders: each is issued, exactly as asked, and nothing else`,
    async () => {
      const seen = new Set<string>();
      const faultsOf = async (valid: ValidOrder): Promise<string[]> => {
        const { document, csr, byProof, life, body } = valid;
        const order = asSentAt(valid, new Date());
        const sent = byProof ? await inputs.withProof(order, csr.key) : order;
        const octets = Buffer.from(byProof || life !== undefined ? JSON.stringify(sent) : body);
        const answer = await inputs.order(octets, randomUUID());
        if (answer.status !== 201) return [`${answer.status} ${JSON.stringify(answer.body)}`];
        for (const what of [document.name, csr.signing.name, csr.kind]) seen.add(what);
        return issuedFaults(octets, answer, csr.key.spki);
      };
      const show = ({ body, csr, byProof }: ValidOrder): string =>
        `${body} (${csr.kind}, ${byProof ? 'proof' : csr.signing.name})`;
      await holdsInBulk({ arbitrary: orders, faultsOf, show }, { seed, count: counts.valid, inFlight });
      const wanted = [...inputs.profiles.keys(), ...csrs.flatMap(({ signing, kind }) => [signing.name, kind])];
      expect(seen).toEqual(new Set(wanted));
    },
    timeoutMs,
  );

  describe(`${counts.mutated} orders to which something was done`, () => {
    const reached = new Map<Stage, number>();
    /** What was done at each level, by where it ended: for whoever wants to know. */
    const ends = new Map<string, number>();

    it(
      'none is a fault of ours, and none is issued but as its profile permits',
      async () => {
        const arbitrary = fc.tuple(fc.constantFrom(...levels), orders).chain(([level, order]) => mutate(level, order));
        const faultsOf = async ({ level, body }: Mutated): Promise<string[]> => {
          const answer = await inputs.order(body, randomUUID());
          const stage = stageOf(answer);
          if (stage === undefined) return [`${answer.status} ${JSON.stringify(answer.body)}`];
          reached.set(stage, (reached.get(stage) ?? 0) + 1);
          ends.set(`${level} → ${stage}`, (ends.get(`${level} → ${stage}`) ?? 0) + 1);
          return stage === 'issued' ? issuedFaults(body, answer) : [];
        };
        const show = ({ level, what, body }: Mutated): string => `${level}, ${what}: ${Buffer.from(body).toString()}`;
        await holdsInBulk({ arbitrary, faultsOf, show }, { seed, count: counts.mutated, inFlight });
      },
      timeoutMs,
    );

    it('one in ten of them, and more, ended at each stage, by what the front end said', () => {
      console.info(
        [...ends]
          .map(([way, count]) => `${way} ${count}`)
          .sort()
          .join(', '),
      );
      for (const level of levels) expect(reached.get(level), level).toBeGreaterThanOrEqual(counts.mutated / 10);
    });
  });

  it('every process is as it was, and there is no certificate that nobody was told of', async () => {
    const { system } = inputs;
    const members = [system.registry, ...system.frontEnds, ...system.signers];
    expect(members.filter(({ alive }) => !alive).map(({ name }) => name)).toEqual([]);
    await system.settle(10_000);
    expect(new Set(serials).size).toBe(serials.length);
    expect(await certificatesMade()).toBe(madeBefore + serials.length);
  });

  function mutate(level: Level, order: ValidOrder): fc.Arbitrary<Mutated> {
    const profiles = [...inputs.profiles.keys()];
    const ways: Readonly<Record<Level, () => fc.Arbitrary<Mutated>>> = {
      json: () => mutatedJson(order),
      schema: () => mutatedSchema(order),
      pem: () => mutatedPem(order),
      der: () => mutatedDer(order),
      rule: () => mutatedRule(order, { csrs, profiles }),
    };
    return ways[level]();
  }
}
